//! The answer of a dialog that asks for a file or a folder.

/// What a dialog came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked<T> {
    /// This was chosen.
    Chosen(T),
    /// The user called it off.
    CalledOff,
    /// There was none: nothing on this desktop shows dialogs.
    NoDialog,
}
