//! Running a program on a GPU. Everything a step needs (pipelines, buffers, bind groups) is made in [`GpuExecutor::new`]; a step
//! is one small uniform write and one command buffer with one compute pass.

use super::{
    Gpu,
    pipeline::{Pipeline, Slot},
    tune::dispatch,
};
use crate::{
    error::{Error, Result},
    program::{
        Access, CallTime, DeviceInfo, Element, Executor, Kernel, Life, MemoryPlan, Program, Stage, Step, StepState, TensorId,
    },
};
use half::f16;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// The storage type of weights and activations; arithmetic is f32 either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits.
    F16,
}

impl Precision {
    /// Bytes of four channels.
    pub fn lane_bytes(self) -> u64 {
        match self {
            Self::F32 => 16,
            Self::F16 => 8,
        }
    }
}

/// Submissions the host may be ahead of the device.
const IN_FLIGHT: usize = 2;

/// Weights are uploaded in buffers of about this size.
const ARENA_BYTES: u64 = 64 << 20;

struct Call {
    stage: Stage,
    pipeline: Arc<Pipeline>,
    bind_group: wgpu::BindGroup,
    /// Workgroups in x and y; `None` where they depend on the number of embedding rows in use.
    grid: Option<[u32; 2]>,
}

/// A part of a buffer.
#[derive(Clone)]
struct Region {
    buffer: wgpu::Buffer,
    offset: u64,
    bytes: u64,
}

