//! Measuring the candidates of every shape of layer on the device, by timestamp queries, while a model's first steps run already.
//!
//! A layer is measured on the buffers of a recorded program, but for what it writes, which goes to a buffer of the tuner's own. All it
//! asks of the driver stands within error scopes of its thread: what fails here is no fault of the run, only nothing measured.

use super::{
    Gpu, GpuExecutor,
    constants::Region,
    pipeline::BindingKind,
    tune::{Dispatch, candidates},
    tuning::{Choice, Choices, layer_shape},
};
use crate::{
    error::Result,
    platform::{self, Instant, Task},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// All layers of a model together are measured for so long.
const BUDGET: Duration = Duration::from_secs(2);

/// A shape of layer with what it takes to run it.
pub(super) struct Job {
    shape: String,
    candidates: Vec<Dispatch>,
    bound: Vec<(BindingKind, Region)>,
    output_bytes: u64,
    f16: bool,
    /// Operations of all layers of this shape.
    flops: f64,
}

/// A thread that measures; dropped, it stops.
#[derive(Debug)]
pub(super) struct Running {
    stop: Arc<AtomicBool>,
    task: Task,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Not while the program ends: drivers do not like that.
        self.task.wait(Duration::from_secs(2));
    }
}

impl GpuExecutor {
    /// The shapes of its layers that were not measured yet, those first that take most of a step.
    fn jobs(&self) -> Vec<Job> {
        let known = self.gpu.tuned(&self.program, self.precision);
        let mut jobs: BTreeMap<String, Job> = BTreeMap::new();
        for ((_, kernel, _), call) in self.program.calls().iter().zip(&self.calls) {
            let Some(shape) = layer_shape(kernel, &self.program, self.precision) else { continue };
            if known.iter().any(|(other, choice)| *other == shape && choice.is_some()) {
                continue;
            }
            let f16 = self.precision.is_f16();
            let output = kernel.operands().into_iter().rfind(|o| o.access != crate::program::Access::Read);
            let bytes = |tensor| self.program.get(tensor).bytes(self.precision.c4_bytes());
            let job = jobs.entry(shape.clone()).or_insert_with(|| Job {
                shape,
                candidates: candidates(kernel, &self.program, self.gpu.class, self.precision),
                bound: call.bound.clone(),
                output_bytes: output.map_or(16, |o| bytes(o.tensor)),
                f16,
                flops: 0.0,
            });
            job.flops += call.flops;
        }
        let mut jobs: Vec<Job> = jobs.into_values().filter(|job| job.candidates.len() > 1).collect();
        jobs.sort_by(|a, b| b.flops.total_cmp(&a.flops));
        jobs
    }

    /// Begins to measure on a thread, where there is something to measure and nobody measures.
    pub(super) fn begin_tuning(&mut self) {
        // While somebody else measures, the next step asks again.
        if self.asked_to_tune || !self.gpu.tunes() || self.gpu.tuning.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        self.asked_to_tune = true;
        let jobs = self.jobs();
        if jobs.is_empty() {
            return self.gpu.tuning.busy.store(false, Ordering::Release);
        }
        let (gpu, stop) = (self.gpu.clone(), Arc::new(AtomicBool::new(false)));
        let for_thread = stop.clone();
        let spawned = platform::spawn("tuner", move || {
            measure_all(&gpu, &jobs, &for_thread);
            std::future::ready(())
        });
        match spawned {
            Ok(task) => self.tuner = Some(Running { stop, task }),
            Err(error) => {
                self.gpu.tuning.busy.store(false, Ordering::Release);
                tracing::info!("layers are not measured: {error}");
            }
        }
    }

    /// Measures now what was not measured yet, and takes what is quickest: for a benchmark.
    ///
    /// # Errors
    /// A device fault.
    pub fn tune(&mut self) -> Result<()> {
        self.asked_to_tune = true;
        if self.gpu.tunes() && !self.gpu.tuning.busy.swap(true, Ordering::AcqRel) {
            measure_all(&self.gpu, &self.jobs(), &AtomicBool::new(false));
        }
        self.follow_tuning()
    }
}

