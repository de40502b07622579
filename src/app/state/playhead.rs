//! The playhead: which step of a trajectory is shown.

use super::view_settings::Tab;

/// Where the playhead is and how it moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playhead {
    /// From 0 (x_T) to 1 (the finished sample). A fraction, so that it stays in place when S changes.
    pub at: f64,
    /// Whether it moves.
    pub playing: bool,
    /// Whether it starts over at the end.
    pub looping: bool,
    /// Speed of playback; at 1 a trajectory takes [`SECONDS`].
    pub speed: f64,
}

/// A whole trajectory plays in this many seconds at speed 1.
pub const SECONDS: f64 = 4.0;
/// With `looping` it rests at the end for this part of the whole.
const REST: f64 = 0.25;
/// The middle of a run, beside the places that a step has.
const MIDDLE: f64 = 0.499_999;

impl Default for Playhead {
    fn default() -> Self {
        Self { at: 1.0, playing: false, looping: true, speed: 1.0 }
    }
}

impl Playhead {
    /// A panel is opened. At the end of a run nothing but x̂0 is left of Eq. 12: to be explained is the step in the middle, where all terms
    /// count. Who has not moved it finds the end again elsewhere.
    pub fn come_to(&mut self, tab: Tab) {
        match tab {
            Tab::Explain if self.at >= 1.0 && !self.playing => self.at = MIDDLE,
            Tab::Explain => {}
            _ if self.at == MIDDLE && !self.playing => self.at = 1.0,
            _ => {}
        }
    }

    /// Advances by `seconds`. Past the end `at` keeps counting until the rest is over, then it starts over.
    pub fn advance(&mut self, seconds: f64) {
        if !self.playing {
            return;
        }
        self.at += seconds * self.speed / SECONDS;
        if self.at >= 1.0 && !self.looping {
            (self.at, self.playing) = (1.0, false);
        } else if self.at >= 1.0 + REST {
            self.at = 0.0;
        }
    }

    /// Where to look: from 0 to 1.
    pub fn position(&self) -> f64 {
        self.at.clamp(0.0, 1.0)
    }

    /// Starts or stops; at the end it starts from the beginning.
    pub fn toggle(&mut self) {
        self.playing = !self.playing;
        if self.playing && self.at >= 1.0 {
            self.at = 0.0;
        }
        self.at = self.position();
    }

    /// Goes to a step and stops there.
    pub fn look(&mut self, position: usize, steps: usize) {
        self.playing = false;
        self.at = (position as f64 / steps.max(1) as f64).min(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::{Playhead, SECONDS};

    #[test]
    fn it_plays_rests_and_begins_again() {
        let mut playhead = Playhead::default();
        playhead.toggle();
        assert_eq!((playhead.at, playhead.playing), (0.0, true));
        playhead.advance(SECONDS * 0.5);
        assert!((playhead.position() - 0.5).abs() < 1e-12);
        playhead.advance(SECONDS * 0.6);
        assert_eq!(playhead.position(), 1.0);
        playhead.advance(SECONDS * 0.2);
        assert_eq!(playhead.position(), 0.0);
        playhead.looping = false;
        playhead.advance(SECONDS * 2.0);
        assert_eq!((playhead.at, playhead.playing), (1.0, false));
    }

    #[test]
    fn looking_at_a_step_stops_there_and_stays_within_the_run() {
        let mut playhead = Playhead::default();
        playhead.toggle();
        playhead.look(49, 50);
        assert!(!playhead.playing && (playhead.at - 0.98).abs() < 1e-12);
        playhead.look(60, 50);
        assert_eq!(playhead.at, 1.0);
        playhead.look(0, 50);
        assert_eq!(playhead.at, 0.0);
        playhead.look(7, 0);
        assert_eq!(playhead.at, 1.0);
    }
}
