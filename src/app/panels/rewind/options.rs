//! The row above the pictures: what is rewound, by whose convention, with how many passes, and where the error is measured.

use super::view::View;
use crate::{
    app::{
        panels::interpolate::end_names,
        state::{
            command::Command,
            controls::Controls,
            view_settings::{Convention, MAX_REFINE, Tab},
        },
        widgets::{hint::Hint, theme, tile::named},
    },
    picture::reconstruction::PAPER,
    recipe::Encoded,
};
use eframe::egui::{Button, ComboBox, DragValue, RichText, Ui};

/// Draws the options; `draft` takes what the user changes.
pub(super) fn options_ui(ui: &mut Ui, view: &View<'_>, draft: &mut Controls) -> Option<Command> {
    let mut command = None;
    ui.horizontal_wrapped(|ui| {
        let source = source_text(draft);
        let rewind = &mut draft.view.rewind;
        if ui.button("Choose a picture …").hint("PNG, JPEG, WebP or GIF, of any size; or drop it on the window").clicked() {
            command = Some(Command::ChoosePicture);
        }
        let chosen = ui.selectable_label(rewind.picture.is_none(), "The sample");
        if chosen.hint("Rewinds the sample that the controls at the left make").clicked() {
            rewind.picture = None;
        }
        ui.label(RichText::new(source).color(theme::faint(ui)));
        ui.separator();
        let label = ui.label("convention");
        let combo = ComboBox::from_id_salt("rewind convention").width(86.0).selected_text(rewind.convention.name());
        let combo = combo.show_ui(ui, |ui| {
            for (convention, hover) in [
                (Convention::Official, "The paper's ODE, backwards: the network is asked at the time where the step comes from"),
                (Convention::Diffusers, "DDIMInverseScheduler: the network is asked at the time where the step goes to"),
            ] {
                ui.selectable_value(&mut rewind.convention, convention, convention.name()).hint(hover);
            }
        });
        combo.response.labelled_by(label.id).hint("At which of a step's two times the way up asks the network.");
        let label = ui.label("passes");
        let drag = ui.add(DragValue::new(&mut rewind.refine).range(0..=MAX_REFINE).speed(0.05)).labelled_by(label.id);
        let hover = "K passes of a fixed-point iteration after each step up, each one more evaluation of the network: the more, the \
                     more exactly the way back undoes it";
        named(drag, "passes after each step", hover);
    });
    ui.horizontal_wrapped(|ui| {
        let rewind = &mut draft.view.rewind;
        ui.label("measure the error at S =");
        let measured = view.find(|shown| Some(shown.errors())).map(|(_, errors)| errors).unwrap_or_default();
        for (steps, paper) in PAPER {
            let on = rewind.steps.contains(&steps);
            let ours = measured.iter().find(|(s, _)| *s == steps).map(|(_, error)| format!("{}, ", super::error_text(*error)));
            let hover = format!("Error at S = {steps}: {}{paper} in the paper (CIFAR-10)", ours.unwrap_or_default());
            let button = named(ui.selectable_label(on, steps.to_string()), format!("measure at S = {steps}"), hover);
            if button.clicked() {
                if on {
                    rewind.steps.retain(|s| *s != steps)
                } else {
                    rewind.steps.push(steps)
                }
                rewind.steps.sort_unstable();
            }
        }
        ui.separator();
        command = uses_ui(ui, view, draft).or(command.take());
    });
    command
}

fn source_text(draft: &Controls) -> String {
    match &draft.view.rewind.picture {
        Some(given) => given.short_name(),
        // The sample's own η is not that of the way back.
        None => format!("{}, image {}, {}", draft.latent_text(), draft.image_number(), draft.noise_text()),
    }
}

/// The buttons that take the picture's x_T to the other panels.
fn uses_ui(ui: &mut Ui, view: &View<'_>, draft: &Controls) -> Option<Command> {
    let found = view.newest().and_then(super::view::Rewound::encoded);
    let hover = |what: &str| {
        let when = if found.is_some() { "" } else { "; as soon as the way up has come to x_T" };
        format!("{what}{when}")
    };
    let use_x_t = ui.add_enabled(found.is_some(), Button::new("Use as x_T"));
    let what = "Trajectory, Explain and Compare start from this picture's x_T in the place of the seed's";
    if use_x_t.hint(hover(what)).clicked() {
        return found.map(|(encoded, controls)| Command::Use(Box::new(as_x_t(draft, encoded, &controls))));
    }
    let mut command = None;
    ui.add_enabled_ui(found.is_some(), |ui| {
        let menu = ui.menu_button("Use as an end", |ui| {
            let grid = draft.view.interpolate.grid;
            for (number, name) in end_names(grid).iter().enumerate() {
                if ui.button(format!("{name} end")).clicked() {
                    command = found.clone().map(|(encoded, _)| Command::Use(Box::new(as_end(draft, encoded, number))));
                    ui.close();
                }
            }
        });
        menu.response.hint(hover("The interpolation goes from or to this picture's x_T"));
    });
    command
}

/// The controls with a picture in the place of the seed of x_T; the way back is the one that the picture came back by.
fn as_x_t(draft: &Controls, encoded: Encoded, rewound: &Controls) -> Controls {
    let mut controls = draft.clone();
    let (preset, noise) = (encoded.convention.steps().1, draft.own_noise());
    if preset.is_of_diffusers() != draft.preset.is_of_diffusers() {
        controls.preset = preset;
        controls.set_noise(noise);
    }
    controls.steps = rewound.steps;
    controls.spacing.clone_from(&rewound.spacing);
    controls.encoded = Some(encoded);
    controls.view.tab = Tab::Trajectory;
    controls
}

/// The controls with a picture as an end of the interpolation.
fn as_end(draft: &Controls, encoded: Encoded, number: usize) -> Controls {
    let mut controls = draft.clone();
    controls.view.interpolate.pictures[number] = Some(encoded);
    controls.view.tab = Tab::Interpolate;
    controls
}