/// Runs one program on one GPU.
pub struct GpuExecutor {
    gpu: Arc<Gpu>,
    program: Arc<Program>,
    precision: Precision,
    plan: MemoryPlan,
    slots: Vec<wgpu::Buffer>,
    step_buffer: wgpu::Buffer,
    calls: Vec<Call>,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
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
        if precision == Precision::F16 && !gpu.f16 {
            return Err(Error::device(&gpu.info.name, "has no 16-bit shader arithmetic (SHADER_F16); use --precision f32"));
        }
        let largest = program.largest_tensor_bytes(precision.lane_bytes());
        if largest > gpu.max_binding() {
            let limit = gpu.max_binding();
            return Err(Error::device(
                &gpu.info.name,
                format!("binds {limit} bytes at most, {largest} needed; use a smaller --batch"),
            ));
        }
        let plan = MemoryPlan::new(&program, precision.lane_bytes());
        let storage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        let mut allocated = 0;
        let mut create = |label: &str, size: u64, usage| {
            allocated += size;
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: size.max(16),
                usage,
                mapped_at_creation: false,
            })
        };
        let slots: Vec<_> = plan.slots().iter().map(|&bytes| create("activations", bytes, storage)).collect();
        let uniform = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let step_buffer = create("step", size_of::<Step>() as u64, uniform);
        let params_bytes: Vec<Vec<u8>> = program.calls().iter().map(|(_, kernel, _)| kernel.params(&program)).collect();
        let align = u64::from(gpu.limits.min_uniform_buffer_offset_alignment);
        let params_buffer =
            create("parameters", params_bytes.iter().map(|p| (p.len() as u64).next_multiple_of(align)).sum(), uniform);
        let constants = upload_constants(&gpu, &program, precision, storage, &mut create)?;
        gpu.check()?;

        let mut all_params = Vec::new();
        let mut calls = Vec::with_capacity(program.calls().len());
        for ((stage, kernel, label), params) in program.calls().iter().zip(&params_bytes) {
            let at = all_params.len() as u64;
            all_params.extend_from_slice(params);
            all_params.resize(all_params.len().next_multiple_of(align as usize), 0);
            let mut bound = vec![(Slot::Uniform, Region { buffer: params_buffer.clone(), offset: at, bytes: params.len() as u64 })];
            if kernel.uses_step() {
                bound.push((Slot::Uniform, Region { buffer: step_buffer.clone(), offset: 0, bytes: size_of::<Step>() as u64 }));
            }
            for operand in kernel.operands() {
                let slot = if operand.access == Access::Read { Slot::Read } else { Slot::Write };
                let region = match (plan.slot(operand.tensor), constants.get(&operand.tensor)) {
                    (Some(i), _) => Region { buffer: slots[i].clone(), offset: 0, bytes: slots[i].size() },
                    (None, Some(region)) => region.clone(),
                    (None, None) => {
                        return Err(Error::argument(format!("kernel {label}: reads a tensor that nothing writes")));
                    }
                };
                bound.push((slot, region));
            }
            calls.push(prepare(&gpu, kernel, *stage, &program, precision, &bound)?);
        }
        gpu.queue.write_buffer(&params_buffer, 0, &all_params);
        gpu.check()?;
        Ok(Self { gpu, program, precision, plan, slots, step_buffer, calls, in_flight: VecDeque::new(), allocated })
    }

    /// Bytes of device memory this executor holds.
    pub fn allocated_bytes(&self) -> u64 {
        self.allocated
    }

    /// Weights plus the most activations alive at one moment: no plan can need less.
    pub fn needed_bytes(&self) -> u64 {
        self.program.weight_bytes(self.precision.lane_bytes()) + self.plan.live_peak()
    }

    /// Kernel calls of one run of a stage.
    pub fn dispatches(&self, stage: Stage) -> usize {
        self.calls.iter().filter(|c| c.stage == stage).count()
    }

    fn region(&self, tensor: TensorId) -> Result<(&wgpu::Buffer, u64)> {
        let t = self.program.get(tensor);
        let slot = self.plan.slot(tensor).ok_or_else(|| Error::argument(format!("tensor {}: has no memory of its own", t.name)))?;
        Ok((&self.slots[slot], t.bytes(self.precision.lane_bytes())))
    }

    fn encode(&self, pass: &mut wgpu::ComputePass, index: usize, rows: u32) {
        let call = &self.calls[index];
        let for_rows = || dispatch(&self.program.calls()[index].1, &self.program, self.gpu.class, rows).grid();
        let [x, y] = call.grid.unwrap_or_else(for_rows);
        pass.set_pipeline(&call.pipeline.pipeline);
        pass.set_bind_group(0, &call.bind_group, &[]);
        pass.dispatch_workgroups(x, y, 1);
    }

    fn submit(&mut self, encoder: wgpu::CommandEncoder) -> Result<()> {
        while self.in_flight.len() >= IN_FLIGHT {
            let oldest = self.in_flight.pop_front();
            self.poll(oldest)?;
        }
        self.in_flight.push_back(self.gpu.queue.submit([encoder.finish()]));
        self.gpu.check()
    }

    fn poll(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let result = self.gpu.device.poll(wgpu::PollType::Wait { submission_index, timeout: None });
        self.gpu.check()?;
        result.map(|_| ()).map_err(|e| Error::device(&self.gpu.info.name, format!("stopped answering: {e}; use --device cpu")))
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    fn indices(&self, stage: Stage) -> Vec<usize> {
        (0..self.calls.len()).filter(|&i| self.calls[i].stage == stage).collect()
    }

    fn decode(&self, tensor: TensorId, bytes: &[u8]) -> Vec<f32> {
        if self.program.get(tensor).element == Element::Lane && self.precision == Precision::F16 {
            bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect()
        } else {
            bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
        }
    }

    /// Runs `stages` once with a timestamp around each kernel call.
    ///
    /// # Errors
    /// The device cannot time kernels, or a device fault.
    pub fn profile(&mut self, stages: &[Stage], step: &StepState) -> Result<Vec<CallTime>> {
        if !self.gpu.timestamps {
            return Err(Error::device(&self.gpu.info.name, "cannot time single kernels (no timestamp queries)"));
        }
        self.gpu.queue.write_buffer(&self.step_buffer, 0, bytemuck::bytes_of(step));
        let indices: Vec<usize> = stages.iter().flat_map(|s| self.indices(*s)).collect();
        let mut times = Vec::with_capacity(indices.len());
        // A query set holds 4096 timestamps at most.
        for part in indices.chunks(2048) {
            let count = part.len() as u32 * 2;
            let queries =
                self.gpu.device.create_query_set(&wgpu::QuerySetDescriptor { label: None, ty: wgpu::QueryType::Timestamp, count });
            let resolved = self.gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: u64::from(count) * 8,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            let mut encoder = self.encoder();
            for (i, &index) in (0..).zip(part) {
                let timestamp_writes = Some(wgpu::ComputePassTimestampWrites {
                    query_set: &queries,
                    beginning_of_pass_write_index: Some(2 * i),
                    end_of_pass_write_index: Some(2 * i + 1),
                });
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
                self.encode(&mut pass, index, step.rows);
            }
            encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
            self.submit(encoder)?;
            let bytes = self.gpu.read_bytes(&resolved, u64::from(count) * 8)?;
            let ticks: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
            let nanoseconds = f64::from(self.gpu.queue.get_timestamp_period());
            for (pair, &index) in ticks.as_chunks::<2>().0.iter().zip(part) {
                let (_, kernel, label) = &self.program.calls()[index];
                times.push(CallTime {
                    kernel: kernel.name(),
                    label: label.clone(),
                    milliseconds: pair[1].saturating_sub(pair[0]) as f64 * nanoseconds * 1e-6,
                    flops: kernel.flops(&self.program, step.rows),
                });
            }
        }
        Ok(times)
    }
}

fn prepare(
    gpu: &Gpu,
    kernel: &Kernel,
    stage: Stage,
    program: &Program,
    precision: Precision,
    bound: &[(Slot, Region)],
) -> Result<Call> {
    let variant = dispatch(kernel, program, gpu.class, 1);
    let slots: Vec<Slot> = bound.iter().map(|(slot, _)| *slot).collect();
    let pipeline = gpu.pipeline(&variant, &slots, precision == Precision::F16)?;
    let entries: Vec<_> = (0..)
        .zip(bound)
        .map(|(binding, (_, region))| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &region.buffer,
                offset: region.offset,
                size: std::num::NonZeroU64::new(region.bytes),
            }),
        })
        .collect();
    let bind_group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(variant.shader),
        layout: &pipeline.layout,
        entries: &entries,
    });
    let grid = (!matches!(kernel, Kernel::Linear(_) | Kernel::TimeEmbedding(_))).then(|| variant.grid());
    Ok(Call { stage, pipeline, bind_group, grid })
}

