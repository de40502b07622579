//! ‖x_T‖/√d along the strip: slerp keeps it, lerp does not.

use super::{
    modes::{COLOURS, NAMES},
    view::View,
};
use crate::app::{
    state::{run_view::RunView, view_settings::Interpolate},
    widgets::tile,
};
use eframe::egui::{RichText, Ui, Vec2};
use egui_plot::{GridMark, HoverPosition, Line, LineStyle, Plot, PlotPoints, Points, VLine};

/// Draws the plot into `size`.
pub(crate) fn norms_ui(ui: &mut Ui, view: &View<'_>, interpolate: &Interpolate, size: Vec2) {
    ui.label(RichText::new("‖x_T‖/√d against λ").size(14.0));
    let usable = |run: &&RunView| run.plan.is_some() && !run.controls.view.interpolate.grid;
    let run = view.between.filter(usable).or(view.previous.filter(usable));
    let lines: Vec<Vec<[f64; 2]>> = run
        .and_then(|run| {
            let stops = run.controls.view.interpolate.stops();
            let rms = &run.plan.as_ref()?.latent_rms;
            Some(rms.iter().map(|rms| stops.iter().zip(rms).map(|(t, r)| [*t, *r]).collect()).collect())
        })
        .unwrap_or_default();
    let weak = ui.visuals().weak_text_color();
    let plot = Plot::new("interpolate norms")
        .width(size.x.max(80.0))
        .height((size.y - 22.0).max(60.0))
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .include_x(-0.03)
        .include_x(1.03)
        .include_y(0.6)
        .include_y(1.1)
        .x_grid_spacer(|_| [0.0, 0.25, 0.5, 0.75, 1.0].map(|value| GridMark { value, step_size: 0.25 }).to_vec())
        .x_axis_formatter(|mark, _| if mark.value == 0.0 { "λ = 0".to_owned() } else { mark.value.to_string() })
        .y_grid_spacer(|input| {
            // What a picture is encoded to may be longer than noise.
            let every = if input.bounds.1 > 1.6 { 5 } else { 1 };
            let marks = (0..=100).step_by(every).map(|i| GridMark { value: f64::from(i) / 10.0, step_size: 0.1 });
            marks.filter(|mark| (input.bounds.0..=input.bounds.1).contains(&mark.value)).collect()
        })
        .y_axis_min_width(32.0)
        .label_formatter(|at| match at {
            HoverPosition::NearDataPoint { plot_name, position, .. } if !plot_name.is_empty() => {
                Some(format!("{plot_name}, λ = {:.2}\n‖x_T‖/√d = {:.3}", position.x, position.y))
            }
            _ => None,
        });
    let position = interpolate.position[0];
    let shown = plot.show(ui, |plot| {
        plot.vline(VLine::new("", position).color(weak).style(LineStyle::dashed_loose()).allow_hover(false));
        for ((points, name), colour) in lines.into_iter().zip(NAMES).zip(COLOURS) {
            plot.line(Line::new("", PlotPoints::from(points.clone())).color(colour).width(2.5).allow_hover(false));
            plot.points(Points::new(name, PlotPoints::from(points)).color(colour).radius(3.5));
        }
    });
    let tooltip =
        "The network was trained on latents of length √d: 1 here. Slerp stays there, lerp sinks to about 0.71 in the middle";
    tile::named(shown.response, "length of x_T against λ", tooltip);
}
