//! A link that sets every control: made of what is on screen, and taken from an address, the command line or the clipboard.

use crate::{
    app::state::{State, controls::Controls, view_settings::ViewSettings},
    error::{Error, Result},
    platform,
    recipe::{Recipe, link},
    session::TaskResult,
};
use serde_json::Value;
use std::path::PathBuf;

/// What messages call a link.
const THE_LINK: &str = "the link";
/// What of the viewer's settings stays as it is where the link is opened.
const OF_THIS_MACHINE: [&str; 2] = ["device", "precision"];

/// The part of an address, from # on, that holds every control; `None` before the model has told its size.
pub(crate) fn fragment(state: &State) -> Option<Result<String>> {
    let model = state.model.as_ref().filter(|model| model.key == state.controls.model)?;
    let size = state.controls.size.unwrap_or(model.size);
    Some(state.controls.recipe(&model.weights_crc32, size).and_then(|recipe| link::fragment(&short(recipe))))
}

/// The recipe without what a viewer would assume anyway.
fn short(recipe: Recipe) -> Recipe {
    let usual = serde_json::to_value(ViewSettings::default()).unwrap_or_default();
    let unusual = |(key, value): &(String, Value)| {
        !OF_THIS_MACHINE.contains(&key.as_str()) && (key == "tab" || usual.get(key.as_str()) != Some(value))
    };
    let viewer = match recipe.viewer {
        Some(Value::Object(settings)) => Some(Value::Object(settings.into_iter().filter(unusual).collect())),
        other => other,
    };
    Recipe { viewer, ..recipe }
}

/// The link to what is on screen.
pub(crate) fn copied(state: &State) -> Result<String> {
    let not_yet = || Error::argument("the link holds the model's size, which is known when it is open; copy it again in a moment");
    Ok(platform::base_address() + &fragment(state).ok_or_else(not_yet)??)
}

/// What reading a link comes to: the recipe that it holds, or why it holds none.
pub(crate) fn read(text: &str) -> TaskResult {
    match link::recipe_json(text) {
        Ok(json) => TaskResult::Recipe(PathBuf::from(THE_LINK), json),
        Err(error) => TaskResult::Failed(error.to_string()),
    }
}

/// The controls in a link, whatever the model.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "only an address is compared with the history"))]
pub(crate) fn controls_of(text: &str, now: &ViewSettings) -> Result<Controls> {
    let mut controls = Controls::from_recipe(&Recipe::from_json(link::recipe_json(text)?)?, now)?;
    (controls.view.device, controls.view.precision) = (now.device.clone(), now.precision);
    Ok(controls)
}

#[cfg(test)]
mod tests {
    use super::{controls_of, fragment};
    use crate::{
        app::state::{
            State,
            controls::Controls,
            view_settings::{Axes, Tab, ViewSettings},
        },
        session::ModelFacts,
    };
    use std::sync::Arc;

    fn state(controls: Controls) -> State {
        let model = ModelFacts {
            key: controls.model.clone(),
            name: controls.model.clone(),
            classes: None,
            channels: 1,
            size: (32, 32),
            parameters: 1,
            weights_crc32: "00000000".to_owned(),
            scheduler: Default::default(),
            card: None,
            notes: Vec::new(),
            picture_scale: 1.0,
        };
        State { controls, model: Some(Arc::new(model)), ..State::default() }
    }

    #[test]
    fn a_link_restores_every_control_but_those_of_the_machine() {
        let mut controls = Controls { eta: 0.25, steps: 17, seed: 99, size: Some((32, 32)), ..Controls::default() };
        controls.view.tab = Tab::Compare;
        controls.view.compare.axes = Axes::StepsBySpacing;
        controls.view.compare.steps = vec![5, 9];
        controls.view.interpolate.position = [0.25, 0.75];
        controls.view.device = "some GPU".to_owned();
        let link = fragment(&state(controls.clone())).expect("the model is open").expect("a link");
        let here = ViewSettings { device: "cpu".to_owned(), ..ViewSettings::default() };
        controls.view.device = "cpu".to_owned();
        assert_eq!(controls_of(&link, &here).expect("controls"), controls);
        // What is usual makes no link longer.
        let usual = fragment(&state(Controls::default())).expect("the model is open").expect("a link");
        assert!(usual.len() < 420, "{}", usual.len());
        assert!(fragment(&State::default()).is_none());
    }
}
