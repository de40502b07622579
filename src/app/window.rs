//! The window: opens it, gives the viewer to it, and says in one line why it cannot be opened.

use crate::{
    app::{
        actions::settings,
        state::start::{Start, WindowOptions},
        viewer::Viewer,
    },
    error::Result,
};
use eframe::egui::{self, Context, Ui};

/// Called once per frame, before the frame is drawn: it acts in place of a user.
pub type Driver = Box<dyn FnMut(&Context, &mut Viewer)>;

/// Opens the window and returns when it is closed.
///
/// # Errors
/// No display, no adapter that can draw; the text says what to do instead.
#[cfg(not(target_arch = "wasm32"))]
pub fn run(options: WindowOptions) -> Result<()> {
    run_driven(options, None)
}

/// As [`run`], with a `driver` in place of a user. Frames follow one another without a pause, and the settings are not saved.
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
    // Dithering softens gradients, of which there are none here. In a window drawn by the processor it would cost as much as
    // everything else.
    let native = eframe::NativeOptions { viewport, dithering: false, ..Default::default() };
    let create: eframe::AppCreator<'_> = Box::new(move |cc| {
        // The adapter that draws the window, not the one that computes.
        let software = cc.wgpu_render_state.as_ref().is_some_and(|state| crate::gpu::is_software(&state.adapter));
        let mut window = Window { driver, ..Window::new(cc, options, software)? };
        // A driver has nothing to be told.
        window.viewer.state.introducing &= window.driver.is_none();
        Ok(Box::new(window))
    });
    // What goes wrong below the window (the display goes away, its device is lost) ends in a panic there. Here it becomes one line
    // of text.
    match crate::platform::catch_panic_quietly(|| eframe::run_native("etude", native, create)) {
        Ok(result) => result.map_err(|error| no_window(&error)),
        Err(text) => Err(crate::Error::argument(format!(
            "the window was lost: {text}. Your settings are kept but for the last half minute; start `etude` again, or update the \
             graphics driver if it happens twice"
        ))),
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn no_window(error: &eframe::Error) -> crate::Error {
    let text = error.to_string().replace(char::is_control, " ");
    // winit puts a line of its own code before the reason.
    let reason = if text.contains(".rs:") { text.rsplit(": ").next().unwrap_or(&text) } else { &text };
    let reason = reason.trim_end_matches('.');
    let what = match error {
        eframe::Error::Wgpu(_) => {
            "expected a graphics adapter that can draw a window; install a driver (Debian: mesa-vulkan-drivers)"
        }
        _ => "expected a display (a desktop session, or DISPLAY or WAYLAND_DISPLAY set)",
    };
    crate::Error::argument(format!(
        "the window cannot be opened: {what}, got: {reason}. Without a window `etude sample --out etude.png` makes pictures and \
         `etude trajectory --out run.gif` shows a run; `etude --help` has the rest"
    ))
}

/// The viewer in its window, or on its page.
pub(super) struct Window {
    pub(super) viewer: Viewer,
    driver: Option<Driver>,
}

impl Window {
    /// The viewer as it was left, changed by `options`; `software` says whether the processor draws it.
    pub(super) fn new(cc: &eframe::CreationContext<'_>, options: WindowOptions, software: bool) -> Result<Self> {
        match options.theme.as_deref() {
            Some("light") => cc.egui_ctx.set_theme(egui::ThemePreference::Light),
            Some("dark") => cc.egui_ctx.set_theme(egui::ThemePreference::Dark),
            Some(_) => cc.egui_ctx.set_theme(egui::ThemePreference::System),
            None => {}
        }
        // eframe also restores full screen and zoom of a presentation; a new start is not one.
        if let Some(zoom) = settings::zoom(cc.storage) {
            cc.egui_ctx.set_zoom_factor(zoom.clamp(0.2, 5.0));
            cc.egui_ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(false));
        }
        let start = Start { software_window: software, ..settings::start(cc.storage, options) };
        Ok(Self { viewer: Viewer::new(&cc.egui_ctx, start)?, driver: None })
    }
}

/// One line per frame for scripts/live.py: η and S of the controls, each beside that of the picture shown.
fn trace_shown(state: &super::state::State) {
    let Some(shown) = state.shown() else { return };
    let (controls, of) = (&state.controls, &shown.run.controls);
    let kind = if shown.run.is_draft() { "draft" } else { "full" };
    tracing::trace!(target: "shown", "{} {} {} {} {kind}", controls.eta, of.eta, controls.steps, of.steps);
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        // Two fingers zoom, as Ctrl and + or − do.
        if let Some(pinched) = ctx.input(|input| input.multi_touch().map(|touch| touch.zoom_delta)).filter(|by| *by != 1.0) {
            ctx.set_zoom_factor((ctx.zoom_factor() * pinched).clamp(0.4, 4.0));
        }
        self.viewer.logic(ctx);
        if let Some(driver) = &mut self.driver {
            driver(ctx, &mut self.viewer);
            ctx.request_repaint();
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.viewer.ui(ui);
        if tracing::enabled!(target: "shown", tracing::Level::TRACE) {
            trace_shown(&self.viewer.state);
        }
    }

    #[cfg(target_arch = "wasm32")]
    fn as_any_mut(&mut self) -> Option<&mut dyn std::any::Any> {
        Some(&mut *self)
    }

    /// A page may be closed at any moment.
    #[cfg(target_arch = "wasm32")]
    fn auto_save_interval(&self) -> std::time::Duration {
        std::time::Duration::from_secs(2)
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        // No user has chosen what a driver set.
        if self.driver.is_none() {
            settings::keep(&self.viewer.state, storage);
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}
