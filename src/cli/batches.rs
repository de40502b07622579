//! Running a model on many images, some at a time, the last time perhaps fewer.

use etude::{
    backend::Backend,
    error::{Error, Result},
    gpu::Precision,
    model::Model,
    program::{Executor, Handles},
};

/// A model recorded on a device for as many images at a time as fit it.
pub struct Batches<'a> {
    backend: &'a Backend,
    model: &'a Model,
    size: (u32, u32),
    rows: u32,
    precision: Precision,
    /// Images at a time.
    pub batch: u32,
    recorded: u32,
    /// `None` only while another takes its place.
    executor: Option<Box<dyn Executor>>,
    handles: Handles,
}

impl<'a> Batches<'a> {
    /// Records `model` for `wanted` images of `size` (height, width) at a time, fewer where they do not fit, with `rows` timesteps.
    ///
    /// # Errors
    /// As [`Backend::record`] and [`Backend::executor`].
    pub fn new(
        backend: &'a Backend,
        model: &'a Model,
        wanted: u32,
        size: (u32, u32),
        rows: u32,
        precision: Precision,
    ) -> Result<Self> {
        let (program, handles, batch) = backend.record(model, wanted, size, rows, precision)?;
        let executor = Some(backend.executor(program, precision)?);
        Ok(Self { backend, model, size, rows, precision, batch, recorded: batch, executor, handles })
    }

    /// First image and number of images of each batch of `count`.
    pub fn ranges(&self, count: u32) -> impl Iterator<Item = (u32, u32)> + use<> {
        let batch = self.batch;
        (0..count).step_by(batch as usize).map(move |first| (first, batch.min(count - first)))
    }

    /// The executor for `images` images, recorded anew where that is not what there is.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn executor(&mut self, images: u32) -> Result<(&mut dyn Executor, Handles)> {
        if images != self.recorded || self.executor.is_none() {
            // What goes is gone before what comes needs its memory.
            self.executor = None;
            let (program, handles, recorded) = self.backend.record(self.model, images, self.size, self.rows, self.precision)?;
            self.executor = Some(self.backend.executor(program, self.precision)?);
            (self.handles, self.recorded) = (handles, recorded);
        }
        let executor = self.executor.as_mut().ok_or_else(|| Error::argument("nothing is recorded"))?;
        Ok((executor.as_mut(), self.handles))
    }
}
