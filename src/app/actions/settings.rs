//! What lasts from one start to the next.

use crate::{
    app::state::{
        State,
        controls::Controls,
        figure_request::FigureRequest,
        start::{Start, WindowOptions},
    },
    files,
    hub::{self, HubName},
    model::{EMBEDDED, Model, variant_of},
    program::Precision,
    recipe::{Recipe, Rng, link},
    schedule::Preset,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The settings are stored under this name.
const KEY: &str = "etude";

/// What lasts from one start to the next.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    recipe: Option<Recipe>,
    folders: Vec<String>,
    save_folder: Option<PathBuf>,
    /// The zoom to restore, if the window was closed during a presentation.
    zoom: Option<f32>,
    /// What one is looking at was put away.
    introduced: bool,
    /// How figures are saved.
    figure: FigureRequest,
    /// The frames of saved animations have captions.
    captions: bool,
}

/// The stored settings, or defaults if there are none that can be read.
fn settings(storage: Option<&dyn eframe::Storage>) -> Settings {
    let text = storage.and_then(|storage| storage.get_string(KEY)).unwrap_or_default();
    let mut settings: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    // Before there was a choice of noise nobody chose that of a step: such settings take the usual one.
    if let Some(recipe) = settings.get_mut("recipe").and_then(serde_json::Value::as_object_mut)
        && let Some(Ok(preset)) = recipe.get("preset").and_then(serde_json::Value::as_str).map(str::parse::<Preset>)
    {
        let rng = recipe.get("rng").and_then(serde_json::Value::as_str).and_then(|rng| rng.parse::<Rng>().ok()).unwrap_or_default();
        recipe.entry("noise").or_insert_with(|| rng.noise(preset).to_string().into());
    }
    // Unreadable settings of another version must not keep the viewer from starting.
    serde_json::from_value(settings).unwrap_or_default()
}

/// How to start: as the viewer was left, changed by `options`.
pub(crate) fn start(storage: Option<&dyn eframe::Storage>, options: WindowOptions) -> Start {
    let settings = settings(storage);
    let base = Controls::default();
    let mut model = None;
    let mut controls = settings.recipe.and_then(|recipe| Controls::from_recipe(&recipe, &base.view).ok());
    // A link that says nothing leaves what a first visit shows, beside the sentence that says so, and not what somebody did last.
    if options.link.as_deref().is_some_and(|text| link::recipe_json(text).is_err()) {
        controls = None;
    }
    // A folder that is gone would only be refused later.
    if controls.as_ref().is_some_and(|c| !is_here(&c.model)) {
        controls = controls.map(|c| Controls { model: base.model.clone(), size: None, ..c });
    }
    if options.model.is_some() || options.device.is_some() || options.precision.is_some() {
        let mut set = controls.unwrap_or_default();
        match options.model.as_deref().map(|name| (name, Model::on_the_hub(name))) {
            // It is opened, or fetched, once there is a window that can show how far it is.
            Some((name, Some(hub))) => model = Some((hub, variant_of(name).map(str::to_owned))),
            Some((name, None)) => (set.model, set.size) = (name.to_owned(), None),
            None => {}
        }
        // The last precision belongs to the last device: another may not have it.
        if let Some(device) = options.device.filter(|device| *device != set.view.device) {
            (set.view.device, set.view.precision) = (device, Precision::default());
        }
        set.view.precision = options.precision.unwrap_or(set.view.precision);
        controls = Some(set);
    }
    Start {
        controls,
        folders: settings.folders,
        save_folder: settings.save_folder.filter(|folder| files::is_dir(folder)),
        open: options.open,
        link: options.link,
        model,
        introduce: !settings.introduced,
        figure: settings.figure,
        captions: settings.captions,
        instruments: Default::default(),
        software_window: false,
    }
}

/// Whether a model is in the program, a folder or a file, or in the Hub's cache.
fn is_here(model: &str) -> bool {
    let in_cache = |name: HubName| hub::look_up(&hub::Settings::default(), &name, variant_of(model)) != hub::Cached::No;
    let plain = variant_of(model).map_or(model, |variant| &model[..model.len() - variant.len() - 1]);
    EMBEDDED.iter().any(|e| e.name == plain) || files::exists(Path::new(plain)) || Model::on_the_hub(model).is_some_and(in_cache)
}

/// The zoom to restore, if the last window was closed during a presentation.
pub(crate) fn zoom(storage: Option<&dyn eframe::Storage>) -> Option<f32> {
    settings(storage).zoom
}

