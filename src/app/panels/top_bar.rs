//! The bar at the top: panels, device, undo, saving, theme.

use crate::{
    app::{
        state::{
            State,
            command::{Command, Export},
            controls::Controls,
            view_settings::Tab,
        },
        widgets::{hint::Hint, theme},
    },
    program::DeviceKind,
};
use eframe::egui::{self, Color32, Layout, RichText, ThemePreference, Ui};

/// The panels' names, with what each is for.
pub(crate) const TABS: [(Tab, &str, &str); 7] = [
    (Tab::Trajectory, "Trajectory", "One run, step by step, from x_T to the picture (F1)"),
    (Tab::Compare, "Compare", "A grid of runs from one x_T: what η, S and τ change (F2)"),
    (Tab::Interpolate, "Interpolate", "Between the latents of two or four seeds (F3)"),
    (Tab::Explain, "Explain", "The update rule with the numbers and pictures of a step (F4)"),
    (Tab::Rewind, "Rewind", "A picture encoded to its x_T and decoded again (F5)"),
    (Tab::Fork, "Fork", "One run and its branches: other noise, η or steps from a step on (F6)"),
    (Tab::Race, "Race", "DDIM against DDPM from one x_T, by equal time of the device (F7)"),
];

/// Panels and tools need this much width on one line; with less, the tools have a line of their own.
const ONE_LINE: f32 = 1050.0;
/// With less than this the panels' names are smaller, so that they still fit on one line.
const SMALL: f32 = 760.0;

/// Which browsers have WebGPU, and how to switch it on.
const ABOUT_WEBGPU: &str = "https://github.com/gpuweb/gpuweb/wiki/Implementation-Status";

/// Draws the bar.
pub(crate) fn top_bar_ui(ui: &mut Ui, state: &State, draft: &mut Controls) -> Option<Command> {
    if ui.available_width() < ONE_LINE {
        ui.horizontal_wrapped(|ui| tabs_ui(ui, draft));
        return ui.horizontal_wrapped(|ui| tools_ui(ui, state, false)).inner;
    }
    ui.horizontal(|ui| {
        tabs_ui(ui, draft);
        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| tools_ui(ui, state, true)).inner
    })
    .inner
}

fn tabs_ui(ui: &mut Ui, draft: &mut Controls) {
    let small = ui.available_width() < SMALL;
    if small {
        ui.spacing_mut().item_spacing.x = 2.0;
    } else {
        ui.label(RichText::new("Étude").size(20.0).strong());
        ui.add_space(8.0);
    }
    for (tab, name, hover) in TABS {
        let text = RichText::new(name).size(if small { 14.0 } else { 16.0 });
        if ui.selectable_label(draft.view.tab == tab, text).hint(hover).clicked() {
            draft.view.tab = tab;
        }
    }
}

/// The tools, in their order from left to right.
#[derive(Clone, Copy)]
enum Tool {
    Badge,
    Undo,
    Redo,
    Save,
    Theme,
    Presentation,
    Keys,
}

const TOOLS: [Tool; 7] = [Tool::Badge, Tool::Undo, Tool::Redo, Tool::Save, Tool::Theme, Tool::Presentation, Tool::Keys];

/// Draws the tools; `reversed` says that the layout runs from right to left, so that the last comes first.
fn tools_ui(ui: &mut Ui, state: &State, reversed: bool) -> Option<Command> {
    let mut command = None;
    for place in 0..TOOLS.len() {
        let tool = TOOLS[if reversed { TOOLS.len() - 1 - place } else { place }];
        command = tool_ui(ui, state, tool).or(command.take());
    }
    command
}

fn tool_ui(ui: &mut Ui, state: &State, tool: Tool) -> Option<Command> {
    let button = |ui: &mut Ui, sign: &str, name: &str, hover: &str, enabled: bool| {
        let response = ui.add_enabled(enabled, egui::Button::new(sign)).hint(hover);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
        response.clicked()
    };
    match tool {
        Tool::Badge => {
            badge_ui(ui, state);
            None
        }
        Tool::Undo => {
            button(ui, "⟲", "Undo", "Undo the last change of a control (Ctrl+Z)", state.history.can_undo()).then_some(Command::Undo)
        }
        Tool::Redo => button(ui, "⟳", "Redo", "Redo (Ctrl+Shift+Z)", state.history.can_redo()).then_some(Command::Redo),
        Tool::Save => {
            let menu = ui.menu_button("Save", |ui| save_ui(ui, state));
            let place =
                if cfg!(target_arch = "wasm32") { "the downloads".to_owned() } else { state.save_folder.display().to_string() };
            menu.response.hint(format!("Pictures with their recipe inside, saved in {place}"));
            menu.inner.flatten()
        }
        Tool::Theme => {
            let dark = ui.visuals().dark_mode;
            let (sign, next) = if dark { ("☀", ThemePreference::Light) } else { ("🌙", ThemePreference::Dark) };
            button(ui, sign, "Light or dark", "Light or dark", true).then_some(Command::Theme(next))
        }
        Tool::Presentation => {
            let hover = "Presentation: hides all controls but η and S, and enlarges pictures and text (F11; Esc leaves it). Ctrl and + \
                         or − zoom.";
            button(ui, "🖵", "Presentation mode", hover, true).then_some(Command::Present(!state.presenting))
        }
        Tool::Keys => button(ui, "?", "Keys", "The keyboard (?)", true).then_some(Command::Help),
    }
}

