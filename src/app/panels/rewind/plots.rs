//! The error against S, with the paper's numbers beside it, and the numbers of x_T against N(0, 1).

use super::view::{View, error_text};
use crate::{
    app::widgets::{hint::Hint, still_plot::still_plot, theme},
    picture::reconstruction::PAPER,
};
use eframe::egui::{Color32, RichText, Role, Sense, Ui, WidgetInfo};
use egui_plot::{Bar, BarChart, GridMark, HoverPosition, Line, LineStyle, Plot, PlotPoints, Points};

/// Bins of the histogram: from −4 to 4, this wide.
const BIN: f64 = 0.25;
const BINS: usize = 32;

/// A plot with nothing in it to click on.
fn still<'a>(ui: &Ui, name: &str, height: f32) -> Plot<'a> {
    still_plot(name, height.max(60.0))
        .sense(Sense::hover())
        .grid_color(theme::faint(ui).gamma_multiply(0.35))
        .y_axis_min_width(40.0)
}

fn title_ui(ui: &mut Ui, title: &str, legend: &[(&str, Color32)]) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        ui.label(RichText::new(title).strong().size(14.5));
        for (text, colour) in legend {
            ui.label(RichText::new(*text).color(*colour).size(13.0));
        }
    });
}

/// The error against S, both as powers of ten.
pub(super) fn errors_ui(ui: &mut Ui, view: &View<'_>, height: f32) {
    let (ours, paper, faint) = (theme::accent(ui), theme::caution(ui), theme::faint(ui));
    let errors = |old: Option<_>| old.map(|shown: super::Rewound<'_>| shown.errors()).unwrap_or_default();
    let newest = errors(view.newest());
    let before = errors(view.previous.map(|run| super::Rewound { run, old: true }));
    let is_old = newest.is_empty() && !before.is_empty();
    let measured = if is_old { ("measured before the change", faint) } else { ("measured", ours) };
    title_ui(ui, "Error against S", &[measured, ("– – paper, CIFAR-10", paper)]);
    let said: Vec<String> = newest.iter().map(|(steps, error)| format!("S = {steps}: {}", error_text(*error))).collect();
    let log = |points: &[(usize, f64)]| -> Vec<[f64; 2]> {
        let positive = points.iter().filter(|(_, error)| *error > 0.0);
        positive.map(|(steps, error)| [(*steps as f64).log10(), error.log10()]).collect()
    };
    let (newest, before, printed) = (log(&newest), log(&before), log(&PAPER));
    // What is measured anew replaces what was, point by point.
    let before: Vec<_> = before.into_iter().filter(|[s, _]| newest.iter().all(|[new, _]| new != s)).collect();
    let all = || printed.iter().chain(&newest).chain(&before);
    let low = all().map(|[_, y]| y.floor()).fold(-4.0, f64::min);
    let high = all().map(|[_, y]| y.ceil()).fold(-1.0, f64::max);
    let shown = still(ui, "rewind errors", height)
        .include_x(0.95)
        .include_x(3.05)
        .include_y(low)
        .include_y(high)
        .x_axis_label("S")
        .x_grid_spacer(|_| PAPER.map(|(steps, _)| GridMark { value: (steps as f64).log10(), step_size: 1.0 }).to_vec())
        .x_axis_formatter(|mark, _| format!("{:.0}", 10_f64.powf(mark.value)))
        .y_grid_spacer(move |_| (low as i32..=high as i32).map(|e| GridMark { value: f64::from(e), step_size: 1.0 }).collect())
        .y_axis_formatter(|mark, _| format!("1e{:.0}", mark.value).replace('-', "−"))
        .label_formatter(|at| match at {
            HoverPosition::NearDataPoint { plot_name, position, .. } if !plot_name.is_empty() => {
                Some(format!("{plot_name}\nS = {:.0}: {}", 10_f64.powf(position.x), error_text(10_f64.powf(position.y))))
            }
            _ => None,
        })
        .show(ui, |plot| {
            let dashed = Line::new("", PlotPoints::from(printed.clone())).style(LineStyle::dashed_loose());
            plot.line(dashed.color(paper).width(1.5).allow_hover(false));
            plot.points(Points::new("paper, Table 2", PlotPoints::from(printed)).color(paper).radius(2.5));
            plot.points(Points::new("before the change", PlotPoints::from(before)).color(faint).radius(3.0));
            plot.line(Line::new("", PlotPoints::from(newest.clone())).color(ours).width(2.0).allow_hover(false));
            plot.points(Points::new("measured", PlotPoints::from(newest)).color(ours).radius(4.0));
        });
    let name = if said.is_empty() { "not measured yet".to_owned() } else { said.join("; ") };
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Error against S: {name}")));
}

/// How the numbers of x_T are spread, beside the density of N(0, 1).
pub(super) fn histogram_ui(ui: &mut Ui, view: &View<'_>, height: f32) {
    let (ours, normal) = (theme::accent(ui), theme::caution(ui));
    let found = view.find(|shown| Some(density(&shown.up()?.x)));
    let is_old = found.as_ref().is_some_and(|(shown, _)| shown.old);
    let (colour, name) = if is_old { (theme::faint(ui), "x_T before the change") } else { (ours, "x_T") };
    title_ui(ui, "Numbers of x_T", &[(name, colour), ("— N(0, 1)", normal)]);
    let bars = found.map(|(_, bins)| bins).unwrap_or_default();
    let bars: Vec<Bar> = bars
        .into_iter()
        .enumerate()
        .map(|(i, share)| Bar::new(middle(i), share).width(BIN).fill(colour.gamma_multiply(0.45)))
        .collect();
    let curve: Vec<[f64; 2]> = (-40..=40).map(|i| f64::from(i) / 10.0).map(|x| [x, gaussian(x)]).collect();
    let shown = still(ui, "rewind histogram", height)
        .include_x(-4.0)
        .include_x(4.0)
        .include_y(0.0)
        .include_y(0.45)
        .show_y(false)
        .x_axis_label("value")
        .x_grid_spacer(|_| (-2..=2).map(|i| GridMark { value: f64::from(2 * i), step_size: 2.0 }).collect())
        .x_axis_formatter(|mark, _| format!("{:.0}", mark.value).replace('-', "−"))
        .y_grid_spacer(|input| {
            let marks = (0..=20).map(|i| GridMark { value: f64::from(i) / 5.0, step_size: 0.2 });
            marks.filter(|mark| mark.value <= input.bounds.1).collect()
        })
        .y_axis_formatter(|mark, _| format!("{:.1}", mark.value))
        .label_formatter(|_| None)
        .show(ui, |plot| {
            plot.bar_chart(BarChart::new("x_T", bars).color(colour.gamma_multiply(0.6)).allow_hover(false));
            plot.line(Line::new("", PlotPoints::from(curve)).color(normal).width(2.0).allow_hover(false));
        });
    let response = shown.response.hint("x_T of a sample is drawn from N(0, 1). What a picture is encoded to should look like it");
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Histogram of x_T against N(0, 1)"));
}

/// The middle of a bin.
pub(crate) fn middle(bin: usize) -> f64 {
    (bin as f64 + 0.5 - BINS as f64 / 2.0) * BIN
}

/// The density of N(0, 1).
pub(crate) fn gaussian(x: f64) -> f64 {
    (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// The share of the numbers in each bin, per unit.
pub(crate) fn density(x: &[f32]) -> Vec<f64> {
    let mut bins = vec![0.0; BINS];
    let each = 1.0 / (x.len().max(1) as f64 * BIN);
    for value in x {
        let bin = (f64::from(*value) / BIN + BINS as f64 / 2.0).floor();
        if (0.0..BINS as f64).contains(&bin) {
            bins[bin as usize] += each;
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_density_of_what_is_in_sight_is_a_share_of_all() {
        let bins = density(&[-4.0, -0.1, 0.1, 0.2, 3.99, 4.0, -4.01, f32::NAN]);
        assert_eq!((bins[0], bins[15], bins[16], bins[31]), (0.5, 0.5, 1.0, 0.5));
        assert!((middle(16) - 0.125).abs() < 1e-12 && (gaussian(0.0) - 0.398_942_3).abs() < 1e-6);
    }
}
