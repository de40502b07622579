//! How far branches come apart, against the timestep at which they leave the stem.

use super::view::View;
use crate::{
    app::{
        state::{controls::Controls, view_settings::Tree},
        widgets::{hint::Hint, still_plot::still_plot, theme, tile::named},
    },
    schedule::Fork,
};
use eframe::egui::{DragValue, RichText, Role, Sense, Ui, WidgetInfo};
use egui_plot::{GridMark, HoverPosition, Line, PlotPoints, Points};

/// Draws the curve with its title and options.
pub(super) fn curve_ui(ui: &mut Ui, view: &View<'_>, draft: &mut Controls, height: f32) {
    let (ours, branch, faint) = (theme::accent(ui), theme::caution(ui), theme::faint(ui));
    let (points, old) = view.decided(ui.ctx(), draft);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("When is the picture decided?").strong().size(14.5));
        measure_ui(ui, &mut draft.view.fork);
        if !points.is_empty() {
            ui.label(RichText::new("line: several noise seeds from one step").color(if old { faint } else { ours }).size(13.0));
        }
        ui.label(RichText::new("diamonds: the branches above, from the stem").color(branch).size(13.0));
    });
    let sentence = sentence(&points, draft);
    ui.label(RichText::new(&sentence).color(faint));
    let of_branch = |(number, forks): (usize, &Vec<Fork>)| {
        let t = f64::from(forks.first()?.t);
        view.distance_from_stem(ui.ctx(), number, forks).map(|apart| [t, apart])
    };
    let branches: Vec<[f64; 2]> = draft.view.fork.branches.iter().enumerate().filter_map(of_branch).collect();
    let high = view.stem().and_then(|schedule| schedule.steps.first()).map_or(1000.0, |step| f64::from(step.t));
    let colour = if old { faint } else { ours };
    // From left to right as the run goes: t falls.
    let place = |points: &[[f64; 2]]| points.iter().map(|[t, y]| [-t, *y]).collect::<Vec<_>>();
    let (points, branches) = (place(&points), place(&branches));
    let most = points.iter().chain(&branches).map(|[_, y]| *y).fold(0.1, f64::max);
    let shown = still_plot("when the picture is decided", (height - 62.0).max(60.0))
        .sense(Sense::hover())
        .grid_color(faint.gamma_multiply(0.35))
        .y_axis_min_width(40.0)
        .include_x(-high)
        .include_x(0.0)
        .include_y(0.0)
        .include_y(most * 1.08)
        .x_axis_label("timestep t of the fork")
        .x_axis_formatter(|mark, _| format!("{:.0}", -mark.value).replace("-0", "0"))
        .y_grid_spacer(move |_| {
            let step = if most > 0.5 {
                0.2
            } else if most > 0.2 {
                0.1
            } else {
                0.05
            };
            (0..=20)
                .map(|i| GridMark { value: f64::from(i) * step, step_size: step })
                .filter(|mark| mark.value <= most * 1.08)
                .collect()
        })
        .y_axis_formatter(|mark, _| format!("{:.2}", mark.value))
        .label_formatter(|at| match at {
            HoverPosition::NearDataPoint { plot_name, position, .. } if !plot_name.is_empty() => {
                Some(format!("{plot_name}\nt = {:.0}: {:.3}", -position.x, position.y))
            }
            _ => None,
        })
        .show(ui, |plot| {
            plot.line(Line::new("", PlotPoints::from(points.clone())).color(colour).width(2.0).allow_hover(false));
            plot.points(Points::new("several seeds from one step", PlotPoints::from(points)).color(colour).radius(4.0));
            let diamonds = Points::new("a branch, from the stem", PlotPoints::from(branches)).color(branch).radius(5.0);
            plot.points(diamonds.shape(egui_plot::MarkerShape::Diamond));
        });
    let hover = "Root mean square difference of the finished pictures, pixels in [0, 1]: of several noise seeds the mean of all pairs, of a \
                 branch that from the stem. Left: forks at the beginning of the run";
    let response = shown.response.hint(hover);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Distance of the ends against the fork: {sentence}")));
}

/// The options of the measurement.
fn measure_ui(ui: &mut Ui, tree: &mut Tree) {
    let hover = "Branches off at steps along the whole run, each time with several noise seeds, and measures how far their ends lie \
                 apart: where that falls, the picture is decided";
    named(ui.checkbox(&mut tree.measure, "measure this"), "measure when the picture is decided", hover);
    let drag = ui.add(DragValue::new(&mut tree.places).range(2..=40).speed(0.1).suffix(" forks"));
    named(drag, "number of forks", "At so many steps of the run, evenly spread");
    let drag = ui.add(DragValue::new(&mut tree.seeds).range(2..=16).speed(0.05).suffix(" noise seeds"));
    named(drag, "number of noise seeds at each fork", "So many branches leave the run at each of them");
}

/// What the curve says.
fn sentence(points: &[[f64; 2]], draft: &Controls) -> String {
    if !draft.view.fork.measure {
        return "Not measured yet.".to_owned();
    }
    if draft.eta == 0.0 && !draft.is_posterior() {
        return "η = 0: no step adds noise, so x_T has decided the picture before the first step. Raise η of the stem.".to_owned();
    }
    let Some([_, largest]) = points.iter().copied().max_by(|a, b| a[1].total_cmp(&b[1])) else {
        return "Being measured …".to_owned();
    };
    let half = points.iter().rev().find(|[_, y]| *y >= largest / 2.0).map_or(0.0, |[t, _]| *t);
    format!(
        "Ends lie up to {largest:.3} apart. Until t = {half:.0} the noise that is still to come makes half of that difference; after it \
         the picture is decided."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_tells_where_half_of_the_difference_is_left() {
        let mut draft = Controls::default();
        assert_eq!(sentence(&[], &draft), "Not measured yet.");
        draft.view.fork.measure = true;
        assert!(sentence(&[], &draft).starts_with("η = 0"));
        draft.eta = 1.0;
        assert_eq!(sentence(&[], &draft), "Being measured …");
        let points = [[900.0, 0.3], [600.0, 0.2], [300.0, 0.15], [100.0, 0.01]];
        assert!(sentence(&points, &draft).contains("up to 0.300 apart. Until t = 300"), "{}", sentence(&points, &draft));
    }
}
