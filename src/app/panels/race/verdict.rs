//! The sentence that says who is faster, and by how much.

use super::view::{Stage, View, seconds_text};
use crate::app::{state::racers::SIDES, widgets::theme};
use eframe::egui::{RichText, Ui};

/// Draws it, large.
pub(super) fn verdict_ui(ui: &mut Ui, view: &View<'_>) {
    let (text, is_end) = verdict(view);
    let size = if is_end { 22.0 } else { 17.0 };
    let text = RichText::new(text).size(size).strong();
    ui.label(if is_end { text.color(theme::accent(ui)) } else { text });
    if is_end {
        ui.label(
            RichText::new("By the device's own seconds for each. The paper: DDIM is 10 to 50 times faster.")
                .color(theme::faint(ui)),
        );
    }
}

fn verdict(view: &View<'_>) -> (String, bool) {
    let [a, b] = [0, 1].map(|side| view.seconds(side));
    let done = [0, 1].map(|side| view.is_done(side));
    match (view.stage(), done) {
        (Stage::Ready, _) => ("The paper: DDIM is 10 to 50 times faster than DDPM. Press Start to see it.".to_owned(), false),
        (_, [true, true]) => (faster(a, b), true),
        (_, [true, false]) => (ahead(0, a, b), false),
        (_, [false, true]) => (ahead(1, b, a), false),
        (Stage::Running, _) if a + b > 0.0 => (format!("Both are on their way: {} each.", seconds_text(a.max(b))), false),
        (Stage::Running, _) => ("Opening the model and the device …".to_owned(), false),
        _ => ("Neither has finished.".to_owned(), false),
    }
}

fn ahead(side: usize, own: f64, other: f64) -> String {
    let (first, second) = (SIDES[side], SIDES[1 - side]);
    format!("{first} finished in {}; {second} has had {} and is not done.", seconds_text(own), seconds_text(other))
}

/// The end, from the seconds of both.
fn faster(a: f64, b: f64) -> String {
    let (first, ratio) = if a <= b { (0, b / a.max(1e-9)) } else { (1, a / b.max(1e-9)) };
    let seconds = [a, b].map(seconds_text);
    let (own, other) = (&seconds[first], &seconds[1 - first]);
    if ratio < 1.05 {
        return format!("A and B were equally fast: {own} and {other}.");
    }
    let times = if ratio < 9.95 { format!("{ratio:.1}") } else { format!("{ratio:.0}") };
    format!("{} was {times} times faster: {own} against {other}.", SIDES[first])
}

#[cfg(test)]
mod tests {
    use super::faster;

    #[test]
    fn the_quotient_is_told_of_whoever_was_faster() {
        assert_eq!(faster(0.16, 7.52), "A was 47 times faster: 0.16 s against 7.52 s.");
        assert_eq!(faster(3.0, 2.0), "B was 1.5 times faster: 2.00 s against 3.00 s.");
        assert_eq!(faster(1.0, 1.01), "A and B were equally fast: 1.00 s and 1.01 s.");
        assert!(faster(0.0, 0.0).contains("equally fast"));
    }
}
