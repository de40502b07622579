//! Running a program on a GPU. Everything a step needs (pipelines, buffers, bind groups) is made in [`GpuExecutor::new`]; a step
//! is one small uniform write and one command buffer with one compute pass; where that would keep the device busy for long, several.

use super::{
    Gpu,
    constants::{DeviceWeights, Region},
    pipeline::{BindingKind, Pipeline},
    staging::{InFlight, Source, StagingPool},
    tune::{Dispatch, dispatch},
};
use crate::{
    error::{Error, Result},
    program::{
        Access, BoxFuture, DeviceInfo, Element, Executor, Kernel, MemoryPlan, Outstanding, Precision, Program, Stage, StepParams,
        TensorId, Ticket, check_words,
    },
};
use half::f16;
use std::sync::Arc;

/// Work of one submission, in floating-point operations. A driver's watchdog ends a submission after 2 to 10 seconds, and a window
/// on the same device waits for it: at 0.5 TFLOP/s this is 0.1 s.
const MAX_FLOPS: f64 = 5e10;

pub(super) struct Call {
    stage: Stage,
    pub flops: f64,
    /// The shader variant.
    variant: Dispatch,
    /// What it binds.
    pub bound: Vec<(BindingKind, Region)>,
    pipeline: Arc<Pipeline>,
    bind_group: wgpu::BindGroup,
    /// Workgroups in x and y; `None` where they depend on the number of embedding rows in use.
    grid: Option<[u32; 2]>,
}

/// Runs one program on one GPU.
pub struct GpuExecutor {
    pub(super) gpu: Arc<Gpu>,
    pub(super) program: Arc<Program>,
    pub(super) precision: Precision,
    plan: MemoryPlan,
    slots: Vec<wgpu::Buffer>,
    pub(super) step_buffer: wgpu::Buffer,
    pub(super) calls: Vec<Call>,
    /// The [`Gpu::tuning_generation`] that the calls' variants are of.
    generation: u64,
    /// Whether the layers have been looked at for some that are to be measured.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) asked_to_tune: bool,
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) tuner: Option<super::tuner::Running>,
    in_flight: Outstanding<(InFlight, Vec<TensorId>)>,
    staging: StagingPool,
    allocated: u64,
}

impl std::fmt::Debug for GpuExecutor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GpuExecutor").field("device", &self.gpu.info).field("precision", &self.precision).finish_non_exhaustive()
    }
}

impl GpuExecutor {
    /// Allocates and compiles everything `program` needs.
    ///
    /// # Errors
    /// A tensor larger than the device binds, f16 where the device has none, no memory, a driver fault.
    pub fn new(gpu: Arc<Gpu>, program: Arc<Program>, precision: Precision) -> Result<Self> {
        Self::sharing(gpu, program, precision, &mut DeviceWeights::default())
    }

