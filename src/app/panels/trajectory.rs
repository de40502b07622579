//! The Trajectory panel: x_t and x̂0 of the chosen step side by side, the batch, the scrubber and the film strip.

use super::{film_strip, noise_chips, pinned, scrubber};
use crate::{
    app::{
        state::{
            State, command::Command, controls::Controls, described::recipe_line, pinned::Pair, run_view::Shown, view_settings::Tab,
            written::plain,
        },
        widgets::{hint::Hint, presenting, texture_cache::TextureCache, theme, tile::fitted},
    },
    picture::Picture,
};
use eframe::egui::{self, Align2, FontId, Id, RichText, Sense, Ui, Vec2};
use std::sync::Arc;

/// The smallest useful side of a large picture, in points.
const MIN_SIDE: f32 = 96.0;
/// The smallest of three, where there is the width for it.
const MIN_PAIR: f32 = 130.0;
/// Pictures smaller than this have captions of symbols only.
const SHORT_BELOW: f32 = 170.0;
/// In a narrower panel the batch is below the large pictures, and not beside them; there it has this height at most.
const BATCH_BESIDE: f32 = 430.0;
const BATCH_BELOW: f32 = 72.0;
/// The batch has a place beside A, B and their difference where there is more room than this.
const THREE_AND_BATCH: f32 = 560.0;
/// Height of the scrubber with the film strip below it.
const BELOW: f32 = 208.0;
/// The same in a presentation, whose pictures take the rest.
const BELOW_PRESENTED: f32 = 130.0;
/// With less height than this the panel scrolls.
const MIN_HEIGHT: f32 = 300.0;

/// Draws the panel; `draft` is changed where the user chooses an image of the batch.
pub(crate) fn trajectory_ui(ui: &mut Ui, state: &State, draft: &mut Controls, textures: &mut TextureCache) -> Option<Command> {
    let shown = state.shown();
    header_ui(ui, state, draft, shown.as_ref());
    if let Some(pair) = state.pair() {
        return pair_ui(ui, state, draft, textures, &pair, shown.as_ref());
    }
    let room = ui.available_size();
    let area = egui::ScrollArea::both().id_salt("trajectory").auto_shrink(false);
    let drawn = area.show(ui, |ui| {
        let room = Vec2::new(room.x, room.y.max(MIN_HEIGHT));
        single_ui(ui, state, draft, textures, shown.as_ref(), room)
    });
    drawn.inner
}

/// Height of what is below the large pictures.
fn below(ui: &Ui, height: f32) -> f32 {
    let most = if presenting::is_on(ui.ctx()) { BELOW_PRESENTED } else { BELOW };
    most.min(height * 0.36).max(118.0)
}

/// x_t and x̂0 with the batch beside them, and the steps below them, in `room`.
fn single_ui(
    ui: &mut Ui,
    state: &State,
    draft: &mut Controls,
    textures: &mut TextureCache,
    shown: Option<&Shown<'_>>,
    room: Vec2,
) -> Option<Command> {
    let top = ui.cursor().top();
    let below = below(ui, room.y);
    let has_batch = state.controls.count > 1;
    let batch = has_batch && room.x >= BATCH_BESIDE;
    let batch_below = if has_batch && !batch { BATCH_BELOW } else { 0.0 };
    let batch_width = if batch { (room.x * 0.2).clamp(90.0, if presenting::is_on(ui.ctx()) { 180.0 } else { 260.0 }) } else { 0.0 };
    let caption = 24.0;
    let side = ((room.x - batch_width - 40.0) / 2.0).min(room.y - below - caption - batch_below - 16.0).max(MIN_SIDE);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        let image = state.image();
        // A slow draft shows its x̂0 as it comes; beside it stays what was finished before, not its noise.
        let slow = shown.is_some_and(|s| s.run.slow_draft().is_some());
        let whole = if slow { state.runs.shown_whole(state.playhead.position(), image) } else { None };
        let left_of = whole.as_ref().or(shown);
        let noisy = left_of.and_then(|s| noisy(s, image));
        let predicted = shown.and_then(|s| s.record(image).map(|m| m.x0.clone()));
        let version = shown.map_or(0, |s| s.version() ^ (image as u64) << 50);
        let (left, right) = (captions(left_of, side < SHORT_BELOW).0, captions(shown, side < SHORT_BELOW).1);
        let left_version = left_of.map_or(0, |s| s.version() ^ (image as u64) << 50);
        let hints = hints(shown);
        large_ui(ui, textures, side, "x_t", left_version, noisy.as_ref(), (&left, &hints[0]));
        large_ui(ui, textures, side, "x0", version, predicted.as_ref(), (&right, &hints[1]));
        if batch {
            batch_ui(ui, state, draft, textures, side + caption);
        }
    });
    if batch_below > 0.0 {
        batch_ui(ui, state, draft, textures, BATCH_BELOW);
    }
    ui.add_space(4.0);
    let command = scrubber::scrubber_ui(ui, state);
    let height = room.y - (ui.cursor().top() - top);
    strip_ui(ui, state, draft, textures, height).or(command)
}

