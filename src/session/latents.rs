//! Where the x_T of an image comes from, or the x of a branch.

use crate::{
    error::{Error, Result},
    latent::{self, InterpolationMode},
    noise::{self, STREAM_X_T},
    picture::{Picture, decode},
    recipe::{Encoded, End},
    schedule::StepCoefficients,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where an image's x_T comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Latent {
    /// Image `image` of a seed.
    Seed {
        /// Seed of x_T.
        seed: u64,
        /// The image's number.
        image: u32,
    },
    /// Image `image` of `count` that torch.randn draws.
    Torch {
        /// Seed of torch's generator.
        seed: u64,
        /// The image's number.
        image: u32,
        /// How many are drawn at once.
        count: u32,
    },
    /// A picture, cropped and scaled where it does not fit, in 8 bits.
    Picture(Arc<Picture>),
    /// What a picture is encoded to.
    Encoded {
        /// The picture, and how.
        from: Arc<Encoded>,
        /// The seed of torch's generator and how many images it draws, where the steps' noise follows them in its stream.
        torch: Option<(u64, u32)>,
    },
    /// What a member of an earlier group has become; as a picture of 8 bits where it is encoded.
    EndOf {
        /// The group's number.
        group: usize,
        /// The member's place in it.
        member: usize,
    },
    /// What a member of an earlier group is before one of its steps: the group takes its own steps from there on, together with that
    /// one. All members of a group leave one group at one step.
    StepOf {
        /// The group's number.
        group: usize,
        /// The member's place in it.
        member: usize,
        /// The step.
        at: ForkAt,
    },
    /// Between two ends, at t from 0 to 1.
    Between {
        /// The two ends.
        ends: [End; 2],
        /// 0 is the first, 1 the second.
        t: f64,
        /// Along the arc or straight.
        mode: InterpolationMode,
    },
    /// Between four ends: top left, top right, bottom left, bottom right.
    Grid {
        /// The corners.
        ends: [End; 4],
        /// From left (0) to right (1).
        u: f64,
        /// From the top (0) to the bottom (1).
        v: f64,
    },
}

/// At which step of a run another leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForkAt {
    /// The first whose timestep is no larger, or the last.
    Timestep(u32),
    /// The step of this index, or the last where there are fewer.
    Step(usize),
}

impl ForkAt {
    /// Steps that are taken before it; `None` of a run without any.
    pub fn steps_before(self, steps: &[StepCoefficients]) -> Option<usize> {
        match self {
            Self::Timestep(t) => steps.iter().position(|step| step.t <= t).or_else(|| steps.len().checked_sub(1)),
            Self::Step(index) => steps.len().checked_sub(1).map(|last| index.min(last)),
        }
    }
}

impl Latent {
    /// x_T, `[C, H, W]`; `torch` keeps what torch's generator drew for the members before, and `encoded` knows what pictures were encoded
    /// to.
    ///
    /// # Errors
    /// A picture for a network of other than 1 or 3 channels; the end of a group, which only its run knows; what `encoded` returns.
    pub fn x_t(
        &self,
        channels: usize,
        height: usize,
        width: usize,
        torch: &mut TorchLatents,
        encoded: &mut LatentOf<'_>,
    ) -> Result<Vec<f32>> {
        let len = channels * height * width;
        let of_seed = |seed: u64, image: u32| {
            let mut x = vec![0.0; len];
            noise::fill_nchw(seed, STREAM_X_T, image, 0, channels, height, width, &mut x);
            x
        };
        let mut end = |end: &End| match end {
            End::Seed(seed) => Ok(Arc::new(of_seed(*seed, 0))),
            End::Encoded(picture) => encoded(picture),
        };
        match self {
            Self::Seed { seed, image } => Ok(of_seed(*seed, *image)),
            Self::Torch { seed, image, count } => {
                let all = torch.drawn(*seed, *count as usize * len);
                let start = *image as usize * len;
                Ok(all.get(start..start + len).map_or_else(|| of_seed(*seed, *image), <[f32]>::to_vec))
            }
            Self::Picture(picture) => decode::to_nchw_of_size(picture, channels, height, width),
            Self::Encoded { from, .. } => Ok(encoded(from)?.to_vec()),
            Self::EndOf { group, .. } | Self::StepOf { group, .. } => {
                Err(Error::argument(format!("expected x of group {group} from its run")))
            }
            Self::Between { ends: [a, b], t, mode } => mode.between(&end(a)?, &end(b)?, *t),
            Self::Grid { ends: [a, b, c, d], u, v } => {
                let (top, bottom) = (latent::slerp(&end(a)?, &end(b)?, *u)?, latent::slerp(&end(c)?, &end(d)?, *u)?);
                latent::slerp(&top, &bottom, *v)
            }
        }
    }

    /// The pictures that are to be encoded for it.
    pub fn pictures(&self) -> Vec<&Encoded> {
        match self {
            Self::Encoded { from, .. } => vec![from],
            Self::Between { ends, .. } => ends.iter().filter_map(End::picture).collect(),
            Self::Grid { ends, .. } => ends.iter().filter_map(End::picture).collect(),
            _ => Vec::new(),
        }
    }
}

/// Knows x_T, `[C, H, W]`, of a picture that was encoded.
pub type LatentOf<'a> = dyn FnMut(&Encoded) -> Result<Arc<Vec<f32>>> + 'a;

/// What torch's generator drew last: one stream for a whole batch, which cannot be entered in the middle, so it is drawn once and not
/// once per member.
#[derive(Debug, Default)]
pub struct TorchLatents {
    seed: u64,
    numbers: Vec<f32>,
}

impl TorchLatents {
    /// `torch.randn(count)` with this seed.
    fn drawn(&mut self, seed: u64, count: usize) -> &[f32] {
        if self.seed != seed || self.numbers.len() != count {
            (self.seed, self.numbers) = (seed, noise::torch::randn(seed, count));
        }
        &self.numbers
    }
}
