//! The session: a worker thread that owns the compute device. The latest request wins; events come out.

mod event;
mod request;

pub use event::{Event, Frame, ModelFacts, Moment, Outcome, Plan, Rms, Spread, Terms};
pub use request::{Group, Keep, Latent, Member, Request, Way};
