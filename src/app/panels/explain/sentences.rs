//! What the terms are, in words and with this step's numbers: the texts under the pointer and below the formula. Pure.

use super::variance::{beta, is_small};
use crate::app::state::written;
use crate::{
    math::number::plain,
    schedule::{Prediction, Schedule, StepCoefficients},
};

/// s by number: past the end of τ there is none.
fn end(step: &StepCoefficients) -> String {
    step.previous.map_or_else(|| "past the end of τ".to_owned(), |s| format!("s = {s}"))
}

/// Where a step comes from and goes to.
pub(crate) fn from_to(step: &StepCoefficients) -> String {
    match step.previous {
        Some(s) => format!("from t = {} to s = {s}", step.t),
        None => format!("from t = {} to the sample x_0", step.t),
    }
}

/// Of x_s.
pub(crate) fn next(step: &StepCoefficients) -> String {
    match step.previous {
        Some(s) => format!("x after this step, at the noise level of s = {s}: the sum of the terms."),
        None => "x after the last step: the sample x_0.".to_owned(),
    }
}

/// Of x̂₀'s term.
pub(crate) fn picture(step: &StepCoefficients) -> String {
    format!(
        "Predicted x̂0: the picture that the network believes x_t was made from, at the share that x has of its picture at {}. \
         Its factor is {}; √ᾱ there is {}.",
        end(step),
        plain(step.next_from_x0),
        plain(step.alpha_bar_s.sqrt())
    )
}

/// Of ε's term.
pub(crate) fn direction(step: &StepCoefficients) -> String {
    format!(
        "Direction pointing to x_t: the noise ε that the network finds in x_t, put back as far as {} needs it. √(1 − ᾱ_s − σ²) = {} \
         with ᾱ_s = {} and σ = {}.",
        end(step),
        plain(step.next_from_epsilon),
        plain(step.alpha_bar_s),
        plain(step.sigma)
    )
}

/// Of σ̂'s share of x_t.
pub(crate) fn kept(step: &StepCoefficients) -> String {
    format!(
        "DDPM's posterior mean keeps a share of x_t: √(1 − β) (1 − ᾱ_s)/(1 − ᾱ_t) = {} with β = 1 − ᾱ_t/ᾱ_s = {}.",
        plain(step.next_from_x),
        plain(beta(step))
    )
}

/// Of σ z.
pub(crate) fn noise(step: &StepCoefficients) -> String {
    if step.sigma == 0.0 {
        return "Random noise: σ = 0 in this step, nothing is added.".to_owned();
    }
    let z = match step.path {
        Some(_) => "z from a standard normal distribution, of a path of which each step takes another part,",
        None => "fresh z from a standard normal distribution,",
    };
    format!("Random noise: {z} times σ = {}.", plain(step.sigma))
}

/// Of the line that says what x̂₀ is.
pub(crate) fn reading_of_x0(step: &StepCoefficients, prediction: Prediction) -> String {
    let how = match prediction {
        Prediction::Epsilon => "The network predicts the noise ε in x_t; taking it out gives x̂0 = (x_t − √(1 − ᾱ_t) ε) / √ᾱ_t",
        Prediction::Sample => "The network predicts x̂0 itself",
        Prediction::VPrediction => "The network predicts v = √ᾱ_t ε − √(1 − ᾱ_t) x_0; so x̂0 = √ᾱ_t x_t − √(1 − ᾱ_t) v",
    };
    let factors = match prediction {
        Prediction::Sample => String::new(),
        _ => format!(", here with the factors {} and {}", plain(step.x0_from_x), plain(step.x0_from_model)),
    };
    format!("{how}{factors}.")
}

/// Of the line that says what ε is.
pub(crate) fn reading_of_epsilon(prediction: Prediction, again: bool) -> String {
    if again {
        return "ε is derived again from the clipped x̂0, so that the two fit x_t: (x_t − √ᾱ_t x̂0) / √(1 − ᾱ_t).".to_owned();
    }
    match prediction {
        Prediction::Epsilon => "ε is what the network says when it is shown x_t and t.".to_owned(),
        Prediction::Sample => "ε is what is left of x_t without x̂0: (x_t − √ᾱ_t x̂0) / √(1 − ᾱ_t).".to_owned(),
        Prediction::VPrediction => "ε follows from v: √(1 − ᾱ_t) x_t + √ᾱ_t v.".to_owned(),
    }
}

