//! Pictures between two ends or four: what the viewer's interpolation saves.

use super::encoded::End;
use crate::{
    error::{Error, Result},
    latent::{InterpolationMode, slerp},
};
use serde::{Deserialize, Serialize};

/// The most pictures of an interpolation.
const MAX_PICTURES: usize = 4096;

/// Where between which ends the images are, and the η that they are drawn with. All get the noise and the class of image 0, so that they
/// differ in x_T alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// Two ends, or the corners of a grid: top left, top right, bottom left, bottom right.
    pub ends: Vec<End>,
    /// Where the images are: from the first end (0) to the second (1), and in a grid from the top down.
    pub at: Vec<[f64; 2]>,
    /// Each a row of images, one per place.
    pub modes: Vec<InterpolationMode>,
    /// Images in a row of the sheet.
    pub columns: usize,
    /// η, in the place of the recipe's.
    pub eta: f64,
}

impl Between {
    /// # Errors
    /// Other than two or four ends, no places or places outside 0 … 1.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: String| Error::argument(format!("between: {what}"));
        if !matches!(self.ends.len(), 2 | 4) {
            return Err(wrong(format!("expected 2 or 4 ends, got {}", self.ends.len())));
        }
        if !(1..=MAX_PICTURES).contains(&self.images()) {
            return Err(wrong(format!("expected 1 to {MAX_PICTURES} images, got {}", self.images())));
        }
        match self.at.iter().flatten().find(|at| !(0.0..=1.0).contains(*at)) {
            Some(at) => Err(wrong(format!("expected places from 0 to 1, got {at}"))),
            None => Ok(()),
        }
    }

    /// How many images there are.
    pub fn images(&self) -> usize {
        self.at.len().saturating_mul(self.modes.len())
    }

    /// One of the images alone.
    pub fn one(&self, image: usize) -> Self {
        let places = self.at.len().max(1);
        let (at, modes) = (self.at.get(image % places), self.modes.get(image / places));
        Self { at: at.copied().into_iter().collect(), modes: modes.copied().into_iter().collect(), columns: 1, ..self.clone() }
    }

    /// x_T of every image, `[N, C, H, W]`, from those of the ends.
    ///
    /// # Errors
    /// As [`Self::check`]; ends of different sizes.
    pub fn x_t(&self, ends: &[Vec<f32>]) -> Result<Vec<f32>> {
        self.check()?;
        let mut all = Vec::new();
        for mode in &self.modes {
            for [u, v] in &self.at {
                all.extend(match ends {
                    [a, b] => mode.between(a, b, *u)?,
                    [a, b, c, d] => slerp(&slerp(a, b, *u)?, &slerp(c, d, *u)?, *v)?,
                    _ => return Err(Error::argument(format!("between: expected 2 or 4 ends, got {}", ends.len()))),
                });
            }
        }
        Ok(all)
    }
}
