//! The kernels' parameters as the shaders see them: one `#[repr(C)]` struct for each WGSL uniform struct of the same name less
//! `Params`. `tests/shaders.rs` compares every field's offset with naga's.

use bytemuck::{Pod, Zeroable};

/// A struct that a shader reads from a uniform buffer.
pub trait Uniform: Pod {
    /// The WGSL struct's name.
    const NAME: &'static str;
    /// Field names with their byte offsets.
    const FIELDS: &'static [(&'static str, usize)];

    /// Name, size and fields together.
    fn layout() -> UniformLayout {
        (Self::NAME, size_of::<Self>(), Self::FIELDS)
    }
}

/// A uniform struct's name, its size in bytes, and its fields with their byte offsets.
pub type UniformLayout = (&'static str, usize, &'static [(&'static str, usize)]);

macro_rules! uniform {
    ($(#[$doc:meta])* $wgsl:literal $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
        impl Uniform for $name {
            const NAME: &'static str = $wgsl;
            const FIELDS: &'static [(&'static str, usize)] = &[$((stringify!($field), std::mem::offset_of!($name, $field))),*];
        }
    };
}

uniform! {
    /// What changes from step to step: the row of the embedding table, the step of the noise counters, the update's coefficients.
    "Step" StepParams {
        /// First row of the embedding table.
        row_base: u32,
        /// Rows from one image to the next: 0 when all images share a timestep.
        row_stride: u32,
        /// Rows of the table in use.
        rows: u32,
        /// Step index for the noise counters.
        step: u32,
        /// Bit 0: clip x0 to ±c.x. Bit 1: threshold x0 dynamically.
        flags: u32,
        /// Where the interval of the noise path begins.
        path_start: u32,
        /// Where it ends.
        path_end: u32,
        /// How long the whole path is; 0: the noise is that of `step`.
        path_span: u32,
        /// x0 from x, x0 from the model's output, epsilon from x, epsilon from the model's output.
        a: [f32; 4],
        /// x_s from x, from x0, from epsilon, from the noise z.
        b: [f32; 4],
        /// Clip range, quantile of thresholding, its largest value, unused.
        c: [f32; 4],
    }
}

uniform! {
    /// Geometry of a convolution; see shaders/conv2d.wgsl.
    "Conv2d" Conv2dParams {
        /// Images.
        batch: u32,
        /// Output height.
        out_h: u32,
        /// Output width.
        out_w: u32,
        /// Output C4 per pixel.
        out_c4: u32,
        /// Stored input height.
        in_h: u32,
        /// Stored input width.
        in_w: u32,
        /// C4 per pixel of source a.
        a_c4: u32,
        /// C4 per pixel of source b, 0 for none.
        b_c4: u32,
        /// 1 or 3.
        kernel: u32,
        /// 1 or 2.
        stride: u32,
        /// Zero rows above and columns to the left.
        pad: u32,
        /// 1 or 2: nearest upsampling before the convolution.
        upsample: u32,
        /// C4 offset of this layer in a row of the embedding table.
        temb_offset: u32,
        /// C4 per row of the embedding table.
        temb_stride: u32,
        /// Bit 0: add the time embedding. Bit 1: add the residual.
        flags: u32,
        /// Factor of the whole result.
        scale: f32,
        /// C4 per pixel of a shortcut's first source, 0 where there is no shortcut.
        shortcut_a_c4: u32,
        /// C4 per pixel of its second source, 0 for none.
        shortcut_b_c4: u32,
        /// Unused.
        pad0: u32,
        /// Unused.
        pad1: u32,
    }
}

uniform! {
    /// Geometry of the group normalisation kernels.
    "GroupNorm" GroupNormParams {
        /// Images.
        batch: u32,
        /// Pixels per image.
        pixels: u32,
        /// C4 per pixel of source a.
        a_c4: u32,
        /// C4 per pixel of source b, 0 for none.
        b_c4: u32,
        /// Channels of source a.
        a_c: u32,
        /// Channels of both sources.
        channels: u32,
        /// Groups.
        groups: u32,
        /// Partial sums per image.
        chunks: u32,
        /// Pixels per partial sum.
        chunk: u32,
        /// 1 where scale and shift come from the time embedding.
        scale_shift: u32,
        /// C4 offset of this layer in a row of the embedding table.
        temb_offset: u32,
        /// C4 per row of the embedding table.
        temb_stride: u32,
        /// Added to the variance.
        eps: f32,
        /// The activation's code.
        activation: u32,
        /// C4 that a workgroup of group_norm_fused normalises.
        run: u32,
        /// Unused.
        pad0: u32,
    }
}

uniform! {
    /// Geometry of a linear layer on rows.
    "Linear" LinearParams {
        /// Input C4 per row.
        in_c4: u32,
        /// Output C4 per row.
        out_c4: u32,
        /// Code of the activation applied to the input.
        activation: u32,
        /// Unused.
        pad0: u32,
    }
}

uniform! {
    /// The sinusoidal embedding of the timestep.
    "TimeEmbedding" TimeEmbeddingParams {
        /// Half the embedding's width.
        half: u32,
        /// C4 per row.
        out_c4: u32,
        /// 1: cos before sin.
        flip: u32,
        /// Unused.
        pad0: u32,
    }
}

uniform! {
    /// What the class of an image adds to its embedding.
    "ClassEmbedding" ClassEmbeddingParams {
        /// C4 per row.
        c4: u32,
        /// Rows of the table.
        classes: u32,
        /// Images.
        images: u32,
        /// Unused.
        pad0: u32,
    }
}

uniform! {
    /// Geometry of a change of a picture's sides by the factor two.
    "Resample" ResampleParams {
        /// Images.
        batch: u32,
        /// Output height.
        height: u32,
        /// Output width.
        width: u32,
        /// C4 per pixel.
        c4: u32,
        /// 1: half the sides, each pixel the mean of four; 0: twice, each pixel repeated.
        down: u32,
        /// Unused.
        pad0: u32,
        /// Unused.
        pad1: u32,
        /// Unused.
        pad2: u32,
    }
}

uniform! {
    /// One chunk of attention; see shaders/attention_scores.wgsl.
    "Attention" AttentionParams {
        /// Tokens per image.
        tokens: u32,
        /// Heads.
        heads: u32,
        /// C4 per head.
        head_c4: u32,
        /// Groups of four keys per row of scores.
        tokens4: u32,
        /// First group (image·heads + head) of this chunk.
        group_base: u32,
        /// Groups in this chunk.
        groups: u32,
        /// First query row of this chunk.
        row_base: u32,
        /// Query rows of this chunk.
        rows: u32,
        /// 1/√d.
        scale: f32,
        /// Unused.
        pad0: u32,
        /// Unused.
        pad1: u32,
        /// Unused.
        pad2: u32,
    }
}

uniform! {
    /// Geometry of the kernels that go over pictures: input, noise, thresholding, update, packing.
    "Image" ImageParams {
        /// Images.
        batch: u32,
        /// Pixels per image.
        pixels: u32,
        /// C4 per pixel.
        c4: u32,
        /// Channels.
        channels: u32,
        /// C4 per pixel of the model's output.
        model_c4: u32,
        /// Unused.
        pad0: u32,
        /// Factor of the network's input.
        scale: f32,
        /// Summand of the network's input.
        shift: f32,
    }
}
