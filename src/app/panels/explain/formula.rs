//! The update rule of one step as a formula: what the terms are, and the same with this step's numbers. Pure; drawing is in
//! [`super::equation`].

use super::{
    colours::Palette,
    sentences,
    symbols::{alpha, epsilon, minus, network, one_minus, output, signal, spread, x, x_at_s, x_at_t, x0, z},
    variance::{beta, eq16, is_small},
};
use crate::{
    math::{
        expression::{Math, italic, row, upright},
        number::{number, product, spaced, sum},
    },
    schedule::{Prediction, StepCoefficients},
};
use eframe::egui::Color32;

/// One term with its sign, in symbols and in numbers.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The sign before it: nothing, = or +.
    pub(crate) sign: &'static str,
    /// As in the paper.
    pub(crate) symbols: Math,
    /// With this step's numbers.
    pub(crate) numbers: Math,
    /// The label of its brace, if it has one.
    pub(crate) label: Option<Math>,
    /// Its colour.
    pub(crate) colour: Color32,
    /// What it is, for the pointer and the screen reader.
    pub(crate) tip: String,
}

/// A line below the rule that says what one of its symbols is.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// The line.
    pub(crate) math: Math,
    /// Its colour.
    pub(crate) colour: Color32,
    /// What it means.
    pub(crate) tip: String,
}

