//! The row above the pictures: what is rewound, by whose convention, with how many passes, and where the error is measured.

use super::view::View;
use crate::{
    app::{
        state::{
            command::Command,
            controls::Controls,
            view_settings::{Convention, MAX_REFINE},
        },
        widgets::{hint::Hint, theme, tile::named},
    },
    picture::reconstruction::PAPER,
};
use eframe::egui::{ComboBox, DragValue, RichText, Ui};

/// A longer name of a picture is cut.
const NAME: usize = 28;

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
    });
    command
}

fn source_text(draft: &Controls) -> String {
    let Some(given) = &draft.view.rewind.picture else {
        return format!("seed {}, image {}, {}", draft.seed, draft.image_number(), sample_noise(draft));
    };
    let name = &given.name;
    if name.chars().count() <= NAME { name.clone() } else { format!("{}…", name.chars().take(NAME - 1).collect::<String>()) }
}

/// The sample's own η, which is not that of the way back.
fn sample_noise(draft: &Controls) -> String {
    draft.noise_text()
}
