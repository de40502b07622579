//! The four large pictures: x_0, x_T, x_0 again, and by how much it differs.

use super::view::{Rewound, View, error_text};
use crate::{
    app::widgets::{hint::Hint, texture_cache::TextureCache, theme, tile::version},
    picture::{
        Picture,
        reconstruction::{ENLARGED, difference},
    },
};
use eframe::egui::{Align2, Color32, FontId, Id, Label, Rect, RichText, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

/// A picture with what is said of it.
struct Place<'a> {
    name: String,
    note: String,
    hover: &'a str,
    /// Which run it is of, and how it is made.
    picture: Option<(Rewound<'a>, Box<dyn FnOnce() -> Picture + 'a>)>,
}

/// Draws them side by side.
pub(super) fn large_ui(ui: &mut Ui, view: &View<'_>, textures: &mut TextureCache, side: f32, aspect: f32, gap: f32) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for (number, place) in places(view).into_iter().enumerate() {
            place_ui(ui, textures, number, place, vec2(side, side * aspect));
        }
    });
}

fn places<'a>(view: &View<'a>) -> [Place<'a>; 4] {
    let waiting = || "not here yet".to_owned();
    let x_0 = view.find_or_drafted(|shown| shown.drawn().is_some().then(|| shown.x_0()).flatten());
    let x_t = view.find_or_drafted(|shown| shown.up().and_then(|_| shown.going_up(shown.steps())));
    let back = view.find_or_drafted(|shown| shown.back().and_then(|_| shown.coming_back(0)));
    let both = view.find_or_drafted(|shown| Some((shown.drawn()?, shown.up()?, shown.back()?)));
    // Numbers are of whole runs alone.
    let measured = |text: String, shown: Rewound<'_>| if shown.old { format!("{text}, before the change") } else { text };
    let length = view.find(Rewound::length).map(|(shown, length)| measured(format!("‖x_T‖/√d = {length:.3}"), shown));
    let error = view.find(|shown| shown.back()?.mse).map(|(shown, error)| measured(format!("error {}", error_text(error)), shown));
    let drafted = back.filter(|(shown, _)| shown.run.is_draft()).map(|(shown, _)| {
        let (made, all) = (shown.steps_back(), shown.run.controls.step_count());
        if made < all { format!("draft, {made} of {all} steps") } else { "draft".to_owned() }
    });
    [
        Place {
            name: "x_0".to_owned(),
            note: x_0.as_ref().map_or_else(waiting, |_| "the picture".to_owned()),
            hover: "The picture as the network is given it",
            picture: x_0.map(|(shown, picture)| (shown, Box::new(move || picture) as Box<dyn FnOnce() -> Picture>)),
        },
        Place {
            name: "x_T".to_owned(),
            note: length.unwrap_or_else(waiting),
            hover: "The latent that it was encoded to. Noise has length √d: 1 here",
            picture: x_t.map(|(shown, picture)| (shown, Box::new(move || (**picture).clone()) as Box<dyn FnOnce() -> Picture>)),
        },
        Place {
            name: "x_0 again".to_owned(),
            note: drafted.or(error).unwrap_or_else(waiting),
            hover: "What x_T leads to. Error: mean square error per dimension, pixels in [0, 1]",
            picture: back.map(|(shown, picture)| (shown, Box::new(move || (**picture).clone()) as Box<dyn FnOnce() -> Picture>)),
        },
        Place {
            name: format!("{ENLARGED} × difference"),
            note: both.map_or_else(waiting, |_| "grey: none".to_owned()),
            hover: "x_0 again less x_0, enlarged; a mid grey is none",
            picture: both.map(|(shown, (drawn, up, back))| {
                let make = move || drawn.image(&difference(&back.x, &up.start));
                (shown, Box::new(make) as Box<dyn FnOnce() -> Picture>)
            }),
        },
    ]
}

fn place_ui(ui: &mut Ui, textures: &mut TextureCache, number: usize, place: Place<'_>, size: Vec2) {
    let Place { name, note, hover, picture } = place;
    ui.vertical(|ui| {
        ui.set_width(size.x);
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        ui.painter().rect_filled(rect, 3, theme::empty(ui));
        match picture {
            Some((shown, make)) => {
                let tint = if shown.old { theme::DIMMED } else { Color32::WHITE };
                let size = shown.drawn().map_or([0, 0], |drawn| [drawn.width, drawn.height]);
                // x_0 is there before it is encoded, and may then be of a sample that goes on.
                let seen = version((shown.run.id, shown.up().is_some(), shown.back().is_some()));
                textures.paint_tinted_with(ui, fit(rect, size), Id::unique(("rewind large", number)), seen, size, tint, make);
            }
            None => {
                ui.painter().text(rect.center(), Align2::CENTER_CENTER, "…", FontId::proportional(30.0), theme::faint(ui));
            }
        }
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{name}, {note}")));
        response.hint(hover);
        ui.vertical_centered(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.add(Label::new(RichText::new(name).strong().size(15.0)).truncate());
            ui.add(Label::new(RichText::new(note).size(14.0).color(theme::faint(ui))).truncate());
        });
    });
}

/// The largest rectangle of a picture's proportions.
fn fit(rect: Rect, [width, height]: [usize; 2]) -> Rect {
    let scale = (rect.width() / width.max(1) as f32).min(rect.height() / height.max(1) as f32);
    Rect::from_center_size(rect.center(), vec2(width as f32 * scale, height as f32 * scale))
}
