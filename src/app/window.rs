//! The window: opens it, gives the viewer to it, and says in one line why it cannot be opened.

use crate::{
    app::{
        state::{State, controls::Controls},
        viewer::{Start, Viewer},
    },
    error::{Error, Result},
    recipe::Recipe,
    schedule::Preset,
};
use eframe::egui::{self, Context, Ui};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Under this name the settings are kept.
const KEY: &str = "etude";

/// What lasts from one start to the next.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    recipe: Option<Recipe>,
    folders: Vec<String>,
    save_folder: Option<PathBuf>,
    /// The zoom to go back to, of a window that was closed while presenting.
    zoom: Option<f32>,
}

/// What the command line says of the window.
#[derive(Clone, Debug, Default)]
pub struct WindowOptions {
    /// A picture with a recipe, or a model's folder.
    pub open: Option<PathBuf>,
    /// A model, in the place of the last one used.
    pub model: Option<String>,
    /// A device, in the place of the last one used.
    pub device: Option<String>,
    /// light, dark or system, in the place of the last one used.
    pub theme: Option<String>,
}

/// Called once per frame, before it is drawn: it plays the user.
pub type Driver = Box<dyn FnMut(&Context, &mut Viewer)>;

/// Opens the window and returns when it is closed.
///
/// # Errors
/// No display, no adapter that can draw; the text says what to do instead.
#[cfg(not(target_arch = "wasm32"))]
pub fn run(options: WindowOptions) -> Result<()> {
    run_driven(options, None)
}

/// As [`run`], with a `driver` in the place of a user: frames follow one another without a pause, and what it sets is not kept.
///
/// # Errors
/// As [`run`].
#[cfg(not(target_arch = "wasm32"))]
pub fn run_driven(options: WindowOptions, driver: Option<Driver>) -> Result<()> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Étude")
        .with_app_id("etude")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([480.0, 360.0]);
    // Dithering softens gradients, of which there are none here; on a window drawn by the processor it costs as much as all the rest.
    let native = eframe::NativeOptions { viewport, dithering: false, ..Default::default() };
    let create: eframe::AppCreator<'_> = Box::new(move |cc| {
        // The window's adapter, not the one that computes.
        let software = cc.wgpu_render_state.as_ref().is_some_and(|state| crate::gpu::is_software(&state.adapter));
        Ok(Box::new(Window { driver, ..Window::new(cc, options, software)? }))
    });
    // What goes wrong below the window (the display goes away, its device is lost) ends as a panic there. It becomes our one line.
    match crate::platform::catch_panic_quietly(|| eframe::run_native("etude", native, create)) {
        Ok(result) => result.map_err(|error| no_window(&error)),
        Err(text) => Err(Error::argument(format!(
            "the window was lost: {text}. Your settings are kept but for the last half minute; start `etude` again, or update the \
             graphics driver if it happens twice"
        ))),
    }
}

/// Shows the viewer on a page's canvas.
///
/// # Errors
/// The browser has no WebGL for the canvas; the text is its own.
#[cfg(target_arch = "wasm32")]
pub async fn run_on_canvas(canvas: web_sys::HtmlCanvasElement, options: WindowOptions) -> Result<()> {
    let create: eframe::AppCreator<'_> = Box::new(move |cc| Ok(Box::new(Window::new(cc, options, false)?)));
    let web = eframe::WebOptions { dithering: false, ..Default::default() };
    let started = eframe::WebRunner::new().start(canvas, web, create).await;
    started.map_err(|error| Error::argument(format!("the page cannot draw: {}", error.as_string().unwrap_or_default())))
}

#[cfg(not(target_arch = "wasm32"))]
fn no_window(error: &eframe::Error) -> Error {
    let text = error.to_string().replace(char::is_control, " ");
    // winit names the line of its own code before the reason.
    let reason = if text.contains(".rs:") { text.rsplit(": ").next().unwrap_or(&text) } else { &text };
    let reason = reason.trim_end_matches('.');
    let what = match error {
        eframe::Error::Wgpu(_) => {
            "expected a graphics adapter that can draw a window; install a driver (Debian: mesa-vulkan-drivers)"
        }
        _ => "expected a display (a desktop session, or DISPLAY or WAYLAND_DISPLAY set)",
    };
    Error::argument(format!(
        "the window cannot be opened: {what}, got: {reason}. Without a window `etude sample --out etude.png` makes pictures and \
         `etude trajectory --out run.gif` shows a run; `etude --help` has the rest"
    ))
}

