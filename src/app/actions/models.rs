//! Models from the Hub: taken from the cache at once, or fetched while the run goes on with the model before.

use crate::{
    app::state::{
        State,
        controls::Controls,
        models::{Download, Then},
        provenance::Provenance,
    },
    hub::{Cached, HubName, Watch, bytes},
    model::with_variant,
    session::Session,
};
use std::{path::Path, sync::Arc};

/// Uses a model and a variant of its weights: at once if it is in the cache, else when it has come. A download under way gives way to it.
pub(crate) fn use_model(state: &mut State, session: &Session, (name, variant): (HubName, Option<String>), then: Then, now: f64) {
    state.models.open = false;
    if let Cached::Whole(snapshot) = session.look_up(&name, variant.as_deref()) {
        arrive(state, &snapshot.name, variant.as_deref(), then, now);
        return;
    }
    if let Some(old) = state.download.take() {
        old.watch.cancel();
    }
    state.download = Some(Download { watch: session.fetch(name, variant.clone()), variant, then });
}

/// Stops the download.
pub(crate) fn cancel_download(state: &mut State, now: f64) {
    if let Some(Download { watch, .. }) = state.download.take() {
        watch.cancel();
        let (name, done) = (watch.name().repository(), watch.progress().done);
        let kept =
            if done > 0 { format!("; {} are kept, and the next download goes on from there", bytes(done)) } else { String::new() };
        state.messages.news(format!("{name}: stopped{kept}"), now);
    }
}

/// Opens the window with the models, or closes it.
pub(crate) fn show_models(state: &mut State, session: &Session, open: bool) {
    state.models.open = open;
    if open {
        session.list_cached();
    }
}

/// Takes in the end of a download.
pub(crate) fn fetched(state: &mut State, session: &Session, watch: &Arc<Watch>, result: Result<HubName, String>, now: f64) {
    // One that was stopped, or had to give way, has been dealt with.
    let Some(Download { then, variant, .. }) = state.download.take_if(|download| Arc::ptr_eq(&download.watch, watch)) else {
        return;
    };
    match result {
        Ok(name) => {
            let total = watch.progress().total;
            if total > 0 {
                state.messages.news(format!("{} is here now: {}", name.repository(), bytes(total)), now);
            }
            session.list_cached();
            arrive(state, &name, variant.as_deref(), then, now);
        }
        Err(message) => state.messages.fault(message, now),
    }
}

fn arrive(state: &mut State, name: &HubName, variant: Option<&str>, then: Then, now: f64) {
    // With its commit: recipes and settings then name these very weights.
    let model = with_variant(&name.to_string(), variant);
    match then {
        Then::Use => {
            let size = if model == state.controls.model { state.controls.size } else { None };
            state.change(Controls { model, size, ..state.controls.clone() }, now);
        }
        Then::Restore(controls, provenance, path) => {
            let provenance = Provenance { model: model.clone(), ..provenance };
            restore(state, Controls { model, ..*controls }, provenance, &path, now);
        }
    }
}

/// Sets the controls of a dropped picture.
pub(crate) fn restore(state: &mut State, mut controls: Controls, provenance: Provenance, path: &Path, now: f64) {
    let at = controls.view.at.take();
    state.change(controls, now);
    if let Some(at) = at.filter(|at| (0.0..=1.0).contains(at)) {
        let playhead = state.open_playhead_mut();
        (playhead.at, playhead.playing) = (at, false);
    }
    state.messages.news(format!("The controls are as they were for {}", path.display()), now);
    state.provenance = Some(provenance);
    if let Some(model) = state.model.clone() {
        state.compare_weights(&model, now);
    }
}