    /// As [`Self::new`], but for the weights that are in `weights` already; those that are not come to be there.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn sharing(gpu: Arc<Gpu>, program: Arc<Program>, precision: Precision, weights: &mut DeviceWeights) -> Result<Self> {
        let best = |kernel: &Kernel| gpu.best_dispatch(kernel, &program, precision);
        Self::choosing(gpu.clone(), program.clone(), precision, weights, &best)
    }

    /// As [`Self::sharing`], with the shader variants that `choose` takes, each of which must suit its call: for tests of all of them.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn choosing(
        gpu: Arc<Gpu>,
        program: Arc<Program>,
        precision: Precision,
        weights: &mut DeviceWeights,
        choose: &dyn Fn(&Kernel) -> Dispatch,
    ) -> Result<Self> {
        if precision == Precision::Bf16 {
            return Err(Error::device(&gpu.info.name, "has no bf16; use --device cpu, or --precision f16"));
        }
        if precision.is_f16() && !gpu.f16 {
            return Err(Error::device(&gpu.info.name, "has no 16-bit shader arithmetic (SHADER_F16); use --precision f32"));
        }
        let largest = program.largest_tensor_bytes(precision.c4_bytes());
        if largest > gpu.max_binding() {
            let limit = gpu.max_binding();
            return Err(Error::device(
                &gpu.info.name,
                format!("binds {limit} bytes at most, {largest} needed; use a smaller --batch"),
            ));
        }
        let plan = MemoryPlan::new(&program, precision.c4_bytes());
        let storage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        let mut allocated = 0;
        let mut create = |label: &str, size: u64, usage| {
            allocated += size;
            gpu.create_buffer(label, size, usage)
        };
        let slots: Vec<_> = plan.slots().iter().map(|&bytes| create("activations", bytes, storage)).collect();
        let uniform = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let step_buffer = create("step", size_of::<StepParams>() as u64, uniform);
        let params_bytes: Vec<Vec<u8>> = program.calls().iter().map(|(_, kernel, _)| kernel.params(&program)).collect();
        let align = u64::from(gpu.limits.min_uniform_buffer_offset_alignment);
        let params_buffer =
            create("parameters", params_bytes.iter().map(|p| (p.len() as u64).next_multiple_of(align)).sum(), uniform);
        let constants = weights.upload(&gpu, &program, precision)?;
        gpu.check()?;

        let generation = gpu.tuning_generation();
        let mut all_params = Vec::new();
        let mut calls = Vec::with_capacity(program.calls().len());
        for ((stage, kernel, label), params) in program.calls().iter().zip(&params_bytes) {
            let at = all_params.len() as u64;
            all_params.extend_from_slice(params);
            all_params.resize(all_params.len().next_multiple_of(align as usize), 0);
            let mut bound =
                vec![(BindingKind::Uniform, Region { buffer: params_buffer.clone(), offset: at, bytes: params.len() as u64 })];
            if kernel.uses_step() {
                bound.push((
                    BindingKind::Uniform,
                    Region { buffer: step_buffer.clone(), offset: 0, bytes: size_of::<StepParams>() as u64 },
                ));
            }
            for operand in kernel.operands() {
                let kind = if operand.access == Access::Read { BindingKind::Read } else { BindingKind::Write };
                let region = match (plan.slot(operand.tensor), constants.get(&operand.tensor)) {
                    (Some(i), _) => Region { buffer: slots[i].clone(), offset: 0, bytes: slots[i].size() },
                    (None, Some(region)) => region.clone(),
                    (None, None) => {
                        return Err(Error::argument(format!("kernel {label}: reads a tensor that nothing writes")));
                    }
                };
                bound.push((kind, region));
            }
            calls.push(prepare(&gpu, kernel, *stage, &program, precision, bound, choose(kernel))?);
        }
        gpu.queue.write_buffer(&params_buffer, 0, &all_params);
        gpu.check()?;
        gpu.pipelines.keep();
        let allocated = allocated + program.weight_bytes(precision.c4_bytes());
        let (in_flight, staging) = (Outstanding::default(), StagingPool::default());
        Ok(Self {
            gpu,
            program,
            precision,
            plan,
            slots,
            step_buffer,
            calls,
            generation,
            #[cfg(not(target_arch = "wasm32"))]
            asked_to_tune: false,
            #[cfg(not(target_arch = "wasm32"))]
            tuner: None,
            in_flight,
            staging,
            allocated,
        })
    }

    /// Takes the variants that have been measured to be quickest since the last step. They give the same bits.
    pub(super) fn follow_tuning(&mut self) -> Result<()> {
        let generation = self.gpu.tuning_generation();
        if generation == self.generation {
            return Ok(());
        }
        for ((stage, kernel, _), call) in self.program.calls().iter().zip(&mut self.calls) {
            let best = self.gpu.best_dispatch(kernel, &self.program, self.precision);
            if best != call.variant {
                *call = prepare(&self.gpu, kernel, *stage, &self.program, self.precision, std::mem::take(&mut call.bound), best)?;
            }
        }
        self.generation = generation;
        self.gpu.pipelines.keep();
        Ok(())
    }

    /// Bytes of device memory this executor holds, its weights included, which others may share.
    pub fn allocated_bytes(&self) -> u64 {
        self.allocated
    }

    /// Weights plus the most activations alive at one moment: no plan can need less.
    pub fn needed_bytes(&self) -> u64 {
        self.program.weight_bytes(self.precision.c4_bytes()) + self.plan.live_peak()
    }

    /// Kernel calls of one run of a stage.
    pub fn dispatches(&self, stage: Stage) -> usize {
        self.calls.iter().filter(|c| c.stage == stage).count()
    }

    fn region(&self, tensor: TensorId) -> Result<(&wgpu::Buffer, u64)> {
        let t = self.program.get(tensor);
        let slot = self.plan.slot(tensor).ok_or_else(|| Error::argument(format!("tensor {}: has no memory of its own", t.name)))?;
        Ok((&self.slots[slot], t.bytes(self.precision.c4_bytes())))
    }

    fn source(&self, tensor: TensorId) -> Result<Source> {
        let (buffer, bytes) = self.region(tensor)?;
        Ok(Source { buffer: buffer.clone(), bytes })
    }

    pub(super) fn encode(&self, pass: &mut wgpu::ComputePass, index: usize, rows: u32) {
        let call = &self.calls[index];
        let for_rows = || dispatch(&self.program.calls()[index].1, &self.program, self.gpu.class, rows).grid();
        let [x, y] = call.grid.unwrap_or_else(for_rows);
        pass.set_pipeline(&call.pipeline.pipeline);
        pass.set_bind_group(0, &call.bind_group, &[]);
        pass.dispatch_workgroups(x, y, 1);
    }

    /// The next call of `stages` from `at` (stage, call) on, which moves behind it; past the last stage there is none.
    fn next_call(&self, stages: &[Stage], at: &mut (usize, usize)) -> Option<usize> {
        while let Some(stage) = stages.get(at.0) {
            if let Some(index) = (at.1..self.calls.len()).find(|i| self.calls[*i].stage == *stage) {
                at.1 = index + 1;
                return Some(index);
            }
            *at = (at.0 + 1, 0);
        }
        None
    }

    pub(super) fn indices(&self, stage: Stage) -> Vec<usize> {
        (0..self.calls.len()).filter(|&i| self.calls[i].stage == stage).collect()
    }

    fn decode(&self, tensor: TensorId, bytes: &[u8]) -> Vec<f32> {
        if self.program.get(tensor).element == Element::C4 && self.precision.is_f16() {
            bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect()
        } else {
            bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
        }
    }
}

