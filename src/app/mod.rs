//! The desktop viewer: egui panels over a [`crate::session`]. `logic` drains the session's events into the state, `ui` draws the
//! state; a panel is a function that returns what the user asked for as a [`Command`]. Controls are plain values: a panel that has
//! some changes a copy of them, and the app starts the run anew where the copy differs.

pub mod command;
pub mod compare;
pub mod controls;
pub mod explain;
pub mod interpolate;
pub mod pictures;
pub mod run_view;
pub mod tile;
pub mod wanted;

pub use command::Command;
pub use controls::Controls;
