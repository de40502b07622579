//! What a formula is made of, before it is laid out.

use std::fmt;

/// A piece of a formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Math {
    /// Digits, signs and names, upright.
    Upright(String),
    /// A variable, slanted.
    Italic(String),
    /// Pieces from left to right.
    Row(Vec<Self>),
    /// Empty space of this many em.
    Gap(f32),
    /// The first over the second.
    Fraction(Box<Self>, Box<Self>),
    /// A square root.
    Root(Box<Self>),
    /// A piece with something at its lower right.
    Below(Box<Self>, Box<Self>),
    /// A piece with something at its upper right.
    Above(Box<Self>, Box<Self>),
    /// x̂.
    Hat(Box<Self>),
    /// ᾱ.
    Bar(Box<Self>),
    /// In parentheses as high as it is.
    Parens(Box<Self>),
}

/// Digits, signs and names.
pub fn upright(text: impl Into<String>) -> Math {
    Math::Upright(text.into())
}

/// A variable.
pub fn italic(text: impl Into<String>) -> Math {
    Math::Italic(text.into())
}

/// Pieces from left to right.
pub fn row(pieces: impl Into<Vec<Math>>) -> Math {
    Math::Row(pieces.into())
}

impl Math {
    /// With a subscript.
    pub fn below(self, script: Self) -> Self {
        Self::Below(Box::new(self), Box::new(script))
    }

    /// With a superscript.
    pub fn above(self, script: Self) -> Self {
        Self::Above(Box::new(self), Box::new(script))
    }

    /// With a hat.
    pub fn hat(self) -> Self {
        Self::Hat(Box::new(self))
    }

    /// With a bar.
    pub fn bar(self) -> Self {
        Self::Bar(Box::new(self))
    }

    /// Under a root.
    pub fn root(self) -> Self {
        Self::Root(Box::new(self))
    }

    /// Over something.
    pub fn over(self, divisor: Self) -> Self {
        Self::Fraction(Box::new(self), Box::new(divisor))
    }

    /// In parentheses.
    pub fn parens(self) -> Self {
        Self::Parens(Box::new(self))
    }
}

/// As text, for screen readers: x_480 = 0.308·x̂_0 + ….
impl fmt::Display for Math {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upright(text) | Self::Italic(text) => f.write_str(text),
            Self::Row(pieces) => pieces.iter().try_for_each(|piece| piece.fmt(f)),
            // Wide gaps are those around signs.
            Self::Gap(width) => f.write_str(if *width > 0.2 { " " } else { "" }),
            Self::Fraction(over, under) => write!(f, "({over})/({under})"),
            Self::Root(under) => write!(f, "√({under})"),
            Self::Below(base, script) => write!(f, "{base}_{script}"),
            Self::Above(base, script) => write!(f, "{base}^{script}"),
            Self::Hat(under) => write!(f, "{under}\u{302}"),
            Self::Bar(under) if under.to_string() == "α" => f.write_str("ᾱ"),
            Self::Bar(under) => write!(f, "{under}\u{304}"),
            Self::Parens(within) => write!(f, "({within})"),
        }
    }
}
