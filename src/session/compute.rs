//! What the session computes on: the device and the model that were asked for last, opened when first needed, kept while requests ask
//! for the same, opened again when lost.

use super::{
    event::ModelFacts,
    instruments::Instruments,
    memo::{Encodings, Memo, Way},
    request::{Kind, MIN_DRAFT_STEPS, Request},
    stage::Stage,
};
use crate::{
    backend::{Backend, DeviceChoice},
    engine::Engine,
    error::{Error, Result},
    model::Model,
    program::{DeviceInfo, Precision},
    sampler::Reads,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// A device that is open.
struct Device {
    choice: DeviceChoice,
    precision: Precision,
    backend: Backend,
}

/// Device and model, and the engine that both together make.
#[derive(Default)]
pub(super) struct Compute {
    device: Option<Device>,
    model: Option<(Arc<Model>, Arc<ModelFacts>)>,
    engine: Option<Engine>,
    /// Images at a time on a device whose memory has run out before.
    batch_limit: Option<usize>,
    /// What `batch_limit` is about.
    limited: Option<(DeviceChoice, Precision)>,
    /// How long steps have taken, by what they were of; the newest last.
    steps: HashMap<StepsOf, VecDeque<Duration>>,
    /// What groups have come to on this device, with this model.
    pub(super) memo: Memo,
    /// The picture that is being encoded for a request, by its number, to begin.
    encoding: Option<(u64, Way, Stage)>,
    instruments: Instruments,
}

/// What the time of a step depends on, beside the model and the device: the images, their size, and whether it is a draft's, which shares
/// the cores with a window that is busy.
type StepsOf = (usize, Option<(u32, u32)>, bool);

/// So many steps' times are remembered.
const STEPS: usize = 24;

impl Compute {
    /// Nothing is open yet.
    pub(super) fn new(instruments: Instruments) -> Self {
        Self { instruments, ..Self::default() }
    }

    /// Opens the device that `request` asks for, where it is not open already. Returns what to tell where it is new.
    ///
    /// # Errors
    /// As [`Backend::choose`].
    pub(super) async fn open_device(&mut self, request: &Request) -> Result<Option<(DeviceInfo, String)>> {
        if self.device.as_ref().is_some_and(|d| d.choice == request.device && d.precision == request.precision) {
            return Ok(None);
        }
        let chosen = Backend::choose(&request.device, request.precision).await?;
        self.engine = None;
        self.forget();
        // A device that is opened again after a loss has no more memory than before.
        let choice = Some((request.device.clone(), request.precision));
        if self.limited != choice {
            (self.batch_limit, self.limited) = (None, choice);
        }
        let info = chosen.backend.info();
        self.device = Some(Device { choice: request.device.clone(), precision: request.precision, backend: chosen.backend });
        Ok(Some((info, chosen.reason)))
    }

    /// Loads the model that `request` asks for, where it is not loaded already.
    ///
    /// # Errors
    /// As [`Model::find`]; a model whose output has other channels than its input, which cannot be sampled from.
    pub(super) fn load_model(&mut self, request: &Request) -> Result<Arc<ModelFacts>> {
        if let Some((_, facts)) = &self.model
            && facts.key == request.model
        {
            return Ok(facts.clone());
        }
        let model = Model::find_in(&request.model, &self.instruments.hub)?;
        let (inputs, outputs) = (model.config.in_channels, model.config.prediction_channels());
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
            classes: model.config.num_classes,
            size: model.sample_size(),
            parameters: model.weights().parameters(),
            weights_crc32: format!("{:08x}", model.weights().crc32()),
            scheduler: model.usable_scheduler()?,
            card: model.card.clone(),
            notes: model.all_notes(),
            picture_scale: model.picture_scale(),
        });
        (self.engine, self.batch_limit) = (None, None);
        self.forget();
        self.model = Some((Arc::new(model), facts.clone()));
        Ok(facts)
    }

    /// The model on the device.
    ///
    /// # Errors
    /// There is no device or no model: a fault of this program.
    pub(super) fn engine(&mut self) -> Result<&mut Engine> {
        if self.engine.is_none() {
            let (Some(device), Some((model, _))) = (&self.device, &self.model) else {
                return Err(Error::argument("the session has no device or no model"));
            };
            let engine = Engine::new(model.clone(), device.backend.clone(), device.precision);
            let mut engine = engine.with(self.instruments.clock.clone(), self.instruments.around.clone());
            engine.limit_batch(self.batch_limit);
            self.engine = Some(engine);
        }
        self.engine.as_mut().ok_or_else(|| Error::argument("the session has no engine"))
    }

    /// The same with what is known of its ways.
    ///
    /// # Errors
    /// As [`Self::engine`].
    pub(super) fn engine_and_memo(&mut self) -> Result<(&mut Engine, &mut Memo)> {
        self.engine()?;
        let engine = self.engine.as_mut().ok_or_else(|| Error::argument("the session has no engine"))?;
        Ok((engine, &mut self.memo))
    }

    /// What was measured and computed belongs to another device or model.
    fn forget(&mut self) {
        self.steps.clear();
        (self.memo, self.encoding) = (Memo::default(), None);
    }

    /// Takes a step towards the pictures that are to be encoded before a run of `request` can begin. Returns whether none is left.
    ///
    /// # Errors
    /// As [`Encodings::missing`]; a device fault, after which the step is taken again; a result that is not finite.
    pub(super) async fn encode(&mut self, request: &Request, facts: &ModelFacts, stop: &dyn Fn() -> bool) -> Result<bool> {
        let on_its_way = self.encoding.take();
        let (known, mut stage) = match on_its_way {
            // What the request needs is looked up when it begins, and not in every step.
            Some((of, way, stage)) if of == request.id => (way, stage),
            other => {
                let Some(way) = Encodings::new(request, facts)?.missing(&self.memo, request)? else { return Ok(true) };
                match other {
                    Some((_, known, stage)) if known == way => (known, stage),
                    _ => {
                        let stage = Stage::of_way(self.engine()?, &way)?;
                        (way, stage)
                    }
                }
            }
        };
        let reads = |_, _| Reads { x: true, ..Reads::default() };
        match stage.turn(self.engine()?, &reads, stop).await {
            Ok(Some(step)) if stage.is_done() => {
                self.memo.note(known, step.tensors.x);
                return Ok(Encodings::new(request, facts)?.missing(&self.memo, request)?.is_none());
            }
            Err(error @ Error::Device { .. }) => {
                self.encoding = Some((request.id, known, stage));
                return Err(error);
            }
            other => other?,
        };
        self.encoding = Some((request.id, known, stage));
        Ok(false)
    }

    /// How long a step of such images takes in a draft: the mean of those remembered, or of the newest few where they were slower, as on a
    /// machine that has just become busy. Steps that had to wait for a window's frame count, too. Before the first draft it is supposed to
    /// be twice that of other runs, for the same reason; `None` before any.
    pub(super) fn step_time(&self, request: &Request) -> Option<Duration> {
        let mean = |times: &mut dyn Iterator<Item = &Duration>| {
            let (sum, count) = times.fold((Duration::ZERO, 0), |(sum, count), time| (sum + *time, count + 1));
            (count > 0).then(|| sum / count)
        };
        let slower = |draft: bool| {
            let times = self.steps.get(&steps_of(request, draft))?;
            mean(&mut times.iter()).max(mean(&mut times.iter().rev().take(MIN_DRAFT_STEPS)))
        };
        slower(true).or_else(|| slower(false).map(|time| time * 2))
    }

    /// Notes how long step `index` of `request` took.
    pub(super) fn note_step(&mut self, request: &Request, index: usize, time: Duration) {
        // An encoding's passes say nothing of other steps, nor does what was known.
        let has_passes = request.groups.iter().any(|group| group.encode.is_some_and(|encode| encode.refine > 0));
        if has_passes || time.is_zero() {
            return;
        }
        let draft = matches!(request.kind, Kind::Draft(_));
        let times = self.steps.entry(steps_of(request, draft)).or_default();
        // The first step of all records the network and compiles its shaders: it says nothing of the others.
        if index > 0 || !times.is_empty() {
            times.push_back(time);
        }
        while times.len() > STEPS {
            times.pop_front();
        }
    }

    /// Forgets the device: the next [`Self::open_device`] opens one.
    pub(super) fn drop_device(&mut self) {
        (self.engine, self.device) = (None, None);
    }

    /// Halves the images at a time from now on, on this device.
    pub(super) fn shrink(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.shrink();
            self.batch_limit = engine.batch_limit();
        }
    }

    /// Loses the device, as a driver reset would: for tests. Nothing happens on the CPU executor.
    pub(super) fn lose_device(&self) {
        if let Some(Device { backend: Backend::Gpu(gpu), .. }) = &self.device {
            gpu.lose();
        }
    }
}

