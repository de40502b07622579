//! A change of the picture's sides by the factor two, in resnets that go down or up.

use super::{Call, Work};
use crate::program::{Program, ResampleParams, TensorId};

/// Half the sides, each pixel the mean of four, or twice the sides, each pixel repeated: as the tensors' shapes say.
#[derive(Clone, Copy, Debug)]
pub struct Resample {
    /// `[N, H, W, C]`.
    pub input: TensorId,
    /// `[N, H/2, W/2, C]` or `[N, 2·H, 2·W, C]`.
    pub output: TensorId,
}

impl Call for Resample {
    type Params = ResampleParams;

    fn params(&self, program: &Program) -> ResampleParams {
        let (input, output) = (program.shape(self.input), program.shape(self.output));
        ResampleParams {
            batch: output.batch,
            height: output.height,
            width: output.width,
            c4: output.c4(),
            down: u32::from(output.height < input.height),
            ..Default::default()
        }
    }

    fn work(&self, program: &Program, _: u32) -> Work {
        let output = program.shape(self.output);
        Work::Each { pieces: output.batch * output.pixels() * output.c4(), workgroup: 64 }
    }
}
