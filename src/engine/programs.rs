//! What is recorded of a model: one network per batch and size, the most recently used first, on weights that are uploaded once.

use crate::{
    backend::{Backend, SharedWeights},
    error::{Error, Result},
    model::{Model, RecordOptions},
    program::{Executor, Handles, Precision},
    sampler,
};
use std::sync::Arc;

/// Networks kept: one for trajectories, one for another panel's batch, one for the single picture that is looked at.
const KEPT: usize = 3;
/// Networks have room for at least so many timesteps, and then for a power of two of them, so that another S seldom records anew.
const MIN_ROWS: usize = 128;

/// What x an executor holds, so that it need not be uploaded: of which groups, which of them, which part of it, after how many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resident {
    pub groups: u64,
    pub group: usize,
    pub part: usize,
    pub steps: usize,
}

/// A model recorded for a batch and a size.
pub struct Network {
    /// Images it was asked for.
    asked: usize,
    /// Images it has room for: fewer than asked for where so many do not fit the device.
    pub batch: usize,
    size: (u32, u32),
    rows: usize,
    /// Whether it has the prediction alone, without a learned variance.
    prediction_only: bool,
    executor: Box<dyn Executor>,
    handles: Handles,
    /// The timesteps whose embeddings the executor holds.
    prepared: Vec<f32>,
    pub(super) resident: Option<Resident>,
}

impl Network {
    /// The executor and the names of its tensors.
    pub fn parts(&mut self) -> (&mut dyn Executor, Handles) {
        // Whoever has the executor may change its x and its embeddings.
        (self.prepared, self.resident) = (Vec::new(), None);
        (self.executor.as_mut(), self.handles)
    }

    /// As [`Self::parts`], for steps that say themselves what they change.
    pub(super) fn stepping(&mut self) -> (&mut dyn Executor, Handles) {
        (self.executor.as_mut(), self.handles)
    }

    /// Computes the embeddings of `timesteps`, where they are not there already.
    pub(super) fn prepare(&mut self, timesteps: &[f32]) -> Result<()> {
        if self.prepared != timesteps {
            sampler::prepare(self.executor.as_mut(), &self.handles, timesteps.iter().copied())?;
            self.prepared = timesteps.to_vec();
        }
        Ok(())
    }

    /// The network's output for a whole batch, as [`sampler::epsilon`].
    pub(super) async fn epsilon(&mut self, x: &[f32], timesteps: &[f32], classes: &[u32]) -> Result<Vec<f32>> {
        let (executor, handles) = self.parts();
        sampler::epsilon(executor, &handles, x, timesteps, classes).await
    }
}

/// Puts an executor around another.
pub type AroundExecutor = Arc<dyn Fn(Box<dyn Executor>) -> Box<dyn Executor> + Send + Sync>;

/// All networks of a model on a device.
pub(super) struct Programs {
    precision: Precision,
    weights: SharedWeights,
    pub(super) around: Option<AroundExecutor>,
    /// The most recently used first.
    networks: Vec<Network>,
}

impl Programs {
    pub(super) fn new(precision: Precision) -> Self {
        Self { precision, weights: SharedWeights::default(), around: None, networks: Vec::new() }
    }

    /// Forgets every network; the weights stay on the device.
    pub(super) fn clear(&mut self) {
        self.networks.clear();
    }

    /// The network for `batch` images of `size` with room for `rows` timesteps; with all its outputs, or the prediction alone.
    pub(super) fn network(
        &mut self,
        backend: &Backend,
        model: &Model,
        batch: usize,
        size: (u32, u32),
        rows: usize,
        prediction_only: bool,
    ) -> Result<&mut Network> {
        let prediction_only = prediction_only && model.config.learns_variance();
        let fits = |n: &Network| n.asked == batch && n.size == size && n.rows >= rows && n.prediction_only == prediction_only;
        let network = match self.networks.iter().position(fits) {
            Some(found) => self.networks.remove(found),
            None => {
                // What goes is gone before what comes needs its memory.
                self.networks.truncate(KEPT - 1);
                let rows = rows.next_power_of_two().max(MIN_ROWS);
                let options = RecordOptions { prediction_only, ..RecordOptions::default() };
                let (program, handles, room) =
                    backend.record_with(model, batch as u32, size, rows as u32, self.precision, options)?;
                let executor = backend.executor_sharing(program, self.precision, &mut self.weights)?;
                let executor = if let Some(around) = &self.around { around(executor) } else { executor };
                let (prepared, resident) = (Vec::new(), None);
                Network { asked: batch, batch: room as usize, size, rows, prediction_only, executor, handles, prepared, resident }
            }
        };
        self.networks.insert(0, network);
        self.networks.first_mut().ok_or_else(|| Error::argument("nothing is recorded"))
    }
}