fn save_ui(ui: &mut Ui, state: &State) -> Option<Command> {
    let (tab, compare) = (state.controls.view.tab, &state.controls.view.compare);
    let mut command = None;
    let entries = [
        (
            Export::Picture,
            "Picture (PNG)",
            "The large picture, or the enlarged cell of the comparison. Dropped on the window it sets every control again",
            tab != Tab::Compare || compare.enlarged.is_some(),
        ),
        (Export::Sheet, "All pictures (PNG)", "The batch, or the grid shown with its labels", true),
        (
            Export::Strip,
            "Strip (PNG)",
            "The film strip, or the strip of the interpolation or of the way up and back",
            tab != Tab::Compare,
        ),
        (
            Export::Gif,
            "Animation (GIF)",
            "What the panel shows, over its steps or from one end to the other and back. 256 colours a frame; shown everywhere",
            true,
        ),
        (
            Export::Apng,
            "Animation (APNG)",
            "The same as an animated PNG: every colour exact. Browsers and most viewers play it, others show its first frame",
            true,
        ),
    ];
    for (export, name, hover, enabled) in entries {
        if ui.add_enabled(enabled, egui::Button::new(name)).hint(hover).clicked() {
            command = Some(Command::Save(export));
        }
    }
    let mut captions = state.captions;
    let hover =
        "Below each frame of an animation: t, the step or the place, η, S and seeds. Compare and Race have their labels always";
    if ui.checkbox(&mut captions, "Captions in animations").hint(hover).changed() {
        command = Some(Command::Captions(captions));
    }
    if ui
        .button("Figure …")
        .hint("For a paper, a page or a slide: SVG, PDF or PNG with labels, curves as CSV, Eq. 12 as LaTeX")
        .clicked()
    {
        command = Some(Command::ShowFigure(true));
    }
    ui.separator();
    if ui.button("Copy command line").hint("The `etude` command that makes these pictures (Ctrl+C)").clicked() {
        command = Some(Command::CopyCommand);
    }
    if ui.button("Copy link").hint("An address that opens étude in a browser with these controls; here it can be pasted").clicked()
    {
        command = Some(Command::CopyLink);
    }
    if ui.button("Open a picture's recipe …").hint("Sets every control as the picture was made; or drop it").clicked() {
        command = Some(Command::OpenRecipe);
    }
    if cfg!(not(target_arch = "wasm32")) && ui.button("Folder to save in …").hint(state.save_folder.display().to_string()).clicked()
    {
        command = Some(Command::ChooseFolder);
    }
    command
}

/// The badge's text, its meaning, and whether it is a warning.
pub(crate) fn badge(state: &State) -> (String, String, bool) {
    let Some((info, reason)) = &state.device else {
        return ("no device yet".to_owned(), "It opens with the first run.".to_owned(), false);
    };
    let name = format!("{} via {} ({reason})", info.name, info.backend);
    match info.kind {
        DeviceKind::DiscreteGpu | DeviceKind::IntegratedGpu | DeviceKind::OtherGpu => {
            (info.name.clone(), format!("The network runs on the GPU {name}."), false)
        }
        DeviceKind::Software if cfg!(target_arch = "wasm32") => (
            "WebGPU in software".to_owned(),
            format!(
                "The network runs through WebGPU on {name}: the browser computes on the processor. The pictures are the same, but it is \
                     slow. A click shows how to switch the GPU on."
            ),
            true,
        ),
        DeviceKind::Cpu if cfg!(target_arch = "wasm32") => (
            "CPU, one thread".to_owned(),
            format!(
                "The network runs on one thread of the processor ({reason}): this program's own kernels in Rust. The pictures are the \
                     same; a GPU would be faster. A click shows how to switch WebGPU on."
            ),
            true,
        ),
        DeviceKind::Software => (
            "software GPU".to_owned(),
            format!(
                "The network runs on {name}: a graphics driver that computes on the processor. The pictures are the same, but it is \
                     slow; the device \"cpu\" is faster."
            ),
            true,
        ),
        DeviceKind::Cpu => (
            info.name.clone(),
            format!(
                "The network runs on {name}: this program's own kernels in Rust. The pictures are the same; a GPU would be faster."
            ),
            true,
        ),
    }
}

fn badge_ui(ui: &mut Ui, state: &State) {
    let (text, hover, heed) = badge(state);
    let colour = if heed { theme::caution(ui) } else { theme::accent(ui) };
    let frame = egui::Frame::new()
        .fill(colour.gamma_multiply(0.15))
        .stroke((1.0, colour))
        .corner_radius(9)
        .inner_margin(egui::Margin::symmetric(8, 2));
    let shown = if text.chars().count() > 28 { format!("{}…", text.chars().take(27).collect::<String>()) } else { text };
    let label = egui::Label::new(RichText::new(shown).color(colour).small()).selectable(false);
    let badge = frame.fill(Color32::TRANSPARENT).show(ui, |ui| ui.add(label)).response.hint(hover);
    // Of a page, what is slow can be switched on.
    if cfg!(target_arch = "wasm32") && heed && badge.interact(egui::Sense::click()).clicked() {
        ui.ctx().open_url(egui::OpenUrl::new_tab(ABOUT_WEBGPU));
    }
}
