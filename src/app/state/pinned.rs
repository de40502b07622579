//! The run that is pinned as A beside the one that the controls ask for, B: what A is, and where it stands when B is
//! looked at.

use super::{
    State,
    controls::Controls,
    pin::Pin,
    pinned_controls::controls_of_a,
    run_requests::Purpose,
    run_view::{RunView, Shown},
    view_settings::{Tab, ViewSettings},
};
use crate::picture::Picture;
use std::sync::Arc;

/// A beside B.
pub(crate) struct Pair<'a> {
    /// What is pinned.
    pub pin: &'a Pin,
    /// A's controls.
    pub controls: Controls,
    /// A's run, once somebody has computed it.
    pub run: Option<&'a RunView>,
}

/// Pins an image of a run; how A and B are shown stays as `before`.
pub(crate) fn pin(run: &RunView, image: usize, before: Option<&Pin>) -> Option<Pin> {
    let plan = run.plan.as_ref()?;
    let mut controls = run.made_with();
    controls.view.image = image as u32;
    let mut recipe = controls.recipe(&plan.model.weights_crc32, plan.size).ok()?;
    (recipe.image, recipe.viewer) = (Some(controls.image_number()), None);
    Some(Pin {
        recipe: Box::new(recipe),
        own_size: controls.size.is_none(),
        device: controls.view.device,
        precision: controls.view.precision,
        enlarged: before.and_then(|pin| pin.enlarged),
        noisy: before.is_some_and(|pin| pin.noisy),
    })
}

/// A's controls as the controls, with A still pinned.
pub(crate) fn back_to_a(controls: &Controls) -> Option<Controls> {
    let a = controls_of_a(controls)?;
    let ViewSettings { image, device, precision, .. } = a.view.clone();
    Some(Controls { view: ViewSettings { image, device, precision, ..controls.view.clone() }, ..a })
}

impl State {
    /// A and what is known of it, where the open panel shows it.
    pub(crate) fn pair(&self) -> Option<Pair<'_>> {
        let pin = self.controls.view.pin.as_ref().filter(|_| self.controls.view.tab == Tab::Trajectory)?;
        let controls = controls_of_a(&self.controls)?;
        let run = self.runs.current(Purpose::Pinned).filter(|run| run.controls == controls);
        Some(Pair { pin, controls, run })
    }
}

impl<'a> Pair<'a> {
    /// A at the timestep at which B stands, or the nearest that it has; `None` where its run has not come there.
    pub(crate) fn beside(&self, b: &Shown<'_>) -> Option<Shown<'a>> {
        let run = self.run?;
        if b.finished {
            return run.at_position(run.steps());
        }
        let at = time(b.run, b.update.index)?;
        let apart = |index: &usize| time(run, *index).map_or(f64::INFINITY, |time| (time - at).abs());
        run.at_position((0..run.steps()).min_by(|a, b| apart(a).total_cmp(&apart(b)))?)
    }

    /// As far as A's run has come.
    pub(crate) fn newest(&self) -> Option<Shown<'a>> {
        self.run?.newest()
    }

    /// The picture of A to draw.
    pub(crate) fn picture_of_a(&self, a: &Shown<'_>) -> Option<Arc<Picture>> {
        self.picture(a, self.controls.view.image as usize)
    }

    /// The picture of an image to draw: the sample at the end, before it x̂0 or x_t.
    pub(crate) fn picture(&self, shown: &Shown<'_>, image: usize) -> Option<Arc<Picture>> {
        if shown.finished {
            return shown.after(image).cloned();
        }
        let record = shown.record(image)?;
        Some(if self.pin.noisy { record.x_t.clone() } else { record.x0.clone() })
    }
}

/// t of a step as a part of T, so that models of different T can stand side by side.
fn time(run: &RunView, index: usize) -> Option<f64> {
    let plan = run.plan.as_ref()?;
    let t = plan.schedules.first()?.steps.get(index)?.t;
    Some(f64::from(t) / f64::from(plan.model.scheduler.num_train_timesteps.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Precision;
    use crate::recipe::Recipe;

    #[test]
    fn pinned_controls_come_back() {
        let mut a = Controls { eta: 0.3, steps: 7, first: 2, count: 3, ..Controls::default() };
        a.view.image = 1;
        let mut recipe = a.recipe("00000000", (32, 32)).expect("a recipe");
        (recipe.image, recipe.viewer) = (Some(3), None);
        let with = |recipe: &Recipe, own_size| Pin {
            recipe: Box::new(recipe.clone()),
            own_size,
            device: "cpu".to_owned(),
            precision: Precision::F32,
            enlarged: None,
            noisy: true,
        };
        let mut b = Controls { eta: 1.0, model: "emoji".to_owned(), ..a.clone() };
        b.view.pin = Some(with(&recipe, true));
        let back = back_to_a(&b).expect("pinned");
        let mut expected = a.clone();
        (expected.view.pin, expected.view.device) = (b.view.pin.clone(), "cpu".to_owned());
        assert_eq!(back, expected);
        b.view.pin = Some(with(&recipe, false));
        assert_eq!(back_to_a(&b).expect("pinned").size, Some((32, 32)));
        // It travels in the recipe, and what cannot be understood is no pin.
        let json = serde_json::to_string(&b.view).expect("JSON");
        assert_eq!(serde_json::from_str::<ViewSettings>(&json).expect("read"), b.view);
        recipe.preset = "none such".to_owned();
        b.view.pin = Some(with(&recipe, true));
        assert_eq!(controls_of_a(&b), None);
        b.tidy();
        assert_eq!(b.view.pin, None);
    }
}
