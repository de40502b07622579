//! What the panels draw with; nothing here knows a panel.

pub mod fonts;
pub(crate) mod math;
pub mod texture_cache;
pub mod theme;
pub(crate) mod ticks;
pub(crate) mod tile;