/// Measures until all is measured, the time is over, or somebody says stop.
fn measure_all(gpu: &Gpu, jobs: &[Job], stop: &AtomicBool) {
    let end = Instant::now() + BUDGET;
    let filters = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
    let scopes = filters.map(|filter| gpu.device.push_error_scope(filter));
    let mut found = Choices::new();
    if let Some(stopwatch) = Stopwatch::new(gpu, jobs) {
        let is_over = || stop.load(Ordering::Relaxed) || Instant::now() >= end;
        'jobs: for job in jobs {
            let mut measured: Vec<(Dispatch, f64)> = Vec::with_capacity(job.candidates.len());
            // Once more after all the others: a device that was at rest is slow at first.
            for (i, candidate) in (0..ROUNDS).flat_map(|_| job.candidates.iter().enumerate()) {
                let time = if is_over() { None } else { stopwatch.microseconds(job, candidate) };
                let Some(time) = time else { break 'jobs };
                match measured.get_mut(i) {
                    Some(known) => known.1 = known.1.min(time),
                    None => measured.push((candidate.clone(), time)),
                }
            }
            found.extend(Choice::best(&measured).map(|choice| (job.shape.clone(), choice)));
        }
    }
    let errors: Vec<_> = scopes.into_iter().rev().filter_map(|scope| platform::block_on(scope.pop())).collect();
    match errors.first() {
        Some(error) => tracing::info!("layers are not measured: {error}"),
        None => gpu.tuning.add(found),
    }
    gpu.tuning.busy.store(false, Ordering::Release);
}

/// Two timestamps around some calls.
struct Stopwatch<'g> {
    gpu: &'g Gpu,
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    readable: wgpu::Buffer,
    output: wgpu::Buffer,
}

/// How often each candidate is measured.
const ROUNDS: u32 = 2;
/// Passes that are timed at once; the quickest counts.
const PASSES: u32 = 3;

impl<'g> Stopwatch<'g> {
    fn new(gpu: &'g Gpu, jobs: &[Job]) -> Option<Self> {
        let output_bytes = jobs.iter().map(|job| job.output_bytes).max()?.max(16);
        let buffer = |label, size, usage| {
            gpu.device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
        };
        let bytes = u64::from(2 * PASSES) * 8;
        let (resolve, copy) = (wgpu::BufferUsages::QUERY_RESOLVE, wgpu::BufferUsages::COPY_SRC);
        let queries = wgpu::QuerySetDescriptor { label: Some("tuner"), ty: wgpu::QueryType::Timestamp, count: 2 * PASSES };
        Some(Self {
            gpu,
            queries: gpu.device.create_query_set(&queries),
            resolved: buffer("tuner's timestamps", bytes, resolve | copy),
            readable: buffer("tuner's times", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
            output: buffer("tuner's output", output_bytes, wgpu::BufferUsages::STORAGE),
        })
    }

    /// How long one call takes; `None` where the driver does not want to.
    fn microseconds(&self, job: &Job, candidate: &Dispatch) -> Option<f64> {
        /// Short calls are repeated until a pass takes so long.
        const LONG_ENOUGH: f64 = 200.0;
        const MAX_REPEATS: f64 = 50.0;
        let kinds: Vec<BindingKind> = job.bound.iter().map(|(kind, _)| *kind).collect();
        let pipeline = self.gpu.pipeline_apart(candidate, &kinds, job.f16).ok()?;
        let entries: Vec<_> = (0..)
            .zip(&job.bound)
            .map(|(binding, (kind, region))| {
                let resource = match kind {
                    BindingKind::Write => self.output.as_entire_binding(),
                    _ => region.binding(),
                };
                wgpu::BindGroupEntry { binding, resource }
            })
            .collect();
        let bind_group = self.gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("tuner"),
            layout: &pipeline.layout,
            entries: &entries,
        });
        let [x, y] = candidate.grid();
        let time = |repeats: u32| {
            let mut encoder = self.gpu.encoder();
            for i in 0..PASSES {
                let timestamp_writes = Some(wgpu::ComputePassTimestampWrites {
                    query_set: &self.queries,
                    beginning_of_pass_write_index: Some(2 * i),
                    end_of_pass_write_index: Some(2 * i + 1),
                });
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
                pass.set_pipeline(&pipeline.pipeline);
                pass.set_bind_group(0, &bind_group, &[]);
                (0..repeats).for_each(|_| pass.dispatch_workgroups(x, y, 1));
            }
            encoder.resolve_query_set(&self.queries, 0..2 * PASSES, &self.resolved, 0);
            encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.readable, 0, self.resolved.size());
            let ticks = self.gpu.read_apart(encoder, &self.readable)?;
            let ticks: Vec<u64> = ticks.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
            let nanoseconds = f64::from(self.gpu.queue.get_timestamp_period());
            let passes = ticks.as_chunks::<2>().0.iter().map(|[start, end]| end.saturating_sub(*start));
            // A clock that stands still has measured nothing.
            let quickest = passes.filter(|ticks| *ticks > 0).min()?;
            Some(quickest as f64 * nanoseconds * 1e-3 / f64::from(repeats))
        };
        let once = time(1)?;
        let repeats = (LONG_ENOUGH / once).ceil().clamp(1.0, MAX_REPEATS) as u32;
        if repeats == 1 { Some(once) } else { time(repeats) }
    }
}
