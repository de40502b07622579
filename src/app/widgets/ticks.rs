//! Marks on a plot's axes: round steps, and no two marks with the same text.

use egui_plot::GridMark;

/// The smallest of 1, 2 or 5 times a power of ten that is not below `min_step`.
pub(crate) fn round_step(min_step: f64) -> f64 {
    let power = 10_f64.powf(min_step.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= min_step * 0.999);
    step.unwrap_or(10.0 * power)
}

/// A mark's number with as many decimals as distinguish it from the next; egui_plot's own format writes 0.15 at a step of 0.05 as
/// 0.2.
pub(crate) fn written(mark: GridMark) -> String {
    let decimals = (-(mark.step_size * 1.001).log10().floor()).clamp(0.0, 9.0) as usize;
    // A value that is 0 apart from rounding would otherwise become −0.
    let value = if mark.value.abs() < mark.step_size / 2.0 { 0.0 } else { mark.value };
    format!("{value:.decimals$}").replace('-', "−")
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
        for (value, step_size, text) in [
            (0.15, 0.05, "0.15"),
            (0.2, 0.05, "0.20"),
            (0.2, 0.1, "0.2"),
            (3.0, 1.0, "3"),
            (-200.0, 100.0, "−200"),
            (-1e-17, 0.1, "0.0"),
        ] {
            assert_eq!(written(GridMark { value, step_size }), text);
        }
    }
}
