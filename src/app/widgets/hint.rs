//! Tooltips that stay out of the way: none while a button is down, as what is dragged changes the picture that a tooltip would cover.

use eframe::egui::{Response, Ui, WidgetText};

/// Tooltips of a widget.
pub(crate) trait Hint {
    /// As [`Response::on_hover_text`].
    fn hint(self, text: impl Into<WidgetText>) -> Self;

    /// As [`Response::on_hover_ui`].
    fn hint_ui(self, contents: impl FnOnce(&mut Ui)) -> Self;
}

impl Hint for Response {
    fn hint(self, text: impl Into<WidgetText>) -> Self {
        if is_held(&self) { self } else { self.on_hover_text(text) }
    }

    fn hint_ui(self, contents: impl FnOnce(&mut Ui)) -> Self {
        if is_held(&self) { self } else { self.on_hover_ui(contents) }
    }
}

/// Whether a button is down. A finger is not: it asks for a tooltip by staying on a widget.
fn is_held(response: &Response) -> bool {
    response.ctx.input(|input| input.pointer.any_down() && !input.any_touches())
}
