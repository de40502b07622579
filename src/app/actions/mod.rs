//! Doing what the panels ask for.

pub mod apply_command;
pub mod command_line;
pub mod export;
pub mod task_results;
