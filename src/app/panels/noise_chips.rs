//! The chips under the film strip: the noise z of each step, which may be given another seed, to see which one decides the picture.

use super::film_strip;
use crate::{
    app::{
        state::{
            State,
            controls::Controls,
            step_seeds::{Which, transplant},
        },
        widgets::{hint::Hint, own_keys, theme},
    },
    schedule::{NoiseKind, StepCoefficients},
};
use eframe::egui::{Color32, Id, Key, Modifiers, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo, lerp, pos2, vec2};

/// Height of the row, and of a chip.
pub(crate) const HEIGHT: f32 = 20.0;
const CHIP: f32 = 11.0;
/// Colours of seeds other than the run's own, in turn.
const COLOURS: [Color32; 5] = [
    Color32::from_rgb(240, 150, 60),
    Color32::from_rgb(200, 110, 240),
    Color32::from_rgb(80, 190, 120),
    Color32::from_rgb(235, 95, 120),
    Color32::from_rgb(120, 150, 250),
];

/// Whether there is a row of chips: where steps add noise.
pub(crate) fn has_chips(state: &State) -> bool {
    steps(state).is_some_and(|steps| steps.iter().any(|step| step.next_from_noise != 0.0))
}

/// The steps of the run that the strip shows.
fn steps(state: &State) -> Option<&[StepCoefficients]> {
    let run = *state.runs.strip(state.image()).first()?;
    Some(&run.plan.as_ref()?.schedules.first()?.steps)
}

/// Draws the row below a film strip of the height `strip`; `draft` takes the seeds that the user changes.
pub(crate) fn noise_chips_ui(ui: &mut Ui, state: &State, draft: &mut Controls, strip: f32) {
    let Some(steps) = steps(state).filter(|steps| !steps.is_empty()) else { return };
    let (all, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let [left, right] = film_strip::span(all, steps.len(), strip);
    let rail = Rect::from_min_max(pos2(left, all.top() + 2.0), pos2(right, all.top() + 2.0 + CHIP));
    let response = ui.interact(rail.expand2(vec2(0.0, 3.0)), Id::unique("noise of the steps"), Sense::click());
    let count = steps.len();
    let x = |index: usize| lerp(left..=right, index as f32 / count as f32);
    let gap = if rail.width() / count as f32 > 5.0 { 2.0 } else { 0.0 };
    let at = |x: f32| (((x - left) / (right - left) * count as f32) as usize).min(count - 1);
    let cursor_id = response.id.with("cursor");
    let cursor = ui.data(|data| data.get_temp::<usize>(cursor_id)).unwrap_or(0).min(count - 1);
    let hovered = response.hover_pos().map(|pointer| at(pointer.x));
    for (index, step) in steps.iter().enumerate() {
        let chip = Rect::from_min_max(pos2(x(index), rail.top()), pos2((x(index + 1) - gap).min(rail.right()), rail.bottom()));
        if chip.width() <= 0.0 {
            continue;
        }
        let colour = match step.noise_seed {
            _ if step.next_from_noise == 0.0 => ui.visuals().faint_bg_color,
            None => theme::accent(ui).gamma_multiply(0.55),
            Some(seed) => COLOURS[(seed % COLOURS.len() as u64) as usize],
        };
        ui.painter().rect_filled(chip, 2, colour);
        if hovered == Some(index) || (response.has_focus() && cursor == index) {
            ui.painter().rect_stroke(chip.expand(1.0), 2, (1.5, ui.visuals().text_color()), StrokeKind::Outside);
        }
    }
    let is_torch = draft.noise() == NoiseKind::Torch;
    response.widget_info(|| WidgetInfo::labeled(Role::Button, !is_torch, format!("Noise of step {} of {count}", cursor + 1)));
    let keys = ui.input(|input| input.modifiers);
    let which = |modifiers: Modifiers| match modifiers {
        m if m.shift => Which::After,
        m if m.command || m.alt => Which::Before,
        _ => Which::One,
    };
    let mut change = None;
    if response.clicked()
        && let Some(pointer) = response.interact_pointer_pos()
    {
        change = Some((at(pointer.x), which(keys)));
    }
    if response.has_focus() {
        own_keys::use_arrows(ui, response.id, false);
        let (mut to, mut asked) = (cursor, None);
        ui.input_mut(|input| {
            to = if input.consume_key(Modifiers::NONE, Key::ArrowLeft) { to.saturating_sub(1) } else { to };
            to = if input.consume_key(Modifiers::NONE, Key::ArrowRight) { (to + 1).min(count - 1) } else { to };
            for modifiers in [Modifiers::SHIFT, Modifiers::COMMAND, Modifiers::NONE] {
                if input.consume_key(modifiers, Key::Enter) || input.consume_key(modifiers, Key::Space) {
                    asked = Some((to, which(modifiers)));
                }
            }
        });
        ui.data_mut(|data| data.insert_temp(cursor_id, to));
        // A press of Enter is a click as well, with no pointer in it.
        change = asked.or(change.filter(|_| response.interact_pointer_pos().is_some()));
    }
    if let Some((index, which)) = change.filter(|(index, _)| !is_torch && steps[*index].next_from_noise != 0.0) {
        transplant(draft, steps, index, which);
    }
    let hover = hovered.map_or_else(String::new, |index| hint(&steps[index], index, is_torch, draft));
    response.hint(hover);
}

fn hint(step: &StepCoefficients, index: usize, is_torch: bool, draft: &Controls) -> String {
    let place = format!("z of step {}, t = {}", index + 1, step.t);
    if step.next_from_noise == 0.0 {
        return format!("{place}: this step adds no noise");
    }
    if is_torch {
        return format!(
            "{place}. Torch's generator draws the noise of all steps as one stream: choose noise path or step to change one"
        );
    }
    let seed = step
        .noise_seed
        .map_or_else(|| format!("noise seed {}", draft.noise_seed), |seed| format!("noise seed {seed}, not the run's"));
    format!("{place}, {seed}. Click: other noise for this step; with Shift for all after it, with Ctrl for all before it, too")
}
