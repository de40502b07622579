//! A run pinned as A beside the one that follows the controls, B, in the Trajectory panel: both at one timestep, and how they differ.

use crate::{
    app::{
        state::{
            State,
            controls::Controls,
            described::{differences, recipe_line},
            pinned::{Pair, back_to_a, pin},
            run_view::Shown,
        },
        widgets::{
            hint::Hint,
            remembered::remembered,
            texture_cache::TextureCache,
            theme,
            tile::{fitted, named, version},
        },
    },
    picture::{
        Picture,
        difference::{Distance, FACTORS, difference},
    },
};
use eframe::egui::{
    self, Align2, Color32, ComboBox, Context, FontId, Id, Label, RichText, Role, Sense, Ui, Vec2, WidgetInfo, WidgetText,
};
use std::sync::Arc;

/// Room for the captions below the pictures, in points.
pub(super) const CAPTION: f32 = 62.0;

/// The button that pins what is shown.
pub(super) fn pin_button_ui(ui: &mut Ui, state: &State, draft: &mut Controls, shown: &Shown<'_>) {
    let hover = "Keeps this run as A: what you change from now on stands beside it as B, with their difference (P)";
    if ui.small_button("Pin as A").hint(hover).clicked() {
        draft.view.pin = pin(shown.run, state.image(), draft.view.pin.as_ref());
    }
}

/// What the keys P and Shift + P do.
pub(super) fn pin_or_unpin(state: &State, draft: &mut Controls) {
    draft.view.pin = match (&draft.view.pin, state.shown()) {
        (None, Some(shown)) => pin(shown.run, state.image(), None),
        _ => None,
    };
}

/// Brings A's controls back.
pub(super) fn go_back_to_a(draft: &mut Controls) {
    if let Some(a) = back_to_a(draft) {
        *draft = a;
    }
}

/// The row above the pictures.
pub(super) fn options_ui(ui: &mut Ui, pair: &Pair<'_>, draft: &mut Controls) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("A is pinned").strong());
        if ui.button("Back to A").hint("Sets every control as it was for A (Shift + P)").clicked() {
            go_back_to_a(draft);
        }
        if ui.button("Unpin").hint("Forgets A (P)").clicked() {
            draft.view.pin = None;
        }
        let Some(pin) = &mut draft.view.pin else { return };
        ui.separator();
        ui.label("show");
        let predicted = ui.selectable_value(&mut pin.noisy, false, "x̂0");
        named(predicted, "show x̂0 of A and B", "The picture predicted at this step; at the end the sample");
        let noisy = ui.selectable_value(&mut pin.noisy, true, "x_t");
        named(noisy, "show x_t of A and B", "What this step starts from; at the end the sample");
        ui.separator();
        let label = ui.label("difference");
        let text = |factor: Option<u32>| factor.map_or_else(|| "as much as fits".to_owned(), |factor| format!("{factor} ×"));
        let combo = ComboBox::from_id_salt("enlarged").width(118.0).selected_text(text(pin.enlarged)).show_ui(ui, |ui| {
            for factor in std::iter::once(None).chain(FACTORS.into_iter().map(Some)) {
                ui.selectable_value(&mut pin.enlarged, factor, text(factor));
            }
        });
        combo.response.labelled_by(label.id).hint("By how much the difference is enlarged; the factor is written below it.");
        if let Some(message) = pair.run.and_then(|run| run.failed.as_deref()) {
            ui.label(RichText::new(format!("A cannot be computed: {message}")).color(theme::fault(ui)));
        }
    });
}

/// One of the three pictures, with the two lines below it.
struct Place {
    name: String,
    note: String,
    hover: String,
    picture: Option<(u64, Arc<Picture>)>,
    /// In the place of the picture.
    missing: &'static str,
    colour: Option<Color32>,
}

/// A, B and their difference.
pub(super) fn large_ui(
    ui: &mut Ui,
    state: &State,
    pair: &Pair<'_>,
    shown: Option<&Shown<'_>>,
    textures: &mut TextureCache,
    side: f32,
) {
    let image = state.image();
    let beside = shown.and_then(|b| pair.beside(b));
    let a = beside.as_ref().and_then(|a| Some((picture_version(a, pair), pair.picture_of_a(a)?)));
    let b = shown.and_then(|b| Some((picture_version(b, pair) ^ (image as u64) << 50, pair.picture(b, image)?)));
    let waiting = pair.newest().filter(|_| a.is_none());
    // B's controls are those of its picture, with the image and the size that are on screen.
    let mut of_b = shown.map_or(&state.controls, |shown| &shown.run.controls).clone();
    of_b.view.image = state.controls.view.image;
    of_b.size = shown.and_then(|shown| shown.run.plan.as_ref()).map(|plan| plan.size).or(of_b.size);
    let of_a = Controls { size: Some(pair.pin.recipe.size), ..pair.controls.clone() };
    let differ = differences(&of_a, &of_b);
    let words = |which: usize| {
        let words: Vec<&str> = differ.iter().map(|pair| pair[which].as_str()).collect();
        if words.is_empty() { "the same controls".to_owned() } else { words.join(", ") }
    };
    let hover = |controls: &Controls| recipe_line(controls, controls.image_number() as usize);
    let place =
        |name: &str, at: Option<&Shown<'_>>| format!("{name}{}", at.map_or_else(String::new, |at| place(at, pair.pin.noisy)));
    let places = [
        Place {
            name: place("A", beside.as_ref()),
            note: words(0),
            hover: hover(&pair.controls),
            missing: if waiting.is_some() { "being computed" } else { "…" },
            picture: a.clone(),
            colour: None,
        },
        Place { name: place("B", shown), note: words(1), hover: hover(&of_b), missing: "…", picture: b.clone(), colour: None },
        apart(ui.ctx(), pair, a, b, theme::caution(ui)),
    ];
    for (number, place) in places.into_iter().enumerate() {
        place_ui(ui, textures, number, place, side);
    }
}

