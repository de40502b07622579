//! Labels: a line of text in which the paper's symbols are set as symbols. "x̂0, S = 50, seed 3" has a slanted x under a hat with a 0
//! below it, and a slanted S.

use crate::math::expression::{Math, italic, row, upright};

const HAT: char = '\u{302}';
const BAR: char = '\u{304}';
/// Letters that are variables where they stand alone.
const VARIABLES: &str = "STtsxzd";

/// The line as a formula.
pub fn label(text: &str) -> Math {
    let text: Vec<char> = text.replace('ᾱ', "α\u{304}").chars().collect();
    let mut pieces: Vec<Math> = Vec::new();
    let mut words = String::new();
    let mut at = 0;
    while at < text.len() {
        match variable(&text, at) {
            Some((math, after)) => {
                if !words.is_empty() {
                    pieces.push(upright(std::mem::take(&mut words)));
                }
                pieces.push(math);
                at = after;
            }
            None => {
                words.push(text[at]);
                at += 1;
            }
        }
    }
    if !words.is_empty() {
        pieces.push(upright(words));
    }
    if pieces.len() == 1 { pieces.remove(0) } else { row(pieces) }
}

/// The variable that begins at `at`, with its hat, bar and subscript, and where it ends.
fn variable(text: &[char], at: usize) -> Option<(Math, usize)> {
    let letter = *text.get(at)?;
    let is_greek = ('α'..='ω').contains(&letter);
    // The s of "DDPM's" is no variable.
    let alone_before = at == 0 || !(text[at - 1].is_alphanumeric() || matches!(text[at - 1], '\'' | '’'));
    let mut after = at + 1;
    let mark = text.get(after).copied().filter(|c| matches!(*c, HAT | BAR));
    after += usize::from(mark.is_some());
    let script = script(text, after, mark.is_some());
    let alone_after = text.get(after).is_none_or(|c| !c.is_alphanumeric() && *c != '_' && *c != '\'' && *c != '-');
    let is_variable = is_greek || alone_before && VARIABLES.contains(letter) && (mark.is_some() || script.is_some() || alone_after);
    if !is_variable {
        return None;
    }
    let mut math = italic(letter.to_string());
    match mark {
        Some(HAT) => math = math.hat(),
        Some(_) => math = math.bar(),
        None => {}
    }
    if let Some((below, end)) = script {
        (math, after) = (math.below(below), end);
    }
    Some((math, after))
}

/// The subscript that begins at `at`: `_` and letters or digits; after a hat digits alone will do.
fn script(text: &[char], at: usize, has_hat: bool) -> Option<(Math, usize)> {
    let start = if text.get(at) == Some(&'_') { at + 1 } else { at };
    if start == at && !(has_hat && text.get(at).is_some_and(char::is_ascii_digit)) {
        return None;
    }
    let length = text[start..].iter().take_while(|c| c.is_alphanumeric()).count();
    let below: String = text[start..start + length].iter().collect();
    let is_number = below.chars().all(|c| c.is_ascii_digit());
    (length > 0).then(|| (if is_number { upright(below) } else { italic(below) }, start + length))
}

#[cfg(test)]
mod tests {
    use super::label;
    use crate::math::expression::{italic, row, upright};

    #[test]
    fn symbols_are_set_and_words_are_left() {
        let x = || italic("x");
        assert_eq!(label("x_T"), x().below(italic("T")));
        assert_eq!(label("x̂0"), x().hat().below(upright("0")));
        assert_eq!(label("η = 0.5"), row([italic("η"), upright(" = 0.5")]));
        assert_eq!(label("emoji, S = 50, seed 3"), row([upright("emoji, "), italic("S"), upright(" = 50, seed 3")]));
        assert_eq!(label("σ̂ larger"), row([italic("σ").hat(), upright(" larger")]));
        assert_eq!(label("ᾱ of t"), row([italic("α").bar(), upright(" of "), italic("t")]));
        // Letters within words and names stay what they are.
        assert_eq!(label("DDPM's posterior"), upright("DDPM's posterior"));
        assert_eq!(label("the t-SNE of Sets, x-axis"), upright("the t-SNE of Sets, x-axis"));
        assert_eq!(label(""), row([]));
    }
}
