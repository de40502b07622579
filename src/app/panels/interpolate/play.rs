//! The animation: the position goes back and forth by itself.

use crate::app::state::view_settings::Interpolate;

/// Whether it plays, how fast, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playback {
    /// Whether it plays.
    pub playing: bool,
    /// How many times it goes from one end to the other per second.
    pub speed: f64,
    /// Whether it goes to the left.
    pub backwards: bool,
    last: Option<f64>,
}

impl Default for Playback {
    fn default() -> Self {
        Self { playing: false, speed: 0.2, backwards: false, last: None }
    }
}

impl Playback {
    /// Starts or stops.
    pub fn toggle(&mut self) {
        self.playing = !self.playing;
        self.last = None;
    }

    /// Which way the position goes: 1 to the right, −1 to the left, 0 where it does not go by itself.
    pub fn direction(&self) -> f64 {
        match (self.playing, self.backwards) {
            (false, _) => 0.0,
            (true, false) => 1.0,
            (true, true) => -1.0,
        }
    }

    /// Moves the position to where it is at `time`. Returns whether it plays.
    pub fn advance(&mut self, time: f64, interpolate: &mut Interpolate) -> bool {
        if !self.playing {
            return false;
        }
        // After a pause of the app it continues where it was.
        let passed = self.last.map_or(0.0, |last| (time - last).clamp(0.0, 0.25));
        self.last = Some(time);
        let step = self.speed * passed * if self.backwards { -1.0 } else { 1.0 };
        let mut to = interpolate.position[0] + step;
        if to > 1.0 {
            (to, self.backwards) = (2.0 - to, true);
        } else if to < 0.0 {
            (to, self.backwards) = (-to, false);
        }
        interpolate.position[0] = to.clamp(0.0, 1.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_turns_at_the_ends() {
        let mut interpolate = Interpolate { position: [0.9, 0.5], ..Interpolate::default() };
        let mut playback = Playback { speed: 1.0, ..Playback::default() };
        assert!(!playback.advance(1.0, &mut interpolate));
        playback.toggle();
        for (time, expected, backwards) in [(5.0, 0.9, false), (5.2, 0.9, true), (5.4, 0.7, true), (60.0, 0.45, true)] {
            assert!(playback.advance(time, &mut interpolate));
            assert!((interpolate.position[0] - expected).abs() < 1e-9, "{time}: {:?}", interpolate.position);
            assert_eq!(playback.backwards, backwards);
        }
        (interpolate.position, playback.last) = ([0.1, 0.5], Some(60.0));
        playback.advance(60.2, &mut interpolate);
        assert!(!playback.backwards && (interpolate.position[0] - 0.1).abs() < 1e-9);
    }
}
