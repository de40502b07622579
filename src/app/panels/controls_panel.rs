//! The controls at the left: model, η, S, τ, seeds, and what else a run depends on.

use super::{device::device_ui, eta_slider, seeds};
use crate::{
    app::{
        state::{
            State,
            command::Command,
            controls::{Controls, MAX_IMAGES},
            scale::Scale,
            view_settings::Tab,
        },
        widgets::{editable::editable_number, hint::Hint, own_keys, texture_cache::TextureCache, theme},
    },
    hub::HubName,
    model::{Card, EMBEDDED, Model, variant_of},
    recipe::ClassLabel,
    recipe::Rng,
    schedule::{Preset, Spacing, Variance},
    session::ModelFacts,
};
use eframe::egui::{self, ComboBox, RichText, ScrollArea, Slider, Ui};

/// Why the controls' own S and τ have no effect.
const STEPS_IN_GRID: &str = "In Compare's grid of S × τ every picture has its own S and τ, chosen above the grid.";

/// Values of S that have a button.
pub(crate) const STEPS: [usize; 5] = [10, 20, 50, 100, 1000];

/// Draws the controls; `draft` is changed where the user changes something.
pub(crate) fn controls_ui(ui: &mut Ui, state: &State, draft: &mut Controls, textures: &mut TextureCache) -> Option<Command> {
    let mut command = None;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.add_space(4.0);
        command = model_ui(ui, state, draft);
        ui.separator();
        eta_slider::eta_ui(ui, state, draft);
        ui.add_space(4.0);
        steps_ui(ui, state, draft);
        notes_ui(ui, state);
        ui.separator();
        seeds::seeds_ui(ui, draft, textures);
        if let Some(classes) = state.model.as_ref().and_then(|model| model.classes) {
            class_ui(ui, classes, draft);
        }
        if matches!(draft.view.tab, Tab::Trajectory | Tab::Explain) {
            count_ui(ui, draft);
        }
        ui.separator();
        ui.collapsing("Conventions", |ui| conventions_ui(ui, state, draft)).header_response.hint(
            "Where implementations of DDIM differ: which timesteps τ visits, whether x̂0 is clipped, and what lies past the end of τ.",
        );
        ui.collapsing("Device", |ui| device_ui(ui, state, draft)).header_response.hint("What computes the network.");
        ui.add_space(8.0);
    });
    command
}

fn model_ui(ui: &mut Ui, state: &State, draft: &mut Controls) -> Option<Command> {
    let mut command = None;
    ui.horizontal(|ui| {
        let label = ui.label("Model");
        let known = EMBEDDED.iter().any(|e| e.name == draft.model);
        let shown = if known { draft.model.clone() } else { loaded_name(state, &draft.model) };
        let combo = ComboBox::from_id_salt("model").selected_text(shown).width(ui.available_width() - 8.0).show_ui(ui, |ui| {
            for embedded in EMBEDDED {
                ui.selectable_value(&mut draft.model, embedded.name.to_owned(), embedded.name);
            }
            for folder in &state.folders {
                let hub = Model::on_the_hub(folder);
                let name = hub.as_ref().map_or_else(|| last_part(folder), HubName::repository);
                let chosen = ui.selectable_label(draft.model == *folder, name).hint(folder).clicked();
                match hub.filter(|_| chosen) {
                    // It may have left the cache since.
                    Some(hub) => command = Some(Command::UseModel(hub, variant_of(folder).map(str::to_owned))),
                    None if chosen => draft.model.clone_from(folder),
                    None => {}
                }
            }
            if ui.button("From the Hub …").clicked() {
                command = Some(Command::ShowModels(true));
            }
            if ui.button("Open a folder …").clicked() {
                command = Some(Command::OpenModel);
            }
        });
        combo.response.labelled_by(label.id).hint_ui(|ui| {
            ui.label(state.model.as_ref().map_or_else(|| "Loading …".to_owned(), |model| described(model)));
        });
    });
    // In sight as long as the model is: pictures that are none, and what was assumed, must not be taken for granted.
    for note in state.model.iter().filter(|m| m.key == draft.model).flat_map(|m| &m.notes) {
        ui.label(RichText::new(note).small().weak());
    }
    // Only if it was chosen in this frame: another model has its own size, but a recipe brings its size with it.
    if draft.model != state.controls.model {
        (draft.size, draft.class) = (None, None);
    }
    command
}