/// Stores what lasts.
pub(crate) fn keep(state: &State, storage: &mut dyn eframe::Storage) {
    let Some(model) = state.model.as_ref() else { return };
    let settings = Settings {
        recipe: state.controls.recipe(&model.weights_crc32, state.controls.size.unwrap_or(model.size)).ok(),
        folders: state.folders.clone(),
        save_folder: state.folder_chosen.then(|| state.save_folder.clone()),
        zoom: state.presenting.then_some(state.zoom_before),
        introduced: !state.introducing,
        figure: state.figure,
        captions: state.captions,
    };
    if let Ok(text) = serde_json::to_string(&settings) {
        storage.set_string(KEY, text);
    }
}

#[cfg(test)]
mod tests {
    use super::{Controls, KEY, State, WindowOptions, keep, settings, start};
    use crate::{
        app::state::race::Race,
        app::state::view_settings::{Axes, Compare, Interpolate, Rewind, Tab, ViewSettings},
        program::Precision,
        recipe::Rng,
        schedule::{NoiseKind, Preset, Spacing},
        session::ModelFacts,
    };
    use std::{collections::HashMap, path::PathBuf, sync::Arc};

    #[derive(Default)]
    struct Memory(HashMap<String, String>);

    impl eframe::Storage for Memory {
        fn get_string(&self, key: &str) -> Option<String> {
            self.0.get(key).cloned()
        }

        fn set_string(&mut self, key: &str, value: String) {
            self.0.insert(key.to_owned(), value);
        }

        fn remove_string(&mut self, key: &str) {
            self.0.remove(key);
        }

        fn flush(&mut self) {}
    }

