//! `--input`: x_T, and where wanted the steps' noise, from a file in the place of the seeds.

use etude::{
    error::{Error, Result},
    recipe::Recipe,
    weights::Weights,
};
use std::path::Path;

/// x_T and noise from a file.
pub(super) struct Given {
    /// How many images.
    pub images: u32,
    /// Height and width.
    pub size: (u32, u32),
    /// `[N, C, H, W]`.
    pub x_t: Vec<f32>,
    /// `[K, N, C, H, W]`, where the file holds it.
    pub noise: Option<Vec<f32>>,
}

impl Given {
    /// Reads tensors x_T and noise of a .safetensors, for a network of `channels` channels and a run of `steps` steps.
    ///
    /// # Errors
    /// The file cannot be read, or holds other shapes.
    pub fn open(path: &Path, channels: u32, steps: usize) -> Result<Self> {
        let file = Weights::open(path)?;
        let wrong = |field: &str, expected: String, got: &[usize]| {
            Error::file(path, format!("tensor {field}: expected shape {expected}, got {got:?}"))
        };
        let missing = || Error::file(path, "tensor x_T of shape [N, C, H, W] is missing");
        let shape = file.shape("x_T").ok_or_else(missing)?.to_vec();
        let fits = |n: usize| (1..=1 << 24).contains(&n);
        if shape.len() != 4 || shape[1] != channels as usize || !shape.iter().all(|&n| fits(n)) {
            return Err(wrong("x_T", format!("[N, {channels}, H, W]"), &shape));
        }
        let noise = match file.shape("noise") {
            None => None,
            Some(got) => {
                let expected = [&[steps], shape.as_slice()].concat();
                if got != expected {
                    return Err(wrong("noise", format!("{expected:?} (steps, then the shape of x_T)"), got));
                }
                Some(file.get("noise", &expected, false)?)
            }
        };
        let x_t = file.get("x_T", &shape, false)?;
        Ok(Self { images: shape[0] as u32, size: (shape[2] as u32, shape[3] as u32), x_t, noise })
    }

    /// `recipe` for as many images of the file's size. A generator whose noise follows x_T still draws it first.
    pub fn recipe(&self, recipe: &Recipe) -> Recipe {
        Recipe {
            count: self.images,
            size: self.size,
            first: 0,
            drawn: None,
            image: None,
            encoded: None,
            between: None,
            ..recipe.clone()
        }
    }
}
