//! The device with the model on it: opened when first needed, kept while requests ask for the same, opened again when lost.

use super::{event::ModelFacts, request::Request};
use crate::{
    backend::{Backend, DeviceChoice},
    error::{Error, Result},
    gpu::Precision,
    model::Model,
    program::{DeviceInfo, Executor, Handles},
    sampler,
};
use std::sync::Arc;

/// Programs kept: one for trajectories, one for another panel's batch.
const KEPT: usize = 2;
/// Programs have room for at least so many timesteps, and then for a power of two of them, so that moving S seldom records anew.
const MIN_ROWS: usize = 128;

/// A device that is open.
struct Device {
    choice: DeviceChoice,
    precision: Precision,
    backend: Backend,
}

/// A model recorded for a batch and a size.
struct Recorded {
    /// The images it was asked for, and those it has room for: fewer where so many do not fit the device.
    asked: usize,
    batch: usize,
    size: (u32, u32),
    rows: usize,
    executor: Box<dyn Executor>,
    handles: Handles,
    /// The timesteps whose embeddings the executor holds.
    prepared: Vec<f32>,
}

/// Device, model and what is recorded of it.
#[derive(Default)]
pub(super) struct Engine {
    device: Option<Device>,
    model: Option<(Arc<Model>, Arc<ModelFacts>)>,
    /// The most recently used first.
    recorded: Vec<Recorded>,
    /// Images at a time, where memory has run out before.
    max_batch: Option<usize>,
    /// What device `max_batch` is about.
    max_batch_for: Option<(DeviceChoice, Precision)>,
    /// The images last asked for.
    last_asked: usize,
}

impl Engine {
    /// Opens the device that `request` asks for, where it is not open already. Returns what to tell where it is new.
    ///
    /// # Errors
    /// As [`Backend::choose`].
    pub(super) fn open_device(&mut self, request: &Request) -> Result<Option<(DeviceInfo, String)>> {
        if self.device.as_ref().is_some_and(|d| d.choice == request.device && d.precision == request.precision) {
            return Ok(None);
        }
        let chosen = Backend::choose(&request.device, request.precision)?;
        self.recorded.clear();
        // A device that is opened again after a loss has no more memory than before.
        let choice = Some((request.device.clone(), request.precision));
        if self.max_batch_for != choice {
            (self.max_batch, self.max_batch_for) = (None, choice);
        }
        let info = chosen.backend.info();
        self.device = Some(Device { choice: request.device.clone(), precision: request.precision, backend: chosen.backend });
        Ok(Some((info, chosen.reason)))
    }

    /// Loads the model that `request` asks for, where it is not loaded already.
    ///
    /// # Errors
    /// As [`Model::find`]; a model whose output has other channels than its input, which cannot be sampled from.
    pub(super) fn load_model(&mut self, request: &Request) -> Result<(Arc<Model>, Arc<ModelFacts>)> {
        if let Some((model, facts)) = &self.model
            && facts.key == request.model
        {
            return Ok((model.clone(), facts.clone()));
        }
        let model = Model::find(&request.model)?;
        let (inputs, outputs) = (model.config.in_channels, model.config.out_channels);
        if inputs != outputs {
            return Err(Error::argument(format!(
                "model {}: expected as many output as input channels to sample from it, got {inputs} in and {outputs} out",
                model.name
            )));
        }
        let facts = Arc::new(ModelFacts {
            key: request.model.clone(),
            name: model.name.clone(),
            channels: inputs,
            size: model.sample_size(),
            parameters: model.weights().parameters(),
            weights_crc32: format!("{:08x}", model.weights().crc32()),
            scheduler: model.scheduler.clone().unwrap_or_default(),
            card: model.card.clone(),
        });
        let model = Arc::new(model);
        self.recorded.clear();
        self.max_batch = None;
        self.model = Some((model.clone(), facts.clone()));
        Ok((model, facts))
    }

    /// Forgets the device: the next [`Self::open_device`] opens one.
    pub(super) fn drop_device(&mut self) {
        self.recorded.clear();
        self.device = None;
    }

    /// Halves the images at a time from now on.
    pub(super) fn shrink(&mut self) {
        self.recorded.clear();
        self.max_batch = Some((self.last_asked / 2).max(1));
    }

