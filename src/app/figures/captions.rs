//! What is written around the pictures of a run.

use crate::{app::state::run_view::RunView, figure::Label};

/// The step's timestep, as it stands above a column.
pub(super) fn step_label(run: &RunView, position: usize) -> Label {
    let step = run.plan.as_ref().and_then(|plan| plan.schedules.first()?.steps.get(position));
    match step {
        Some(step) => Label { text: format!("t = {}", step.t), short: step.t.to_string() },
        None => "x_0".into(),
    }
}

/// What all pictures of one image have in common.
pub(super) fn caption(run: &RunView) -> String {
    format!("{}, image {}", caption_of_batch(run), run.controls.image_number())
}

/// What all pictures of a run have in common.
pub(super) fn caption_of_batch(run: &RunView) -> String {
    let controls = run.made_with();
    let model = run.plan.as_ref().map_or("", |plan| &plan.model.name);
    let noise =
        if controls.is_posterior() || controls.eta > 0.0 { format!(", noise seed {}", controls.noise_seed) } else { String::new() };
    format!("{model}, S = {}, {}, {}{noise}", run.steps(), controls.noise_text(), controls.latent_text())
}
