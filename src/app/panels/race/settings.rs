//! What a side samples with: DDIM's η, σ̂ or DDPM, and S.

use super::view::View;
use crate::app::{
    state::{
        controls::Controls,
        race::{Method, Racer},
        racers::SIDES,
        written::plain,
    },
    widgets::{hint::Hint, theme, tile::named},
};
use eframe::egui::{ComboBox, DragValue, RichText, Ui};

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Eta => "with η",
        Method::SigmaHat => "σ̂",
        Method::Ddpm => "preset ddpm",
    }
}

/// Draws the row; `draft` takes what the user changes.
pub(super) fn settings_ui(ui: &mut Ui, view: &View<'_>, draft: &mut Controls, side: usize) {
    let name = SIDES[side];
    let max_steps = view.train_timesteps.max(1);
    ui.horizontal_wrapped(|ui| {
        let title = ui.label(RichText::new(name).strong().size(20.0).color(theme::accent(ui)));
        let racer: &mut Racer = &mut draft.view.race.sides[side];
        let combo = ComboBox::from_id_salt(("race", side)).width(96.0).selected_text(method_name(racer.method)).show_ui(ui, |ui| {
            for (method, hover) in [
                (Method::Eta, "Eq. 12 with η: 0 is DDIM, 1 DDPM"),
                (Method::SigmaHat, "The larger variance of Table 1"),
                (Method::Ddpm, "DDPMScheduler as the model's scheduler_config.json sets it"),
            ] {
                ui.selectable_value(&mut racer.method, method, method_name(method)).hint(hover);
            }
        });
        combo.response.labelled_by(title.id).hint("How this side samples");
        ui.label("S");
        // A larger S is that of a model with more timesteps: it stays until somebody moves it.
        let mut steps = racer.steps.min(max_steps);
        let drag = ui.add(DragValue::new(&mut steps).range(1..=max_steps).speed(0.5));
        let hover = format!("Steps of this side, out of T = {max_steps}. Drag, or click to type");
        if named(drag, format!("S of {name}"), hover).changed() {
            racer.steps = steps;
        }
        if racer.method == Method::Eta {
            ui.label("η");
            let drag =
                DragValue::new(&mut racer.eta).range(0.0..=1.0).speed(0.01).max_decimals(3).custom_formatter(|eta, _| plain(eta));
            named(ui.add(drag), format!("η of {name}"), "0 adds no noise (DDIM), 1 as much as DDPM. Drag, or click to type");
        }
    });
}
