//! The symbols of the paper, for use in formulas.

use crate::{
    math::expression::{Math, italic, row, upright},
    schedule::{Prediction, StepCoefficients},
};

/// ᾱ with an index.
pub(crate) fn alpha(index: &str) -> Math {
    italic("α").bar().below(italic(index))
}

/// √ᾱ.
pub(crate) fn signal(index: &str) -> Math {
    alpha(index).root()
}

/// 1 − ᾱ.
pub(crate) fn one_minus(index: &str) -> Math {
    row([upright("1"), minus(), alpha(index)])
}

/// √(1 − ᾱ).
pub(crate) fn spread(index: &str) -> Math {
    one_minus(index).root()
}

/// x_t or x_s.
pub(crate) fn x(index: &str) -> Math {
    italic("x").below(italic(index))
}

/// x̂₀.
pub(crate) fn x0() -> Math {
    italic("x").hat().below(upright("0"))
}

/// ε.
pub(crate) fn epsilon() -> Math {
    italic("ε")
}

/// z.
pub(crate) fn z() -> Math {
    italic("z")
}

/// A minus with some space around it.
pub(crate) fn minus() -> Math {
    row([Math::Gap(0.16), upright("−"), Math::Gap(0.16)])
}

/// The network's output at x_t and t, by what it predicts: ε_θ(x_t, t).
pub(crate) fn network(prediction: Prediction) -> Math {
    let arguments = row([x("t"), upright(", "), italic("t")]).parens();
    row([output(prediction), arguments])
}

/// The network's output without its arguments.
pub(crate) fn output(prediction: Prediction) -> Math {
    let name = match prediction {
        Prediction::Epsilon => italic("ε"),
        Prediction::Sample => italic("x"),
        Prediction::VPrediction => italic("v"),
    };
    name.below(italic("θ"))
}

/// x at the step's noisier end, by number. At t = 0 it says so, for x₀ is the sample.
pub(crate) fn x_at_t(step: &StepCoefficients) -> Math {
    let index = if step.t == 0 { row([italic("t"), upright("=0")]) } else { upright(step.t.to_string()) };
    italic("x").below(index)
}

/// x at the step's cleaner end, by number: past the end of τ it is x₀, the sample.
pub(crate) fn x_at_s(step: &StepCoefficients) -> Math {
    let index = match step.previous {
        Some(0) => row([italic("t"), upright("=0")]),
        Some(s) => upright(s.to_string()),
        None => upright("0"),
    };
    italic("x").below(index)
}
