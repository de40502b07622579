//! The update rule of one step as a formula: what the terms are, and the same with this step's numbers. Pure; drawing is in
//! [`super::equation`].

use super::{
    colours::Palette,
    number::{number, product, spaced, sum},
    sentences,
    symbols::{alpha, epsilon, minus, network, one_minus, output, signal, spread, x, x_at_s, x_at_t, x0, z},
    typeset::{Math, italic, row, upright},
};
use crate::schedule::{Prediction, StepCoefficients};
use eframe::egui::Color32;

/// One term with its sign, in symbols and in numbers.
#[derive(Clone, Debug)]
pub struct Part {
    /// What stands before it: nothing, = or +.
    pub sign: &'static str,
    /// As in the paper.
    pub symbols: Math,
    /// With this step's numbers.
    pub numbers: Math,
    /// What its brace says; a part without a brace has none.
    pub label: Option<Math>,
    /// Its colour.
    pub colour: Color32,
    /// What it is, for the pointer and the screen reader.
    pub tip: String,
}

/// A line below the rule that says what one of its symbols is.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The line.
    pub math: Math,
    /// Its colour.
    pub colour: Color32,
    /// What it means.
    pub tip: String,
}

/// The rule's terms. `posterior` asks for σ̂'s.
pub fn rule(step: &StepCoefficients, prediction: Prediction, posterior: bool, palette: &Palette) -> Vec<Part> {
    let left =
        Part { sign: "", symbols: x("s"), numbers: x_at_s(step), label: None, colour: palette.x, tip: sentences::next(step) };
    let words = |text: &str| Some(upright(text));
    let predicted = Some(row([upright("predicted "), x0()]));
    let part = |sign, symbols, numbers, label, colour, tip| Part { sign, symbols, numbers, label, colour, tip };
    let noise = |symbols, label| {
        part(
            "+",
            row([symbols, Math::Gap(0.1), z()]),
            product(step.sigma, z()),
            words(label),
            palette.noise,
            sentences::noise(step),
        )
    };
    if posterior {
        let beta = || italic("β");
        let kept =
            row([row([upright("1"), minus(), beta()]).root(), Math::Gap(0.08), one_minus("s").parens()]).over(one_minus("t"));
        let drawn = row([signal("s"), Math::Gap(0.08), beta()]).over(one_minus("t"));
        return vec![
            left,
            part(
                "=",
                row([kept, Math::Gap(0.12), x("t")]),
                product(step.next_from_x, x_at_t(step)),
                Some(row([upright("share of "), x("t")])),
                palette.x,
                sentences::kept(step),
            ),
            part(
                "+",
                row([drawn, Math::Gap(0.12), x0()]),
                product(step.next_from_x0, x0()),
                predicted,
                palette.x0,
                sentences::picture(step),
            ),
            noise(beta().root(), "noise"),
        ];
    }
    let radicand = row([one_minus("s"), minus(), italic("σ").above(upright("2"))]).root();
    let guess = if prediction == Prediction::Epsilon { network(prediction) } else { epsilon() };
    vec![
        left,
        part(
            "=",
            row([signal("s"), Math::Gap(0.1), reading_of_x0(step, prediction)]),
            product(step.next_from_x0, x0()),
            predicted,
            palette.x0,
            sentences::picture(step),
        ),
        part(
            "+",
            row([radicand, Math::Gap(0.1), guess]),
            product(step.next_from_epsilon, epsilon()),
            Some(row([upright("direction pointing to "), x("t")])),
            palette.direction,
            sentences::direction(step),
        ),
        noise(italic("σ"), "random noise"),
    ]
}

