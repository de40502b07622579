//! What is computed ahead, or was looked at before, and stands ready when the controls come there.

use super::{AHEAD_BYTES, Runs, asks};
use crate::{
    app::state::{
        controls::Controls,
        run_requests::{self, Purpose, Touched},
        run_view::RunView,
        scale::Scale,
        view_settings::Tab,
    },
    error::Result,
    session::{Request, Session},
};

/// Whether two controls ask for the same picture but for their places on `scale`.
fn is_like(of: &Controls, controls: &Controls, scale: Scale) -> bool {
    if of.seed != controls.seed || of.view.tab != controls.view.tab || of.view.image != controls.view.image {
        return false;
    }
    let mut like = scale.at(scale.place(controls), of);
    // What the picture does not depend on.
    (like.count, like.sigma_hat, like.size) = (controls.count, controls.sigma_hat, controls.size);
    let position = |of: &Controls| (of.view.tab == Tab::Interpolate).then_some(of.view.interpolate.position);
    let same_place = position(&like) == position(controls);
    like.view = controls.view.clone();
    same_place && like == *controls
}

impl Runs {
    /// Computes the picture of `controls` ahead.
    ///
    /// # Errors
    /// Controls that make no request.
    pub(crate) fn start_ahead(&mut self, session: &Session, controls: &Controls, touched: Touched) -> Result<()> {
        let scale = Scale::of(touched, controls);
        // What is on another scale, of another seed say, is the first to go where memory is short.
        if let Some(runs) = self.by_purpose.get_mut(&Purpose::Ahead) {
            runs.sort_by_key(|run| !is_like(&run.controls, controls, scale));
        }
        self.register(Purpose::Ahead, controls);
        session.submit(Request { fit_steps: true, ..run_requests::request(self.next_id, Purpose::Ahead, controls)? });
        Ok(())
    }

    /// Takes the picture of `controls` from what was computed before, as if it had been computed now; where it is all that `whole` asks
    /// for, it is that.
    pub(crate) fn adopt(&mut self, whole: Purpose, controls: &Controls) {
        let Some(found) = self.ready(controls) else { return };
        let is_whole = found.focus == asks(whole, controls);
        let purpose = if is_whole { whole } else { Purpose::Focus };
        let run = RunView { purpose, id: self.next_id + 1, controls: controls.clone(), ..found.clone() };
        self.next_id += 1;
        self.displace(purpose);
        self.insert(run);
    }

    /// A finished run of the picture of `controls`, computed ahead or looked at before.
    pub(crate) fn ready(&self, controls: &Controls) -> Option<&RunView> {
        let wanted = asks(Purpose::Focus, controls)?;
        self.of(Purpose::Ahead).find(|run| run.finished && run.focus.as_ref() == Some(&wanted))
    }

    /// Whether the picture of `controls` is there, computed ahead or looked at before.
    pub fn is_ready(&self, controls: &Controls) -> bool {
        self.ready(controls).is_some()
    }

    /// How many pictures are ready.
    pub fn computed_ahead(&self) -> usize {
        self.of(Purpose::Ahead).filter(|run| run.finished).count()
    }

    /// The places on `scale` at which the picture of `controls` is ready.
    pub(crate) fn ready_at(&self, controls: &Controls, scale: Scale) -> Vec<f64> {
        let ready = self.of(Purpose::Ahead).filter(|run| run.finished && is_like(&run.controls, controls, scale));
        ready.map(|run| scale.place(&run.controls)).collect()
    }

    /// Takes the picture of `controls`, which is ready, for that of others near them.
    pub(crate) fn stand_in(&mut self, controls: &Controls) {
        let Some(found) = self.ready(controls) else { return };
        let (purpose, id) = (Purpose::Focus, self.next_id + 1);
        let run = RunView { purpose, id, stands_in: true, controls: controls.clone(), ..found.clone() };
        self.next_id = id;
        self.displace(purpose);
        self.insert(run);
    }

    /// Whether the picture of `controls` stands for that of others, and no draft came after it.
    pub(crate) fn stands_in(&self, controls: &Controls) -> bool {
        let newest = self.of(Purpose::Draft).map(|run| run.id).max();
        let is_it = |run: &RunView| run.stands_in && run.controls == *controls && newest.is_none_or(|draft| draft < run.id);
        self.current(Purpose::Focus).is_some_and(is_it)
    }

    /// Seconds that a picture takes which is computed ahead.
    pub(crate) fn ahead_seconds(&self) -> f64 {
        self.of(Purpose::Ahead).find(|run| run.finished).map_or(0.0, RunView::seconds)
    }

    /// Forgets the run that is being computed ahead, if one is.
    pub(crate) fn stop_ahead(&mut self, session: &Session) {
        if let Some(runs) = self.by_purpose.get_mut(&Purpose::Ahead)
            && runs.first().is_some_and(RunView::is_running)
        {
            runs.remove(0);
            session.cancel_ahead();
        }
    }

    /// Whether there is memory for one picture more of those of `controls` on `scale`. Others give way to it.
    pub(crate) fn has_room_ahead(&self, controls: &Controls, scale: Scale) -> bool {
        let like = self.of(Purpose::Ahead).filter(|run| is_like(&run.controls, controls, scale));
        let bytes: Vec<usize> = like.map(RunView::bytes).collect();
        let largest = bytes.iter().max().copied().unwrap_or(0);
        bytes.iter().sum::<usize>() + largest <= AHEAD_BYTES
    }
}
