//! Numbers along an axis: round steps, and no two marks with the same text.

/// The smallest of 1, 2 or 5 times a power of ten that is not below `min_step`.
pub fn round_step(min_step: f64) -> f64 {
    let power = 10_f64.powf(min_step.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= min_step * 0.999);
    step.unwrap_or(10.0 * power)
}

/// The number at `value` of an axis that is marked every `step`, with as many decimals as distinguish it from the next.
pub fn written(value: f64, step: f64) -> String {
    let decimals = (-(step * 1.001).log10().floor()).clamp(0.0, 9.0) as usize;
    // A value that is 0 apart from rounding would otherwise become −0.
    let value = if value.abs() < step / 2.0 { 0.0 } else { value };
    format!("{value:.decimals$}").replace('-', "−")
}

/// The round numbers from `low` to `high`, about so many, at least `min_step` apart, with the step between them.
pub fn marks(low: f64, high: f64, about: f64, min_step: f64) -> (Vec<f64>, f64) {
    let step = round_step((high - low) / about).max(min_step);
    if !(step.is_finite() && step > 0.0) {
        return (Vec::new(), 1.0);
    }
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    // The bounds of a plot without points can be anything.
    let count = (last - first + 1.0).clamp(0.0, 50.0) as usize;
    ((0..count).map(|i| (first + i as f64) * step).collect(), step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (min_step, step) in [
            (200.0, 200.0),
            (201.0, 500.0),
            (0.11, 0.2),
            (0.044, 0.05),
            (0.18, 0.2),
            (0.072, 0.1),
            (0.32, 0.5),
            (0.62, 1.0),
            (0.9, 1.0),
            (7.0, 10.0),
        ] {
            assert!((round_step(min_step) / step - 1.0).abs() < 1e-9, "{min_step} {}", round_step(min_step));
        }
    }

    #[test]
    fn marks_tell_themselves_apart() {
        for (value, step, text) in [
            (0.15, 0.05, "0.15"),
            (0.2, 0.05, "0.20"),
            (0.2, 0.1, "0.2"),
            (3.0, 1.0, "3"),
            (-200.0, 100.0, "−200"),
            (-1e-17, 0.1, "0.0"),
        ] {
            assert_eq!(written(value, step), text);
        }
        let (values, step) = marks(-50.0, 1050.0, 5.6, 1.0);
        assert_eq!((values, step), (vec![0.0, 200.0, 400.0, 600.0, 800.0, 1000.0], 200.0));
        assert_eq!(marks(0.4, 1.6, 5.6, 1.0).0, [1.0]);
        assert!(marks(1.0, 1.0, 5.0, 0.0).0.is_empty());
    }
}
