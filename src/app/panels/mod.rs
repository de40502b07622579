//! What is on screen, one file or folder per panel. A panel is given the state and a draft of the controls; it changes the draft,
//! or returns a command.

pub mod compare;
pub(crate) mod controls_panel;
mod device;
pub mod eta_slider;
pub mod explain;
pub(crate) mod film_strip;
pub(crate) mod fork;
pub(crate) mod help;
pub mod interpolate;
pub(crate) mod introduction;
pub(crate) mod keys;
pub(crate) mod messages;
pub(crate) mod models;
pub(crate) mod noise_chips;
pub(crate) mod open_panel;
pub(crate) mod path_field;
pub(crate) mod phone;
pub(crate) mod pinned;
pub(crate) mod presentation;
pub(crate) mod race;
pub(crate) mod rewind;
pub(crate) mod save_figure;
pub(crate) mod scrubber;
pub(crate) mod seeds;
pub(crate) mod status_bar;
pub(crate) mod top_bar;
pub(crate) mod trajectory;