fn settings(storage: Option<&dyn eframe::Storage>) -> Settings {
    let text = storage.and_then(|storage| storage.get_string(KEY)).unwrap_or_default();
    let mut settings: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    // Before there was a choice of noise nobody chose that of a step: such settings take the preset's.
    if let Some(recipe) = settings.get_mut("recipe").and_then(serde_json::Value::as_object_mut)
        && let Some(Ok(preset)) = recipe.get("preset").and_then(serde_json::Value::as_str).map(str::parse::<Preset>)
    {
        recipe.entry("noise").or_insert_with(|| preset.noise().to_string().into());
    }
    // Settings of another version that cannot be read are no reason not to start.
    serde_json::from_value(settings).unwrap_or_default()
}

fn start(storage: Option<&dyn eframe::Storage>, options: WindowOptions) -> Start {
    let settings = settings(storage);
    let base = Controls::default();
    let mut controls = settings.recipe.and_then(|recipe| Controls::from_recipe(&recipe, &base.view).ok());
    // A folder that is gone would only be refused.
    if controls
        .as_ref()
        .is_some_and(|c| crate::model::EMBEDDED.iter().all(|e| e.name != c.model) && !PathBuf::from(&c.model).is_dir())
    {
        controls = controls.map(|c| Controls { model: base.model.clone(), size: None, ..c });
    }
    if options.model.is_some() || options.device.is_some() {
        let mut set = controls.unwrap_or_default();
        if let Some(model) = options.model {
            (set.model, set.size) = (model, None);
        }
        if let Some(device) = options.device {
            set.view.device = device;
        }
        controls = Some(set);
    }
    Start {
        controls,
        folders: settings.folders,
        save_folder: settings.save_folder.filter(|folder| folder.is_dir()),
        open: options.open,
        software_window: false,
    }
}

/// Keeps what lasts.
fn keep(state: &State, storage: &mut dyn eframe::Storage) {
    let Some(model) = state.model.as_ref() else { return };
    let settings = Settings {
        recipe: state.controls.recipe(&model.weights_crc32, state.controls.size.unwrap_or(model.size)).ok(),
        folders: state.folders.clone(),
        save_folder: state.folder_chosen.then(|| state.save_folder.clone()),
        zoom: state.presenting.then_some(state.zoom_before),
    };
    if let Ok(text) = serde_json::to_string(&settings) {
        storage.set_string(KEY, text);
    }
}

struct Window {
    viewer: Viewer,
    driver: Option<Driver>,
}

