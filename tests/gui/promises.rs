//! What the viewer promises while a control is dragged, on a device that is as slow as the test wants it and by a clock that the test sets.

use super::{ETA, STEPS, says, short, slow::Slow};
use eframe::egui::{Event, Key, Modifiers, PointerButton, Pos2, pos2};
use egui_kittest::kittest::Queryable;
use etude::app::{
    Controls,
    state::{
        run_requests::Purpose,
        run_view::{RunView, Shown},
        view_settings::Tab,
    },
};
use std::time::Duration;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A draft takes no longer than this; one of S, that takes all S, no longer than [`WHOLE`]. The last frame's wait comes on top.
const DRAFT: Duration = ms(80);
const WHOLE: Duration = ms(400);

/// Fifty steps of two images, nothing computed ahead.
fn fifty() -> Controls {
    let mut controls = Controls { steps: 50, count: 2, ..short() };
    controls.view.ahead = false;
    controls
}

fn shown(slow: &Slow) -> Shown<'_> {
    slow.harness.state().viewer().state.shown().expect("something is shown")
}

fn newest_draft(slow: &Slow) -> Option<&RunView> {
    slow.harness.state().viewer().state.runs.current(Purpose::Draft)
}

fn lasted(run: &RunView) -> Duration {
    Duration::from_secs_f64(run.groups[0].updates.iter().flatten().map(|update| update.seconds).sum())
}

fn set(slow: &mut Slow, label: &str, value: f64) {
    slow.harness.get_by_label(label).set_value_accesskit(value);
    slow.frame();
}

#[test]
fn drafts_are_whole_and_in_time_the_newest_controls_win_and_rest_brings_all_steps() {
    let mut slow = Slow::opened(fifty(), ms(8));
    let (start, mut first, mut etas, mut drafts) = (slow.now(), None, Vec::new(), std::collections::BTreeSet::new());
    // From 0 to 1 in a second and a half.
    for frame in 1..=90 {
        let eta = f64::from(frame) / 90.0;
        set(&mut slow, ETA, eta);
        let shown = shown(&slow);
        assert!(shown.finished, "frame {frame} shows less than the one before");
        if shown.run.is_draft() {
            drafts.insert(shown.run.id);
            assert!(shown.run.groups[0].updates.iter().all(Option::is_some), "frame {frame} shows a part of a draft");
            assert!(lasted(shown.run) <= DRAFT, "{:?} for {} steps", lasted(shown.run), shown.run.steps());
            // Before the first draft a step is supposed to take twice as long.
            let expected = if drafts.len() == 1 { 4..=10 } else { 9..=10 };
            assert!(expected.contains(&shown.run.steps()), "{} steps", shown.run.steps());
            first.get_or_insert(slow.now() - start);
            // A draft is of the controls of when it began, and is seen until the next is whole.
            let behind = (eta - shown.run.controls.eta) * 1.5;
            assert!(behind <= 2.0 * DRAFT.as_secs_f64() + 3.0 / 60.0, "frame {frame}: {behind} s behind the hand");
        }
        etas.push(shown.run.controls.eta);
    }
    assert!(first.is_some_and(|first| first <= ms(200)), "the first change came after {first:?}");
    assert!(etas.is_sorted(), "{etas:?}");
    // One and a half seconds have room for eighteen of 80 ms.
    assert!((12..=19).contains(&drafts.len()), "{} drafts", drafts.len());
    // At rest: 150 ms, then fifty steps of 8 ms, and a frame or two for each of both.
    let full = |slow: &Slow| !shown(slow).run.is_draft() && shown(slow).run.controls.eta == 1.0;
    slow.until("all steps", ms(150 + 80 + 400 + 80), |slow| {
        assert!(shown(slow).finished, "less than before");
        full(slow)
    });
    assert_eq!(shown(&slow).run.steps(), 50);
    slow.until("the batch", ms(600), |slow| super::finished(slow.harness.state().viewer()));
    assert!(full(&slow));
}