fn steps_of(request: &Request, draft: bool) -> StepsOf {
    let images = request.groups.iter().map(|group| group.members.len());
    // Those of a chained request come one after the other.
    (if request.is_chained() { images.max().unwrap_or(0) } else { images.sum() }, request.size, draft)
}

#[cfg(test)]
mod tests {
    use super::{Compute, Kind, Request};
    use crate::{
        platform::block_on,
        session::{Budget, Keep, MIN_DRAFT_STEPS},
    };
    use std::time::Duration;

    fn request(device: &str) -> Request {
        Request {
            id: 1,
            model: "fashion".to_owned(),
            device: device.parse().expect("a device"),
            precision: Default::default(),
            class: None,
            size: None,
            groups: Vec::new(),
            keep: Keep::Latest,
            kind: Default::default(),
            order: Default::default(),
            fit_steps: false,
        }
    }

    #[test]
    fn a_device_opened_again_keeps_the_smaller_batch_and_another_does_not() {
        let mut compute = Compute::default();
        compute.load_model(&request("cpu")).expect("a model");
        block_on(compute.open_device(&request("cpu"))).expect("a device");
        let engine = compute.engine().expect("an engine");
        let before = engine.batch(8);
        engine.network(before, (32, 32), 1).expect("a network");
        compute.shrink();
        compute.drop_device();
        block_on(compute.open_device(&request("cpu"))).expect("a device");
        assert_eq!((before, compute.engine().expect("an engine").batch(8)), (8, 4));
        compute.limited = None;
        compute.drop_device();
        block_on(compute.open_device(&request("cpu"))).expect("a device");
        assert_eq!(compute.engine().expect("an engine").batch(8), 8);
    }

