//! The Explain panel.
