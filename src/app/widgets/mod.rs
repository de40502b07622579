//! What panels draw with, and what knows no panel.

pub mod fonts;
pub mod icons;
pub mod math;
pub mod texture_cache;
pub mod theme;
pub mod ticks;
pub mod tile;
