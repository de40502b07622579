//! What a figure is made of, and its file.

use super::step::Step;
use crate::{
    app::state::figure_request::{FigureRequest, Format},
    error::{Error, Result},
    figure::{Figure, Look, Plot, Table, csv, pdf, raster, svg},
    picture::png,
};

/// What is drawn.
pub(crate) enum Content {
    /// Pictures in rows and columns.
    Table(Table),
    /// Curves, one below the other.
    Plots(Vec<Plot>),
    /// A step with its formula, pictures and curves, or some of them.
    Step(Box<Step>),
}

impl Content {
    /// The page.
    pub(crate) fn page(&self, look: Look) -> Figure {
        match self {
            Self::Table(table) => table.figure(look),
            Self::Plots(plots) => Figure::stacked(plots.iter().map(|plot| plot.figure(look)).collect()),
            Self::Step(step) => step.figure(look),
        }
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// It is too large for a picture.
    pub(crate) fn bytes(&self, request: &FigureRequest, recipe: &str) -> Result<Vec<u8>> {
        let page = || self.page(request.look());
        match request.format {
            Format::Svg => svg::svg(&page(), Some(recipe)).map(String::into_bytes),
            Format::Pdf => pdf::pdf(&page(), Some(recipe)),
            Format::Png => {
                let mut bytes = Vec::new();
                let picture = raster::picture(&page(), request.scale)?;
                png::encode(&mut bytes, &picture, Some(recipe)).map_err(|error| Error::argument(format!("figure: {error}")))?;
                Ok(bytes)
            }
            Format::Csv => {
                let plots = match self {
                    Self::Plots(plots) => plots,
                    Self::Step(step) => &step.plots,
                    Self::Table(_) => {
                        return Err(Error::argument("figure: pictures have no curve to write as CSV; choose a curve"));
                    }
                };
                Ok(csv::csv(plots).into_bytes())
            }
            Format::Tex => match self {
                Self::Step(step) => Ok(step.latex(recipe).into_bytes()),
                _ => Err(Error::argument("figure: expected a formula to write as LaTeX; open the panel Explain")),
            },
        }
    }
}