fn picture_version(shown: &Shown<'_>, pair: &Pair<'_>) -> u64 {
    version((shown.version(), pair.pin.noisy))
}

/// At which timestep a picture stands.
fn place(shown: &Shown<'_>, noisy: bool) -> String {
    if shown.finished {
        return format!(": x_0 after {} steps", shown.run.steps());
    }
    let schedule = shown.run.plan.as_ref().and_then(|plan| plan.schedules.first());
    let what = if noisy { "x_t" } else { "x̂0" };
    schedule.and_then(|s| s.steps.get(shown.update.index)).map_or_else(String::new, |step| format!(": {what} at t = {}", step.t))
}

type Drawn = (u64, Arc<Picture>);

/// The difference, where both are there and of one size.
fn apart(ctx: &Context, pair: &Pair<'_>, a: Option<Drawn>, b: Option<Drawn>, caution: Color32) -> Place {
    let hover =
        "B less A, enlarged around a mid grey. The numbers are over all pixels and channels of the pictures in 8 bits, with \
                 pixels in [0, 1]: the mean of |B − A|, and PSNR = 10 log10(1 / mean of (B − A)²)"
            .to_owned();
    let (name, missing) = ("B − A".to_owned(), "…");
    let (Some((of_a, a)), Some((of_b, b))) = (a, b) else {
        return Place { name, note: "when both are there".to_owned(), hover, missing, picture: None, colour: None };
    };
    let distance = remembered(ctx, Id::unique("pinned distance"), (of_a, of_b), |_| Distance::between(&a, &b));
    let Some(distance) = distance else {
        let note = format!("A is {} x {}, B is {} x {}: no difference", a.width, a.height, b.width, b.height);
        return Place { name, note, hover, missing: "other sizes", picture: None, colour: Some(caution) };
    };
    let factor = pair.pin.enlarged.unwrap_or_else(|| distance.factor());
    let key = version((of_a, of_b, factor));
    let picture = remembered(ctx, Id::unique("pinned difference"), key, |_| difference(&a, &b, factor).map(Arc::new));
    let picture = picture.map(|picture| (key, picture));
    Place { name: format!("{factor} × (B − A)"), note: distance_text(&distance), hover, missing, picture, colour: None }
}

/// The mean and the PSNR in words.
pub(crate) fn distance_text(distance: &Distance) -> String {
    if distance.is_none() {
        return "identical, PSNR ∞ dB".to_owned();
    }
    format!("mean |B − A| = {:.4}, PSNR {:.1} dB", distance.mean_absolute, distance.psnr())
}

fn place_ui(ui: &mut Ui, textures: &mut TextureCache, number: usize, place: Place, side: f32) {
    let Place { name, note, hover, picture, missing, colour } = place;
    ui.vertical(|ui| {
        ui.set_width(side);
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
        ui.painter().rect_filled(rect, 4, theme::empty(ui));
        if let Some((version, picture)) = &picture {
            textures.paint(ui, fitted(rect, picture), Id::unique(("pinned", number)), *version, picture);
        } else {
            let size = if missing == "…" { 40.0 } else { 15.0 };
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, missing, FontId::proportional(size), theme::faint(ui));
        }
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{name}, {note}")));
        response.hint(WidgetText::from(hover));
        ui.vertical_centered(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.add(Label::new(RichText::new(name).strong().size(15.0)).truncate());
            let note = RichText::new(note).size(13.5).color(colour.unwrap_or_else(|| theme::faint(ui)));
            // Two lines where one does not do.
            let room = Vec2::new(side, CAPTION - 26.0);
            ui.allocate_ui_with_layout(room, egui::Layout::top_down(egui::Align::Center), |ui| {
                ui.set_clip_rect(ui.clip_rect().intersect(ui.max_rect()));
                ui.add(Label::new(note).wrap());
            });
        });
    });
}
