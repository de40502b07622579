//! The letters of figures: the two faces of formulas, which are part of the program (assets/fonts), and one more for what they lack.

use crate::math::{
    sheet::Glyphs,
    typeset::{Extent, Metrics},
};
use resvg::usvg::fontdb::Database;
use std::sync::{Arc, LazyLock};
use ttf_parser::{Face, GlyphId};

/// Their bytes: upright, slanted, and the one for other letters.
pub(super) const UPRIGHT: &[u8] = include_bytes!("../../assets/fonts/EtudeMath-Regular.otf");
pub(super) const ITALIC: &[u8] = include_bytes!("../../assets/fonts/EtudeMath-Italic.otf");
const TEXT: &[u8] = include_bytes!("../../assets/fonts/EtudeText-Regular.otf");

/// The family's name in the fonts themselves, and those like it that other machines have.
pub(super) const FAMILY: &str = "'Etude Math', 'Etude Text', 'Times New Roman', Times, serif";

/// The fonts as the SVG's readers look for them. None of the system's: a figure is the same on every machine.
pub(super) fn database() -> Arc<Database> {
    static ALL: LazyLock<Arc<Database>> = LazyLock::new(|| {
        let mut all = Database::new();
        [UPRIGHT, ITALIC, TEXT].into_iter().for_each(|font| all.load_font_data(font.to_vec()));
        all.set_serif_family("Etude Math");
        Arc::new(all)
    });
    ALL.clone()
}

/// How wide the letters of figures are.
#[derive(Clone, Debug)]
pub struct Letters {
    upright: Option<Face<'static>>,
    italic: Option<Face<'static>>,
    text: Option<Face<'static>>,
}

impl Default for Letters {
    fn default() -> Self {
        let face = |bytes: &'static [u8]| Face::parse(bytes, 0).ok();
        Self { upright: face(UPRIGHT), italic: face(ITALIC), text: face(TEXT) }
    }
}

impl Letters {
    /// The face that has the letter, and its number there.
    fn glyph(&self, c: char, italic: bool) -> Option<(&Face<'static>, GlyphId)> {
        let (first, second) = if italic { (&self.italic, &self.upright) } else { (&self.upright, &self.italic) };
        [first, second, &self.text].into_iter().flatten().find_map(|face| Some((face, face.glyph_index(c)?)))
    }
}

impl Metrics for Letters {
    fn extent(&self, glyphs: &Glyphs) -> Extent {
        let mut all = Extent::default();
        for c in glyphs.text.chars() {
            // A letter that no font has is about as wide as a digit.
            let Some((face, glyph)) = self.glyph(c, glyphs.italic) else {
                all.width += 0.5 * glyphs.em;
                continue;
            };
            let unit = glyphs.em / f32::from(face.units_per_em());
            all.width += f32::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * unit;
            if let Some(ink) = face.glyph_bounding_box(glyph) {
                all.ascent = all.ascent.max(f32::from(ink.y_max) * unit);
                all.descent = all.descent.max(-f32::from(ink.y_min) * unit);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_their_widths() {
        let letters = Letters::default();
        let of = |text: &str, italic| letters.extent(&Glyphs { text: text.to_owned(), italic, em: 10.0 });
        let (m, i) = (of("m", false), of("i", false));
        assert!(m.width > 2.0 * i.width && m.descent < 0.5 && m.ascent > 3.0, "{m:?} {i:?}");
        assert!((of("mi", false).width - m.width - i.width).abs() < 1e-4);
        assert!(of("p", true).descent > 1.0);
        // What only the text's font has, and what none has.
        assert!(of("ä→", false).width > 5.0);
        assert!((of("語", false).width - 5.0).abs() < 1e-6);
    }
}
