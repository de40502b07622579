//! The page: shows the viewer on its canvas, and tells its tests what the viewer knows and where its widgets are.

use crate::{
    app::{state::start::WindowOptions, viewer::Viewer, window::Window},
    error::{Error, Result},
    platform,
};
use eframe::egui::{self, Context, accesskit};
use serde_json::{Value, json};
use std::{
    cell::OnceCell,
    collections::HashMap,
    rc::Rc,
    sync::{Arc, Mutex},
};

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
    let context = Rc::new(OnceCell::new());
    let (kept, tree) = (context.clone(), Widgets::default());
    let watching = tree.clone();
    let create: eframe::AppCreator<'_> = Box::new(move |cc| {
        cc.egui_ctx.add_plugin(watching);
        // It is the only one.
        let _ = kept.set(cc.egui_ctx.clone());
        Ok(Box::new(Window::new(cc, options, false)?))
    });
    let web = eframe::WebOptions { dithering: false, ..Default::default() };
    let runner = eframe::WebRunner::new();
    let started = runner.start(canvas, web, create).await;
    started.map_err(|error| Error::argument(format!("the page cannot draw: {}", error.as_string().unwrap_or_default())))?;
    platform::offer("etudeState", move || {
        let known = runner.app_mut::<Window>().map_or(Value::Null, |window| known(&window.viewer));
        known.to_string()
    });
    platform::offer("etudeWidgets", move || context.get().map_or(Value::Null, |ctx| tree.list(ctx)).to_string());
    Ok(())
}

/// The newest frame's widgets by their names, as a screen reader would have them: what tests click on. Nothing is gathered before it is
/// asked for.
#[derive(Clone, Default)]
struct Widgets(Arc<Mutex<Option<accesskit::TreeUpdate>>>);

impl egui::Plugin for Widgets {
    fn debug_name(&self) -> &'static str {
        "widgets"
    }

    fn output_hook(&mut self, _ctx: &Context, output: &mut egui::FullOutput) {
        if let (Some(update), Ok(mut newest)) = (output.platform_output.accesskit_update.take(), self.0.lock()) {
            *newest = Some(update);
        }
    }
}

impl Widgets {
    /// Name, role, rectangle in pixels of the page, and whether it is enabled, of each that has a name; null before the next frame.
    fn list(&self, ctx: &Context) -> Value {
        ctx.enable_accesskit();
        ctx.request_repaint();
        let Some(update) = self.0.lock().ok().and_then(|mut newest| newest.take()) else { return Value::Null };
        let text = |node: &accesskit::Node| node.label().or(node.value()).map(str::to_owned);
        let texts: HashMap<accesskit::NodeId, String> =
            update.nodes.iter().filter_map(|(id, node)| Some((*id, text(node)?))).collect();
        let entries = update.nodes.iter().filter_map(|(id, node)| {
            let labels: Vec<&str> = node.labelled_by().iter().filter_map(|id| texts.get(id)).map(String::as_str).collect();
            let own = node.label().map(str::to_owned);
            let name = own.or((!labels.is_empty()).then(|| labels.join(" "))).or(texts.get(id).cloned())?;
            let (bounds, zoom) = (node.bounds()?, f64::from(ctx.zoom_factor()));
            let rect = [bounds.x0, bounds.y0, bounds.x1, bounds.y1].map(|at| at * zoom);
            Some(json!({ "name": name, "role": format!("{:?}", node.role()), "rect": rect, "enabled": !node.is_disabled() }))
        });
        entries.collect()
    }
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