/// The rule's terms; with `posterior` those of σ̂'s posterior mean, with `in_epsilon` x̂₀ by ε whatever the network predicts.
pub(crate) fn rule(
    step: &StepCoefficients,
    prediction: Prediction,
    posterior: bool,
    in_epsilon: bool,
    palette: &Palette,
) -> Vec<Part> {
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
            if is_small(step) {
                noise(row([one_minus("s").over(one_minus("t")), Math::Gap(0.08), beta()]).root(), "noise")
            } else {
                noise(beta().root(), "noise")
            },
        ];
    }
    let radicand = row([one_minus("s"), minus(), italic("σ").above(upright("2"))]).root();
    let guess = if prediction == Prediction::Epsilon && !step.clip_epsilon { network(prediction) } else { epsilon() };
    vec![
        left,
        part(
            "=",
            row([signal("s"), Math::Gap(0.1), reading_of_x0(step, prediction, in_epsilon)]),
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

/// The rule in numbers as one line of text.
pub(crate) fn spoken(parts: &[Part]) -> String {
    let part = |part: &Part| match part.sign {
        "" => part.numbers.to_string(),
        sign => format!(" {sign} {}", part.numbers),
    };
    parts.iter().map(part).collect()
}

/// x̂₀ in symbols, from x_t and the network's output, limited where the step limits it.
fn reading_of_x0(step: &StepCoefficients, prediction: Prediction, in_epsilon: bool) -> Math {
    let limited = step.clip.is_some() || step.threshold.is_some();
    if in_epsilon && prediction != Prediction::Epsilon {
        let inner = row([x("t"), minus(), spread("t"), Math::Gap(0.08), epsilon()]).over(signal("t")).parens();
        return if limited { row([upright("clip"), inner]) } else { inner };
    }
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
pub(crate) fn readings(
    step: &StepCoefficients,
    prediction: Prediction,
    posterior: bool,
    eta: f64,
    palette: &Palette,
) -> Vec<Reading> {
    // If the network predicts ε, its output is ε itself.
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
    if !posterior && step.clip_epsilon {
        let [from_x, _, from_x0] = step.epsilon();
        let noise = sum([(from_x, x_at_t(step)), (from_x0, x0())]);
        lines.push(Reading {
            math: equals(epsilon(), noise),
            colour: palette.direction,
            tip: sentences::reading_of_epsilon(prediction, true),
        });
    } else if !posterior && prediction != Prediction::Epsilon {
        let noise = sum([(step.epsilon_from_x, x_at_t(step)), (step.epsilon_from_model, out())]);
        lines.push(Reading {
            math: equals(epsilon(), noise),
            colour: palette.direction,
            tip: sentences::reading_of_epsilon(prediction, false),
        });
    } else if !posterior {
        let arguments = row([x_at_t(step), upright(format!(", {}", step.t))]).parens();
        let math = equals(epsilon(), row([output(prediction), arguments]));
        lines.push(Reading { math, colour: palette.direction, tip: sentences::reading_of_epsilon(prediction, false) });
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
        let values = row([number(eta), Math::Gap(0.08), upright("·"), Math::Gap(0.08), number(eq16(step, 1.0))]);
        row([rule, row(spaced("=")), values, row(spaced("=")), number(step.sigma)])
    };
    lines.push(Reading { math: sigma, colour: palette.noise, tip: sentences::sigma(step, posterior, eta) });
    lines
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Schedule, ScheduleRequest, SchedulerConfig};
    use eframe::egui::Visuals;

    fn steps(prediction: Prediction, request: ScheduleRequest) -> Vec<StepCoefficients> {
        let config = SchedulerConfig { prediction_type: prediction, ..SchedulerConfig::default() };
        Schedule::new(&config, &request).expect("a schedule").steps
    }

    fn texts(step: &StepCoefficients, prediction: Prediction, posterior: bool, eta: f64) -> (String, Vec<String>) {
        let palette = Palette::of(&Visuals::dark());
        let readings = readings(step, prediction, posterior, eta, &palette);
        (spoken(&rule(step, prediction, posterior, false, &palette)), readings.iter().map(|r| r.math.to_string()).collect())
    }

    /// The numbers of ᾱ(800) and ᾱ(780) of DDPM's schedule.
    #[test]
    fn a_step_in_numbers() {
        let steps = steps(Prediction::Epsilon, ScheduleRequest::default());
        let step = steps.iter().find(|step| step.t == 800).expect("t = 800");
        let (rule, lines) = texts(step, Prediction::Epsilon, false, 0.0);
        assert_eq!(rule, "x_780 = 0.0456·x\u{302}_0 + 0.999·ε + 0·z");
        assert_eq!(lines[0], "x\u{302}_0 = 25.8·x_800 − 25.7·ε");
        assert_eq!(lines[1], "ε = ε_θ(x_800, 800)");
        assert_eq!(lines[2..4], ["ᾱ_800 = 0.00151", "ᾱ_780 = 0.00207"]);
        assert!(lines[4].starts_with("σ = η√((1") && lines[4].ends_with("= 0·0.523 = 0"), "{}", lines[4]);
    }

    #[test]
    fn the_last_step_is_the_prediction() {
        let steps = steps(Prediction::Epsilon, ScheduleRequest { eta: 1.0, ..ScheduleRequest::default() });
        let (rule, lines) = texts(steps.last().expect("a step"), Prediction::Epsilon, false, 1.0);
        assert_eq!(rule, "x_0 = 1·x\u{302}_0 + 0·ε + 0·z");
        assert_eq!(lines[0], "x\u{302}_0 = 1.00·x_t=0 − 0.0100·ε");
        assert_eq!(lines[2..4], ["ᾱ_0 = 0.9999", "ᾱ_s = 1"]);
    }

    #[test]
    fn the_posterior_mean_has_no_epsilon() {
        let steps = steps(Prediction::Epsilon, ScheduleRequest { steps: 10, sigma_hat: true, ..ScheduleRequest::default() });
        let (rule, lines) = texts(&steps[5], Prediction::Epsilon, true, 0.0);
        assert_eq!(rule, "x_300 = 0.527·x_400 + 0.396·x\u{302}_0 + 0.713·z");
        assert_eq!(lines[0], "x\u{302}_0 = clip(2.27·x_400 − 2.04·ε, ±1)");
        assert_eq!(lines.len(), 4);
        // The last step keeps nothing and adds nothing.
        assert_eq!(texts(&steps[9], Prediction::Epsilon, true, 0.0).0, "x_0 = 0·x_t=0 + 1·x\u{302}_0 + 0·z");
    }

    #[test]
    fn in_epsilon_the_rule_is_the_papers_whatever_the_network_predicts() {
        let palette = Palette::of(&Visuals::dark());
        let symbols = |prediction, in_epsilon| {
            let step = steps(prediction, ScheduleRequest { steps: 10, ..ScheduleRequest::default() })[3];
            rule(&step, prediction, false, in_epsilon, &palette)[1].symbols.to_string()
        };
        let paper = symbols(Prediction::VPrediction, true);
        assert_eq!(paper, symbols(Prediction::Sample, true));
        assert!(paper.contains('ε') && !paper.contains("v_θ"), "{paper}");
        assert!(symbols(Prediction::VPrediction, false).contains("v_θ"));
    }

    /// What a model predicts decides how x̂₀ and ε are read.
    #[test]
    fn other_predictions() {
        let request = || ScheduleRequest { steps: 10, ..ScheduleRequest::default() };
        let of = |prediction| texts(&steps(prediction, request())[3], prediction, false, 0.0).1;
        let v = of(Prediction::VPrediction);
        assert_eq!(v[..2], ["x\u{302}_0 = 0.160·x_600 − 0.987·v_θ", "ε = 0.987·x_600 + 0.160·v_θ"]);
        let sample = of(Prediction::Sample);
        assert_eq!(sample[..2], ["x\u{302}_0 = x_θ", "ε = 1.01·x_600 − 0.162·x_θ"]);
    }
}
