//! What may be recorded in one way or in another.

/// What a recorded program holds besides the network and the sampler's step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RecordOptions {
    /// `Stage::Picture` and its pixels: x as RGBA8 made on the device.
    pub pack_pictures: bool,
    /// Of a network that learns its variance the prediction alone, which is the first half of its outputs: all that sampling needs.
    pub prediction_only: bool,
    /// What is recorded as fewer, larger kernels.
    pub fused: Fused,
}

/// What is one kernel instead of several. Each call costs a GPU some microseconds, and a driver that computes on the processor 15 to 30 (its
/// threads wake up and wait for one another); our own executor's cost next to nothing, and kernels of their own share their work better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fused {
    /// Group normalisations, where they fit a workgroup.
    pub norms: bool,
    /// Attention over few pixels.
    pub attention: bool,
    /// A resnet's shortcut in its second convolution.
    pub shortcuts: bool,
}

impl Fused {
    /// Kernels of their own for everything.
    pub const NONE: Self = Self { norms: false, attention: false, shortcuts: false };
    /// Everything that can be.
    pub const ALL: Self = Self { norms: true, attention: true, shortcuts: true };
}
