//! The recipe of what is saved: the controls of the very run, the panel and the step as on screen.

use crate::{
    app::{
        panels::interpolate,
        state::{
            State, command::Export, controls::Controls, fork_requests::branch_controls, run_view::RunView, view_settings::Tab,
        },
    },
    error::{Error, Result},
    recipe::{Between, Recipe},
    session::InterpolationMode,
};

/// What is saved.
pub(crate) struct Saved<'a> {
    /// The run it is from.
    pub(crate) run: &'a RunView,
    /// What of it.
    pub(crate) export: Export,
    /// The controls of the trajectory that makes a cell of the comparison, where it is one.
    pub(crate) cell: Option<Controls>,
    /// Where along the interpolation it is.
    pub(crate) position: [f64; 2],
}

impl<'a> Saved<'a> {
    /// Something of a run as on screen.
    pub(crate) fn new(state: &State, run: &'a RunView, export: Export) -> Self {
        Self { run, export, cell: None, position: state.controls.view.interpolate.position }
    }
}

/// Its recipe.
///
/// # Errors
/// The run was not accepted yet.
pub(crate) fn recipe(state: &State, saved: &Saved<'_>) -> Result<Recipe> {
    let Saved { run, export, position, .. } = saved;
    let mut tab = state.controls.view.tab;
    let nothing = || Error::argument("save: expected a finished picture, got none yet; wait for the first one");
    let plan = run.plan.as_ref().ok_or_else(nothing)?;
    // The picture belongs to the run's controls; the panel and the image chosen in it are as on screen.
    let mut controls = run.made_with();
    if let Some(of) = &saved.cell {
        (controls, tab) = (of.clone(), Tab::Trajectory);
    }
    controls.view.tab = tab;
    if tab != Tab::Rewind {
        controls.view.image = state.controls.view.image;
    }
    controls.view.interpolate.position = *position;
    controls.view.pin = state.controls.view.pin.clone();
    controls.view.at = state.has_playhead().then(|| state.open_playhead().position());
    if tab == Tab::Fork {
        controls = of_fork(controls, &state.controls, *export);
    }
    let mut recipe = controls.recipe(&plan.model.weights_crc32, plan.size)?;
    recipe.between = (tab == Tab::Interpolate).then(|| between_ends(&controls, *export));
    // A picture, a strip or an animation shows one image of a batch, a sheet all of them.
    recipe.image = (has_one_image(tab, *export) || state.pair().is_some()).then(|| controls.image_number());
    Ok(recipe)
}

/// Whether what is saved of a panel shows one image of a batch.
fn has_one_image(tab: Tab, export: Export) -> bool {
    tab == Tab::Race || matches!(tab, Tab::Trajectory | Tab::Explain | Tab::Fork) && export != Export::Sheet
}

/// Where the pictures of an interpolation are that is saved: the large one alone, or all of the strips or the grid.
fn between_ends(controls: &Controls, export: Export) -> Between {
    let interpolate = &controls.view.interpolate;
    let slerp = &[InterpolationMode::Slerp];
    if export == Export::Picture {
        let [u, v] = interpolate.position;
        return interpolate.between(vec![[u, if interpolate.grid { v } else { 0.0 }]], slerp, 1);
    }
    let (columns, modes): (u32, &[_]) = match (interpolate.grid, export) {
        (true, _) => (interpolate.side, slerp),
        (false, _) => (interpolate.columns, interpolate.modes()),
    };
    interpolate.between(interpolate::stops(interpolate), modes, columns as usize)
}

/// The controls that make what is saved of a tree: a picture's are those of its branch, so that the command line makes it as well.
fn of_fork(run: Controls, now: &Controls, export: Export) -> Controls {
    let chosen = now.view.fork.chosen.filter(|_| export == Export::Picture);
    let at = run.view.at;
    let mut controls = branch_controls(&run, chosen.filter(|chosen| *chosen < run.view.fork.branches.len()));
    (controls.view.fork.chosen, controls.view.at) = (now.view.fork.chosen, at);
    controls
}
