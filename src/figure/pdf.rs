//! A figure as PDF, one page as large as the figure: real text whose letters are inside, and the recipe in the document's keywords.

use super::{
    raster::tree,
    scene::{Figure, Mark},
};
use crate::{
    error::{Error, Result},
    picture::pdf::keyword,
};
use krilla::{Document, geom::Size, metadata::Metadata, page::PageSettings};
use krilla_svg::{SurfaceExt, SvgSettings};
use std::sync::Arc;

/// What the document says that made it.
const PROGRAM: &str = concat!("etude ", env!("CARGO_PKG_VERSION"));

/// Some readers smooth pictures, whatever the file says: pictures are enlarged to about so many pixels a side, so that there is
/// nothing left to smooth but the very edges of a pixel.
const SIDE: usize = 512;

/// The same figure with larger pictures.
fn enlarged(figure: &Figure) -> Figure {
    let marks = figure.marks.iter().map(|mark| match mark {
        Mark::Picture { picture, at } => {
            let by = (SIDE / picture.width.max(picture.height).max(1)).max(1);
            Mark::Picture { picture: Arc::new(picture.scaled(by)), at: *at }
        }
        other => other.clone(),
    });
    Figure { marks: marks.collect(), ..figure.clone() }
}

/// The bytes of a PDF file, which carries `recipe`.
///
/// # Errors
/// A figure without a size; what the writer refuses.
pub fn pdf(figure: &Figure, recipe: Option<&str>) -> Result<Vec<u8>> {
    let empty = || Error::argument(format!("figure: expected a size, got {} x {}", figure.width, figure.height));
    let size = Size::from_wh(figure.width, figure.height).ok_or_else(empty)?;
    let mut document = Document::new();
    let mut metadata = Metadata::new().title(figure.title.clone()).creator(PROGRAM.to_owned());
    if let Some(recipe) = recipe {
        metadata = metadata.keywords(vec![keyword(recipe)]);
    }
    document.set_metadata(metadata);
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    surface.draw_svg(&tree(&enlarged(figure))?, size, SvgSettings::default()).ok_or_else(empty)?;
    surface.finish();
    page.finish();
    document.finish().map_err(|error| Error::argument(format!("figure: the PDF could not be made: {error:?}")))
}
