//! The Interpolate panel: pictures between two seeds, or four, and why one goes along the arc.

mod icons;
mod large;
mod norms;
mod options;
mod play;
mod shown;
mod strip;

pub use play::Playback;

use super::{Command, Controls, controls::Tab, pictures::Pictures, run_view::RunView, runs::Runs, wanted::Purpose};
use crate::picture::Picture;
use eframe::egui::{self, Color32, RichText, ScrollArea};

/// What the panel shows.
pub struct View<'a> {
    /// The strip or grid.
    pub between: Option<&'a RunView>,
    /// The one before.
    pub previous: Option<&'a RunView>,
    /// The picture at the controls' position.
    pub point: Option<&'a RunView>,
    /// The one before.
    pub point_previous: Option<&'a RunView>,
    /// egui's time, in seconds.
    pub time: f64,
}

impl<'a> View<'a> {
    /// Of all runs at `time`.
    pub fn new(runs: &'a Runs, time: f64) -> Self {
        Self {
            between: runs.current(Purpose::Between),
            previous: runs.previous(Purpose::Between),
            point: runs.current(Purpose::Point),
            point_previous: runs.previous(Purpose::Point),
            time,
        }
    }

    /// The large picture of `controls`, the run it is from and its position: what is saved when the picture is.
    pub fn large(&self, controls: &Controls) -> Option<(&'a Picture, &'a RunView, [f64; 2])> {
        shown::at(self, controls, 0).map(|shown| (shown.picture, shown.run, shown.position))
    }
}

/// The colours of slerp and lerp.
const COLOURS: [Color32; 2] = [Color32::from_rgb(0x2f, 0x86, 0xd6), Color32::from_rgb(0xd9, 0x7a, 0x1e)];
const NAMES: [&str; 2] = ["slerp", "lerp"];

/// The controls of a trajectory that makes an end's picture: the seed's own sample.
pub fn end_controls(controls: &Controls, seed: u64) -> Controls {
    let mut end = controls.clone();
    end.seed = seed;
    (end.eta, end.sigma_hat, end.count) = (controls.viewer.interpolate.eta, false, 1);
    end.rng = crate::recipe::Rng::Etude;
    (end.viewer.tab, end.viewer.image) = (Tab::Trajectory, 0);
    end
}

/// Draws the panel; `draft` takes what the user changes.
pub fn interpolate_ui(
    ui: &mut egui::Ui,
    view: &View<'_>,
    draft: &mut Controls,
    playback: &mut Playback,
    pictures: &mut Pictures,
) -> Option<Command> {
    let room = ui.available_size();
    let mut command = None;
    if playback.advance(view.time, &mut draft.viewer.interpolate) {
        ui.ctx().request_repaint();
    }
    ScrollArea::vertical().id_salt("interpolate").auto_shrink(false).show(ui, |ui| {
        let top = ui.cursor().top();
        command = options::options_ui(ui, draft, playback);
        let failed = [view.between, view.point].into_iter().flatten().find_map(|run| run.failed.as_deref());
        if let Some(message) = failed {
            ui.label(RichText::new(format!("This run stopped: {message}")).color(ui.visuals().error_fg_color).size(15.0));
        }
        ui.add_space(4.0);
        sentence(ui, view, draft);
        ui.add_space(4.0);
        let left = egui::vec2(ui.available_width(), room.y - (ui.cursor().top() - top));
        let clicked = if draft.viewer.interpolate.grid {
            large::grid_ui(ui, view, draft, playback, pictures, left)
        } else {
            large::strip_ui(ui, view, draft, playback, pictures, left)
        };
        command = clicked.or(command.take());
    });
    command
}

/// The smallest |x_T|/√d of lerp.
fn shortest(view: &View<'_>) -> Option<f64> {
    let run = view.between.filter(|run| !run.controls.viewer.interpolate.grid)?;
    run.plan.as_ref()?.latent_rms.get(1)?.iter().copied().min_by(f64::total_cmp)
}

/// Why one sees what one sees.
fn sentence(ui: &mut egui::Ui, view: &View<'_>, draft: &Controls) {
    let interpolate = &draft.viewer.interpolate;
    let text = if interpolate.eta > 0.0 {
        format!(
            "η = {}: it falls apart. Every step adds fresh noise, and with η above 0 that noise, not x_T, decides more and more what \
             comes out; the pictures no longer lead from one end to the other. At η = 0 x_T alone decides.",
            interpolate.eta
        )
    } else if interpolate.grid {
        "η = 0: each picture is decoded from its own x_T, between four seeds along the arc. Since x_T alone decides, neighbours look \
         alike and the corners are the seeds' own samples."
            .to_owned()
    } else {
        format!(
            "Why slerp: the network was trained on latents of length √d. Slerp keeps that length all the way; lerp's middle is too \
             short ({}), and its pictures lose detail.",
            shortest(view).map_or("about 0.71 √d".to_owned(), |r| format!("here {r:.2} √d"))
        )
    };
    let text = RichText::new(text).size(16.0);
    ui.label(if interpolate.eta > 0.0 { text.color(ui.visuals().warn_fg_color) } else { text });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_the_seeds_own_sample() {
        let mut controls = Controls { sigma_hat: true, eta: 0.7, count: 8, ..Controls::default() };
        controls.viewer.image = 3;
        controls.viewer.interpolate.eta = 0.25;
        let end = end_controls(&controls, 42);
        assert_eq!((end.seed, end.eta, end.sigma_hat, end.count, end.viewer.image), (42, 0.25, false, 1, 0));
        assert_eq!((end.noise_seed, end.viewer.tab), (controls.noise_seed, Tab::Trajectory));
    }
}
