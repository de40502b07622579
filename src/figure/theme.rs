//! The colours of figures, light and dark. They are the viewer's: the same thing has the same colour in the formula, under the pictures
//! and in the plots, and the colour-blind can tell them apart.

use super::scene::Rgb;

/// How a figure looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// On a white page; else on a dark one.
    pub light: bool,
    /// With labels: η, S, t, seeds and whatever else tells the pictures apart.
    pub labels: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { light: true, labels: true }
    }
}

/// What a curve or a term is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// x_t.
    X,
    /// x̂0 and whatever else is the first of several.
    #[default]
    X0,
    /// ε, the direction that points to x_t.
    Direction,
    /// σ z.
    Noise,
    /// What is there for comparison.
    Faint,
    /// Words and signs.
    Ink,
    /// The step that is shown.
    Mark,
}

/// The colours of a page.
#[derive(Clone, Copy, Debug)]
pub struct Colours {
    /// Of the page.
    pub background: Rgb,
    /// Of words.
    pub ink: Rgb,
    /// Of remarks.
    pub faint: Rgb,
    /// Of lines behind curves and of empty cells.
    pub rule: Rgb,
    of: [Rgb; 5],
}

impl Colours {
    /// Those of a light or a dark page.
    pub fn new(light: bool) -> Self {
        if light {
            let of = [[14, 116, 74], [10, 88, 170], [176, 76, 4], [120, 50, 168], [200, 30, 40]];
            Self { background: [255; 3], ink: [20; 3], faint: [110; 3], rule: [222; 3], of }
        } else {
            let of = [[110, 214, 160], [112, 184, 255], [255, 178, 92], [218, 166, 255], [255, 110, 110]];
            Self { background: [27; 3], ink: [238; 3], faint: [160; 3], rule: [66; 3], of }
        }
    }

    /// The colour of a role.
    pub fn of(&self, role: Role) -> Rgb {
        match role {
            Role::X => self.of[0],
            Role::X0 => self.of[1],
            Role::Direction => self.of[2],
            Role::Noise => self.of[3],
            Role::Mark => self.of[4],
            Role::Faint => self.faint,
            Role::Ink => self.ink,
        }
    }
}
