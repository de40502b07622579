//! Tooltips that stay out of the way: none while a button is down, as what is dragged changes the picture that a tooltip would cover. A finger
//! cannot hover: it asks for one by staying on a widget, and has it until a while after it is lifted.

use eframe::egui::{Id, Response, Tooltip, Ui, WidgetText};

/// Seconds from the lifted finger to the end of its tooltip.
const LINGER: f64 = 2.0;

/// Tooltips of a widget.
pub(crate) trait Hint {
    /// As [`Response::on_hover_text`].
    fn hint(self, text: impl Into<WidgetText>) -> Self;

    /// As [`Response::on_hover_ui`].
    fn hint_ui(self, contents: impl FnOnce(&mut Ui)) -> Self;
}

impl Hint for Response {
    fn hint(self, text: impl Into<WidgetText>) -> Self {
        if is_touched(&self) {
            return self.hint_ui(|ui| {
                ui.label(text);
            });
        }
        if is_held(&self) { self } else { self.on_hover_text(text) }
    }

    fn hint_ui(self, contents: impl FnOnce(&mut Ui)) -> Self {
        if is_touched(&self) {
            Tooltip::always_open(self.ctx.clone(), self.layer_id, self.id, self.rect).show(contents);
            return self;
        }
        if is_held(&self) { self } else { self.on_hover_ui(contents) }
    }
}

/// Whether a button is down.
fn is_held(response: &Response) -> bool {
    response.ctx.input(|input| input.pointer.any_down())
}

/// Whether a finger stays on the widget, or did so a moment ago.
fn is_touched(response: &Response) -> bool {
    let place = Id::unique("touched by a finger that stays");
    let (now, touches, pressed) = response.ctx.input(|input| (input.time, input.any_touches(), input.pointer.any_pressed()));
    if response.long_touched() {
        response.ctx.data_mut(|data| data.insert_temp(place, (response.id, now + LINGER)));
    }
    let Some((touched, until)) = response.ctx.data(|data| data.get_temp::<(Id, f64)>(place)) else { return false };
    if touched != response.id {
        return false;
    }
    if touches && !pressed {
        response.ctx.data_mut(|data| data.insert_temp(place, (touched, now + LINGER)));
    } else if pressed || now >= until {
        response.ctx.data_mut(|data| data.remove::<(Id, f64)>(place));
        return false;
    }
    response.ctx.request_repaint_after_secs((until - now).clamp(0.05, LINGER) as f32);
    true
}
