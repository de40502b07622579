//! Numbers as one would write them on a blackboard: three significant digits, powers of ten where there would be many zeros.

use super::expression::{Math, row, upright};

/// A number's digits and its power of ten.
#[derive(Debug, PartialEq)]
struct Digits {
    /// With its sign, a real minus.
    mantissa: String,
    exponent: Option<i32>,
}

fn digits(x: f64) -> Digits {
    let sign = |text: String| text.replace('-', "−");
    if x == 0.0 || x.abs() == 1.0 || !x.is_finite() {
        let text = if x.is_nan() { "?".to_owned() } else { format!("{x}").replace("inf", "∞").replace("-0", "0") };
        return Digits { mantissa: sign(text), exponent: None };
    }
    // Just below 1 it is the distance from 1 that counts: ᾱ = 0.9999 is not 1.00.
    let gap = 1.0 - x.abs();
    if (1e-6..5e-3).contains(&gap) {
        let decimals = (-gap.log10() - 1e-9).ceil() as usize;
        return Digits { mantissa: sign(format!("{x:.decimals$}")), exponent: None };
    }
    // Rounded first, so that 9999.6 is a power of ten.
    let scientific = format!("{x:.2e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-3..4).contains(&exponent) {
        return Digits { mantissa: sign(mantissa.to_owned()), exponent: Some(exponent) };
    }
    let decimals = usize::try_from(2 - exponent).unwrap_or(0);
    Digits { mantissa: sign(format!("{x:.decimals$}")), exponent: None }
}

/// In running text: 0.283, −3.91, 4.04e−5.
pub fn plain(x: f64) -> String {
    match digits(x) {
        Digits { mantissa, exponent: None } => mantissa,
        Digits { mantissa, exponent: Some(exponent) } => format!("{mantissa}e{exponent}").replace('-', "−"),
    }
}

/// In a formula: 4.04 × 10⁻⁵ with a real superscript.
pub fn number(x: f64) -> Math {
    match digits(x) {
        Digits { mantissa, exponent: None } => upright(mantissa),
        Digits { mantissa, exponent: Some(exponent) } => {
            let power = upright("10").above(upright(exponent.to_string().replace('-', "−")));
            row([upright(format!("{mantissa}×")), power])
        }
    }
}

/// A factor before what it multiplies.
pub fn product(factor: f64, what: Math) -> Math {
    row([number(factor), Math::Gap(0.08), upright("·"), Math::Gap(0.08), what])
}

/// A sum of products with their signs: 4.04 · x − 3.91 · ε. Products by 0 are left out, a factor of exactly 1 is not written.
pub fn sum(terms: impl IntoIterator<Item = (f64, Math)>) -> Math {
    let mut pieces = Vec::new();
    for (factor, what) in terms.into_iter().filter(|(factor, _)| *factor != 0.0) {
        let first = pieces.is_empty();
        match (first, factor < 0.0) {
            (true, true) => pieces.push(upright("−")),
            (true, false) => {}
            (false, true) => pieces.extend(spaced("−")),
            (false, false) => pieces.extend(spaced("+")),
        }
        pieces.push(if factor.abs() == 1.0 { what } else { product(factor.abs(), what) });
    }
    if pieces.is_empty() { upright("0") } else { row(pieces) }
}

/// A sign between two things.
pub fn spaced(sign: &str) -> [Math; 3] {
    [Math::Gap(0.22), upright(sign), Math::Gap(0.22)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::expression::italic;

    #[test]
    fn three_significant_digits() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.0, "−1"),
            (0.283_14, "0.283"),
            (-3.909_6, "−3.91"),
            (0.999_6, "0.9996"),
            (0.999_9, "0.9999"),
            (-0.997_2, "−0.997"),
            (0.999_999_99, "1.00"),
            (1.000_05, "1.00"),
            (0.012_345, "0.0123"),
            (0.001_234, "0.00123"),
            (0.000_999_9, "0.00100"),
            (4.035_83e-5, "4.04e−5"),
            (157.41, "157"),
            (1574.1, "1574"),
            (9999.6, "1.00e4"),
            (-2.5e20, "−2.50e20"),
            (f64::NEG_INFINITY, "−∞"),
            (f64::NAN, "?"),
        ];
        for (x, text) in cases {
            assert_eq!(plain(x), text, "{x}");
        }
    }

    #[test]
    fn powers_are_superscripts() {
        assert_eq!(number(0.5), upright("0.500"));
        assert_eq!(number(4.035_83e-5), row([upright("4.04×"), upright("10").above(upright("−5"))]));
    }

    #[test]
    fn sums_have_the_right_signs() {
        let x = || italic("x");
        assert_eq!(sum([(4.04, x()), (-3.91, italic("ε"))]).to_string(), "4.04·x − 3.91·ε");
        assert_eq!(sum([(-2.0, x()), (0.5, italic("ε"))]).to_string(), "−2.00·x + 0.500·ε");
        assert_eq!(sum([(0.0, x()), (1.0, italic("ε"))]).to_string(), "ε");
        assert_eq!(sum([(0.0, x())]).to_string(), "0");
    }
}