/// x̂₀ in symbols, from x_t and the network's output, limited where the step limits it.
fn reading_of_x0(step: &StepCoefficients, prediction: Prediction) -> Math {
    let limited = step.clip.is_some() || step.threshold.is_some();
    let inner = match prediction {
        Prediction::Epsilon => row([x("t"), minus(), spread("t"), Math::Gap(0.08), network(prediction)]).over(signal("t")),
        Prediction::Sample => network(prediction),
        Prediction::VPrediction => {
            row([signal("t"), Math::Gap(0.08), x("t"), minus(), spread("t"), Math::Gap(0.08), network(prediction)])
        }
    };
    match (limited, prediction) {
        (true, _) => row([upright("clip"), inner.parens()]),
        (false, Prediction::Sample) => inner,
        (false, _) => inner.parens(),
    }
}

/// What x̂₀, ε, ᾱ and σ are in this step, by number.
pub fn readings(step: &StepCoefficients, prediction: Prediction, posterior: bool, eta: f64, palette: &Palette) -> Vec<Reading> {
    // The network's output is ε itself where it predicts that.
    let out = || if prediction == Prediction::Epsilon { epsilon() } else { output(prediction) };
    let equals = |left: Math, right: Math| {
        let [before, sign, after] = spaced("=");
        row([left, before, sign, after, right])
    };
    let picture = sum([(step.x0_from_x, x_at_t(step)), (step.x0_from_model, out())]);
    let mut lines = vec![Reading {
        math: equals(x0(), limit(step, picture)),
        colour: palette.x0,
        tip: sentences::reading_of_x0(step, prediction),
    }];
    if !posterior && prediction != Prediction::Epsilon {
        let noise = sum([(step.epsilon_from_x, x_at_t(step)), (step.epsilon_from_model, out())]);
        lines.push(Reading {
            math: equals(epsilon(), noise),
            colour: palette.direction,
            tip: sentences::reading_of_epsilon(prediction),
        });
    } else if !posterior {
        let arguments = row([x_at_t(step), upright(format!(", {}", step.t))]).parens();
        let math = equals(epsilon(), row([output(prediction), arguments]));
        lines.push(Reading { math, colour: palette.direction, tip: sentences::reading_of_epsilon(prediction) });
    }
    let level = |index: Math, value: f64| equals(italic("α").bar().below(index), number(value));
    let (t, s) = (upright(step.t.to_string()), step.previous.map_or_else(|| italic("s"), |s| upright(s.to_string())));
    let tip = sentences::levels(step);
    lines.push(Reading { math: level(t, step.alpha_bar_t), colour: palette.text, tip: tip.clone() });
    lines.push(Reading { math: level(s, step.alpha_bar_s), colour: palette.text, tip });
    let sigma = if posterior {
        let ratio = alpha("t").over(alpha("s"));
        row([equals(italic("β"), row([upright("1"), minus(), ratio])), row(spaced("=")), number(beta(step))])
    } else {
        let share = one_minus("s").over(one_minus("t")).root();
        let rest = row([upright("1"), minus(), alpha("t").over(alpha("s"))]).root();
        let rule = equals(italic("σ"), row([italic("η"), Math::Gap(0.08), share, Math::Gap(0.08), rest]));
        row([rule, row(spaced("=")), number(step.sigma)])
    };
    lines.push(Reading { math: sigma, colour: palette.noise, tip: sentences::sigma(step, posterior, eta) });
    lines
}

/// β of a step: what the noise grows by from s to t.
pub fn beta(step: &StepCoefficients) -> f64 {
    if step.alpha_bar_s > 0.0 { (1.0 - step.alpha_bar_t / step.alpha_bar_s).max(0.0) } else { 0.0 }
}

/// Puts the step's limit around x̂₀'s value.
fn limit(step: &StepCoefficients, value: Math) -> Math {
    if let Some(clip) = step.clip {
        let range = if clip == 1.0 { upright("1") } else { number(clip) };
        return row([upright("clip"), row([value, upright(", ±"), range]).parens()]);
    }
    if step.threshold.is_some() {
        let quantile = || italic("q");
        let inside = row([value, upright(", ±"), quantile()]).parens();
        return row([upright("clip"), inside, upright(" / "), quantile()]);
    }
    value
}