    /// Images at a time for a group of `members`: as many as suit the device, in equal parts.
    pub(super) fn batch(&self, members: usize) -> usize {
        let suits = self.device.as_ref().map_or(1, |d| d.backend.default_batch() as usize);
        let max_batch = self.max_batch.map_or(suits, |max| max.min(suits)).max(1);
        members.div_ceil(members.div_ceil(max_batch).max(1)).max(1)
    }

    /// An executor for `batch` images (perhaps fewer, where they do not fit the device) of `size`, with the embeddings of
    /// `timesteps`.
    ///
    /// # Errors
    /// As [`Backend::record`] and [`Backend::executor`].
    pub(super) fn executor(
        &mut self,
        batch: usize,
        size: (u32, u32),
        timesteps: &[f32],
    ) -> Result<(&mut dyn Executor, Handles, usize)> {
        self.last_asked = batch;
        let fits = |r: &Recorded| r.asked == batch && r.size == size && r.rows >= timesteps.len();
        match self.recorded.iter().position(fits) {
            Some(found) => {
                let recorded = self.recorded.remove(found);
                self.recorded.insert(0, recorded);
            }
            None => {
                let recorded = self.record(batch, size, timesteps.len().next_power_of_two().max(MIN_ROWS))?;
                self.recorded.insert(0, recorded);
            }
        }
        let nothing = || Error::argument("the session has no device");
        let recorded = self.recorded.first_mut().ok_or_else(nothing)?;
        if recorded.prepared != timesteps {
            sampler::prepare(recorded.executor.as_mut(), &recorded.handles, timesteps.iter().copied())?;
            recorded.prepared = timesteps.to_vec();
        }
        Ok((recorded.executor.as_mut(), recorded.handles, recorded.batch))
    }

    fn record(&mut self, batch: usize, size: (u32, u32), rows: usize) -> Result<Recorded> {
        let (Some(device), Some((model, _))) = (&self.device, &self.model) else {
            return Err(Error::argument("the session has no device or no model"));
        };
        // What goes is gone before what comes needs its memory.
        self.recorded.truncate(KEPT - 1);
        let (program, handles, room) = device.backend.record(model, batch as u32, size, rows as u32, device.precision)?;
        let executor = device.backend.executor(program, device.precision)?;
        Ok(Recorded { asked: batch, batch: room as usize, size, rows, executor, handles, prepared: Vec::new() })
    }

    /// Loses the device, as a driver reset would: for tests. Nothing happens on the CPU executor.
    pub(super) fn lose_device(&self) {
        if let Some(Device { backend: Backend::Gpu(gpu), .. }) = &self.device {
            gpu.lose();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Engine, Request};
    use crate::session::Keep;

    fn request(device: &str) -> Request {
        Request {
            id: 1,
            model: "fashion".to_owned(),
            device: device.parse().expect("a device"),
            precision: Default::default(),
            size: None,
            groups: Vec::new(),
            keep: Keep::Latest,
        }
    }

    fn on_the_cpu() -> Engine {
        let mut engine = Engine::default();
        engine.load_model(&request("cpu")).expect("a model");
        engine.open_device(&request("cpu")).expect("a device");
        engine
    }

    #[test]
    fn a_device_opened_again_keeps_the_smaller_batch_and_another_does_not() {
        let mut engine = on_the_cpu();
        let before = engine.batch(8);
        engine.executor(before, (32, 32), &[1.0]).expect("an executor");
        engine.drop_device();
        engine.shrink();
        engine.open_device(&request("cpu")).expect("a device");
        assert_eq!((before, engine.batch(8)), (8, 4));
        engine.max_batch_for = None;
        engine.drop_device();
        engine.open_device(&request("cpu")).expect("a device");
        assert_eq!(engine.batch(8), 8);
    }

    #[test]
    fn a_batch_that_did_not_fit_is_recorded_once() {
        let mut engine = on_the_cpu();
        let (_, _, room) = engine.executor(3, (32, 32), &[1.0]).expect("an executor");
        assert_eq!(room, 3);
        // As if the device had had room for two of three.
        engine.recorded[0].batch = 2;
        let (_, _, room) = engine.executor(3, (32, 32), &[1.0]).expect("an executor");
        assert_eq!((room, engine.recorded.len()), (2, 1));
    }
}
