//! The two ways between two seeds, by number: slerp is 0, lerp is 1.

use eframe::egui::Color32;

/// The colours of slerp and lerp.
pub(crate) const COLOURS: [Color32; 2] = [Color32::from_rgb(0x2f, 0x86, 0xd6), Color32::from_rgb(0xd9, 0x7a, 0x1e)];

/// Their names.
pub(crate) const NAMES: [&str; 2] = ["slerp", "lerp"];
