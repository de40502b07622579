//! The two seeds with their dice and locks, and what the noise belongs to.

use crate::{
    app::{
        state::{controls::Controls, view_settings::Tab},
        widgets::{
            hint::Hint,
            texture_cache::TextureCache,
            theme,
            tile::{fitted, version},
        },
    },
    platform,
    recipe::{Encoded, GivenPicture, Rng},
    schedule::NoiseKind,
};
use eframe::egui::{self, ComboBox, DragValue, Grid, Id, Label, Response, RichText, Role, Sense, Ui, Vec2, WidgetInfo};

/// The dice give seeds below this: short enough to read out in a lecture.
const MAX_SEED: u64 = 100_000;

/// A new seed.
pub(crate) fn random_seed() -> u64 {
    platform::random_seed() % MAX_SEED
}

/// New seeds, except for those that are locked.
pub(crate) fn new_seeds(controls: &mut Controls) {
    if !controls.view.seed_locked {
        // The picture in the seed's place gives way to it.
        (controls.seed, controls.encoded) = (random_seed(), None);
    }
    if !controls.view.noise_locked {
        controls.noise_seed = random_seed();
    }
}

/// Side of the thumbnail of a picture in the place of the seed, in points.
const THUMBNAIL: f32 = 44.0;

/// Draws the seeds.
pub(crate) fn seeds_ui(ui: &mut Ui, draft: &mut Controls, textures: &mut TextureCache) {
    // An interpolation has ends of its own.
    let encoded = draft.encoded.clone().filter(|_| draft.view.tab != Tab::Interpolate);
    if let Some(encoded) = &encoded {
        encoded_ui(ui, draft, encoded, textures);
    }
    Grid::new("seeds").num_columns(4).spacing([6.0, 6.0]).show(ui, |ui| {
        let hover = format!(
            "The seed of x_T, the latent every run starts from; now {}. At η = 0 it alone decides the picture.",
            draft.seed
        );
        let view = &mut draft.view;
        if encoded.is_none() {
            seed_ui(ui, "x_T seed", &hover, &mut draft.seed, &mut view.seed_locked);
            ui.end_row();
        }
        let hover = format!(
            "The seed of the noise z that each step adds where η > 0; now {}. Change it alone to see what chance decides.",
            draft.noise_seed
        );
        seed_ui(ui, "noise seed", &hover, &mut draft.noise_seed, &mut view.noise_locked);
        ui.end_row();
        noise_ui(ui, draft);
        ui.end_row();
    });
}

/// The picture in the place of the seed of x_T, with the way back.
fn encoded_ui(ui: &mut Ui, draft: &mut Controls, encoded: &Encoded, textures: &mut TextureCache) {
    ui.horizontal(|ui| {
        let about = format!("x_T: encoded picture {}", encoded.picture.short_name());
        let hint = encoded_hint(encoded);
        thumbnail_ui(ui, textures, "x_T", &encoded.picture, THUMBNAIL, &about).hint(&hint);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.add(Label::new("x_T: encoded picture").truncate()).hint(&hint);
            ui.add(Label::new(RichText::new(encoded.picture.short_name()).small().color(theme::faint(ui))).truncate());
            let hover = format!("Every run starts from the x_T of seed {} again", draft.seed);
            if ui.small_button("Back to the seed").hint(hover).clicked() {
                draft.encoded = None;
            }
        });
    });
}

/// How a picture is encoded, in a sentence.
pub(crate) fn encoded_hint(encoded: &Encoded) -> String {
    let passes = if encoded.refine > 0 { format!(", {} passes after each", encoded.refine) } else { String::new() };
    format!(
        "x_T is what {} is encoded to in {} steps{passes}, convention {}: at η = 0 about the picture itself comes out.",
        encoded.picture.name, encoded.steps, encoded.convention
    )
}

/// A small picture with a name for screen readers.
pub(crate) fn thumbnail_ui(
    ui: &mut Ui,
    textures: &mut TextureCache,
    place: impl std::hash::Hash + std::fmt::Debug,
    given: &GivenPicture,
    side: f32,
    name: &str,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
    let picture = &given.picture;
    let seen = version((std::sync::Arc::as_ptr(picture) as usize, &given.name, picture.pixels.len()));
    textures.paint(ui, fitted(rect, picture), Id::unique(("thumbnail", place)), seen, picture);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    response
}

fn noise_ui(ui: &mut Ui, draft: &mut Controls) {
    let mut noise = draft.noise();
    let label = ui.label("noise");
    let torch =
        (NoiseKind::Torch, "z is drawn by torch's generator after x_T, as diffusers' pipelines do it; the noise seed is not used");
    let kinds = [
        (NoiseKind::Path, "z belongs to the time that a step covers, so that any S draws the same picture"),
        (NoiseKind::Step, "z belongs to the number of the step, so that another S is another picture"),
    ];
    let combo = ComboBox::from_id_salt("noise").width(70.0).selected_text(noise.to_string()).show_ui(ui, |ui| {
        for (kind, hover) in kinds.into_iter().chain((draft.rng == Rng::Torch).then_some(torch)) {
            ui.selectable_value(&mut noise, kind, kind.to_string()).hint(hover);
        }
    });
    let same = match noise {
        NoiseKind::Path => {
            "one path through all of time, of which each step takes its part: S = 20 and S = 50 draw the same picture"
        }
        NoiseKind::Step => "its own for each step by number: another S is another picture",
        NoiseKind::Torch => "torch's, drawn after x_T from the same generator and seed, as diffusers' pipelines do it",
    };
    combo.response.labelled_by(label.id).hint(format!("What the noise z belongs to where η > 0. Now {same}."));
    if noise != draft.noise() {
        draft.set_noise(noise);
    }
}

fn seed_ui(ui: &mut Ui, name: &str, hover: &str, seed: &mut u64, locked: &mut bool) {
    let label = ui.label(name).hint(hover);
    ui.add(DragValue::new(seed).speed(0.2)).labelled_by(label.id).hint(hover);
    let dice = ui.add_enabled(!*locked, egui::Button::new("🎲")).hint(format!("Throw a new {name} (N throws both)"));
    dice.widget_info(|| WidgetInfo::labeled(Role::Button, !*locked, format!("Throw {name}")));
    if dice.clicked() {
        *seed = random_seed();
    }
    let sign = if *locked { "🔒" } else { "🔓" };
    let lock = ui.selectable_label(*locked, sign).hint(format!("Lock the {name}: dice leave it alone"));
    lock.widget_info(|| WidgetInfo::selected(Role::Button, true, *locked, format!("Lock {name}")));
    if lock.clicked() {
        *locked = !*locked;
    }
}
