//! An executor around another one, which says how the steps of the network are submitted: on a clock of the test's own, say.

use etude::{
    error::Result,
    program::{BoxFuture, DeviceInfo, Executor, Program, Stage, StepParams, TensorId, Ticket},
};

/// `step` is called for every submission that asks the network, with what submits it.
pub struct Around<F> {
    pub inner: Box<dyn Executor>,
    pub step: F,
}

impl<F: FnMut(&mut dyn FnMut() -> Result<Ticket>) -> Result<Ticket> + Send> Executor for Around<F> {
    fn device(&self) -> &DeviceInfo {
        self.inner.device()
    }

    fn program(&self) -> &Program {
        self.inner.program()
    }

    fn runs_ahead(&self) -> bool {
        self.inner.runs_ahead()
    }

    fn write(&mut self, tensor: TensorId, values: &[f32]) -> Result<()> {
        self.inner.write(tensor, values)
    }

    fn write_words(&mut self, tensor: TensorId, words: &[u32]) -> Result<()> {
        self.inner.write_words(tensor, words)
    }

    fn submit(&mut self, stages: &[Stage], step: &StepParams, reads: &[TensorId]) -> Result<Ticket> {
        let inner = &mut self.inner;
        if stages.contains(&Stage::Network) {
            (self.step)(&mut || inner.submit(stages, step, reads))
        } else {
            inner.submit(stages, step, reads)
        }
    }

    fn collect(&mut self, ticket: Ticket) -> BoxFuture<'_, Result<Vec<Vec<f32>>>> {
        self.inner.collect(ticket)
    }

    fn trace<'a>(&'a mut self, stages: &'a [Stage], step: &'a StepParams) -> BoxFuture<'a, Result<Vec<Vec<f32>>>> {
        self.inner.trace(stages, step)
    }
}
