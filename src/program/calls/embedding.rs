//! The embedding of timestep and class: a sinusoid and the linear layers behind it, on one row per timestep or image.

use super::{Activation, Call, Work};
use crate::program::{ClassEmbeddingParams, Element, Life, LinearParams, Program, Shape, TensorId, TimeEmbeddingParams, layout};
use std::sync::Arc;

/// output = activation(input)·weights + bias on rows, f32 in and out.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// `[rows, K]`.
    pub input: TensorId,
    /// Packed `[K, M]`.
    pub weights: TensorId,
    /// `[M]`.
    pub bias: TensorId,
    /// `[rows, M]`.
    pub output: TensorId,
    /// Applied to the input.
    pub activation: Activation,
}

impl Call for Linear {
    type Params = LinearParams;

    fn params(&self, program: &Program) -> LinearParams {
        LinearParams {
            in_c4: program.shape(self.input).c4(),
            out_c4: program.shape(self.output).c4(),
            activation: self.activation.code(),
            ..Default::default()
        }
    }

    fn work(&self, program: &Program, rows: u32) -> Work {
        Work::Each { pieces: rows * program.shape(self.output).c4(), workgroup: 64 }
    }

    fn flops(&self, program: &Program, rows: u32) -> f64 {
        2.0 * f64::from(rows) * f64::from(program.shape(self.input).channels) * f64::from(program.shape(self.output).channels)
    }
}

/// Rows of sin and cos of the timesteps.
#[derive(Clone, Copy, Debug)]
pub struct TimeEmbedding {
    /// `[rows, 1]`.
    pub timesteps: TensorId,
    /// `[1, C/2]`, f32: computed here, for a driver's exp may be good to a few digits only.
    pub frequencies: TensorId,
    /// `[rows, C]`.
    pub output: TensorId,
    /// cos before sin.
    pub flip_sin_to_cos: bool,
}

impl TimeEmbedding {
    /// Adds the constant frequencies exp(-ln 10⁴·i/(C/2 - freq_shift)) to `program` (diffusers' get_timestep_embedding).
    pub fn new(program: &mut Program, timesteps: TensorId, output: TensorId, flip_sin_to_cos: bool, freq_shift: f32) -> Self {
        let half = program.shape(output).channels / 2;
        let divisor = half as f32 - freq_shift;
        // In f32 from the first product on, as PyTorch computes them: at t = 999 a frequency that is right to more digits than that is
        // off from its by as much as 5e-4 in the angle.
        let frequency = |i: u32| (-(10_000_f64.ln()) as f32 * i as f32 / divisor).exp();
        let mut values: Vec<f32> = (0..half).map(frequency).collect();
        values.resize(layout::padded(half), 0.0);
        let frequencies = program.tensor("frequencies", Shape::rows(1, half), Element::F32, Life::Constant(Arc::new(values)));
        Self { timesteps, frequencies, output, flip_sin_to_cos }
    }
}

impl Call for TimeEmbedding {
    type Params = TimeEmbeddingParams;

    fn params(&self, program: &Program) -> TimeEmbeddingParams {
        let output = program.shape(self.output);
        TimeEmbeddingParams {
            half: output.channels / 2,
            out_c4: output.c4(),
            flip: u32::from(self.flip_sin_to_cos),
            ..Default::default()
        }
    }

    fn work(&self, program: &Program, rows: u32) -> Work {
        Work::Each { pieces: rows * program.shape(self.output).c4(), workgroup: 64 }
    }
}

/// embedding += the table's row of each image's class, in place.
#[derive(Clone, Copy, Debug)]
pub struct ClassEmbedding {
    /// As [`crate::program::Handles::members`].
    pub members: TensorId,
    /// `[classes, C]`, f32.
    pub table: TensorId,
    /// `[rows, C]`, a row for each image.
    pub embedding: TensorId,
}

impl Call for ClassEmbedding {
    type Params = ClassEmbeddingParams;

    fn params(&self, program: &Program) -> ClassEmbeddingParams {
        let (members, table) = (program.shape(self.members), program.shape(self.table));
        ClassEmbeddingParams { c4: table.c4(), classes: table.batch, images: members.batch, pad0: 0 }
    }

    fn work(&self, program: &Program, rows: u32) -> Work {
        Work::Each { pieces: rows * program.shape(self.embedding).c4(), workgroup: 64 }
    }
}
