//! Étude: Denoising Diffusion Implicit Models (Song, Meng, Ermon 2020) on any GPU, the U-Net and the sampler as WGSL compute
//! shaders through wgpu, with a CPU executor of the same kernels in plain Rust.
//!
//! # How a picture comes about
//!
//! ```text
//! config.json, weights ── model ──> Program ──┐ a flat list of kernel calls, recorded once for a batch and size
//!                                             ├── gpu or cpu: an Executor that has allocated all of it
//! scheduler_config.json, S, η, τ ── schedule ─┤ one row of coefficients per step
//! seeds ── noise ── x_T ──────────────────────┘
//!                                   sampler: per step one command buffer with one compute pass (more of them in a long step)
//!                                             └──> x_0 ── picture ──> PNG with its recipe inside
//! ```
//!
//! - **Record once, run anywhere.** [`model`] records the U-Net as a [`program::Program`]; [`cpu`] and [`gpu`] run it through
//!   [`program::Executor`], which is all that [`sampler`], the command line and the tests see.
//! - **A kernel is four things with one name**: its shader `shaders/conv2d.wgsl`, its twin `src/cpu/conv2d.rs`, its parameters
//!   `program::Conv2d`, and its case in `tests/kernels.rs`. One row of the table in `src/program/kernel.rs` ties them together: the
//!   enum, the bindings, the list of shaders and the calls of the twins follow from it.
//! - **Activations are NHWC in groups of four channels (`C4`)**, padded; weights are packed once at load ([`program::layout`]). PyTorch's
//!   NCHW exists only at the edges.
//! - **Nothing is rebuilt per step.** What depends on t alone, the time embedding and every block's projection of it, is computed
//!   for all steps up front; a step picks its row by an index.
//! - **x_T and every step's noise come from counters** ([`noise`]): image 7 of a batch of 64 is image 7 of a batch of 8, and a
//!   picture changes smoothly as η moves.
//! - **A model has a name**: an embedded one's, a folder, or `owner/name` of the Hugging Face Hub, which [`hub`] finds in the Hub's own cache
//!   on this disk or fetches into it. Nothing but [`hub::fetch`] touches the network, and a recipe names the commit.
//!
//! Dependencies point one way: `main -> cli, app -> session -> engine -> backend, sampler, model -> cpu, gpu, schedule, noise ->
//! program -> error` (`tests/layers.rs` holds them to it). The command line belongs to the program, not to this library.
//!
//! # How the viewer hangs together
//!
//! ```text
//! window ── viewer: logic drains events, ui draws panels ──┐ a panel gets the state and a draft of the controls,
//!             │ changed controls: a Request                │ changes the draft, or returns a Command, which an action carries out
//!             ▼                                            ▲
//!          session (the latest request wins) ── worker: engine + run ── Event: plan, steps, faults
//! ```
//!
//! - **Controls are plain values** ([`app::state::controls`]), and a picture's [`recipe`] holds them all: settings, undo and a dropped
//!   picture are one thing. [`app::state::run_requests`] turns them into the run that a panel needs.
//! - **Each folder of [`app`] knows those before it**: state (plain values), widgets (they draw and know no panel), panels, figures,
//!   actions, and then the viewer and its window. [`app::headless`] makes a panel's figure without any of the last three.
//! - **What is nearly there is shown, and nothing on screen is replaced by less** ([`app::state::live`], [`app::state::runs`]). While a
//!   control moves, drafts of the picture that is looked at follow one another, each of them whole; at rest that picture comes with all
//!   its steps, then the rest of the panel, then what may be wanted next.
//! - **The latest request wins** ([`session`]). A full run waits for a draft to end and drops the previous full run, unless that takes
//!   less than a quarter of a second more.
//! - **x stays on the device while one group of a run goes on** ([`engine`]). The host keeps a copy of it after every step, so that
//!   groups with different schedules take turns on one executor, and a run survives the loss of its device.
//! - **Waiting is async, blocking has one place.** Opening a device, reading back and taking a turn are `async fn`; a desktop's thread
//!   blocks on them in `platform::block_on`, a page awaits them. [`platform`] alone knows threads, clocks, dialogs and downloads.
//! - **The device that computes is not the one that draws**, and on the processor the computing threads have a lower priority than the
//!   window.
//!
//! # In a browser
//!
//! ```text
//! page ── app, canvas (WebGL) ── Session ──┐ requests, models' files     ┌── worker: engine + run, WebGPU or the CPU executor
//!                                          └──── events, MessagePack ────┘
//! ```
//!
//! - **One program is started twice** from `main`: on the page, which draws, and in a Web Worker, which computes, so that the page never
//!   freezes. Between them lies `session/link.rs`, and nothing else knows of it.
//! - **Files lie in memory** (`files/in_memory.rs`): a model's come by `fetch`, by dropping them, or from the Hub, and go to the worker.
//! - **An address holds a recipe** ([`recipe::link`]), so that a link sets every control, here and there.
//!
//! # The paper's symbols
//!
//! | paper | here | where |
//! |---|---|---|
//! | α_t (its cumulative product; ᾱ_t elsewhere) | `alpha_bar` | [`schedule::alpha_bar`] |
//! | τ, S | `Spacing`, `steps` | [`schedule`] |
//! | η, σ, σ̂ | `eta`, `sigma`, `sigma_hat` | [`schedule::ScheduleRequest`] |
//! | x_t, x_T | `x`, `x_t` | [`sampler`] |
//! | ε_θ(x_t, t) | `epsilon` | [`sampler::epsilon`] |
//! | predicted x_0 (f_θ) | `x0` | [`sampler::StepTensors::x0`] |
//! | Eq. 12, the step | `ddim_step` | `shaders/ddim_step.wgsl` |
//! | slerp (Appendix) | `slerp` | [`latent`] |

#[cfg(feature = "app")]
pub mod app;
pub mod backend;
pub mod cpu;
pub mod engine;
pub mod error;
#[cfg(feature = "figures")]
pub mod figure;
pub mod files;
pub mod gpu;
pub mod hub;
pub mod json;
pub mod latent;
#[cfg(feature = "figures")]
pub mod math;
pub mod model;
pub mod noise;
pub mod picture;
pub mod platform;
pub mod program;
pub mod recipe;
pub mod sampler;
pub mod schedule;
pub mod session;
pub mod tensors;
pub mod weights;

pub use error::{Error, Result};