/// Uploads every constant once, side by side in a few buffers.
fn upload_constants(
    gpu: &Gpu,
    program: &Program,
    precision: Precision,
    usage: wgpu::BufferUsages,
    create: &mut impl FnMut(&str, u64, wgpu::BufferUsages) -> wgpu::Buffer,
) -> Result<HashMap<TensorId, Region>> {
    let align = u64::from(gpu.limits.min_storage_buffer_offset_alignment).max(16);
    let arena_bytes = ARENA_BYTES.min(gpu.max_binding());
    // First the places: (arena, offset) of each constant.
    let mut arenas: Vec<u64> = Vec::new();
    let mut places = Vec::new();
    for (id, tensor) in program.tensors() {
        if let Life::Constant(values) = &tensor.life {
            let bytes = tensor.bytes(precision.lane_bytes()).max(16);
            match arenas.last_mut() {
                Some(end) if end.next_multiple_of(align) + bytes <= arena_bytes => *end = end.next_multiple_of(align),
                _ => arenas.push(0),
            }
            let arena = arenas.len() - 1;
            places.push((id, tensor.element, values, arena, arenas[arena], bytes));
            arenas[arena] += bytes;
        }
    }
    let buffers: Vec<_> = arenas.iter().map(|&bytes| create("weights", bytes, usage)).collect();
    gpu.check()?;
    let mut regions = HashMap::new();
    for (id, element, values, arena, offset, bytes) in places {
        if element == Element::Lane && precision == Precision::F16 {
            // What f16 cannot hold becomes its largest number, not an infinity.
            let half: Vec<f16> = values.iter().map(|v| f16::from_f32(v.clamp(-65504.0, 65504.0))).collect();
            gpu.queue.write_buffer(&buffers[arena], offset, bytemuck::cast_slice(&half));
        } else {
            gpu.queue.write_buffer(&buffers[arena], offset, bytemuck::cast_slice(values.as_slice()));
        }
        regions.insert(id, Region { buffer: buffers[arena].clone(), offset, bytes });
    }
    Ok(regions)
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
        if t.element == Element::Pixel || values.len() != t.shape.len() {
            return Err(Error::argument(format!(
                "tensor {}: expected numbers, {} of them, got {}",
                t.name,
                t.shape.len(),
                values.len()
            )));
        }
        if t.element == Element::Lane && self.precision == Precision::F16 {
            let half: Vec<f16> = values.iter().map(|v| f16::from_f32(*v)).collect();
            self.gpu.queue.write_buffer(buffer, 0, bytemuck::cast_slice(&half));
        } else {
            self.gpu.queue.write_buffer(buffer, 0, bytemuck::cast_slice(values));
        }
        self.gpu.check()
    }

    fn read(&mut self, tensor: TensorId) -> Result<Vec<f32>> {
        let (buffer, bytes) = self.region(tensor)?;
        let bytes = self.gpu.read_bytes(buffer, bytes)?;
        self.in_flight.clear();
        Ok(self.decode(tensor, &bytes))
    }

    fn read_pixels(&mut self, tensor: TensorId) -> Result<Vec<[u8; 4]>> {
        let (buffer, bytes) = self.region(tensor)?;
        let bytes = self.gpu.read_bytes(buffer, bytes)?;
        self.in_flight.clear();
        Ok(bytes.as_chunks::<4>().0.to_vec())
    }

    fn run(&mut self, stages: &[Stage], step: &StepState) -> Result<()> {
        self.gpu.check()?;
        self.gpu.queue.write_buffer(&self.step_buffer, 0, bytemuck::bytes_of(step));
        let mut encoder = self.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for stage in stages {
                for index in 0..self.calls.len() {
                    if self.calls[index].stage == *stage {
                        self.encode(&mut pass, index, step.rows);
                    }
                }
            }
        }
        self.submit(encoder)
    }

    fn wait(&mut self) -> Result<()> {
        self.in_flight.clear();
        self.poll(None)
    }

    fn trace(&mut self, stages: &[Stage], step: &StepState) -> Result<Vec<Vec<f32>>> {
        self.gpu.queue.write_buffer(&self.step_buffer, 0, bytemuck::bytes_of(step));
        let mut results = Vec::new();
        for index in stages.iter().flat_map(|s| self.indices(*s)).collect::<Vec<_>>() {
            let mut encoder = self.encoder();
            self.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()), index, step.rows);
            self.submit(encoder)?;
            let output = self.program.calls()[index].1.operands().into_iter().rfind(|o| o.access != Access::Read);
            results.push(output.map_or_else(|| Ok(Vec::new()), |o| self.read(o.tensor))?);
        }
        Ok(results)
    }
}
