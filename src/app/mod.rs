//! The desktop viewer: egui panels over a [`crate::session`]. `logic` drains the session's events into the state, `ui` draws the
//! state; a panel is a function that returns what the user asked for as a [`Command`].

pub mod command;
pub mod explain;
pub mod fonts;
pub mod pictures;

pub use command::Command;
