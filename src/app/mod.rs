//! The desktop viewer: egui panels over a [`crate::session`]. `logic` drains the session's events into the state, `ui` draws the
//! state; a panel is a function that returns what the user asked for as a [`Command`]. Controls are plain values: a panel that has
//! some changes a copy of them, and the app starts the run anew where the copy differs.

pub mod command;
pub mod command_line;
pub mod compare;
pub mod controls;
pub mod controls_panel;
pub mod eta_slider;
pub mod explain;
pub mod export;
pub mod film_strip;
pub mod fonts;
pub mod good;
pub mod head;
pub mod help;
pub mod history;
pub mod interpolate;
pub mod keys;
pub mod messages;
mod obey;
mod outcomes;
mod panels;
pub mod pictures;
pub mod presentation;
pub mod run_view;
pub mod runs;
pub mod scrubber;
pub mod seeds;
pub mod soak;
pub mod state;
pub mod status_bar;
pub mod theme;
pub mod ticks;
pub mod tile;
pub mod top_bar;
pub mod trajectory;
pub mod viewer;
pub mod wanted;
pub mod window;

pub use command::Command;
pub use controls::Controls;
pub use viewer::{Start, Viewer};
pub use window::{WindowOptions, run};
