//! The CPU executor: the kernels in plain Rust, one twin per WGSL file. The oracle of the tests, and what runs without a GPU.

mod activation;
pub mod attention_apply;
pub mod attention_fused;
pub mod attention_scores;
pub mod attention_softmax;
mod bf16;
pub mod class_embedding;
pub mod conv2d;
pub mod ddim_step;
pub mod executor;
pub mod gaussian;
pub mod group_norm_apply;
pub mod group_norm_fold;
pub mod group_norm_fused;
pub mod group_norm_stats;
pub mod linear;
mod matmul;
mod memory;
pub mod network_input;
pub mod pack_picture;
mod packed;
mod parallel;
pub mod peak;
pub mod quantile;
pub mod resample;
mod simd;
mod team;
#[cfg(test)]
mod test_values;
pub mod time_embedding;
mod windows;
mod winograd;

pub use packed::{PackedWeights, bf16_in_hardware};

use crate::program::{Call, Kernel, Program, StepParams, kernels};

/// The next tensor that is read, or the next that is written, as a row of the table says.
macro_rules! next {
    (read from $read:ident and $written:ident) => {
        $read.next().unwrap_or_default()
    };
    ($write_or_update:ident from $read:ident and $written:ident) => {
        $written.next().unwrap_or_default()
    };
}

/// `$value` where a row says `with step`.
macro_rules! where_said {
    ($step:ident: $value:ident) => {
        $value
    };
}

macro_rules! call_twin {
    ($(
        $Kernel:ident($k:ident) = $name:ident $(or $wide:ident)? $(with $step:ident)? { $($access:ident $tensor:expr),* }
    )*) => {
        /// Calls the twin of `kernel`: its parameters, the step's where it takes them, then the tensors in the order of the table.
        fn call_twin(
            kernel: &Kernel,
            program: &Program,
            step: &StepParams,
            read: &[&[f32]],
            written: &mut [&mut [f32]],
        ) {
            let (mut read, mut written) = (read.iter().copied(), written.iter_mut().map(|tensor| &mut **tensor));
            match kernel {
                $(Kernel::$Kernel(call) => $name::$name(
                    &call.params(program),
                    $(where_said!($step: step),)?
                    $(next!($access from read and written)),*
                ),)*
            }
        }
    };
}

kernels!(call_twin);