impl Window {
    /// The viewer as it was left, but for what `options` say; `software` is whether the processor draws it.
    fn new(cc: &eframe::CreationContext<'_>, options: WindowOptions, software: bool) -> Result<Self> {
        match options.theme.as_deref() {
            Some("light") => cc.egui_ctx.set_theme(egui::ThemePreference::Light),
            Some("dark") => cc.egui_ctx.set_theme(egui::ThemePreference::Dark),
            Some(_) => cc.egui_ctx.set_theme(egui::ThemePreference::System),
            None => {}
        }
        // eframe keeps the presentation's full screen and zoom; the next start is none.
        if let Some(zoom) = settings(cc.storage).zoom {
            cc.egui_ctx.set_zoom_factor(zoom.clamp(0.2, 5.0));
            cc.egui_ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(false));
        }
        let start = Start { software_window: software, ..start(cc.storage, options) };
        Ok(Self { viewer: Viewer::new(&cc.egui_ctx, start)?, driver: None })
    }
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.viewer.logic(ctx);
        if let Some(driver) = &mut self.driver {
            driver(ctx, &mut self.viewer);
            ctx.request_repaint();
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.viewer.ui(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        // What a driver set no user has chosen.
        if self.driver.is_none() {
            keep(&self.viewer.state, storage);
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

#[cfg(test)]
mod tests {
    use super::{Controls, KEY, State, WindowOptions, keep, settings, start};
    use crate::{
        app::state::controls::{Axes, Compare, Interpolate, Tab, ViewSettings},
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
            channels: 1,
            size: (32, 32),
            parameters: 1,
            weights_crc32: "00000000".to_owned(),
            scheduler: Default::default(),
            card: None,
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
        controls.view.compare.etas = vec![0.0, 0.7];
        let mut storage = Memory::default();
        keep(&state(controls.clone()), &mut storage);
        let next = start(Some(&storage), WindowOptions::default());
        assert_eq!(
            (next.controls.as_ref(), next.folders.len(), next.save_folder),
            (Some(&controls), 1, Some(std::env::temp_dir()))
        );
        // The folder it was started in is nobody's choice; a presentation's zoom is not the next start's.
        assert_eq!(settings(Some(&storage)).zoom, None);
        let presenting = State { folder_chosen: false, presenting: true, zoom_before: 1.25, ..state(controls.clone()) };
        keep(&presenting, &mut storage);
        assert_eq!(
            (settings(Some(&storage)).zoom, start(Some(&storage), WindowOptions::default()).save_folder),
            (Some(1.25), None)
        );
        // Options of the command line come first.
        let options = WindowOptions { device: Some("cpu".to_owned()), ..WindowOptions::default() };
        let told = start(Some(&storage), options).controls.expect("controls");
        assert_eq!((told.view.device.as_str(), told.eta), ("cpu", 0.25));
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
            f16: true,
            tab: Tab::Explain,
            seed_locked: true,
            noise_locked: true,
            image: 2,
            compare: Compare {
                axes: Axes::StepsBySpacing,
                etas: vec![0.0, 0.7],
                sigma_hat: true,
                seeds: 4,
                steps: vec![5, 9],
                spacings: vec!["linear".to_owned(), "trailing".to_owned()],
                noisy: true,
            },
            interpolate: Interpolate {
                grid: true,
                seeds: [11, 12, 13, 14],
                columns: 7,
                side: 4,
                lerp: false,
                position: [0.25, 0.75],
                eta: 0.5,
            },
        };
        let expected = Controls {
            model: "fashion".to_owned(),
            preset: Preset::Official,
            steps: 17,
            eta: 0.25,
            sigma_hat: true,
            spacing: Some(Spacing::Quadratic),
            clip: Some(false),
            seed: 99,
            noise_seed: 3,
            noise: None,
            rng: Rng::Torch,
            count: 5,
            size: Some((32, 48)),
            view,
        };
        let mut storage = Memory::default();
        storage.0.insert(KEY.to_owned(), STORED.to_owned());
        let next = start(Some(&storage), WindowOptions::default());
        assert_eq!(next.controls.as_ref(), Some(&expected));
        assert_eq!((next.folders, settings(Some(&storage)).zoom), (vec!["/models/cats".to_owned()], Some(1.25)));
        // And what is stored now is the same again, and the noise by name.
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON")["recipe"].clone();
        keep(&state(expected), &mut storage);
        let mut stored = value(STORED);
        stored["noise"] = "step".into();
        assert_eq!(value(&storage.0[KEY]), stored);
    }

    #[test]
    fn who_never_chose_the_noise_gets_the_presets_and_who_did_keeps_it() {
        let noise = |storage: &Memory| start(Some(storage), WindowOptions::default()).controls.expect("controls").noise();
        let mut storage = Memory::default();
        storage.0.insert(KEY.to_owned(), STORED.replace("official", "etude"));
        assert_eq!(noise(&storage), NoiseKind::Path);
        for chosen in [NoiseKind::Step, NoiseKind::Path] {
            keep(&state(Controls { noise: Some(chosen), ..Controls::default() }), &mut storage);
            assert_eq!(noise(&storage), chosen);
        }
    }
}
