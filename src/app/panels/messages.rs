//! The messages above the open panel.

use crate::app::{
    state::messages::Messages,
    widgets::{hint::Hint, theme},
};
use eframe::egui::{self, RichText, Ui};

/// Draws the messages and forgets those that are over.
pub(crate) fn messages_ui(ui: &mut Ui, messages: &mut Messages) {
    let now = ui.input(|input| input.time);
    if messages.forget_old(now) {
        ui.ctx().request_repaint_after_secs(1.0);
    }
    let mut away = None;
    for (number, (text, fault)) in messages.iter().enumerate() {
        let colour = if fault { theme::fault(ui) } else { theme::accent(ui) };
        let frame = egui::Frame::new().fill(colour.gamma_multiply(0.14)).stroke((1.0, colour)).corner_radius(5).inner_margin(8);
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                let sign = if fault { "⚠" } else { "✔" };
                ui.label(RichText::new(sign).color(colour).strong());
                let width = (ui.available_width() - 40.0).max(80.0);
                ui.scope(|ui| {
                    ui.set_max_width(width);
                    ui.add(egui::Label::new(text).wrap());
                });
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let button = ui.button("✖").hint("Put this message away");
                    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Put message away"));
                    if button.clicked() {
                        away = Some(number);
                    }
                });
            });
        });
    }
    if let Some(number) = away {
        messages.dismiss(number);
    }
}
