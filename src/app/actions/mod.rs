//! Doing what the panels ask for.

#[cfg(target_arch = "wasm32")]
pub(crate) mod address;
pub(crate) mod apply_command;
pub(crate) mod command_line;
pub(crate) mod export;
mod export_content;
mod export_explain;
mod export_fork;
mod export_grid;
mod export_race;
#[cfg(target_arch = "wasm32")]
pub(crate) mod given;
pub(crate) mod link;
pub(crate) mod models;
pub(crate) mod open;
pub(crate) mod rewind_picture;
pub(crate) mod settings;
pub(crate) mod task_results;
