//! The controls of the run that is pinned as A.

use super::{controls::Controls, view_settings::ViewSettings};

/// A's controls; `None` where nothing is pinned.
pub fn controls_of_a(controls: &Controls) -> Option<Controls> {
    let pin = controls.view.pin.as_ref()?;
    let view = ViewSettings { device: pin.device.clone(), precision: pin.precision, ..ViewSettings::default() };
    let mut a = Controls::from_recipe(&pin.recipe, &view).ok()?;
    if pin.own_size {
        a.size = None;
    }
    Some(a)
}