    fn state(controls: Controls) -> State {
        let model = ModelFacts {
            key: "fashion".to_owned(),
            name: "fashion".to_owned(),
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
        let here = std::env::temp_dir();
        State {
            controls,
            model: Some(Arc::new(model)),
            save_folder: here,
            folder_chosen: true,
            folders: vec!["a".to_owned()],
            ..State::default()
        }
    }

    #[test]
    fn controls_last_from_one_start_to_the_next() {
        let mut controls = Controls { eta: 0.25, steps: 17, seed: 99, size: Some((32, 32)), ..Controls::default() };
        controls.view.tab = Tab::Explain;
        controls.view.precision = Precision::F16;
        controls.view.compare.etas = vec![0.0, 0.7];
        let mut storage = Memory::default();
        keep(&state(controls.clone()), &mut storage);
        let next = start(Some(&storage), WindowOptions::default());
        assert_eq!(
            (next.controls.as_ref(), next.folders.len(), next.save_folder),
            (Some(&controls), 1, Some(std::env::temp_dir()))
        );
        // Nobody chose the folder it was started in; the zoom of a presentation is not that of the next start.
        assert_eq!(settings(Some(&storage)).zoom, None);
        let presenting = State { folder_chosen: false, presenting: true, zoom_before: 1.25, ..state(controls.clone()) };
        keep(&presenting, &mut storage);
        assert_eq!(
            (settings(Some(&storage)).zoom, start(Some(&storage), WindowOptions::default()).save_folder),
            (Some(1.25), None)
        );
        // Captions are off until somebody wants them.
        assert!(!start(Some(&storage), WindowOptions::default()).captions);
        keep(&State { captions: true, ..state(controls.clone()) }, &mut storage);
        assert!(start(Some(&storage), WindowOptions::default()).captions);
        // Options of the command line come first.
        let options = WindowOptions { device: Some("cpu".to_owned()), ..WindowOptions::default() };
        let told = start(Some(&storage), options).controls.expect("controls");
        assert_eq!((told.view.device.as_str(), told.eta), ("cpu", 0.25));
        assert_eq!(told.view.precision, Precision::F32, "F16 was another device's");
        let options = WindowOptions { precision: Some(Precision::Bf16), ..WindowOptions::default() };
        let told = start(Some(&storage), options).controls.expect("controls");
        assert_eq!((told.view.device, told.view.precision), (controls.view.device, Precision::Bf16));
    }

    #[test]
    fn what_cannot_be_used_any_more_is_left_out() {
        let mut storage = Memory::default();
        keep(&state(Controls { model: "/gone".to_owned(), eta: 0.25, ..Controls::default() }), &mut storage);
        let next = start(Some(&storage), WindowOptions::default()).controls.expect("controls");
        assert_eq!((next.model.as_str(), next.eta), (Controls::default().model.as_str(), 0.25));
        for text in ["", "{", "{\"recipe\": 7}", "{\"recipe\": {\"program\": \"later\"}}"] {
            storage.0.insert(KEY.to_owned(), text.to_owned());
            assert!(start(Some(&storage), WindowOptions::default()).controls.is_none(), "{text}");
        }
        keep(&state(Controls { eta: 0.25, ..Controls::default() }), &mut storage);
        let wrong = WindowOptions { link: Some("#r=nonsense".to_owned()), ..WindowOptions::default() };
        assert!(start(Some(&storage), wrong).controls.is_none(), "a wrong link: as at the first start");
        let start = start(None, WindowOptions { open: Some(PathBuf::from("x.png")), ..WindowOptions::default() });
        assert_eq!((start.controls, start.open), (None, Some(PathBuf::from("x.png"))));
    }

    /// What version 0.1.0 stored, with every control away from its default.
    const STORED: &str = r#"{"recipe":{"program":"etude 0.1.0","model":"fashion","weights_crc32":"00000000","preset":"official",
        "steps":17,"eta":0.25,"tau":"quadratic","sigma_hat":true,"clip":false,"seed":99,"noise_seed":3,"rng":"torch","count":5,
        "size":[32,48],"viewer":{"compare":{"axes":"StepsBySpacing","etas":[0.0,0.7],"noisy":true,"seeds":4,"sigma_hat":true,
        "spacings":["linear","trailing"],"steps":[5,9]},"device":"cpu","f16":true,"image":2,"interpolate":{"columns":7,"eta":0.5,
        "grid":true,"lerp":false,"position":[0.25,0.75],"seeds":[11,12,13,14],"side":4},"noise_locked":true,"seed_locked":true,
        "tab":"Explain"}},"folders":["/models/cats"],"save_folder":"/","zoom":1.25}"#;

    #[test]
    fn what_the_version_before_stored_still_loads() {
        let view = ViewSettings {
            device: "cpu".to_owned(),
            precision: Precision::F16,
            tab: Tab::Explain,
            seed_locked: true,
            noise_locked: true,
            ahead: true,
            image: 2,
            compare: Compare {
                axes: Axes::StepsBySpacing,
                etas: vec![0.0, 0.7],
                sigma_hat: true,
                seeds: 4,
                steps: vec![5, 9],
                spacings: vec!["linear".to_owned(), "trailing".to_owned()],
                noisy: true,
                enlarged: None,
            },
            interpolate: Interpolate {
                grid: true,
                seeds: [11, 12, 13, 14],
                pictures: Default::default(),
                columns: 7,
                side: 4,
                lerp: false,
                position: [0.25, 0.75],
                eta: 0.5,
            },
            rewind: Rewind::default(),
            race: Race::default(),
            pin: None,
            fork: Default::default(),
            at: None,
        };
        let expected = Controls {
            model: "fashion".to_owned(),
            preset: Preset::Official,
            steps: 17,
            eta: 0.25,
            sigma_hat: true,
            spacing: Some(Spacing::Quadratic),
            clip: Some(false),
            clip_epsilon: false,
            variance: None,
            seed: 99,
            noise_seed: 3,
            noise: None,
            forks: Vec::new(),
            step_seeds: Vec::new(),
            rng: Rng::Torch,
            encoded: None,
            count: 5,
            class: None,
            first: 0,
            drawn: None,
            size: Some((32, 48)),
            view,
        };
        let mut storage = Memory::default();
        storage.0.insert(KEY.to_owned(), STORED.to_owned());
        let next = start(Some(&storage), WindowOptions::default());
        assert_eq!(next.controls.as_ref(), Some(&expected));
        assert_eq!((next.folders, settings(Some(&storage)).zoom), (vec!["/models/cats".to_owned()], Some(1.25)));
        // And what is stored now is the same again, with noise and precision by name and what has been added since.
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON")["recipe"].clone();
        keep(&state(expected), &mut storage);
        let mut stored = value(STORED);
        stored["noise"] = "torch".into();
        stored["viewer"].as_object_mut().expect("an object").remove("f16");
        stored["viewer"]["precision"] = "F16".into();
        stored["viewer"]["ahead"] = true.into();
        stored["viewer"]["fork"] = serde_json::to_value(ViewSettings::default().fork).expect("JSON");
        stored["viewer"]["race"] = serde_json::to_value(Race::default()).expect("JSON");
        stored["viewer"]["rewind"] = serde_json::to_value(Rewind::default()).expect("JSON");
        assert_eq!(value(&storage.0[KEY]), stored);
    }

    #[test]
    fn who_never_chose_the_noise_gets_the_presets_and_who_did_keeps_it() {
        let noise = |storage: &Memory| start(Some(storage), WindowOptions::default()).controls.expect("controls").noise();
        let mut storage = Memory::default();
        storage.0.insert(KEY.to_owned(), STORED.replace("official", "etude").replace("torch", "etude"));
        assert_eq!(noise(&storage), NoiseKind::Path);
        for chosen in [NoiseKind::Step, NoiseKind::Path] {
            keep(&state(Controls { noise: Some(chosen), ..Controls::default() }), &mut storage);
            assert_eq!(noise(&storage), chosen);
        }
    }
}
