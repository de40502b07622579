//! The lines above the grid that choose its rows and columns.

use super::view::View;
use crate::app::{
    state::{
        controls::Controls,
        view_settings::{Axes, Compare},
        written::plain,
    },
    widgets::{presenting, tile::named},
};
use eframe::egui::{DragValue, RichText, Ui};

/// The spacings that can be columns.
const SPACINGS: [(&str, &str); 5] = [
    ("linear", "τ = floor(i T/S): the paper's linear τ"),
    (
        "quadratic",
        "τ = floor(linspace(0, √(0.8 T), S)²): the paper's quadratic τ, with more steps where the picture is almost clean",
    ),
    ("leading", "τ = i (T // S) + offset, as diffusers names it"),
    ("trailing", "τ = round(T − i T/S) − 1, as diffusers names it: it starts at T − 1"),
    ("linspace", "τ = round(linspace(0, T − 1, S)), as diffusers names it"),
];
const MAX_ROWS: usize = 8;
/// Width of a number with the button that takes it away, at most.
const TOGETHER: f32 = 84.0;
/// Width of one row's S and of the choice of spacings, in points.
const ROW_WIDTH: f32 = 80.0;
const SPACINGS_WIDTH: f32 = 490.0;

/// Draws the options; `draft` takes what the user changes.
pub(crate) fn options_ui(ui: &mut Ui, view: &View<'_>, draft: &mut Controls) {
    ui.horizontal_wrapped(|ui| {
        let compare = &mut draft.view.compare;
        ui.label(RichText::new("Grid of").strong());
        let by_seed = ui.selectable_value(&mut compare.axes, Axes::EtaBySeed, "η × noise seed");
        named(by_seed, "η by noise seed", "Rows of η, columns of noise seeds: what does the noise of the steps change?");
        let by_spacing = ui.selectable_value(&mut compare.axes, Axes::StepsBySpacing, "S × τ");
        named(by_spacing, "S by τ", "Each S with each τ: how few steps do, and where should they lie?");
        ui.separator();
        ui.label("show");
        let predicted = ui.selectable_value(&mut compare.noisy, false, "predicted x̂0");
        named(predicted, "show x̂0", "The picture that each step predicts from x_t");
        let noisy = ui.selectable_value(&mut compare.noisy, true, "x_t");
        named(noisy, "show x_t", "x after each step: the noise that becomes the picture");
    });
    // A presentation has no room for the choice of rows and columns.
    if presenting::is_on(ui.ctx()) {
        return;
    }
    let compare = &mut draft.view.compare;
    match compare.axes {
        Axes::EtaBySeed => {
            ui.horizontal_wrapped(|ui| {
                etas(ui, compare);
                ui.separator();
                seeds(ui, compare, draft.noise_seed);
            });
        }
        Axes::StepsBySpacing => {
            // In one line if both fit; otherwise the columns have a line of their own and are not broken in the middle.
            let fits = ui.available_width() > ROW_WIDTH * (compare.steps.len() as f32 + 1.5) + SPACINGS_WIDTH;
            ui.horizontal_wrapped(|ui| {
                steps(ui, compare, view.train_timesteps.max(1) as usize);
                if fits {
                    ui.separator();
                    spacings(ui, compare);
                }
            });
            if !fits {
                ui.horizontal_wrapped(|ui| spacings(ui, compare));
            }
        }
    }
}

/// The number of noise seeds, which start at `first`.
fn seeds(ui: &mut Ui, compare: &mut Compare, first: u64) {
    ui.label("noise seeds");
    let response = ui.add(DragValue::new(&mut compare.seeds).range(2..=16).speed(0.05));
    let last = first.wrapping_add(u64::from(compare.seeds) - 1);
    let tooltip = format!("Columns: noise seeds {first} to {last}. The first is the control panel's");
    named(response, "number of noise seeds", tooltip);
}

/// A number and the button that takes it away are not broken apart at the end of a line.
fn keep_together(ui: &mut Ui) {
    if ui.available_size_before_wrap().x < TOGETHER {
        ui.end_row();
    }
}

