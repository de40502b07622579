//! η, the most important control: a large slider that snaps to the paper's values, with σ̂ beside it.

use crate::{
    app::{
        state::{State, controls::Controls, scale::Scale, written::plain},
        widgets::{editable::editable_number, hint::Hint, own_keys, theme},
    },
    schedule::Preset,
};
use eframe::egui::{self, Response, RichText, Slider, Ui};

/// The columns of the paper's Table 1.
pub(crate) const SNAPS: [f64; 4] = [0.0, 0.2, 0.5, 1.0];
/// A dragged η that is at most this far from a snap takes the snap's value.
const REACH: f64 = 0.012;

/// The nearest snap, where η is close to one; else η in steps of a hundredth.
pub(crate) fn snapped(eta: f64) -> f64 {
    let near = SNAPS.into_iter().find(|snap| (eta - snap).abs() <= REACH);
    near.unwrap_or_else(|| (eta * 100.0).round() / 100.0)
}

/// What η makes of the sampler, in a few words.
fn character(eta: f64, sigma_hat: bool, ddpm: bool) -> &'static str {
    match eta {
        _ if ddpm => "ancestral sampling",
        _ if sigma_hat => "noisier than DDPM",
        0.0 => "deterministic (DDIM)",
        1.0 => "stochastic (DDPM)",
        _ => "in between",
    }
}

/// Draws the slider with its buttons.
pub fn eta_ui(ui: &mut Ui, state: &State, draft: &mut Controls) {
    if draft.has_sides() {
        ui.label(RichText::new("η and S: one per side").size(22.0).strong().color(theme::accent(ui)));
        ui.label(RichText::new("Each side's sampler is chosen above its picture.").color(theme::faint(ui)));
        return;
    }
    if draft.has_rows_of_eta() {
        ui.label(RichText::new("η: one per row").size(22.0).strong().color(theme::accent(ui)));
        ui.label(RichText::new("Rows are chosen above the grid.").color(theme::faint(ui)));
        return;
    }
    let (eta, sigma_hat) = draft.noisiness();
    // Preset ddpm has no η; some panels have their own.
    let ddpm = draft.preset == Preset::Ddpm && !draft.has_own_eta();
    let hover = hover(state, eta, sigma_hat, ddpm);
    let colour = theme::accent(ui);
    let looks = |text: String| RichText::new(text).size(22.0).strong().color(colour);
    let label = ui
        .horizontal(|ui| {
            let label = if ddpm {
                ui.label(looks("DDPM".to_owned())).hint(&hover)
            } else if sigma_hat {
                ui.label(looks("σ̂".to_owned())).hint(&hover)
            } else {
                let (label, typed) = editable_number(ui, egui::Id::unique("η"), ("η = ", eta, ""), 0.0..=1.0, looks, &hover);
                if let Some(typed) = typed {
                    draft.set_eta((typed * 1000.0).round() / 1000.0);
                }
                label
            };
            ui.label(RichText::new(character(eta, sigma_hat, ddpm)).color(theme::faint(ui)));
            label
        })
        .inner;
    ui.scope(|ui| {
        ui.spacing_mut().slider_width = (ui.available_width() - 8.0).max(80.0);
        ui.spacing_mut().slider_rail_height = 10.0;
        ui.spacing_mut().interact_size.y = 30.0;
        // Neither σ̂ nor DDPM has an η: the slider shows where it would stand.
        if sigma_hat || ddpm {
            ui.set_opacity(0.4);
        }
        let slider = slider_ui(ui, draft, label.id).hint(&hover);
        let ready = state.runs.ready_at(&state.controls, Scale::Eta);
        ready_marks_ui(ui, slider.rect, ready.into_iter());
    });
    ui.horizontal_wrapped(|ui| {
        for snap in SNAPS {
            let name = match snap {
                0.0 => "0 DDIM".to_owned(),
                1.0 => "1 DDPM".to_owned(),
                _ => snap.to_string(),
            };
            let chosen = !sigma_hat && !ddpm && eta == snap;
            if ui.selectable_label(chosen, name).hint(snap_hint(snap)).clicked() {
                draft.set_eta(snap);
            }
        }
        if draft.has_own_eta() {
            return;
        }
        let hover = "σ̂, the last row of Table 1. It is not Eq. 12 with a larger σ: each step goes to the mean of DDPM's posterior, from a \
                     clipped x̂0, and adds noise of variance β = 1 − ᾱ_t/ᾱ_s, where η = 1 adds the smaller β̃. With few steps more noise \
                     comes in than the next step can take out, and its pictures are the worst";
        if ui.selectable_label(sigma_hat, "σ̂").hint(hover).clicked() {
            draft.sigma_hat = !sigma_hat;
        }
    });
}