/// Of ᾱ_t and ᾱ_s.
pub(crate) fn levels(step: &StepCoefficients) -> String {
    format!(
        "ᾱ is the share of the picture in x: x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε. From {} it rises from {} to {}.",
        from_to(step),
        plain(step.alpha_bar_t),
        plain(step.alpha_bar_s)
    )
}

/// Of σ (or β).
pub(crate) fn sigma(step: &StepCoefficients, posterior: bool, eta: f64) -> String {
    if posterior && is_small(step) {
        return format!(
            "DDPM's small variance: σ² = β̃ = (1 − ᾱ_s)/(1 − ᾱ_t) β, that of Eq. 16 at η = 1; this step adds {} z.",
            plain(step.sigma)
        );
    }
    if posterior {
        return format!(
            "σ̂, the larger variance of the paper's Table 1: √β = {}; this step adds {} z.",
            plain(beta(step).sqrt()),
            plain(step.sigma)
        );
    }
    let kind = if eta == 0.0 {
        "no noise: DDIM, the same x_T always gives the same picture"
    } else if eta == 1.0 {
        "as noisy as DDPM"
    } else {
        "between DDIM (0) and DDPM (1)"
    };
    format!("Eq. 16: η = {} is {kind}. σ = {} in this step.", written::plain(eta), plain(step.sigma))
}

/// What else should be said about this step in a lecture.
pub(crate) fn remarks(
    schedule: &Schedule,
    step: &StepCoefficients,
    prediction: Prediction,
    posterior: bool,
    eta: f64,
) -> Vec<String> {
    let mut lines = Vec::new();
    if step.previous.is_none() {
        lines.push(if step.alpha_bar_s == 1.0 && posterior {
            "This step goes past the end of τ: ᾱ_s = 1, so nothing of x_t is kept. No noise is added in the last step: the sample x_0 is x̂0."
                .to_owned()
        } else if step.alpha_bar_s == 1.0 {
            "This step goes past the end of τ: ᾱ_s = 1, so direction and noise vanish, and the sample x_0 is x̂0.".to_owned()
        } else {
            format!(
                "This step goes past the end of τ, where this model keeps ᾱ_s = {} (set_alpha_to_one is off).",
                plain(step.alpha_bar_s)
            )
        });
    }
    if posterior && schedule.steps.iter().any(is_small) {
        lines.push(
            "Not Eq. 12 but DDPM's posterior mean, and noise of the posterior's own variance β̃, that of Eq. 16 at η = 1."
                .to_owned(),
        );
    } else if posterior {
        lines.push("σ̂ is not Eq. 12 but DDPM's posterior mean with the larger noise √β z, as in the paper's Table 1.".to_owned());
    } else if eta == 0.0 && step.previous.is_some() {
        lines.push("η = 0: σ = 0, the step is deterministic (DDIM).".to_owned());
    }
    match prediction {
        Prediction::Epsilon => {}
        Prediction::Sample => lines.push("This model predicts x̂0; ε is read out of x_t and x̂0.".to_owned()),
        Prediction::VPrediction => lines.push("This model predicts v = √ᾱ_t ε − √(1 − ᾱ_t) x_0, noise early in a run and picture late; x̂0 and ε are both read out of x_t and v.".to_owned()),
    }
    if let Some(clip) = step.clip {
        // A step with σ̂ uses no ε.
        let epsilon = match (posterior, step.clip_epsilon) {
            (true, _) => "",
            (false, true) => "; ε is derived again from it",
            (false, false) => "; ε is not recomputed from it",
        };
        lines.push(format!("x̂0 is clipped to ±{clip} before it is used{epsilon}."));
    }
    if let Some(threshold) = step.threshold {
        lines.push(format!(
            "x̂0 is thresholded: clipped to ±q and divided by q, the {} % quantile of |x̂0|, {}.",
            threshold.ratio * 100.0,
            if threshold.max < f64::from(f32::MAX) {
                format!("from 1 to at most {}", threshold.max)
            } else {
                "at least 1".to_owned()
            }
        ));
    }
    lines
}
