//! A formula as LaTeX, for math mode with amsmath.

use super::expression::Math;

/// What stands between `$` and `$`.
pub fn latex(math: &Math) -> String {
    // A space closes a command before a letter; elsewhere there is nothing to close.
    written(math).replace(" }", "}").replace(" ^", "^").replace(" _", "_")
}

fn written(math: &Math) -> String {
    match math {
        Math::Upright(text) => upright(text),
        Math::Italic(text) => symbols(text),
        Math::Row(pieces) => pieces.iter().map(written).collect(),
        // TeX sets its own spaces around signs.
        Math::Gap(width) => if *width > 0.3 { r"\;" } else { "" }.to_owned(),
        Math::Fraction(over, under) => format!(r"\frac{{{}}}{{{}}}", written(over), written(under)),
        Math::Root(under) => format!(r"\sqrt{{{}}}", written(under)),
        Math::Below(base, script) => format!("{}_{{{}}}", written(base), written(script)),
        Math::Above(base, script) => format!("{}^{{{}}}", written(base), written(script)),
        Math::Hat(under) => format!(r"\hat{{{}}}", written(under)),
        Math::Bar(under) => format!(r"\bar{{{}}}", written(under)),
        Math::Parens(within) => format!(r"\left({}\right)", written(within)),
    }
}

/// Digits and signs as they are, words in `\text`.
fn upright(text: &str) -> String {
    if text.chars().filter(|c| c.is_alphabetic()).count() > 0 {
        if text.trim() == "clip" {
            return r"\operatorname{clip}".to_owned();
        }
        let (start, end) = (text.starts_with(' '), text.ends_with(' '));
        let words: String = text.trim().chars().map(escaped).collect();
        return format!(r"\text{{{}{words}{}}}", if start { "~" } else { "" }, if end { "~" } else { "" });
    }
    symbols(text)
}

fn escaped(c: char) -> String {
    match c {
        '\\' => r"\textbackslash{}".to_owned(),
        '#' | '$' | '%' | '&' | '_' | '{' | '}' => format!("\\{c}"),
        '~' => r"\textasciitilde{}".to_owned(),
        '^' => r"\textasciicircum{}".to_owned(),
        _ => c.to_string(),
    }
}

/// Signs and Greek letters by their names. A command that ends in a letter is closed by a space, so that the next letter is not a part
/// of it.
fn symbols(text: &str) -> String {
    let symbol = |c: char| match c {
        '−' => "-",
        '·' => r"\cdot ",
        '×' => r"\times ",
        '±' => r"\pm ",
        '∞' => r"\infty ",
        '‖' => r"\|",
        '≈' => r"\approx ",
        'α' => r"\alpha ",
        'β' => r"\beta ",
        'ε' => r"\varepsilon ",
        'η' => r"\eta ",
        'θ' => r"\theta ",
        'λ' => r"\lambda ",
        'σ' => r"\sigma ",
        'τ' => r"\tau ",
        'ω' => r"\omega ",
        _ => "",
    };
    text.chars()
        .map(|c| match symbol(c) {
            "" => escaped(c),
            known => known.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::latex;
    use crate::math::{
        expression::{italic, row, upright},
        number::{number, product},
    };

    #[test]
    fn formulas_are_what_one_would_type() {
        let x0 = italic("x").hat().below(upright("0"));
        assert_eq!(latex(&product(0.5, x0.clone())), r"0.500\cdot \hat{x}_{0}");
        assert_eq!(latex(&number(4.035_83e-5)), r"4.04\times 10^{-5}");
        let alpha = italic("α").bar().below(italic("t"));
        assert_eq!(latex(&alpha.root().over(upright("2"))), r"\frac{\sqrt{\bar{\alpha}_{t}}}{2}");
        assert_eq!(latex(&row([upright("share of "), x0]).parens()), r"\left(\text{share of~}\hat{x}_{0}\right)");
        assert_eq!(latex(&row([upright("clip"), upright("100%")])), r"\operatorname{clip}100\%");
    }
}
