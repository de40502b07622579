//! The colours of the terms: the same in the formula, under the pictures and in the plots, and told apart by the colour-blind
//! (blue, orange and purple; green for x itself), each with enough contrast on its theme's background.

use eframe::egui::{Color32, Visuals};

/// One theme's colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Palette {
    /// Of x_t and x_s.
    pub(crate) x: Color32,
    /// Of x̂0 and its term.
    pub(crate) x0: Color32,
    /// Of ε and the direction that points to x_t.
    pub(crate) direction: Color32,
    /// Of σ z.
    pub(crate) noise: Color32,
    /// Of signs and everything else.
    pub(crate) text: Color32,
    /// Of remarks and things for comparison.
    pub(crate) faint: Color32,
    /// Of the current step in plots.
    pub(crate) mark: Color32,
}

impl Palette {
    /// The palette that goes with egui's current theme.
    pub(crate) fn of(visuals: &Visuals) -> Self {
        let rgb = Color32::from_rgb;
        let (x, x0, direction, noise, mark) = if visuals.dark_mode {
            (rgb(110, 214, 160), rgb(112, 184, 255), rgb(255, 178, 92), rgb(218, 166, 255), rgb(255, 110, 110))
        } else {
            (rgb(14, 116, 74), rgb(10, 88, 170), rgb(176, 76, 4), rgb(120, 50, 168), rgb(200, 30, 40))
        };
        Self { x, x0, direction, noise, text: visuals.strong_text_color(), faint: visuals.weak_text_color(), mark }
    }
}
