//! The desktop viewer: egui panels over a [`crate::session`]. `logic` drains the session's events into the state, `ui` draws the
//! state; a panel is a function that returns what the user asked for as a [`Command`]. Controls are plain values: panels change a
//! copy of them, and the app starts a new run if the copy differs.
//!
//! Each folder knows those before it and none after: [`state`] are plain values, [`widgets`] draw without knowing any panel,
//! [`panels`] draw the state and return commands, `figures` gather what is saved, `actions` carry the commands out; [`viewer`] and
//! [`window`] put them together.

pub(crate) mod actions;
pub(crate) mod figures;
#[cfg(not(target_arch = "wasm32"))]
pub mod headless;
#[cfg(target_arch = "wasm32")]
pub mod page;
pub mod panels;
pub mod state;
pub mod viewer;
pub mod widgets;
pub mod window;

pub use actions::command_line::command_line;
#[cfg(target_arch = "wasm32")]
pub use page::start_page;
pub use state::{
    command::Command,
    controls::Controls,
    start::{Start, WindowOptions},
};
pub use viewer::Viewer;
#[cfg(not(target_arch = "wasm32"))]
pub use window::run;