/// The slider alone, as wide as the spacing says; `label` names it.
pub(crate) fn slider_ui(ui: &mut Ui, draft: &mut Controls, label: egui::Id) -> Response {
    let (mut eta, sigma_hat) = draft.noisiness();
    let slider = Slider::new(&mut eta, 0.0..=1.0).show_value(false).smart_aim(false).trailing_fill(!sigma_hat);
    let response = ui.add(slider).labelled_by(label);
    response.widget_info(|| egui::WidgetInfo::slider(true, eta, "η, from deterministic to stochastic"));
    if response.has_focus() {
        own_keys::use_arrows(ui, response.id, false);
    }
    if response.changed() {
        // Arrow keys move by single steps, which a snap would swallow. The move that ends a drag is one of it.
        let by_hand = response.dragged() || response.drag_stopped();
        draft.set_eta(if by_hand { snapped(eta) } else { (eta * 1000.0).round() / 1000.0 });
    }
    response
}

/// Faint marks under a slider at the places, 0 to 1, whose pictures are there already.
pub(crate) fn ready_marks_ui(ui: &Ui, slider: egui::Rect, places: impl Iterator<Item = f64>) {
    // egui's handle stays within the slider by its own radius.
    let radius = slider.height() / 2.5;
    let (left, right) = (slider.left() + radius, slider.right() - radius);
    // Ahead of a hand more steps may have been tried than the model has timesteps.
    for place in places.filter(|place| (0.0..=1.0).contains(place)) {
        let centre = egui::pos2(left + (right - left) * place as f32, slider.bottom() - 1.5);
        ui.painter().circle_filled(centre, 1.5, theme::accent(ui).gamma_multiply(0.6));
    }
}

/// What a value of η is known for.
fn snap_hint(eta: f64) -> String {
    match eta {
        0.0 => "η = 0: DDIM. No step adds noise, so a run is a function of x_T".to_owned(),
        1.0 => "η = 1: DDPM. σ² is then β̃ = (1 − ᾱ_s)/(1 − ᾱ_t) (1 − ᾱ_t/ᾱ_s), the variance of DDPM's posterior, and the step draws from it"
            .to_owned(),
        _ => format!("η = {eta}: σ is {eta} times DDPM's, as in Table 1 of the paper"),
    }
}

/// What η means, with the numbers of now.
fn hover(state: &State, eta: f64, sigma_hat: bool, ddpm: bool) -> String {
    let sigma = state.schedule().and_then(|s| s.steps.iter().map(|step| step.sigma).max_by(f64::total_cmp));
    let numbers = sigma.map_or_else(String::new, |sigma| format!(" The largest σ of this run's steps is {sigma:.3}."));
    if ddpm {
        return format!(
            "Preset ddpm: each step draws from DDPM's posterior, its mean from x_t and the limited x̂0, its variance from the \
             scheduler.{numbers} Move η to leave it for DDIM."
        );
    }
    if sigma_hat {
        return format!(
            "σ̂, the larger variance of Table 1: the DDPM posterior mean plus σ̂ = √(1 − ᾱ_t/ᾱ_s) times noise.{numbers} Move η to leave \
             it."
        );
    }
    format!(
        "η = {}: σ = η √((1 − ᾱ_s)/(1 − ᾱ_t)) √(1 − ᾱ_t/ᾱ_s) times fresh noise is added in each step (Eq. 16). At η = 0 none is: x_T \
         alone decides the picture. η = 1 is DDPM.{numbers}",
        plain(eta)
    )
}

#[cfg(test)]
mod tests {
    use super::snapped;

    #[test]
    fn the_papers_values_are_easy_to_hit() {
        assert_eq!([0.004, 0.19, 0.211, 0.51, 0.993].map(snapped), [0.0, 0.2, 0.2, 0.5, 1.0]);
        assert_eq!([0.1049, 0.337, 0.98].map(snapped), [0.1, 0.34, 0.98]);
    }
}
