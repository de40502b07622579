//! Where the network runs and in which arithmetic.

use crate::{
    app::{
        state::{State, controls::Controls},
        widgets::hint::Hint,
    },
    program::Precision,
};
use eframe::egui::{ComboBox, Ui};

/// The device, the precision, and whether it computes ahead.
pub(super) fn device_ui(ui: &mut Ui, state: &State, draft: &mut Controls) {
    let device = draft.view.device.clone();
    ui.horizontal(|ui| {
        let label = ui.label("Compute on");
        let combo = ComboBox::from_id_salt("device").selected_text(draft.view.device.clone()).width(150.0).show_ui(ui, |ui| {
            for (name, hover) in [
                ("auto", "A real GPU, else this program's own CPU kernels"),
                ("cpu", "This program's own kernels in Rust, on the processor's cores"),
            ] {
                ui.selectable_value(&mut draft.view.device, name.to_owned(), name).hint(hover);
            }
            for adapter in &state.adapters {
                let (name, via) = (adapter.name.to_lowercase(), format!("{} via {}", adapter.name, adapter.backend));
                ui.selectable_value(&mut draft.view.device, name, &adapter.name).hint(via);
            }
        });
        combo.response.labelled_by(label.id).hint("Where the U-Net runs. The window is drawn by a device of its own.");
    });
    if device != draft.view.device && !state.precisions(draft).contains(&draft.view.precision) {
        draft.view.precision = Precision::default();
    }
    ui.horizontal(|ui| {
        let label = ui.label("Precision");
        let shown = draft.view.precision.to_string();
        let combo = ComboBox::from_id_salt("precision").selected_text(shown).width(90.0).show_ui(ui, |ui| {
            for precision in state.precisions(draft) {
                let hover = match precision {
                    Precision::F32 => "Weights, activations and arithmetic in 32 bits",
                    Precision::F16 => "Weights and activations stored in 16 bits; sums in 32",
                    Precision::F16Fast => {
                        "As f16, and convolutions add up 16 products at a time in 16 bits: quicker where the GPU does two at once"
                    }
                    Precision::Bf16 => {
                        "Convolutions multiply values of 16 bits and sum in 32: quicker, and no pixel more than a few levels off"
                    }
                };
                ui.selectable_value(&mut draft.view.precision, precision, precision.to_string()).hint(hover);
            }
        });
        combo.response.labelled_by(label.id).hint("Of the U-Net's arithmetic. The sampler's own is 32 bits whatever this is.");
    });
    let hover = "While there is nothing else to do, the large picture is computed for other values of the control moved last, so that it \
                 is there when you move on; the dots under a slider say where. Not while the window is out of focus.";
    ui.checkbox(&mut draft.view.ahead, "Compute ahead").hint(hover);
}
