//! The bar at the bottom: progress, speed and remaining time of the run, and a button to cancel it.

use crate::app::{
    state::{State, command::Command, run_view::RunView},
    widgets::{hint::Hint, theme},
};
use eframe::egui::{self, ProgressBar, RichText, Ui};

/// A duration as a person would say it.
pub(crate) fn duration(seconds: f64) -> String {
    // Rounded before it is split, so that it never says 60 s or 60 min.
    let (whole, minutes) = (seconds.round() as u64, (seconds / 60.0).round() as u64);
    match seconds {
        s if s < 0.95 => format!("{:.0} ms", s * 1e3),
        s if s < 59.95 => format!("{s:.1} s"),
        _ if whole < 3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

/// Steps per second, with a sensible number of digits; seconds per step if a step takes longer than one second.
fn rate(seconds: f64) -> String {
    let rate = 1.0 / seconds.max(1e-6);
    if rate < 0.995 {
        format!("{seconds:.1} s/it")
    } else if rate < 10.0 {
        format!("{rate:.1} it/s")
    } else {
        format!("{rate:.0} it/s")
    }
}

/// Draws the bar.
pub(crate) fn status_bar_ui(ui: &mut Ui, state: &State) -> Option<Command> {
    let mut command = None;
    ui.horizontal(|ui| {
        // While the picture that is looked at comes first, its progress is what happens.
        let current = state.runs.current(state.purpose());
        // What waits for the controls to rest has nothing to say yet.
        let previous = state.runs.previous(state.purpose()).filter(|_| current.is_some_and(|run| run.waits()));
        let Some(run) = state.runs.running().or(previous).or(current) else {
            ui.label(RichText::new("Nothing computed yet").color(theme::faint(ui)));
            return;
        };
        let (done, total) = run.progress();
        let running = run.is_running() || state.runs.is_drafting_slowly();
        let fraction = done as f32 / total.max(1) as f32;
        let bar = ProgressBar::new(fraction).desired_width(220.0_f32.min(ui.available_width() * 0.3)).corner_radius(4);
        let colour = if running { theme::accent(ui) } else { theme::accent(ui).gamma_multiply(0.5) };
        let response = ui.add(bar.fill(colour));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, "Progress"));
        ui.label(line(run));
        if running {
            let cancel = ui.button("Cancel").hint("Stop after the step in flight (Esc); what is there stays");
            if cancel.clicked() {
                command = Some(Command::Cancel);
            }
        } else if ui.button("Run again").hint("Compute the same again from x_T (Ctrl+R)").clicked() {
            command = Some(Command::Restart);
        }
    });
    command
}

/// What the bar says about a run.
pub(crate) fn line(run: &RunView) -> String {
    let (done, total) = run.progress();
    if let Some(failed) = &run.failed {
        return format!("stopped at step {done}/{total}: {failed}");
    }
    if run.cancelled {
        return format!("cancelled at step {done}/{total}");
    }
    if run.displaced {
        return format!("waits at step {done}/{total}");
    }
    if done == 0 {
        return match run.plan {
            None if run.controls.starts_from_pictures() => "encoding the picture …".to_owned(),
            None => "opening …".to_owned(),
            Some(_) => format!("step 0/{total}: the first step"),
        };
    }
    let speed = rate(run.step_seconds);
    if run.finished {
        return format!("step {done}/{total}, {speed}");
    }
    format!("step {done}/{total}, {speed}, {} left", duration(run.step_seconds * (total - done) as f64))
}

#[cfg(test)]
mod tests {
    use super::{duration, rate};

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0.0123, 0.9, 1.0, 59.4, 59.97, 61.0, 119.7, 3599.6, 3725.0, 7199.0].map(duration),
            [
                "12 ms",
                "900 ms",
                "1.0 s",
                "59.4 s",
                "1 min 00 s",
                "1 min 01 s",
                "2 min 00 s",
                "1 h 00 min",
                "1 h 02 min",
                "2 h 00 min"
            ]
        );
        assert_eq!([0.0025, 0.25, 1.0, 21.0].map(rate), ["400 it/s", "4.0 it/s", "1.0 it/s", "21.0 s/it"]);
    }
}
