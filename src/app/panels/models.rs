//! The window with the models of the Hub, and the strip that shows a download.

use crate::{
    app::{
        state::{State, command::Command, models::ModelList},
        widgets::{hint::Hint, theme},
    },
    hub::{HubName, Progress, WELL_KNOWN, bytes},
};
use eframe::egui::{self, Context, Grid, ProgressBar, RichText, Ui};

/// The list is scrolled where it is higher.
const MAX_LIST: f32 = 420.0;

/// Draws the window while it is open; the user can close it.
pub(crate) fn models_ui(ctx: &Context, models: &mut ModelList, current: &str) -> Option<Command> {
    if !models.open {
        return None;
    }
    let mut command = None;
    let mut open = true;
    let window = egui::Window::new("Models from the Hub").open(&mut open).collapsible(false).resizable(false);
    let room = ctx.content_rect();
    window.anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0]).max_width(room.width() - 40.0).show(ctx, |ui| {
        egui::ScrollArea::vertical().max_height(MAX_LIST.min(room.height() - 200.0)).show(ui, |ui| {
            Grid::new("models").num_columns(6).spacing([14.0, 5.0]).striped(true).show(ui, |ui| {
                command = rows_ui(ui, models, current);
            });
        });
        ui.separator();
        command = other_ui(ui, models).or(command.take());
    });
    if !open {
        command = Some(Command::ShowModels(false));
    }
    command
}

fn rows_ui(ui: &mut Ui, models: &ModelList, current: &str) -> Option<Command> {
    let mut command = None;
    for title in ["Model", "Draws", "Pixels", "Size", "Licence", ""] {
        ui.label(RichText::new(title).color(theme::faint(ui)).small());
    }
    ui.end_row();
    for known in WELL_KNOWN {
        ui.label(RichText::new(known.name).strong());
        ui.label(known.draws);
        ui.label(format!("{0} × {0}", known.side));
        ui.label(format!("{} MB", known.megabytes()));
        ui.label(known.licence);
        let cached = models.cached(known.name);
        command = row_button_ui(ui, HubName::parse(known.name).as_ref(), cached, current).or(command.take());
        ui.end_row();
    }
    for (name, size) in &models.cached {
        let repository = name.repository();
        if WELL_KNOWN.iter().any(|known| known.name == repository) {
            continue;
        }
        ui.label(RichText::new(&repository).strong());
        ui.label("");
        ui.label("");
        ui.label(bytes(*size));
        ui.label("");
        command = row_button_ui(ui, None, Some(name), current).or(command.take());
        ui.end_row();
    }
    command
}

/// The button of a model: uses what is in the cache, or fetches it.
fn row_button_ui(ui: &mut Ui, name: Option<&HubName>, cached: Option<&HubName>, current: &str) -> Option<Command> {
    let wanted = cached.or(name)?;
    let (text, hover) = match cached {
        Some(name) if name.to_string() == current => ("In use", "The model that is sampled from now"),
        Some(_) => ("Use", "It is in the cache on this disk already"),
        None if cfg!(target_arch = "wasm32") => ("Fetch", "Fetches it, and the browser keeps it; the run goes on meanwhile"),
        None => ("Fetch", "Fetches it into the Hub's cache, which Python's huggingface_hub shares; the run goes on meanwhile"),
    };
    let button = ui.add_enabled(text != "In use", egui::Button::new(text)).hint(hover);
    button
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, text != "In use", format!("{text} {}", wanted.repository())));
    button.clicked().then(|| Command::UseModel(wanted.clone(), None))
}

/// The field for any other model.
fn other_ui(ui: &mut Ui, models: &mut ModelList) -> Option<Command> {
    let text = models.typed.trim().to_owned();
    let (plain, variant) = text.split_once('#').map_or((text.as_str(), None), |(name, variant)| (name, Some(variant.to_owned())));
    let typed = HubName::from_user(plain).filter(|_| variant.as_deref() != Some(""));
    let command = ui.horizontal(|ui| {
        let label = ui.label("Another");
        let field =
            egui::TextEdit::singleline(&mut models.typed).hint_text("owner/name, or owner/name@revision").desired_width(320.0);
        let field = ui.add(field).labelled_by(label.id);
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let button = ui.add_enabled(typed.is_some(), egui::Button::new("Open")).hint("From the cache, or from the Hub");
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, typed.is_some(), "Open this model"));
        let asked = button.clicked() || entered;
        typed.clone().filter(|_| asked).map(|name| Command::UseModel(name, variant))
    });
    let (text, colour) = if models.typed.trim().is_empty() || typed.is_some() {
        ("A UNet2DModel of diffusers; its configurations and one set of weights are fetched, nothing else.", theme::faint(ui))
    } else {
        ("Expected owner/name of a model on the Hub, such as google/ddpm-cifar10-32.", theme::caution(ui))
    };
    ui.label(RichText::new(text).color(colour).small());
    command.inner
}

/// Draws the download under way, above the open panel.
pub(crate) fn download_ui(ui: &mut Ui, state: &State) -> Option<Command> {
    let (name, progress, can_cancel) = match (&state.download, &state.loading) {
        (Some(download), _) => (download.watch.name().repository(), download.watch.progress(), true),
        (None, Some(loading)) => (loading.model.clone(), loading.progress.clone(), false),
        (None, None) => return None,
    };
    let mut command = None;
    let colour = theme::accent(ui);
    let frame = egui::Frame::new().fill(colour.gamma_multiply(0.10)).stroke((1.0, colour)).corner_radius(5).inner_margin(8);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(RichText::new(name).strong());
            let line = ui.label(progress.line());
            line.hint(format!("On its way: {}", if progress.file.is_empty() { "the list of its files" } else { &progress.file }));
            if can_cancel {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let button = ui.button("Cancel").hint("Stops the download (Esc); what has come is kept for the next time");
                    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Cancel the download"));
                    if button.clicked() {
                        command = Some(Command::CancelDownload);
                    }
                });
            }
        });
        bar_ui(ui, &progress);
    });
    ui.add_space(4.0);
    command
}

fn bar_ui(ui: &mut Ui, progress: &Progress) {
    let bar = ProgressBar::new(progress.fraction()).desired_height(8.0).corner_radius(4).fill(theme::accent(ui));
    let response = ui.add(bar);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, "Download"));
}
