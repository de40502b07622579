//! The fonts of the formulas. egui's own have no italic and few mathematical signs, so two small subsets of a Times-like font are
//! part of the program (assets/fonts).

use eframe::egui::{Context, FontData, FontDefinitions, FontFamily, FontId, FontTweak};
use std::{borrow::Cow, sync::Arc};

/// Name of the upright family: digits, signs, names of functions.
pub const MATH: &str = "math";
/// Name of the slanted family: variables.
pub const MATH_ITALIC: &str = "math-italic";

const REGULAR: &[u8] = include_bytes!("../../assets/fonts/EtudeMath-Regular.otf");
const ITALIC: &[u8] = include_bytes!("../../assets/fonts/EtudeMath-Italic.otf");

/// What egui cannot draw, a letter and a combining hat, and the glyphs of the upright face that stand for it.
const HATTED: [(&str, &str); 2] = [("x\u{302}", "\u{f8c0}"), ("σ\u{302}", "\u{f8c1}")];

/// Adds the families "math" and "math-italic" to egui's own fonts. What a family lacks comes from the other and then from egui's;
/// running text in turn takes from "math" what egui's fonts lack, such as ‖. Call it once at start-up.
pub fn install_fonts(ctx: &Context) {
    let mut fonts = FontDefinitions::default();
    fonts.font_data.insert("etude-math".to_owned(), Arc::new(FontData::from_static(REGULAR)));
    fonts.font_data.insert("etude-math-italic".to_owned(), Arc::new(FontData::from_static(ITALIC)));
    let default = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let family = |first: &str, second: &str| [vec![first.to_owned(), second.to_owned()], default.clone()].concat();
    fonts.families.insert(FontFamily::Name(MATH.into()), family("etude-math", "etude-math-italic"));
    fonts.families.insert(FontFamily::Name(MATH_ITALIC.into()), family("etude-math-italic", "etude-math"));
    // Beside egui's letters a Times of the same size looks small.
    let larger = FontData::from_static(REGULAR).tweak(FontTweak { scale: 1.15, ..FontTweak::default() });
    fonts.font_data.insert("etude-math-text".to_owned(), Arc::new(larger));
    for own in [FontFamily::Proportional, FontFamily::Monospace] {
        fonts.families.entry(own).or_default().push("etude-math-text".to_owned());
    }
    ctx.set_fonts(fonts);
}

/// `text` as egui can draw it: x̂ and σ̂ become single glyphs. For what is drawn only; names for screen readers stay as they are.
/// Where the fonts are not installed the text is the same, and egui leaves the hats out.
pub fn hatted<'t>(ctx: &Context, text: &'t str) -> Cow<'t, str> {
    if !text.contains('\u{302}') || !ctx.fonts(|fonts| fonts.families()).contains(&FontFamily::Name(MATH.into())) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(HATTED.iter().fold(text.to_owned(), |text, (marks, glyph)| text.replace(marks, glyph)))
}

/// The two faces formulas are set in: the families above, or egui's own where nobody has installed them.
#[derive(Clone, Debug, PartialEq)]
pub struct Faces {
    upright: FontFamily,
    italic: FontFamily,
}

impl Faces {
    /// Looks at what `ctx` has: asking egui for a family that it lacks would panic.
    pub fn of(ctx: &Context) -> Self {
        let families = ctx.fonts(|fonts| fonts.families());
        let find = |name: &str| {
            let family = FontFamily::Name(name.into());
            if families.contains(&family) { family } else { FontFamily::Proportional }
        };
        Self { upright: find(MATH), italic: find(MATH_ITALIC) }
    }

    /// The face of digits, signs and names.
    pub fn upright(&self, size: f32) -> FontId {
        FontId::new(size, self.upright.clone())
    }

    /// The face of variables.
    pub fn italic(&self, size: f32) -> FontId {
        FontId::new(size, self.italic.clone())
    }
}