#[test]
fn a_hand_that_holds_still_is_at_rest_and_its_next_move_goes_back_to_drafts_at_once() {
    let mut slow = Slow::opened(fifty(), ms(8));
    let rect = slow.harness.get_by_label(ETA).rect();
    let at = |eta: f32| pos2(rect.left() + 12.0 + (rect.width() - 24.0) * eta, rect.center().y);
    let button =
        |pos: Pos2, pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
    let go = |slow: &mut Slow, eta: f32| {
        slow.harness.event(Event::PointerMoved(at(eta)));
        slow.frame();
    };
    go(&mut slow, 0.1);
    slow.harness.event(button(at(0.1), true));
    for i in 0..30 {
        go(&mut slow, 0.1 + i as f32 * 0.01);
    }
    let held = slow.harness.state().viewer().state.controls.eta;
    assert!((0.37..0.41).contains(&held), "{held}");
    // The button stays down, and nothing moves: all steps come, and the batch.
    slow.until("all steps while the button is down", ms(150 + 80 + 400 + 80), |slow| {
        assert!(shown(slow).finished);
        !shown(slow).run.is_draft() && shown(slow).run.controls.eta == held
    });
    let full = shown(&slow).run.id;
    // The batch is being computed: the next move begins a draft in its place, in the very frame.
    slow.frames(ms(50), |_| ());
    go(&mut slow, 0.6);
    let moved = slow.harness.state().viewer().state.controls.eta;
    assert!(newest_draft(&slow).is_some_and(|draft| draft.controls.eta == moved), "a draft began at once");
    assert!((shown(&slow).run.id, shown(&slow).finished) == (full, true), "what was shown stays until the draft is whole");
    slow.until("the draft", DRAFT + ms(50), |slow| {
        assert!(shown(slow).finished);
        shown(slow).run.controls.eta == moved
    });
    assert!(shown(&slow).run.is_draft());
    // Half way through all steps of a second rest, the hand moves again.
    slow.frames(ms(350), |slow| assert!(shown(slow).finished && shown(slow).run.controls.eta == moved));
    let steps = slow.time.steps();
    go(&mut slow, 0.8);
    let moved = slow.harness.state().viewer().state.controls.eta;
    slow.until("the next draft", DRAFT + ms(50), |slow| {
        assert!(shown(slow).finished, "the run that was cut off is not shown");
        shown(slow).run.controls.eta == moved
    });
    assert!(shown(&slow).run.is_draft() && slow.time.steps() - steps <= 14, "the run before was left at once");
    slow.harness.event(button(at(0.8), false));
    slow.until("all steps", ms(150 + 80 + 400 + 80), |slow| !shown(slow).run.is_draft());
}

#[test]
fn s_is_followed_with_all_its_steps_where_they_fit_into_400_ms() {
    let controls = Controls { steps: 5, eta: 0.5, count: 1, ..fifty() };
    let mut slow = Slow::opened(controls, ms(12));
    let mut seen = std::collections::BTreeMap::new();
    for steps in 6..=60 {
        for _ in 0..6 {
            set(&mut slow, STEPS, f64::from(steps));
            let shown = shown(&slow);
            assert!(shown.finished);
            if shown.run.is_draft() {
                assert!(lasted(shown.run) <= WHOLE, "S = {}: {:?}", shown.run.controls.steps, lasted(shown.run));
                seen.insert(shown.run.controls.steps, shown.run.steps());
            }
        }
    }
    slow.until("all steps", ms(150 + 400 + 720 + 80), |slow| !shown(slow).run.is_draft() && shown(slow).run.steps() == 60);
    // Thirty-three of 12 ms fit into 400 ms.
    assert!(seen.len() >= 12, "{seen:?}");
    assert!(seen.iter().all(|(wanted, taken)| *wanted > 32 || taken == wanted), "{seen:?}");
    assert!(seen.iter().any(|(wanted, taken)| *wanted > 34 && (4..=6).contains(taken)), "{seen:?}");
}