/// The film strip with the noise of its steps below it, where they have some.
fn strip_ui(ui: &mut Ui, state: &State, draft: &mut Controls, textures: &mut TextureCache, height: f32) -> Option<Command> {
    let chips = if noise_chips::has_chips(state) { noise_chips::HEIGHT + ui.spacing().item_spacing.y } else { 0.0 };
    let strip = height - chips;
    let command = film_strip::film_strip_ui(ui, state, textures, strip);
    if chips > 0.0 {
        noise_chips::noise_chips_ui(ui, state, draft, strip);
    }
    command
}

/// A, B and their difference in the place of x_t and x̂0; it scrolls where there is little height.
fn pair_ui(
    ui: &mut Ui,
    state: &State,
    draft: &mut Controls,
    textures: &mut TextureCache,
    pair: &Pair<'_>,
    shown: Option<&Shown<'_>>,
) -> Option<Command> {
    let (room, top) = (ui.available_size(), ui.cursor().top());
    let area = egui::ScrollArea::both().id_salt("pinned").auto_shrink(false);
    let drawn = area.show(ui, |ui| {
        pinned::options_ui(ui, pair, draft);
        let height = room.y - (ui.cursor().top() - top);
        let batch = state.controls.count > 1 && room.x > THREE_AND_BATCH;
        let batch_width = if batch { (room.x * 0.14).clamp(90.0, 260.0) } else { 0.0 };
        let wide = ((room.x - batch_width - 4.0) / 3.0 - 18.0).max(MIN_SIDE / 2.0);
        let below = below(ui, height);
        let side = (height - below - pinned::CAPTION - 16.0).clamp(wide.min(MIN_PAIR), wide);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            pinned::large_ui(ui, state, pair, shown, textures, side);
            if batch {
                batch_ui(ui, state, draft, textures, side + pinned::CAPTION);
            }
        });
        ui.add_space(4.0);
        let command = scrubber::scrubber_ui(ui, state);
        let strip = (height - side - pinned::CAPTION - 62.0).max(below - 40.0);
        strip_ui(ui, state, draft, textures, strip).or(command)
    });
    drawn.inner
}

/// x_t before the step, or the finished sample.
fn noisy(shown: &Shown<'_>, image: usize) -> Option<Arc<Picture>> {
    if shown.finished { shown.after(image).cloned() } else { Some(shown.record(image)?.x_t.clone()) }
}

