//! The page: shows the viewer on its canvas, and tells its tests what the viewer knows.

use crate::{
    app::{state::start::WindowOptions, viewer::Viewer, window::Window},
    error::{Error, Result},
    platform,
};
use serde_json::{Value, json};

/// Shows the viewer on the page's canvas, and says on the page what keeps it from doing so.
pub fn start_page() {
    platform::spawn_here(async {
        if let Err(error) = run_on_canvas(options()).await {
            platform::say_on_page(&error.to_string());
        }
    });
}

/// What the address says.
fn options() -> WindowOptions {
    WindowOptions { link: Some(platform::address_recipe()).filter(|link| link.len() > 1), ..WindowOptions::default() }
}

async fn run_on_canvas(options: WindowOptions) -> Result<()> {
    let canvas = platform::canvas()?;
    let create: eframe::AppCreator<'_> = Box::new(move |cc| Ok(Box::new(Window::new(cc, options, false)?)));
    let web = eframe::WebOptions { dithering: false, ..Default::default() };
    let runner = eframe::WebRunner::new();
    let started = runner.start(canvas, web, create).await;
    started.map_err(|error| Error::argument(format!("the page cannot draw: {}", error.as_string().unwrap_or_default())))?;
    platform::offer_state(move || {
        let known = runner.app_mut::<Window>().map_or(Value::Null, |window| known(&window.viewer));
        known.to_string()
    });
    Ok(())
}

/// What the viewer knows, for tests: the device, the controls, the newest finished picture, what the user is told.
fn known(viewer: &Viewer) -> Value {
    let state = &viewer.state;
    let device = state.device.as_ref();
    let run = state.runs.current(state.purpose());
    let picture = run.filter(|run| run.finished && !run.is_draft()).and_then(|run| run.newest()).and_then(|shown| {
        let picture = shown.after(state.image())?;
        Some(json!({ "width": picture.width, "height": picture.height, "pixels": picture.bytes() }))
    });
    json!({
        "device": device.map(|(info, _)| json!({ "name": info.name, "backend": info.backend, "kind": format!("{:?}", info.kind) })),
        "reason": device.map(|(_, reason)| reason),
        "model": state.model.as_ref().map(|model| &model.key),
        "controls": state.controls.recipe("", state.controls.size.unwrap_or_default()).ok(),
        "run": run.map(|run| json!({
            "id": run.id, "finished": run.finished, "progress": run.progress(), "milliseconds": run.step_seconds * 1e3,
        })),
        "picture": picture,
        "loading": state.loading.as_ref().map(|loading| loading.progress.fraction()),
        "said": state.messages.texts().collect::<Vec<_>>(),
        "textures": viewer.textures(),
    })
}
