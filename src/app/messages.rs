//! What the user is told: faults stay until they are put away, news goes by itself.

use super::theme;
use eframe::egui::{self, RichText, Ui};

/// News stays so many seconds.
const NEWS_SECONDS: f64 = 10.0;
/// No more than so many at a time: the oldest goes.
const MOST: usize = 4;

/// One message.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    text: String,
    fault: bool,
    since: f64,
}

/// The messages on screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Messages {
    list: Vec<Message>,
}

impl Messages {
    /// Something went wrong; stays until it is put away.
    pub fn fault(&mut self, text: impl Into<String>, now: f64) {
        self.push(text.into(), true, now);
    }

    /// Something worth knowing; goes by itself.
    pub fn news(&mut self, text: impl Into<String>, now: f64) {
        self.push(text.into(), false, now);
    }

    fn push(&mut self, text: String, fault: bool, since: f64) {
        let text = text.replace(char::is_control, " ");
        // The same again only starts its time anew.
        self.list.retain(|message| message.text != text);
        self.list.push(Message { text, fault, since });
        if self.list.len() > MOST {
            self.list.remove(0);
        }
    }

    /// Puts all faults away: what they were about works again.
    pub fn clear_faults(&mut self) {
        self.list.retain(|message| !message.fault);
    }

    /// Every text on screen.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|message| message.text.as_str())
    }

    /// Draws them, and forgets what is over.
    pub fn ui(&mut self, ui: &mut Ui) {
        let now = ui.input(|input| input.time);
        self.list.retain(|message| message.fault || now - message.since < NEWS_SECONDS);
        if self.list.iter().any(|message| !message.fault) {
            ui.ctx().request_repaint_after_secs(1.0);
        }
        let mut away = None;
        for (number, message) in self.list.iter().enumerate() {
            let colour = if message.fault { theme::fault(ui) } else { theme::accent(ui) };
            let frame = egui::Frame::new().fill(colour.gamma_multiply(0.14)).stroke((1.0, colour)).corner_radius(5).inner_margin(8);
            frame.show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.horizontal(|ui| {
                    let sign = if message.fault { "⚠" } else { "✔" };
                    ui.label(RichText::new(sign).color(colour).strong());
                    let width = (ui.available_width() - 40.0).max(80.0);
                    ui.scope(|ui| {
                        ui.set_max_width(width);
                        ui.add(egui::Label::new(&message.text).wrap());
                    });
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        let button = ui.button("✖").on_hover_text("Put this message away");
                        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Put message away"));
                        if button.clicked() {
                            away = Some(number);
                        }
                    });
                });
            });
        }
        if let Some(number) = away {
            self.list.remove(number);
        }
    }
}