fn prepare(
    gpu: &Gpu,
    kernel: &Kernel,
    stage: Stage,
    program: &Program,
    precision: Precision,
    bound: Vec<(BindingKind, Region)>,
    variant: Dispatch,
) -> Result<Call> {
    let kinds: Vec<BindingKind> = bound.iter().map(|(kind, _)| *kind).collect();
    let pipeline = gpu.pipeline(&variant, &kinds, precision.is_f16())?;
    let entries: Vec<_> =
        (0..).zip(&bound).map(|(binding, (_, region))| wgpu::BindGroupEntry { binding, resource: region.binding() }).collect();
    let bind_group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(variant.shader),
        layout: &pipeline.layout,
        entries: &entries,
    });
    let grid = (!kernel.work_grows_with_rows(program)).then(|| variant.grid());
    Ok(Call { stage, flops: kernel.flops(program, 1), variant, bound, pipeline, bind_group, grid })
}

impl Executor for GpuExecutor {
    fn device(&self) -> &DeviceInfo {
        &self.gpu.info
    }

    fn program(&self) -> &Program {
        &self.program
    }

    fn write(&mut self, tensor: TensorId, values: &[f32]) -> Result<()> {
        let (t, (buffer, _)) = (self.program.get(tensor), self.region(tensor)?);
        if matches!(t.element, Element::Pixel | Element::Words4) || values.len() != t.shape.len() {
            return Err(Error::argument(format!(
                "tensor {}: expected numbers, {} of them, got {}",
                t.name,
                t.shape.len(),
                values.len()
            )));
        }
        if t.element == Element::C4 && self.precision.is_f16() {
            let half: Vec<f16> = values.iter().map(|v| f16::from_f32(*v)).collect();
            self.gpu.queue.write_buffer(buffer, 0, bytemuck::cast_slice(&half));
        } else {
            self.gpu.queue.write_buffer(buffer, 0, bytemuck::cast_slice(values));
        }
        self.gpu.check()
    }

