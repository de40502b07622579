//! The fonts: egui's own text font has no combining hat, which x̂0 needs, no italic and few mathematical signs. So small subsets of
//! Inter for the text and of a Times-like font for the formulas are part of the program (assets/fonts).

use eframe::egui::{Context, FontData, FontDefinitions, FontFamily, FontId};
use std::sync::Arc;

/// Name of the upright family: digits, signs, names of functions.
pub(crate) const MATH: &str = "math";
/// Name of the slanted family: variables.
pub(crate) const MATH_ITALIC: &str = "math-italic";

const TEXT: &[u8] = include_bytes!("../../../assets/fonts/EtudeText-Regular.otf");
const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/EtudeMath-Regular.otf");
const ITALIC: &[u8] = include_bytes!("../../../assets/fonts/EtudeMath-Italic.otf");

/// Puts the text font before egui's own, and adds the families "math" and "math-italic". Call it once at start-up.
pub fn install_fonts(ctx: &Context) {
    ctx.set_fonts(definitions());
}

/// The fonts. What a family lacks comes from the other and then from egui's.
pub(crate) fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    fonts.font_data.insert("etude-math".to_owned(), Arc::new(FontData::from_static(REGULAR)));
    fonts.font_data.insert("etude-math-italic".to_owned(), Arc::new(FontData::from_static(ITALIC)));
    let default = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let family = |first: &str, second: &str| [vec![first.to_owned(), second.to_owned()], default.clone()].concat();
    fonts.families.insert(FontFamily::Name(MATH.into()), family("etude-math", "etude-math-italic"));
    fonts.families.insert(FontFamily::Name(MATH_ITALIC.into()), family("etude-math-italic", "etude-math"));
    fonts.font_data.insert("etude-text".to_owned(), Arc::new(FontData::from_static(TEXT)));
    fonts.families.entry(FontFamily::Proportional).or_default().insert(0, "etude-text".to_owned());
    fonts
}

/// The two faces of formulas: the families above, or egui's own if those are not installed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Faces {
    upright: FontFamily,
    italic: FontFamily,
}

impl Faces {
    /// The faces that `ctx` has; asking egui for a family that it lacks would panic.
    pub(crate) fn of(ctx: &Context) -> Self {
        let families = ctx.fonts(|fonts| fonts.families());
        let find = |name: &str| {
            let family = FontFamily::Name(name.into());
            if families.contains(&family) { family } else { FontFamily::Proportional }
        };
        Self { upright: find(MATH), italic: find(MATH_ITALIC) }
    }

    /// The face of digits, signs and names.
    pub(crate) fn upright(&self, size: f32) -> FontId {
        FontId::new(size, self.upright.clone())
    }

    /// The face of variables.
    pub(crate) fn italic(&self, size: f32) -> FontId {
        FontId::new(size, self.italic.clone())
    }
}
