//! Which keys the widget that has the focus needs for itself; all others work wherever the focus is.

use eframe::egui::{Context, EventFilter, Id, Ui};

/// What has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    /// Nothing that needs a key.
    Nowhere,
    /// A text field: every key is a letter of it.
    Text,
    /// A slider or what is moved like one: the arrows are its own.
    Slider,
    /// A button or another thing that is pressed: Space and Enter are its own.
    Button(Id),
}

fn mark() -> Id {
    Id::unique("uses the arrow keys")
}

/// Call for a widget that has the focus and moves by the arrow keys, the vertical ones, too, where it moves in `both` directions.
pub(crate) fn use_arrows(ui: &Ui, id: Id, both: bool) {
    // Otherwise the first arrow key would also move the focus away.
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: both, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    ui.data_mut(|data| data.insert_temp(mark(), id));
}

/// Call for a widget that has the focus among others of a grid, in which the arrow keys go from one to the next.
pub(crate) fn walk_with_arrows(ui: &Ui, id: Id) {
    ui.data_mut(|data| data.insert_temp(mark(), id));
}

/// What has the focus; `free` is a widget whose keys are those of the whole window.
pub(crate) fn focus(ctx: &Context, free: Id) -> Focus {
    let Some(focused) = ctx.memory(|memory| memory.focused()).filter(|id| *id != free) else { return Focus::Nowhere };
    if ctx.text_edit_focused() {
        return Focus::Text;
    }
    if ctx.data(|data| data.get_temp(mark())) == Some(focused) { Focus::Slider } else { Focus::Button(focused) }
}

/// Keeps the focus where it is while the arrow keys do something else.
pub(crate) fn keep_focus(ctx: &Context, id: Id) {
    let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ctx.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
}
