//! The kernels that go over pictures: into the network, noise, thresholding, the sampler's step, packing.

use super::{Call, Work};
use crate::program::{ImageParams, Program, TensorId};

/// Sizes of the picture `x`, and of the network's output for it.
fn image_params(program: &Program, x: TensorId, model: TensorId) -> ImageParams {
    let shape = program.shape(x);
    ImageParams {
        batch: shape.batch,
        pixels: shape.pixels(),
        c4: shape.c4(),
        channels: shape.channels,
        model_c4: program.shape(model).c4(),
        pad0: 0,
        scale: 1.0,
        shift: 0.0,
    }
}

/// One invocation per four channels of a pixel.
fn each_c4(p: ImageParams) -> Work {
    Work::Each { pieces: p.batch * p.pixels * p.c4, workgroup: 64 }
}

/// output = x·scale + shift in the storage precision.
#[derive(Clone, Copy, Debug)]
pub struct NetworkInput {
    /// The latent, f32.
    pub x: TensorId,
    /// What the network reads.
    pub output: TensorId,
    /// 2 where the config says center_input_sample, else 1.
    pub scale: f32,
    /// −1 where the config says center_input_sample, else 0.
    pub shift: f32,
}

impl Call for NetworkInput {
    type Params = ImageParams;

    fn params(&self, program: &Program) -> ImageParams {
        ImageParams { scale: self.scale, shift: self.shift, ..image_params(program, self.x, self.output) }
    }

    fn work(&self, program: &Program, _: u32) -> Work {
        each_c4(self.params(program))
    }
}

/// z ~ N(0, 1) of each image from its own seed and number, and the step of [`crate::program::StepParams`].
#[derive(Clone, Copy, Debug)]
pub struct Gaussian {
    /// `[N, 4]` words: the seed's low and high half, the image's number, one unused.
    pub members: TensorId,
    /// `[N, H, W, C]`, f32.
    pub output: TensorId,
}

impl Call for Gaussian {
    type Params = ImageParams;

    fn params(&self, program: &Program) -> ImageParams {
        image_params(program, self.output, self.output)
    }

    fn work(&self, program: &Program, _: u32) -> Work {
        each_c4(self.params(program))
    }
}

/// The clamped quantile of |x0| of each image.
#[derive(Clone, Copy, Debug)]
pub struct Quantile {
    /// The latent.
    pub x: TensorId,
    /// The network's output.
    pub model: TensorId,
    /// `[N]`.
    pub threshold: TensorId,
}

impl Call for Quantile {
    type Params = ImageParams;

    fn params(&self, program: &Program) -> ImageParams {
        image_params(program, self.x, self.model)
    }

    fn work(&self, program: &Program, _: u32) -> Work {
        // One workgroup per image.
        Work::Each { pieces: program.shape(self.x).batch * 64, workgroup: 64 }
    }
}

/// One DDIM step in place, with the coefficients of [`crate::program::StepParams`].
#[derive(Clone, Copy, Debug)]
pub struct DdimStep {
    /// The network's output.
    pub model: TensorId,
    /// z.
    pub noise: TensorId,
    /// As [`Quantile::threshold`].
    pub threshold: TensorId,
    /// x_t, becomes x_s.
    pub x: TensorId,
    /// The x0 that was used.
    pub x0: TensorId,
}

impl Call for DdimStep {
    type Params = ImageParams;

    fn params(&self, program: &Program) -> ImageParams {
        image_params(program, self.x, self.model)
    }

    fn work(&self, program: &Program, _: u32) -> Work {
        each_c4(self.params(program))
    }
}

/// RGBA8 pixels of x, grey where it has fewer than three channels.
#[derive(Clone, Copy, Debug)]
pub struct PackPicture {
    /// The latent.
    pub x: TensorId,
    /// One u32 per pixel.
    pub pixels: TensorId,
}

impl Call for PackPicture {
    type Params = ImageParams;

    fn params(&self, program: &Program) -> ImageParams {
        image_params(program, self.x, self.x)
    }

    fn work(&self, program: &Program, _: u32) -> Work {
        let shape = program.shape(self.x);
        Work::Each { pieces: shape.batch * shape.pixels(), workgroup: 64 }
    }
}