    fn write_words(&mut self, tensor: TensorId, words: &[u32]) -> Result<()> {
        check_words(&self.program, tensor, words)?;
        self.gpu.queue.write_buffer(self.region(tensor)?.0, 0, bytemuck::cast_slice(words));
        self.gpu.check()
    }

    fn runs_ahead(&self) -> bool {
        true
    }

    fn submit(&mut self, stages: &[Stage], step: &StepParams, reads: &[TensorId]) -> Result<Ticket> {
        self.gpu.check()?;
        self.follow_tuning()?;
        #[cfg(not(target_arch = "wasm32"))]
        self.begin_tuning();
        let given_up: Vec<_> = self.in_flight.abandoned().collect();
        given_up.into_iter().for_each(|(in_flight, _)| self.staging.give_up(in_flight));
        self.gpu.queue.write_buffer(&self.step_buffer, 0, bytemuck::bytes_of(step));
        let mut at = (0, 0);
        let mut before = None;
        let last = loop {
            let mut encoder = self.gpu.encoder();
            let mut flops = 0.0;
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                while flops < MAX_FLOPS
                    && let Some(index) = self.next_call(stages, &mut at)
                {
                    self.encode(&mut pass, index, step.rows);
                    flops += self.calls[index].flops;
                }
            }
            if at.0 >= stages.len() {
                break encoder;
            }
            let submitted = self.gpu.submit(encoder);
            if let Some(oldest) = before.replace(submitted) {
                self.gpu.limit_queue(oldest)?;
            }
        };
        let sources: Vec<_> = reads.iter().map(|tensor| self.source(*tensor)).collect::<Result<_>>()?;
        let in_flight = self.staging.submit(&self.gpu, last, &sources);
        self.gpu.check()?;
        Ok(self.in_flight.insert((in_flight, reads.to_vec())))
    }

    fn collect(&mut self, ticket: Ticket) -> BoxFuture<'_, Result<Vec<Vec<f32>>>> {
        Box::pin(async move {
            let (in_flight, reads) = self.in_flight.take(&ticket)?;
            let bytes = self.staging.collect(&self.gpu, in_flight).await?;
            let mut values = Vec::with_capacity(reads.len());
            let mut rest = bytes.as_slice();
            for tensor in reads {
                let source = self.source(tensor)?;
                values.push(self.decode(tensor, &rest[..source.bytes as usize]));
                rest = &rest[source.place() as usize..];
            }
            Ok(values)
        })
    }

    fn trace<'a>(&'a mut self, stages: &'a [Stage], step: &'a StepParams) -> BoxFuture<'a, Result<Vec<Vec<f32>>>> {
        Box::pin(async move {
            self.gpu.queue.write_buffer(&self.step_buffer, 0, bytemuck::bytes_of(step));
            let mut results = Vec::new();
            for index in stages.iter().flat_map(|s| self.indices(*s)).collect::<Vec<_>>() {
                let mut encoder = self.gpu.encoder();
                self.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()), index, step.rows);
                let output = self.program.calls()[index].1.operands().into_iter().rfind(|o| o.access != Access::Read);
                let Some(output) = output else {
                    results.push(Vec::new());
                    continue;
                };
                let source = self.source(output.tensor)?;
                let bytes = source.bytes;
                let in_flight = self.staging.submit(&self.gpu, encoder, &[source]);
                let read = self.staging.collect(&self.gpu, in_flight).await?;
                results.push(self.decode(output.tensor, &read[..bytes as usize]));
            }
            Ok(results)
        })
    }
}
