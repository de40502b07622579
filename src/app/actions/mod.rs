//! Doing what the panels ask for.

pub(crate) mod apply_command;
pub(crate) mod command_line;
pub(crate) mod export;
mod export_content;
mod export_explain;
mod export_fork;
mod export_grid;
mod export_race;
pub(crate) mod models;
pub(crate) mod rewind_picture;
pub(crate) mod settings;
pub(crate) mod task_results;