fn etas(ui: &mut Ui, compare: &mut Compare) {
    ui.label("rows η");
    let mut gone = None;
    let several = compare.etas.len() + usize::from(compare.sigma_hat) > 1;
    for (i, eta) in compare.etas.iter_mut().enumerate() {
        keep_together(ui);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let drag = DragValue::new(&mut *eta).range(0.0..=1.0).speed(0.01).max_decimals(2).custom_formatter(|eta, _| plain(eta));
            let tooltip = "η of this row: σ is η times DDPM's. 0 adds no noise, 1 as much as DDPM. Drag, or click to type";
            named(ui.add(drag), format!("η of row {}", i + 1), tooltip);
            if several {
                let written = plain(*eta);
                let response =
                    named(ui.small_button("×"), format!("remove row η = {written}"), format!("Leave the row η = {written} out"));
                if response.clicked() {
                    gone = Some(i);
                }
            }
        });
    }
    if let Some(i) = gone {
        compare.etas.remove(i);
    }
    let room = compare.etas.len() < MAX_ROWS;
    let new = new_eta(&compare.etas);
    let add = ui.add_enabled(room, egui::Button::new("+").small());
    if named(add, "add a row of η", format!("One row more, at η = {}", plain(new))).clicked() {
        compare.etas.push(new);
        compare.etas.sort_by(f64::total_cmp);
    }
    let sigma_hat = ui.checkbox(&mut compare.sigma_hat, "σ̂ larger");
    named(sigma_hat, "row σ̂", "One row more, with Table 1's larger variance: σ̂² = 1 − ᾱt/ᾱs, which is even noisier than η = 1");
    if compare.etas.is_empty() && !compare.sigma_hat {
        compare.sigma_hat = true;
    }
}

/// The middle of the widest gap, on a grid of 0.05.
fn new_eta(etas: &[f64]) -> f64 {
    let mut all = etas.to_vec();
    all.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return 0.0 };
    if *last < 1.0 {
        return 1.0;
    }
    if *first > 0.0 {
        return 0.0;
    }
    let gap = all.windows(2).max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])));
    gap.map_or(0.5, |pair| ((pair[0] + pair[1]) * 10.0).round() / 20.0)
}

fn steps(ui: &mut Ui, compare: &mut Compare, max_steps: usize) {
    ui.label("S");
    let mut gone = None;
    let several = compare.steps.len() > 1;
    for (i, steps) in compare.steps.iter_mut().enumerate() {
        keep_together(ui);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let drag = DragValue::new(&mut *steps).range(1..=max_steps).speed(0.2);
            let tooltip = format!("One S of the grid: steps out of T = {max_steps}. Drag, or click to type");
            named(ui.add(drag), format!("S of row {}", i + 1), tooltip);
            if several {
                let response = named(ui.small_button("×"), format!("remove row S = {steps}"), format!("Leave S = {steps} out"));
                if response.clicked() {
                    gone = Some(i);
                }
            }
        });
    }
    if let Some(i) = gone {
        compare.steps.remove(i);
    }
    let new = compare.steps.iter().max().map_or(10, |s| s * 2).min(max_steps);
    let add = ui.add_enabled(compare.steps.len() < MAX_ROWS, egui::Button::new("+").small());
    if named(add, "add a row of S", format!("One S more, of {new} steps")).clicked() {
        compare.steps.push(new);
    }
}

fn spacings(ui: &mut Ui, compare: &mut Compare) {
    ui.label("τ");
    for (name, what) in SPACINGS {
        let mut on = compare.spacings.iter().any(|s| s == name);
        // The last column cannot be removed.
        let changeable = !on || compare.spacings.len() > 1;
        let response = ui.add_enabled(changeable, egui::Checkbox::new(&mut on, name));
        if named(response, format!("column τ {name}"), what).changed() {
            let known = |n: &str| SPACINGS.iter().any(|(name, _)| *name == n);
            let mut lists: Vec<String> = compare.spacings.iter().filter(|n| !known(n)).cloned().collect();
            let kept = SPACINGS.iter().filter(|(n, _)| if *n == name { on } else { compare.spacings.iter().any(|s| s == n) });
            compare.spacings = kept.map(|(n, _)| (*n).to_owned()).collect();
            compare.spacings.append(&mut lists);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::new_eta;

    #[test]
    fn new_rows_fill_the_widest_gap() {
        assert_eq!(new_eta(&[]), 0.0);
        assert_eq!(new_eta(&[0.0]), 1.0);
        assert_eq!(new_eta(&[0.5, 1.0]), 0.0);
        assert_eq!(new_eta(&[0.0, 0.2, 0.5, 1.0]), 0.75);
    }
}
