//! `--model`: an embedded model, a folder, or one from the Hub, which is fetched where it is not in the cache, with a bar.

use super::{
    output::noteln,
    progress::{bar, handle_interrupts},
};
use etude::{
    error::Result,
    hub::{self, Cached, HubName, Settings, Snapshot, Watch},
    model::{Model, variant_of, with_variant},
};
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// Where standard error is no terminal, a line for every so many percent.
const QUIET_STEP: u64 = 10;

/// The model that `--model` names, fetched where it must be.
///
/// # Errors
/// No such model or folder, as [`Model::open`]; what keeps it from being fetched.
pub fn find(name: &str) -> Result<Model> {
    match Model::on_the_hub(name) {
        Some(hub) => {
            let variant = variant_of(name);
            Model::of_snapshot_variant(&snapshot(hub, variant)?, variant)
        }
        None => Model::find(name),
    }
}

/// The model that a recipe names. Of the Hub's it names a commit; anything else that could be a name there is a folder of the machine that the
/// recipe comes from, and nobody is asked for that.
///
/// # Errors
/// As [`find`].
pub fn of_recipe(name: &str) -> Result<Model> {
    match Model::on_the_hub(name) {
        Some(hub) if !hub.has_revision() => Model::find(name),
        _ => find(name),
    }
}

/// The files of a model of the Hub, from the cache or fetched.
fn snapshot(name: HubName, variant: Option<&str>) -> Result<Snapshot> {
    let settings = Settings::from_environment();
    match hub::look_up(&settings, &name, variant) {
        Cached::Whole(snapshot) => return Ok(snapshot),
        Cached::WithoutScheduler(snapshot) if settings.offline => return Ok(snapshot),
        _ => {}
    }
    let shown = Arc::new(Shown::new(&name));
    let (later, watch_of) = (shown.clone(), Arc::new(OnceLock::<Arc<Watch>>::new()));
    let seen = watch_of.clone();
    let watch = Arc::new(Watch::new(name, move || {
        if let Some(watch) = seen.get() {
            later.show(watch);
        }
    }));
    // Set once, just above its only reader.
    let _ = watch_of.set(watch.clone());
    let stop = watch.clone();
    handle_interrupts(Some(Box::new(move || stop.cancel())))?;
    let fetched = hub::fetch(&settings, variant, &watch);
    shown.finish();
    handle_interrupts(None)?;
    let snapshot = fetched?;
    if watch.progress().total > 0 {
        noteln!("{}: {} fetched into {}", snapshot.name.repository(), hub::bytes(watch.progress().total), settings.cache.display());
    }
    if let Cached::WithoutScheduler(_) = hub::look_up(&settings, &snapshot.name, variant) {
        noteln!(
            "note: {}: the cache has no scheduler_config.json of it, and the Hub cannot be asked whether there is one",
            snapshot.name.repository()
        );
    }
    Ok(snapshot)
}

/// How the progress is shown: a bar, or lines where standard error is no terminal.
struct Shown {
    bar: indicatif::ProgressBar,
    name: String,
    /// The next percentage that is worth a line.
    next: AtomicU64,
}

impl Shown {
    fn new(name: &HubName) -> Self {
        let bar = bar(1, "{prefix} {wide_bar} {msg}");
        bar.set_prefix(name.repository());
        bar.set_message("asking the Hub");
        Self { bar, name: name.repository(), next: AtomicU64::new(QUIET_STEP) }
    }

    fn show(&self, watch: &Watch) {
        let progress = watch.progress();
        if !self.bar.is_hidden() {
            self.bar.set_length(progress.total.max(1));
            self.bar.set_position(progress.done);
            self.bar.set_message(progress.line());
            return;
        }
        let percent = (progress.fraction() * 100.0) as u64;
        let next = self.next.load(Ordering::Relaxed);
        if percent >= next && percent < 100 {
            self.next.store(percent - percent % QUIET_STEP + QUIET_STEP, Ordering::Relaxed);
            noteln!("{}: {percent} %: {}", self.name, progress.line());
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What recipes call a model that was asked for by `name`: of the Hub's with the commit, so that another machine finds the same.
pub fn recipe_name(model: &Model, name: String) -> String {
    model.hub.as_ref().map(|hub| with_variant(&hub.to_string(), variant_of(&name))).unwrap_or(name)
}