/// What a model that is not in the program calls itself; before it is loaded, its folder's name.
fn loaded_name(state: &State, model: &str) -> String {
    state.model.as_ref().filter(|loaded| loaded.key == model).map_or_else(|| last_part(model), |loaded| loaded.name.clone())
}

/// A folder's own name.
fn last_part(folder: &str) -> String {
    std::path::Path::new(folder).file_name().map_or_else(|| folder.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// What the model's tooltip says.
fn described(model: &ModelFacts) -> String {
    let card: String = model.card.iter().flat_map(Card::lines).map(|(name, text)| format!("{name}: {text}\n")).collect();
    let notes: String = model.notes.iter().map(|note| format!("Note: {note}.\n")).collect();
    format!(
        "{}: {} parameters, {} x {} pixels, {} channel(s), trained with T = {} timesteps.\n{card}{notes}Another: a folder in diffusers' layout, \
         from the list or dropped on the window, or one from the Hub.",
        model.name, model.parameters, model.size.0, model.size.1, model.channels, model.scheduler.num_train_timesteps
    )
}

fn steps_ui(ui: &mut Ui, state: &State, draft: &mut Controls) {
    if draft.has_sides() {
        return;
    }
    let t = state.train_timesteps().max(1);
    if draft.has_grid_of_steps() {
        ui.label(RichText::new("S: the grid's own").size(17.0).strong()).hint(STEPS_IN_GRID);
        ui.label(RichText::new("Each S is chosen above the grid.").color(theme::faint(ui)));
        return;
    }
    if let Some(Spacing::List(list)) = &draft.spacing {
        let count = list.len();
        ui.label(format!("S = {count} steps, chosen by hand"));
        if ui.button("Back to evenly spaced").hint("Gives up the hand-made τ; S counts again").clicked() {
            draft.spacing = None;
            draft.steps = count.clamp(1, t as usize);
        }
        return;
    }
    let hover = format!(
        "S, the number of steps: the network is evaluated at S = {} of the T = {t} timesteps it was trained with. Few steps are fast; \
         at η = 0 even few give good pictures.",
        draft.steps
    );
    let looks = |text: String| RichText::new(text).size(17.0).strong();
    let steps = ("S = ", draft.steps as f64, " steps");
    let edited = ui.horizontal(|ui| editable_number(ui, egui::Id::unique("S"), steps, 1.0..=f64::from(t), looks, &hover));
    let (label, typed) = edited.inner;
    if let Some(typed) = typed {
        draft.steps = typed.round() as usize;
    }
    ui.scope(|ui| {
        ui.spacing_mut().slider_width = (ui.available_width() - 8.0).max(80.0);
        let slider = Slider::new(&mut draft.steps, 1..=t as usize).logarithmic(true).show_value(false).trailing_fill(true);
        let response = ui.add(slider).labelled_by(label.id).hint(&hover);
        response.widget_info(|| egui::WidgetInfo::slider(true, draft.steps as f64, "S, number of steps"));
        if response.has_focus() {
            own_keys::use_arrows(ui, response.id, false);
        }
        let ready = state.runs.ready_at(&state.controls, Scale::Steps);
        let place = |logarithm: f64| logarithm / f64::from(t).ln().max(1.0);
        eta_slider::ready_marks_ui(ui, response.rect, ready.into_iter().map(place));
    });
    ui.horizontal_wrapped(|ui| {
        for steps in STEPS.into_iter().filter(|s| *s <= t as usize) {
            ui.selectable_value(&mut draft.steps, steps, steps.to_string()).hint(format!("S = {steps}"));
        }
    });
}

/// The class of the images, for a model that has classes.
fn class_ui(ui: &mut Ui, classes: u32, draft: &mut Controls) {
    ui.horizontal(|ui| {
        let label = ui.label("Class");
        let is_all = !matches!(draft.class, Some(ClassLabel::One(_)));
        let hover = format!("This model draws {classes} classes; image i is of class i, and after the last one of class 0 again");
        if ui.selectable_label(is_all, "all in turn").on_hover_text(hover).clicked() {
            draft.class = None;
        }
        let mut class = if let Some(ClassLabel::One(class)) = draft.class { class } else { 0 };
        let drag = egui::DragValue::new(&mut class).range(0..=classes.saturating_sub(1)).speed(0.05);
        let response =
            ui.add(drag).labelled_by(label.id).on_hover_text("The number of the class, counted from 0, that all images are of");
        if response.changed() || (is_all && response.clicked()) {
            draft.class = Some(ClassLabel::One(class));
        }
    });
}

fn count_ui(ui: &mut Ui, draft: &mut Controls) {
    ui.horizontal(|ui| {
        let label = ui.label("Batch");
        let before = draft.count;
        let hover = format!("{} images of one seed are made together; image 0 stays the same whatever their number.", draft.count);
        let drag = egui::DragValue::new(&mut draft.count).range(1..=MAX_IMAGES).speed(0.1);
        ui.add(drag).labelled_by(label.id).hint(hover);
        for count in [1, 4, 8, 16] {
            ui.selectable_value(&mut draft.count, count, count.to_string()).hint(format!("{count} image(s)"));
        }
        if draft.count != before {
            // Another batch, as torch draws it.
            draft.drawn = None;
        }
    });
    if draft.first > 0 {
        ui.horizontal(|ui| {
            let last = draft.first + draft.count - 1;
            ui.label(if last > draft.first { format!("images {} to {last}", draft.first) } else { format!("image {last}") });
            if ui.button("from 0").hint("The picture that was opened is not the first of its batch: begin with image 0").clicked() {
                (draft.first, draft.view.image, draft.drawn) = (0, 0, None);
            }
        });
    }
    draft.view.image = draft.view.image.min(draft.count.max(1) - 1);
}

fn conventions_ui(ui: &mut Ui, state: &State, draft: &mut Controls) {
    let t = state.train_timesteps();
    egui::Grid::new("conventions").num_columns(2).show(ui, |ui| {
        let label = ui.label("Preset");
        let combo = ComboBox::from_id_salt("preset").selected_text(draft.preset.to_string()).show_ui(ui, |ui| {
            for (preset, hover) in [
                (Preset::Etude, "Exactly S steps, no clipping, alpha_bar = 1 past the end"),
                (Preset::Official, "The paper's code (ermongroup/ddim): its τ, with more than S steps where S does not divide T"),
                (Preset::Diffusers, "DDIMScheduler as the model's scheduler_config.json sets it"),
                (Preset::Ddpm, "DDPMScheduler as the model's scheduler_config.json sets it: ancestral sampling, without η"),
            ] {
                ui.selectable_value(&mut draft.preset, preset, preset.to_string()).hint(hover);
            }
        });
        combo.response.labelled_by(label.id).hint(format!(
            "Whose conventions hold where implementations differ. Now: {}, the whole run has {} steps.",
            draft.preset,
            state.schedule().map_or(draft.steps, |s| s.steps.len())
        ));
        ui.end_row();
        let label = ui.label("τ");
        let shown = match &draft.spacing {
            None => "the preset's".to_owned(),
            Some(Spacing::List(_)) => "by hand".to_owned(),
            Some(spacing) => spacing.to_string(),
        };
        let in_grid = draft.has_grid_of_steps();
        let shown = if in_grid { "the grid's own" } else { shown.as_str() };
        let combo = ui.add_enabled_ui(!in_grid, |ui| ComboBox::from_id_salt("tau").selected_text(shown).show_ui(ui, |ui| {
            ui.selectable_value(&mut draft.spacing, None, "the preset's");
            for (spacing, hover) in [
                (Spacing::Linear, "τ_i = floor(i T/S), the paper's linear"),
                (Spacing::Quadratic, "τ_i ~ i², the paper's quadratic: denser near the picture"),
                (Spacing::Leading, "diffusers: i (T//S) + offset"),
                (Spacing::Trailing, "diffusers: starts at T − 1"),
                (Spacing::Linspace, "diffusers: from 0 to T − 1"),
            ] {
                let name = spacing.to_string();
                ui.selectable_value(&mut draft.spacing, Some(spacing), name).hint(hover);
            }
            if let Some(schedule) = state.schedule() {
                let mut list: Vec<u32> = schedule.steps.iter().map(|s| s.t).collect();
                list.reverse();
                list.dedup();
                let by_hand = matches!(draft.spacing, Some(Spacing::List(_)));
                let hover = "Drag the timesteps themselves, here or on the plot of the Explain panel";
                if ui.selectable_label(by_hand, "by hand").hint(hover).clicked() && !by_hand {
                    draft.spacing = Some(Spacing::List(list));
                }
            }
        }));
        let response = combo.inner.response.labelled_by(label.id).on_disabled_hover_text(STEPS_IN_GRID);
        response.hint(format!("Which of the {t} timesteps the steps visit (τ in the paper)."));
        ui.end_row();
        let label = ui.label("Clip x̂0");
        let shown = match draft.clip {
            None => "the preset's",
            Some(true) => "on",
            Some(false) => "off",
        };
        let combo = ComboBox::from_id_salt("clip").selected_text(shown).show_ui(ui, |ui| {
            for (clip, name) in [(None, "the preset's"), (Some(true), "on"), (Some(false), "off")] {
                ui.selectable_value(&mut draft.clip, clip, name);
            }
        });
        let now = state.schedule().and_then(|s| s.steps.first()).map_or("unknown yet".to_owned(), |step| {
            match (step.clip, step.threshold) {
                (Some(range), _) => format!("clipped to ±{range}"),
                (_, Some(threshold)) => format!("thresholded at the {} quantile", threshold.ratio),
                _ => "left as it is".to_owned(),
            }
        });
        combo.response.labelled_by(label.id).hint(format!("What is done to the predicted x̂0 in every step. Now it is {now}."));
        ui.end_row();
        if draft.is_posterior() {
            if draft.preset == Preset::Ddpm {
                variance_ui(ui, draft);
            }
        } else {
            let label = ui.label("ε after it");
            let mut again = draft.clip_epsilon;
            let shown = |again: bool| if again { "derived again" } else { "as it was" };
            let combo = ComboBox::from_id_salt("clip epsilon").selected_text(shown(again)).show_ui(ui, |ui| {
                ui.selectable_value(&mut again, false, shown(false)).hint("ε as the network says it, whatever became of x̂0");
                ui.selectable_value(&mut again, true, shown(true)).hint("ε = (x_t − √ᾱ_t x̂0)/√(1 − ᾱ_t) with the clipped x̂0");
            });
            draft.clip_epsilon = again;
            combo.response.labelled_by(label.id).hint(
                "Whether ε is derived again from the x̂0 that was clipped or thresholded, so that the two fit x_t (diffusers: \
                 use_clipped_model_output; improved-diffusion and guided-diffusion always do). It has no effect where x̂0 is left as it is.",
            );
            ui.end_row();
        }
        let label = ui.label("x_T from");
        let combo = ComboBox::from_id_salt("rng").selected_text(draft.rng.to_string()).show_ui(ui, |ui| {
            ui.selectable_value(&mut draft.rng, Rng::Etude, "etude").hint("Counters: image 7 is image 7 in any batch");
            ui.selectable_value(&mut draft.rng, Rng::Torch, "torch").hint("torch.randn of the whole batch with this seed");
        });
        combo.response.labelled_by(label.id).hint(
            "The generator of x_T. Torch's also draws the noise of the steps after it, but in comparisons of noise seeds and in \
             interpolations.",
        );
        ui.end_row();
    });
}

/// What the command line says of the steps: in sight, as a run that stays noise must not be taken for what the model can do.
fn notes_ui(ui: &mut Ui, state: &State) {
    for note in state.schedule().map(|s| s.notes.as_slice()).unwrap_or_default() {
        ui.label(RichText::new(note).color(theme::caution(ui)).small());
    }
}

/// The variance of preset ddpm.
fn variance_ui(ui: &mut Ui, draft: &mut Controls) {
    let label = ui.label("σ²");
    let shown = |variance: Option<Variance>| variance.map_or_else(|| "the scheduler's".to_owned(), |v| v.to_string());
    let combo = ComboBox::from_id_salt("variance").selected_text(shown(draft.variance)).show_ui(ui, |ui| {
        for (variance, hover) in [
            (None, "variance_type of the model's scheduler_config.json"),
            (Some(Variance::FixedSmall), "β̃ = (1 − ᾱ_s)/(1 − ᾱ_t) β: that of DDIM at η = 1"),
            (Some(Variance::FixedLarge), "β = 1 − ᾱ_t/ᾱ_s: that of σ̂"),
        ] {
            ui.selectable_value(&mut draft.variance, variance, shown(variance)).hint(hover);
        }
    });
    combo.response.labelled_by(label.id).hint("The variance of the noise that each of DDPM's steps adds.");
    ui.end_row();
}