    /// Drafts of `wanted` steps one after another, where step number n takes `step(n)` milliseconds: how many steps each took, and how
    /// long it lasted.
    fn drafts(budget: Budget, wanted: usize, step: impl Fn(usize) -> f64) -> Vec<(usize, Duration)> {
        let (mut compute, mut taken) = (Compute::default(), 0);
        let request = Request { kind: Kind::Draft(budget), ..request("cpu") };
        let draft = |_| {
            let steps = budget.steps(wanted, compute.step_time(&request));
            let mut lasted = Duration::ZERO;
            for index in 0..steps {
                let time = Duration::from_secs_f64(step(taken) / 1e3);
                compute.note_step(&request, index, time);
                (taken, lasted) = (taken + 1, lasted + time);
            }
            (steps, lasted)
        };
        (0..60).map(draft).collect()
    }

    #[test]
    fn drafts_keep_within_their_budget_and_a_machine_that_becomes_busy_spoils_one_of_them() {
        let ms = Duration::from_millis;
        for (within, wanted) in [(80, 50), (400, 6), (400, 50)] {
            let budget = Budget { within: ms(80), whole_within: ms(within) };
            let keeps = |(steps, lasted): &(usize, Duration)| {
                *steps == MIN_DRAFT_STEPS || *lasted <= if *steps == wanted { ms(within) } else { ms(80) }
            };
            // Always the same: as many as fit, from the second on.
            for step in [0.5, 3.0, 8.0, 19.0, 70.0, 2600.0] {
                let all = drafts(budget, wanted, |_| step);
                assert!(all.iter().all(keeps), "{step} ms: {all:?}");
                let fit = |time: f64| (time / step + 1e-9) as usize;
                let whole = fit(within as f64) >= wanted;
                let most = if whole { wanted } else { fit(80.0).clamp(MIN_DRAFT_STEPS.min(wanted), wanted) };
                assert!(all[2..].iter().all(|(steps, _)| most.abs_diff(*steps) <= 1), "{step} ms, {most} fit: {all:?}");
            }
            // Ten times slower from some step on, as when somebody starts a build: one draft was planned before anybody could know.
            let all = drafts(budget, wanted, |n| if n < 100 { 3.0 } else { 30.0 });
            assert!(all.iter().filter(|draft| !keeps(draft)).count() <= 1, "{all:?}");
            // And fast again: the drafts grow again.
            let all = drafts(budget, wanted, |n| if n < 100 { 30.0 } else { 3.0 });
            assert!(all.iter().all(keeps), "{all:?}");
            assert!(all[59].0 > all[1].0 || all[1].0 == wanted, "{all:?}");
        }
    }
}
