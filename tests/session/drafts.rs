//! Drafts are whole and the newest controls win; a full run waits for one; what is computed ahead waits for everything.

use super::{collect, controls, ended, request, session, updates};
use etude::{
    app::state::run_requests::Purpose,
    session::{Budget, Event, Kind, Request},
};
use std::time::Duration;

fn draft(id: u64, eta: f64, within: Duration) -> Request {
    let mut controls = controls(200, 8);
    controls.eta = eta;
    let budget = Budget { within, whole_within: within };
    Request { kind: Kind::Draft(budget), ..request(id, Purpose::Draft, &controls) }
}

fn planned(events: &[Event], id: u64) -> Option<usize> {
    events
        .iter()
        .find_map(|e| if let Event::Planned(plan) = e { (plan.id == id).then(|| plan.schedules[0].steps.len()) } else { None })
}

fn finished(events: &[Event], id: u64) -> Option<usize> {
    events.iter().position(|e| matches!(e, Event::Finished { id: i } if *i == id))
}

#[test]
fn a_draft_is_never_cut_off_and_the_newest_comes_next() {
    let session = session();
    let soon = Duration::from_millis(80);
    session.submit(draft(1, 0.1, soon));
    let mut events = collect(&session, |events| planned(events, 1).is_some());
    for id in 2..=9 {
        session.submit(draft(id, id as f64 / 10.0, soon));
    }
    events.extend(collect(&session, ended(9)));
    let steps = planned(&events, 1).expect("planned");
    assert!((4..200).contains(&steps), "{steps} of 200 steps");
    assert_eq!(updates(&events, 1).len(), steps, "every step of it came");
    assert!(finished(&events, 1) < finished(&events, 9));
    // Between them at most those had a turn that were the newest when one ended.
    let between: Vec<u64> = (2..9).filter(|id| planned(&events, *id).is_some()).collect();
    assert!(between.iter().all(|id| finished(&events, *id).is_some()), "whole, if at all: {between:?}");
    // One picture only.
    assert!(updates(&events, 9).iter().all(|update| update.after.len() == 1));
}

#[test]
fn a_full_run_waits_for_a_draft_and_a_draft_takes_the_place_of_a_full_run() {
    let session = session();
    session.submit(request(1, Purpose::Trajectory, &controls(1000, 8)));
    collect(&session, |events| updates(events, 1).len() > 1);
    session.submit(draft(2, 0.5, Duration::from_millis(200)));
    let mut events = collect(&session, |events| planned(events, 2).is_some());
    session.submit(request(3, Purpose::Trajectory, &controls(4, 2)));
    events.extend(collect(&session, ended(3)));
    let after = events.iter().skip_while(|e| !matches!(e, Event::Planned(plan) if plan.id == 2));
    assert!(after.clone().all(|e| !matches!(e, Event::Step(update) if update.id == 1)), "the run before is over");
    let begins = events.iter().position(|e| matches!(e, Event::Planned(plan) if plan.id == 3)).expect("it began");
    assert!(finished(&events, 2).is_some_and(|end| end < begins), "the draft was whole before the full run began");
}

#[test]
fn what_is_computed_ahead_waits_for_everything_and_stops_when_told() {
    let session = session();
    session.submit(request(1, Purpose::Ahead, &controls(1000, 1)));
    let mut events = collect(&session, |events| updates(events, 1).len() > 2);
    session.submit(request(2, Purpose::Trajectory, &controls(5, 2)));
    session.submit(draft(3, 0.5, Duration::from_millis(40)));
    // The draft took the full run's place.
    events.extend(collect(&session, ended(3)));
    session.submit(request(4, Purpose::Trajectory, &controls(5, 2)));
    events.extend(collect(&session, ended(4)));
    let between = |a: usize, b: usize| events[a..b].iter().filter(|e| matches!(e, Event::Step(update) if update.id == 1)).count();
    let begin = events.iter().position(|e| matches!(e, Event::Planned(plan) if plan.id == 4)).expect("it began");
    assert_eq!(between(begin, finished(&events, 4).expect("finished")), 0, "not a step of it while there was something else");
    // Then it goes on where it was.
    let more = collect(&session, |events| !updates(events, 1).is_empty());
    let (last, next) = (updates(&events, 1).last().expect("steps").index, updates(&more, 1)[0].index);
    assert!(next > last, "step {next} after step {last}");
    session.cancel_ahead();
    std::thread::sleep(Duration::from_millis(500));
    session.drain();
    std::thread::sleep(Duration::from_millis(300));
    assert!(session.drain().is_empty());
}

#[test]
fn esc_stops_even_a_draft_within_a_step() {
    let session = session();
    let mut long = draft(1, 0.0, Duration::from_secs(3600));
    long.groups[0].schedule.steps = 1000;
    session.submit(long.clone());
    collect(&session, ended(1));
    // By now a step's time is known, and all thousand fit.
    long.id = 2;
    session.submit(long);
    let events = collect(&session, |events| updates(events, 2).len() > 2);
    assert_eq!(planned(&events, 2), Some(1000));
    session.cancel();
    std::thread::sleep(Duration::from_millis(500));
    session.drain();
    std::thread::sleep(Duration::from_millis(300));
    assert!(session.drain().is_empty());
}
