//! Faults: what cannot be made is refused, a lost device comes back, and the session lives on.

use super::{collect, common, controls, ended, request, session, updates};
use etude::{
    app::{Controls, state::run_requests::Purpose},
    program::Precision,
    schedule::Spacing,
    session::Event,
};

fn refusal(events: &[Event], id: u64) -> String {
    let failed = events.iter().find_map(|e| match e {
        Event::Failed { id: i, refused: true, message } if *i == id => Some(message.clone()),
        _ => None,
    });
    failed.unwrap_or_else(|| panic!("{id} was not refused: {:?}", events.iter().map(super::name).collect::<Vec<_>>()))
}

#[test]
fn what_cannot_be_made_is_refused_in_one_line_and_the_next_run_works() {
    let session = session();
    let folder = tempfile::tempdir().expect("a folder");
    let good = controls(2, 1);
    let mut no_device = good.clone();
    no_device.view.device = "no such adapter".to_owned();
    let mut f16 = good.clone();
    f16.view.precision = Precision::F16;
    let list = |list: &[u32]| Controls { spacing: Some(Spacing::List(list.to_vec())), ..good.clone() };
    let mut nothing = good.clone();
    nothing.view.compare.etas.clear();
    let cases = [
        (Purpose::Trajectory, Controls { model: "no such model".to_owned(), ..good.clone() }, "no such model"),
        (Purpose::Trajectory, Controls { model: folder.path().display().to_string(), ..good.clone() }, "config.json"),
        (Purpose::Trajectory, Controls { steps: 5000, ..good.clone() }, "steps"),
        (Purpose::Trajectory, Controls { steps: 0, ..good.clone() }, "steps"),
        (Purpose::Trajectory, Controls { eta: 1.5, ..good.clone() }, "eta"),
        (Purpose::Trajectory, list(&[5, 5]), "spacing"),
        (Purpose::Trajectory, Controls { size: Some((31, 31)), ..good.clone() }, "31"),
        (Purpose::Trajectory, no_device, "adapter"),
        (Purpose::Trajectory, f16, "f16"),
        (Purpose::Compare, nothing, "add a row"),
    ];
    for (id, (purpose, controls, says)) in (1..).zip(cases) {
        session.submit(request(id, purpose, &controls));
        let events = collect(&session, ended(id));
        let message = refusal(&events, id);
        assert!(message.contains(says) && !message.contains('\n'), "{says}: {message}");
    }
    session.submit(request(100, Purpose::Trajectory, &good));
    assert_eq!(updates(&collect(&session, ended(100)), 100).len(), 2);
}

#[test]
fn a_picture_that_fits_no_memory_is_refused() {
    let session = session();
    let mut controls = controls(2, 1);
    for (id, side, says) in [(1, 8192, "smaller pictures"), (2, 65_536, "sides from 1 to 8192")] {
        controls.size = Some((side, side));
        session.submit(request(id, Purpose::Trajectory, &controls));
        let message = refusal(&collect(&session, ended(id)), id);
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn a_lost_device_is_opened_again_and_the_run_goes_on_to_the_same_pictures() {
    if common::software_gpu().is_none() {
        return;
    }
    let session = session();
    let mut controls = controls(12, 2);
    controls.view.device = "software".to_owned();
    controls.eta = 0.5;
    session.submit(request(1, Purpose::Trajectory, &controls));
    let whole = collect(&session, ended(1));
    session.submit(request(2, Purpose::Trajectory, &controls));
    let mut events = collect(&session, |events| updates(events, 2).len() >= 3);
    session.lose_device();
    events.extend(collect(&session, ended(2)));
    assert!(events.iter().any(|e| matches!(e, Event::Recovered { id: 2, message } if message.contains("lost"))), "the loss shows");
    let (expected, got) = (updates(&whole, 1), updates(&events, 2));
    assert_eq!(got.iter().map(|f| f.index).collect::<Vec<_>>(), (0..12).collect::<Vec<_>>(), "no step twice, none left out");
    for (expected, got) in expected.iter().zip(&got) {
        assert!(expected.after == got.after, "step {}", got.index);
    }
    // Lost while idle: the next run opens it again.
    session.lose_device();
    session.submit(request(3, Purpose::Trajectory, &controls));
    let events = collect(&session, ended(3));
    assert!(events.iter().any(|e| matches!(e, Event::Finished { id: 3 })), "{:?}", events.last().map(super::name));
}
