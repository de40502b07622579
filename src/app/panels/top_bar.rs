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
    ui.label(RichText::new("Étude").size(20.0).strong());
    ui.add_space(8.0);
    for (tab, name, hover) in TABS {
        let text = RichText::new(name).size(16.0);
        if ui.selectable_label(draft.view.tab == tab, text).hint(hover).clicked() {
            draft.view.tab = tab;
        }
    }
}

/// The tools; with `reversed` the layout runs from right to left, and so does the order.
fn tools_ui(ui: &mut Ui, state: &State, reversed: bool) -> Option<Command> {
    let mut command = None;
    if !reversed {
        badge_ui(ui, state);
    }
    let tool = |ui: &mut Ui, sign: &str, name: &str, hover: &str, enabled: bool| {
        let response = ui.add_enabled(enabled, egui::Button::new(sign)).hint(hover);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
        response.clicked()
    };
    if tool(ui, "?", "Keys", "The keyboard (?)", true) {
        command = Some(Command::Help);
    }
    let hover = "Presentation: hides all controls but η and S, and enlarges the text (F11; Esc leaves it). Ctrl and + or − zoom.";
    if tool(ui, "🖵", "Presentation mode", hover, true) {
        command = Some(Command::Present(!state.presenting));
    }
    let dark = ui.visuals().dark_mode;
    let (sign, next) = if dark { ("☀", ThemePreference::Light) } else { ("🌙", ThemePreference::Dark) };
    if tool(ui, sign, "Light or dark", "Light or dark", true) {
        command = Some(Command::Theme(next));
    }
    ui.menu_button("Save", |ui| command = save_ui(ui, state).or(command.take()))
        .response
        .hint(format!("Pictures with their recipe inside, saved in {}", state.save_folder.display()));
    if tool(ui, "⟳", "Redo", "Redo (Ctrl+Shift+Z)", state.history.can_redo()) {
        command = Some(Command::Redo);
    }
    if tool(ui, "⟲", "Undo", "Undo the last change of a control (Ctrl+Z)", state.history.can_undo()) {
        command = Some(Command::Undo);
    }
    if reversed {
        badge_ui(ui, state);
    }
    command
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
            "The trajectory, the comparison's grid over its steps with its labels, or the interpolation or the picture there and back",
            true,
        ),
    ];
    for (export, name, hover, enabled) in entries {
        if ui.add_enabled(enabled, egui::Button::new(name)).hint(hover).clicked() {
            command = Some(Command::Save(export));
        }
    }
    ui.separator();
    if ui.button("Copy command line").hint("The `etude` command that makes these pictures (Ctrl+C)").clicked() {
        command = Some(Command::CopyCommand);
    }
    if ui.button("Open a picture's recipe …").hint("Sets every control as the picture was made; or drop it").clicked() {
        command = Some(Command::OpenRecipe);
    }
    if ui.button("Folder to save in …").hint(state.save_folder.display().to_string()).clicked() {
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
    frame.fill(Color32::TRANSPARENT).show(ui, |ui| ui.add(label)).response.hint(hover);
}