#[test]
fn where_a_step_takes_seconds_each_is_shown_and_no_draft_gives_way_before() {
    let mut slow = Slow::opened(Controls { steps: 20, count: 1, ..fifty() }, ms(10));
    slow.time.set_step(ms(2600));
    let (mut places, mut drafts) = (std::collections::BTreeSet::new(), Vec::new());
    for frame in 1..=1200 {
        set(&mut slow, ETA, f64::from(frame) / 1200.0);
        let shown = shown(&slow);
        places.insert((shown.run.id, shown.position()));
        if drafts.last() != Some(&shown.run.id) {
            drafts.push(shown.run.id);
        }
        if shown.run.is_draft() && shown.run.step_seconds > 1.0 {
            assert!(says(&slow.harness, "2.6 s per step"), "the time of a step is said");
        }
    }
    // Twenty seconds have room for seven steps.
    assert!(places.len() >= 5, "{places:?}");
    assert!(drafts.is_sorted(), "{drafts:?}");
    assert!(drafts.len() >= 4, "the newest controls win once the draft before has shown something: {drafts:?}");
}

#[test]
fn esc_and_cancel_act_within_a_step_of_a_draft_and_of_all_steps() {
    let step = ms(150);
    let mut slow = Slow::opened(Controls { steps: 12, count: 1, ..fifty() }, step);
    for (eta, by_key, draft) in [(0.3, true, true), (0.5, false, true), (0.6, true, false), (0.7, false, false)] {
        set(&mut slow, ETA, eta);
        // A draft of four steps takes 600 ms; all steps begin behind it.
        slow.frames(if draft { ms(200) } else { ms(1200) }, |_| ());
        if by_key {
            slow.harness.key_press(Key::Escape);
        } else {
            slow.harness.get_by_label("Cancel").click();
        }
        // A click takes two frames.
        slow.frame();
        slow.frame();
        let before = slow.time.steps();
        slow.frames(ms(600), |slow| assert!(shown(slow).finished, "what is finished stays"));
        let after = slow.time.steps();
        assert!(after - before <= 1, "{} steps after Esc", after - before);
        slow.frames(ms(600), |_| ());
        assert_eq!(slow.time.steps(), after, "nothing begins again by itself");
    }
}

/// A window at rest that has computed ahead until `count` values of η are ready; then it stops.
fn ready(count: usize) -> Slow {
    let controls = Controls { steps: 6, count: 1, ..short() };
    let mut slow = Slow::opened(controls.clone(), ms(2));
    let etas = move |slow: &Slow| {
        let runs = &slow.harness.state().viewer().state.runs;
        (0..=100).filter(|i| runs.is_ready(&Controls { eta: f64::from(*i) / 100.0, ..controls.clone() })).count()
    };
    slow.until("values of η ready", Duration::from_secs(60), |slow| etas(slow) >= count);
    let mut off = slow.harness.state().viewer().state.controls.clone();
    off.view.ahead = false;
    let now = slow.now().as_secs_f64();
    slow.harness.state_mut().viewer_mut().change(off, now);
    slow.frames(ms(100), |_| ());
    assert!(etas(&slow) <= count + 2, "it stopped");
    slow
}

#[test]
fn a_long_rest_makes_every_hundredth_of_eta_ready_and_a_drag_shows_them_all_with_all_their_steps() {
    // The other hundred: η = 0 is there itself.
    let mut slow = ready(100);
    let mut pictures = std::collections::BTreeSet::new();
    for i in 1..=100 {
        let eta = f64::from(i) / 100.0;
        for _ in 0..3 {
            set(&mut slow, ETA, eta);
        }
        let shown = shown(&slow);
        assert!(shown.finished && !shown.run.is_draft() && shown.run.steps() == 6, "η = {eta}");
        assert!((shown.run.controls.eta - eta).abs() <= 0.0101, "{} at η = {eta}", shown.run.controls.eta);
        pictures.insert(shown.run.controls.eta.to_bits());
    }
    assert!(pictures.len() >= 98, "{}", pictures.len());
}

