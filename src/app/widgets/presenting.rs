//! Whether this is a presentation: panels then give their pictures the room of words and controls.

use eframe::egui::{Context, Id};

fn id() -> Id {
    Id::unique("presenting")
}

/// Says so for the panels that are drawn after this.
pub(crate) fn set(ctx: &Context, on: bool) {
    ctx.data_mut(|data| data.insert_temp(id(), on));
}

/// Whether it is one.
pub(crate) fn is_on(ctx: &Context) -> bool {
    ctx.data(|data| data.get_temp(id())).unwrap_or(false)
}
