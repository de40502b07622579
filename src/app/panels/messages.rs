//! The messages: over the page, so that nothing on it moves, in a stack at the lower right whose newest is the lowest.

use crate::app::{
    state::messages::Messages,
    widgets::{hint::Hint, theme},
};
use eframe::egui::{self, Align, Align2, Area, Context, Id, Label, Layout, Order, RichText, Role, Ui, WidgetInfo, vec2};

/// Widest, in points; and above the status bar by so much.
const WIDTH: f32 = 440.0;
const ABOVE: f32 = 44.0;
const MARGIN: f32 = 12.0;

/// Draws the messages and forgets those that are over.
pub(crate) fn messages_ui(ctx: &Context, messages: &mut Messages) {
    let now = ctx.input(|input| input.time);
    if messages.forget_old(now) {
        ctx.request_repaint_after_secs(0.5);
    }
    if messages.iter().next().is_none() {
        return;
    }
    let room = ctx.content_rect();
    let width = WIDTH.min(room.width() - 2.0 * MARGIN).max(120.0);
    let place = Area::new(Id::unique("messages")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, vec2(-MARGIN, -ABOVE));
    let mut away = None;
    let shown = place.show(ctx, |ui| {
        ui.set_max_width(width);
        for (number, (text, fault)) in messages.iter().enumerate() {
            if message_ui(ui, text, fault, width) {
                away = Some(number);
            }
        }
    });
    // What somebody is reading stays.
    if shown.response.contains_pointer() {
        messages.hold(now);
    }
    if let Some(number) = away {
        messages.dismiss(number);
    }
}

/// Draws a message; whether it is to go.
fn message_ui(ui: &mut Ui, text: &str, fault: bool, width: f32) -> bool {
    let colour = if fault { theme::fault(ui) } else { theme::accent(ui) };
    let fill = ui.visuals().window_fill;
    let frame =
        egui::Frame::new().fill(fill).stroke((1.0, colour)).corner_radius(5).inner_margin(8).shadow(ui.visuals().popup_shadow);
    let inner = frame.show(ui, |ui| {
        ui.set_width(width - 18.0);
        ui.horizontal(|ui| {
            let sign = if fault { "⚠" } else { "✔" };
            ui.label(RichText::new(sign).color(colour).strong());
            let room = (ui.available_width() - 40.0).max(60.0);
            ui.scope(|ui| {
                ui.set_max_width(room);
                ui.add(Label::new(text).wrap());
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let button = ui.button("✖").hint("Put this message away");
                button.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Put message away"));
                button.clicked()
            })
            .inner
        })
        .inner
    });
    inner.inner
}