#[test]
fn between_values_that_lie_too_far_apart_for_a_hand_there_are_drafts_alone_and_a_fast_hand_sees_ready_pictures_alone() {
    // Every twentieth, but for η = 0.
    let mut slow = ready(20);
    slow.time.set_step(ms(20));
    let (mut turns, mut before, mut drafts) = (0, false, std::collections::BTreeSet::new());
    // A fifth of the scale per second.
    for i in 1..=300 {
        set(&mut slow, ETA, (f64::from(i) / 3.0).round() / 100.0);
        let shown = shown(&slow);
        assert!(shown.finished);
        let draft = shown.run.is_draft();
        turns += usize::from(draft != before);
        before = draft;
        if draft {
            drafts.insert(shown.run.id);
        }
    }
    assert!(turns <= 3, "drafts and pictures with all their steps took turns {turns} times");
    // Five seconds have room for 62 of 80 ms.
    assert!(drafts.len() >= 35, "{} drafts", drafts.len());
    // At rest on a value that is ready its picture is there at once, with all its steps.
    slow.frames(ms(250), |_| ());
    assert!(!shown(&slow).run.is_draft() && shown(&slow).run.controls.eta == 1.0);
    // Back within half a second.
    let mut marked = false;
    for i in 1..=30 {
        let eta = ((1.0 - f64::from(i) / 30.0) * 100.0).round() / 100.0;
        set(&mut slow, ETA, eta);
        let shown = shown(&slow);
        assert!(shown.finished && (i < 6 || !shown.run.is_draft()), "frame {i}");
        assert!(i < 6 || (shown.run.controls.eta - eta).abs() < 0.07, "{} at {eta}", shown.run.controls.eta);
        marked |= says(&slow.harness, "ready, η = ");
    }
    assert!(marked, "a picture that stands for another says which it is");
    // What stood for it makes room for the picture of the controls.
    set(&mut slow, ETA, 0.031);
    slow.until("all steps", ms(900), |slow| shown(slow).run.controls.eta == 0.031 && !shown(slow).run.is_draft());
}

#[test]
fn of_a_comparison_the_cell_under_the_pointer_follows_as_a_draft_and_the_others_stay() {
    let mut controls = Controls { steps: 10, ..fifty() };
    (controls.view.tab, controls.view.compare.etas, controls.view.compare.seeds) = (Tab::Compare, vec![0.0, 1.0], 2);
    let mut slow = Slow::opened(controls, ms(8));
    let at = slow.harness.get_by_label("η = 1, noise seed 2").rect().center();
    for (pointer, cell) in [(None, [0, 0]), (Some(at), [1, 1])] {
        if let Some(at) = pointer {
            slow.harness.event(Event::PointerMoved(at));
            slow.frame();
            slow.harness.event(Event::PointerMoved(pos2(20.0, 400.0)));
        }
        let (mut drafts, mut written) = (std::collections::BTreeSet::new(), false);
        for steps in 6..=40 {
            for _ in 0..2 {
                set(&mut slow, STEPS, f64::from(steps));
            }
            let runs = &slow.harness.state().viewer().state.runs;
            let draft = runs.current(Purpose::Draft).expect("a draft");
            assert_eq!(draft.cell, Some(cell), "S = {steps}");
            drafts.insert(draft.id);
            written |= says(&slow.harness, &format!("draft {steps}/{steps}")) || says(&slow.harness, "draft 1");
            // What the other cells show was finished before.
            // Where the hand comes by a grid that is kept, it is that one.
            let grids = [runs.current(Purpose::Compare), runs.previous(Purpose::Compare)];
            assert!(grids.into_iter().flatten().any(|run| run.finished), "S = {steps}");
        }
        assert!(drafts.len() >= 4 && written, "{} drafts", drafts.len());
        slow.until("the comparison", ms(5000), |slow| super::finished(slow.harness.state().viewer()));
        slow.frame();
        assert!(!says(&slow.harness, "draft "), "all cells have all their steps");
        set(&mut slow, STEPS, 5.0);
        slow.until("few steps", ms(5000), |slow| super::finished(slow.harness.state().viewer()));
    }
}
