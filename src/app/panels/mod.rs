//! What is on screen, one file or folder per panel. A panel is given the state and a draft of the controls; it changes the draft, or
//! returns a command.

pub mod compare;
pub mod controls_panel;
pub mod eta_slider;
pub mod explain;
pub mod film_strip;
pub mod help;
pub mod interpolate;
pub mod keys;
pub mod messages;
pub mod open_panel;
pub mod presentation;
pub mod scrubber;
pub mod seeds;
pub mod status_bar;
pub mod top_bar;
pub mod trajectory;
