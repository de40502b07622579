//! What the panels draw with; nothing here knows a panel.

pub(crate) mod editable;
pub mod fonts;
pub(crate) mod hint;
pub(crate) mod lettering;
pub(crate) mod math;
pub(crate) mod own_keys;
pub(crate) mod presenting;
pub(crate) mod remembered;
pub(crate) mod still_plot;
pub mod texture_cache;
pub mod theme;
pub(crate) mod ticks;
pub(crate) mod tile;
