//! The rows above the pictures: seeds, number of pictures, η, and the animation.

use super::{end_controls::end_controls, play::Playback};
use crate::app::{
    panels::seeds::{encoded_hint, random_seed, thumbnail_ui},
    state::{command::Command, controls::Controls},
    widgets::{texture_cache::TextureCache, tile::named},
};
use eframe::egui::{Button, DragValue, Response, Ui, Vec2};

const CORNERS: [&str; 4] = ["top left", "top right", "bottom left", "bottom right"];
const ENDS: [&str; 2] = ["left", "right"];

/// What the ends are called.
pub(crate) fn end_names(grid: bool) -> &'static [&'static str] {
    if grid { &CORNERS } else { &ENDS }
}

/// Draws the options; `draft` takes what the user changes.
pub(crate) fn options_ui(
    ui: &mut Ui,
    draft: &mut Controls,
    playback: &mut Playback,
    textures: &mut TextureCache,
) -> Option<Command> {
    let mut command = None;
    ui.horizontal_wrapped(|ui| {
        let interpolate = &mut draft.view.interpolate;
        let strip = ui.selectable_value(&mut interpolate.grid, false, "2 seeds");
        named(strip, "strip between two seeds", "A strip of pictures from one seed's x_T to the other's");
        let grid = ui.selectable_value(&mut interpolate.grid, true, "4 seeds");
        named(grid, "grid between four seeds", "A grid of pictures between four seeds: slerp across, then slerp down");
        ui.separator();
        ui.label("pictures");
        if interpolate.grid {
            let side = &mut interpolate.side;
            let response = ui.add(DragValue::new(&mut *side).range(2..=9).speed(0.05));
            named(response, "pictures of a side", format!("A grid of {side} × {side} pictures"));
        } else {
            let columns = &mut interpolate.columns;
            let response = ui.add(DragValue::new(&mut *columns).range(3..=33).speed(0.1));
            named(
                response,
                "pictures of the strip",
                format!("{columns} pictures, evenly spaced in λ from 0, the left end, to 1, the right one"),
            );
            let lerp = ui.checkbox(&mut interpolate.lerp, "lerp too");
            named(lerp, "show lerp beside slerp", "Straight: x_T = (1 − λ) a + λ b, whose length sinks to about 0.71 √d");
        }
        ui.separator();
        play_ui(ui, playback, &interpolate.position);
    });
    let grid = draft.view.interpolate.grid;
    let names = end_names(grid);
    // As many side by side as fit: two or four, so that the corners are arranged as on screen.
    let fit = (ui.available_width() / if grid { 222.0 } else { 262.0 }) as usize;
    let across = if fit >= names.len() { names.len() } else { fit.clamp(1, 2) };
    for (line, names) in names.chunks(across).enumerate() {
        ui.horizontal(|ui| {
            for (i, name) in names.iter().enumerate() {
                command = end_ui(ui, draft, line * across + i, name, textures).or(command.take());
                if !grid && line + i == 0 && named(sign(ui, "↔"), "swap the ends", "Let the strip run the other way").clicked() {
                    draft.view.interpolate.seeds.swap(0, 1);
                    draft.view.interpolate.pictures.swap(0, 1);
                }
            }
        });
    }
    command
}

/// A button with a sign; all have the same width.
fn sign(ui: &mut Ui, sign: &str) -> Response {
    ui.add(Button::new(sign).min_size(Vec2::new(32.0, 0.0)))
}

fn play_ui(ui: &mut Ui, playback: &mut Playback, position: &[f64; 2]) {
    let (icon, name) = if playback.playing { ("⏸", "pause") } else { ("▶", "play") };
    let tooltip = format!("Let λ go back and forth by itself; it is at {:.2}", position[0]);
    if named(sign(ui, icon), name, tooltip).clicked() {
        playback.toggle();
    }
    let (arrow, side) = if playback.backwards { ("←", "left") } else { ("→", "right") };
    if named(sign(ui, arrow), "direction", format!("It goes to the {side}: turn it round")).clicked() {
        playback.backwards = !playback.backwards;
    }
    let mut seconds = 1.0 / playback.speed.max(0.01);
    let tooltip = format!("From one end to the other in {seconds:.1} s");
    let drag = DragValue::new(&mut seconds).range(0.5..=30.0).speed(0.1).max_decimals(1).suffix(" s");
    if named(ui.add(drag), "seconds from end to end", tooltip).changed() {
        playback.speed = 1.0 / seconds;
    }
}

/// An end: its seed, or the picture that is encoded in its place.
fn end_ui(ui: &mut Ui, draft: &mut Controls, i: usize, name: &str, textures: &mut TextureCache) -> Option<Command> {
    let interpolate = &mut draft.view.interpolate;
    let (grid, seed) = (interpolate.grid, interpolate.seeds[i]);
    if let Some(encoded) = &interpolate.pictures[i] {
        ui.label(if grid { name.to_owned() } else { format!("{name}:") });
        let side = ui.spacing().interact_size.y * 1.4;
        let about = format!("picture {name}: {}", encoded.picture.short_name());
        thumbnail_ui(ui, textures, ("end", i), &encoded.picture, side, &about).on_hover_text(encoded_hint(encoded));
        let back = ui.button(format!("seed {seed}"));
        let tooltip = format!("Give up the picture {}: this end's x_T is that of seed {seed} again", encoded.picture.short_name());
        if named(back, format!("back to the seed {name}"), tooltip).clicked() {
            interpolate.pictures[i] = None;
        }
    } else {
        ui.label(if grid { name.to_owned() } else { format!("{name}: seed") });
        let seed = &mut interpolate.seeds[i];
        let drag = DragValue::new(&mut *seed).range(0..=(1u64 << 53)).clamp_existing_to_range(false).speed(0.1);
        let tooltip = "Seed of this end's x_T (its image 0). Drag, or click to type. A picture comes here from the panel Rewind";
        named(ui.add(drag), format!("seed {name}"), tooltip);
        if named(sign(ui, "🎲"), format!("dice {name}"), "Another seed").clicked() {
            *seed = random_seed();
        }
    }
    let tooltip = format!(
        "Open the sample of {} itself, step by step: the end of the interpolation is that very picture",
        draft.view.interpolate.end_name(i)
    );
    let button = ui.button(if grid { "use" } else { "use this end" });
    if named(button, format!("use this end: seed {name}"), tooltip).clicked() {
        return Some(Command::Use(Box::new(end_controls(draft, i))));
    }
    None
}
