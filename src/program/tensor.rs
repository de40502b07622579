//! Tensor ids, shapes and lifetimes.

use std::{fmt, sync::Arc};

/// Index of a tensor within its [`super::Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub(crate) u32);

/// `[N, H, W, C]`; in memory `[N, H, W, ceil(C/4)]` groups of four channels, the last one padded. Such a group
/// is called C4, and is a `vec4` in the shaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Images (or rows).
    pub batch: u32,
    /// Rows of pixels.
    pub height: u32,
    /// Columns of pixels.
    pub width: u32,
    /// Channels, without padding.
    pub channels: u32,
}

impl Shape {
    /// `[batch, height, width, channels]`.
    pub fn new(batch: u32, height: u32, width: u32, channels: u32) -> Self {
        Self { batch, height, width, channels }
    }

    /// `rows` vectors of `channels`.
    pub fn rows(rows: u32, channels: u32) -> Self {
        Self::new(rows, 1, 1, channels)
    }

    /// Groups of four channels per pixel.
    pub fn c4(&self) -> u32 {
        self.channels.div_ceil(4)
    }

    /// Pixels of one image.
    pub fn pixels(&self) -> u32 {
        self.height * self.width
    }

    /// Groups of four channels in the whole tensor.
    pub fn total_c4(&self) -> u64 {
        u64::from(self.batch) * u64::from(self.height) * u64::from(self.width) * u64::from(self.c4())
    }

    /// Scalars of the whole tensor, padding counted.
    pub fn len(&self) -> usize {
        self.total_c4() as usize * 4
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.total_c4() == 0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{},{},{},{}]", self.batch, self.height, self.width, self.channels)
    }
}

/// What a tensor's elements are in device memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Groups of four channels in the storage precision of the run: f32 or f16.
    C4,
    /// Groups of four f32 whatever the precision.
    F32,
    /// One u32 per pixel (RGBA8).
    Pixel,
    /// Groups of four u32.
    Words4,
}

/// How long a tensor's content lives.
#[derive(Clone, Debug)]
pub enum Life {
    /// Packed weights, in device layout, padded.
    Constant(Arc<Vec<f32>>),
    /// Written or read from outside, or kept from one step to the next.
    State,
    /// From its first writer to its last reader within one run of a stage.
    Scratch,
}

/// One tensor of a program.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// What it holds, for messages and printing.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its element type.
    pub element: Element,
    /// Its lifetime.
    pub life: Life,
}

impl Tensor {
    /// Bytes in device memory when a [`Element::C4`] takes `c4_bytes`.
    pub fn bytes(&self, c4_bytes: u64) -> u64 {
        match self.element {
            Element::C4 => self.shape.total_c4() * c4_bytes,
            Element::F32 | Element::Words4 => self.shape.total_c4() * 16,
            Element::Pixel => u64::from(self.shape.batch) * u64::from(self.shape.pixels()) * 4,
        }
    }
}
