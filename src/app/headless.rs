//! A panel's figure without a window: the runs that the panel asks for, to their end, and then what it would save.

use crate::{
    app::{
        figures,
        state::{
            State,
            controls::Controls,
            figure_request::{FigureRequest, Part},
            pinned_controls::controls_of_a,
            run_requests::Purpose,
            view_settings::Tab,
        },
    },
    error::{Error, Result},
    platform,
    program::DeviceInfo,
    session::{Event, Session},
};
use std::{sync::Arc, time::Duration};

/// How often it is looked whether something has come.
const PAUSE: Duration = Duration::from_millis(4);

/// What happens on the way.
#[derive(Debug)]
pub enum News<'a> {
    /// The device, and why it is this one.
    Device(&'a DeviceInfo, &'a str),
    /// What is worth knowing of the model or its schedule.
    Note(&'a str),
    /// Steps taken, and steps in all.
    Steps(usize, usize),
}

/// The bytes of a figure's file under `controls`, whose panel is open; `at` is where the playhead stands, from 0 (x_T) to 1 (the finished
/// sample). `hear` is told what happens, and says whether to go on.
///
/// # Errors
/// The controls are refused, the device fails, `hear` stops it ([`Error::Cancelled`]), or the panel has no such figure.
pub fn figure(controls: &Controls, at: f64, request: &FigureRequest, hear: &mut dyn FnMut(News<'_>) -> bool) -> Result<Vec<u8>> {
    let session = Session::new(Arc::new(|_| ()))?;
    let mut state = State { controls: controls.clone(), ..State::default() };
    let playhead = state.open_playhead_mut();
    (playhead.at, playhead.playing) = (at.clamp(0.0, 1.0), false);
    // What is pinned first: only what is active is computed.
    if let Some(a) = controls_of_a(controls).filter(|_| controls.view.tab == Tab::Trajectory) {
        finish(&mut state, &session, Purpose::Pinned, &a, hear)?;
    }
    finish(&mut state, &session, Purpose::of(controls.view.tab), controls, hear)?;
    if controls.view.tab == Tab::Interpolate && request.part == Part::Picture {
        // The picture at the very place, which may lie between those of the strip.
        finish(&mut state, &session, Purpose::Focus, controls, hear)?;
    }
    if controls.view.tab == Tab::Fork && request.part == Part::Curve && controls.view.fork.measure {
        finish(&mut state, &session, Purpose::Decided, controls, hear)?;
    }
    figures::figure(&state, request)?()
}

/// Computes the run of a purpose to its end.
fn finish(
    state: &mut State,
    session: &Session,
    purpose: Purpose,
    controls: &Controls,
    hear: &mut dyn FnMut(News<'_>) -> bool,
) -> Result<()> {
    state.runs.start(session, purpose, controls)?;
    loop {
        for event in session.drain() {
            match &event {
                Event::Device { info, reason } => {
                    hear(News::Device(info, reason));
                }
                Event::Planned(plan) => {
                    let is_new = state.model.as_ref().is_none_or(|known| known.key != plan.model.key);
                    state.model = Some(plan.model.clone());
                    let of_schedule = plan.schedules.first().into_iter().flat_map(|schedule| &schedule.notes);
                    for note in plan.model.notes.iter().chain(of_schedule).filter(|_| is_new) {
                        hear(News::Note(note));
                    }
                }
                Event::Failed { message, .. } => return Err(Error::argument(message.clone())),
                Event::Recovered { message, .. } => {
                    hear(News::Note(message));
                }
                _ => {}
            }
            state.runs.apply(&event);
        }
        let Some(run) = state.runs.current(purpose) else {
            return Err(Error::argument("figure: the run was refused; try it in the viewer"));
        };
        if run.finished {
            return Ok(());
        }
        let (done, total) = run.progress();
        if !hear(News::Steps(done, total)) {
            session.cancel();
            return Err(Error::Cancelled);
        }
        platform::rest(PAUSE);
    }
}