/// The line that says which picture this is. It describes the run shown, not the position of the sliders.
fn header_ui(ui: &mut Ui, state: &State, draft: &mut Controls, shown: Option<&Shown<'_>>) {
    ui.horizontal_wrapped(|ui| {
        let Some(shown) = shown else {
            let text = if state.runs.running().is_some() { "Opening the model and the device …" } else { "Nothing to show yet" };
            ui.label(RichText::new(text).color(theme::faint(ui)));
            return;
        };
        let controls = &shown.run.controls;
        let total = shown.run.steps();
        let place = if shown.finished {
            format!("finished, {total} step{}", if total == 1 { "" } else { "s" })
        } else {
            format!("step {} of {total}", shown.update.index + 1)
        };
        ui.label(RichText::new(place).strong());
        ui.label(RichText::new("·").color(theme::faint(ui)));
        ui.label(recipe_line(controls, controls.first as usize + state.image()));
        if shown.run.is_draft() {
            let wanted = controls.step_count();
            ui.label(RichText::new(format!("draft, {total} of {wanted} steps")).color(theme::faint(ui)));
            if shown.run.slow_draft().is_some() {
                let note = format!("{:.1} s per step", shown.run.step_seconds);
                ui.label(RichText::new(note).color(theme::caution(ui)));
            }
        } else if !state.is_newest(shown.run) && shown.run.stands_in {
            ui.label(RichText::new(ready_line(controls, &state.controls)).color(theme::faint(ui)));
        } else if !state.is_newest(shown.run) {
            ui.label(RichText::new("(before the change)").color(theme::faint(ui)));
        }
        if shown.run.cancelled {
            ui.label(RichText::new("cancelled").color(theme::caution(ui)));
        }
        pinned::pin_button_ui(ui, state, draft, shown);
        if !controls.forks.is_empty() || !controls.step_seeds.is_empty() {
            let back =
                ui.small_button("Back to the stem").hint("The same run without its forks, and every step with its own noise");
            if back.clicked() {
                *draft = draft.stem();
            }
        }
        let at = shown.run.plan.as_ref().and_then(|plan| plan.schedules.first()?.steps.get(shown.update.index)).map(|step| step.t);
        let hover = "Leaves this run at the step shown, with another noise seed (panel Fork)";
        if let Some(t) = at.filter(|_| !shown.run.is_draft())
            && ui.small_button("Branch here").hint(hover).clicked()
        {
            let stem = draft.clone();
            draft.view.fork.branch_off(None, t, &stem);
            draft.view.tab = Tab::Fork;
        }
        let hover = "Encodes this picture to the x_T that leads to it, and decodes it again (panel Rewind)";
        if ui.small_button("Rewind it").hint(hover).clicked() {
            (draft.view.tab, draft.view.rewind.picture) = (Tab::Rewind, None);
        }
    });
}

/// Says of what a picture is that was ready and stands for that of `now`, near it.
pub(crate) fn ready_line(controls: &Controls, now: &Controls) -> String {
    let (eta, steps) = (controls.noisiness().0, controls.steps);
    if eta != now.noisiness().0 {
        return format!("ready, η = {}", plain(eta));
    }
    if steps != now.steps {
        return format!("ready, S = {steps}");
    }
    format!("ready, λ = {:.2}", controls.view.interpolate.position[0])
}

/// What the two pictures are, in a sentence or two.
fn hints(shown: Option<&Shown<'_>>) -> [String; 2] {
    let step = shown.and_then(|shown| shown.run.plan.as_ref()?.schedules.first()?.steps.get(shown.update.index));
    let alpha_bar = step.map_or_else(String::new, |step| {
        format!(
            " ᾱ is the share of the picture in x_t = √ᾱ x_0 + √(1 − ᾱ) ε: here {:.1} % of its variance, the rest is noise.",
            100.0 * step.alpha_bar_t
        )
    });
    let predicted = "x̂0, the picture that the network believes is in x_t: it takes the noise that it finds out of it. Early in a run it is \
                     the mean of all pictures that x_t could still become, and so it is blurred.";
    let noisy = match shown {
        Some(shown) if shown.finished => {
            "x_0, the sample: what the last step has made. Where τ ends at t = 0 and nothing is clipped, it is the x̂0 of that step."
                .to_owned()
        }
        _ => format!("x_t, what this step starts from.{alpha_bar}"),
    };
    [noisy, predicted.to_owned()]
}

/// The captions of the two pictures, `short` if there is little room.
fn captions(shown: Option<&Shown<'_>>, short: bool) -> (String, String) {
    let Some(shown) = shown else { return ("x_t".to_owned(), "x̂0".to_owned()) };
    let Some(step) = shown.run.plan.as_ref().and_then(|p| p.schedules.first()?.steps.get(shown.update.index)) else {
        return ("x_t".to_owned(), "predicted x̂0".to_owned());
    };
    if short {
        return (if shown.finished { "x_0".to_owned() } else { format!("x_{}", step.t) }, "x̂0".to_owned());
    }
    if shown.finished {
        return ("x_0, the sample".to_owned(), format!("x̂0 predicted at t = {}", step.t));
    }
    (format!("x_t, t = {}, ᾱ = {:.3}", step.t, step.alpha_bar_t), "x̂0 predicted from it".to_owned())
}

fn large_ui(
    ui: &mut Ui,
    textures: &mut TextureCache,
    side: f32,
    place: &str,
    version: u64,
    picture: Option<&Arc<Picture>>,
    (caption, hint): (&str, &str),
) {
    ui.vertical(|ui| {
        ui.set_width(side);
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
        ui.painter().rect_filled(rect, 4, theme::empty(ui));
        if let Some(picture) = picture {
            textures.paint(ui, fitted(rect, picture), Id::unique(("large", place)), version, picture);
        } else {
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, "…", FontId::proportional(40.0), theme::faint(ui));
        }
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, caption));
        response.hint(hint);
        ui.vertical_centered(|ui| ui.add(egui::Label::new(RichText::new(caption).size(16.0)).truncate()).hint(hint));
    });
}

/// The whole batch at this step; a click enlarges an image.
fn batch_ui(ui: &mut Ui, state: &State, draft: &mut Controls, textures: &mut TextureCache, height: f32) {
    let shown = state.shown_batch();
    let shown = shown.as_ref();
    // What is from before a change is dimmed until there is better.
    let tint = if shown.is_some_and(|s| state.is_newest(s.run)) { egui::Color32::WHITE } else { theme::DIMMED };
    let count = shown.map_or(state.controls.count as usize, |s| s.update.records.len());
    // The frame of the chosen image is drawn around it.
    let margin = 3.0;
    let width = ui.available_width() - 2.0 * margin;
    let gap = 6.0;
    // The fewest columns at which the rows still fit, so that the pictures are as large as possible.
    let fits = |columns: usize| {
        let side = (width - gap * columns as f32) / columns as f32;
        (side + gap) * count.div_ceil(columns) as f32 <= height
    };
    let columns = (1..=8).find(|c| fits(*c)).unwrap_or(8);
    let side = ((width - gap * columns as f32) / columns as f32).clamp(16.0, 120.0);
    egui::ScrollArea::vertical().id_salt("batch").max_height(height).show(ui, |ui| {
        egui::Frame::new().inner_margin(margin).show(ui, |ui| {
            egui::Grid::new("batch grid").spacing([gap, gap]).min_col_width(0.0).show(ui, |ui| {
                for i in 0..count {
                    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::click());
                    ui.painter().rect_filled(rect, 2, theme::empty(ui));
                    if let Some((shown, picture)) = shown.and_then(|s| Some((s, s.update.records.get(i)?.x0.clone()))) {
                        textures.paint_tinted(
                            ui,
                            fitted(rect, &picture),
                            Id::unique(("batch", i)),
                            shown.version(),
                            &picture,
                            tint,
                        );
                    }
                    let chosen = i == state.image();
                    if chosen || response.hovered() || response.has_focus() {
                        let colour = if chosen { theme::accent(ui) } else { theme::faint(ui) };
                        ui.painter().rect_stroke(rect, 2, (2.0, colour), egui::StrokeKind::Outside);
                    }
                    let number = draft.first as usize + i;
                    response
                        .widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, chosen, format!("Image {number}")));
                    let response = response.hint(format!("x̂0 of image {number}; click to enlarge it"));
                    if response.clicked() {
                        draft.view.image = i as u32;
                    }
                    if (i + 1) % columns == 0 {
                        ui.end_row();
                    }
                }
            })
        });
    });
}
