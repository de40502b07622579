//! Controls in words: what a picture is, and what differs between two.

use super::controls::Controls;
use crate::schedule::Spacing;
use std::path::Path;

/// η or σ̂, S and the seeds of a picture, in words.
pub(crate) fn recipe_line(controls: &Controls, image: usize) -> String {
    let noise = controls.noise_text();
    let steps = match &controls.spacing {
        Some(Spacing::List(list)) => format!("τ by hand ({})", list.len()),
        Some(spacing) => format!("S = {}, τ {spacing}", controls.steps),
        None => format!("S = {}", controls.steps),
    };
    let (latent, noise_seed) = (controls.latent_text(), controls.noise_seed);
    let forks: String = controls.forks.iter().map(|fork| format!(", fork {fork}")).collect();
    let others = if controls.step_seeds.is_empty() { "" } else { ", other noise in some steps" };
    format!("{noise}, {steps}, {latent}, noise seed {noise_seed}{forks}{others}, image {image}")
}

/// What differs between A and B, in the words of either.
pub(crate) fn differences(a: &Controls, b: &Controls) -> Vec<[String; 2]> {
    let of = |what: &dyn Fn(&Controls) -> String| [what(a), what(b)];
    let choice = |name: &str, on: Option<bool>| match on {
        None => format!("{name} as the preset"),
        Some(true) => format!("{name} on"),
        Some(false) => format!("{name} off"),
    };
    let all = [
        of(&|c| format!("model {}", last_part(&c.model))),
        of(&|c| format!("preset {}", c.preset)),
        of(&Controls::noise_text),
        of(&|c| format!("S = {}", c.step_count())),
        of(&|c| match &c.spacing {
            None => "τ as the preset".to_owned(),
            Some(Spacing::List(list)) => {
                let ends = list.first().zip(list.last()).map_or_else(String::new, |(first, last)| format!(" ({first} … {last})"));
                format!("τ by hand{ends}")
            }
            Some(spacing) => format!("τ {spacing}"),
        }),
        of(&|c| choice("clipping", c.clip)),
        of(&|c| choice("ε derived again", Some(c.clip_epsilon))),
        of(&|c| c.variance.map_or_else(|| "σ² of the scheduler".to_owned(), |variance| format!("σ² {variance}"))),
        of(&Controls::latent_text),
        of(&|c| match &c.encoded {
            Some(encoded) => format!("encoded in {} steps, {}", encoded.steps, encoded.convention),
            None => "of the generator".to_owned(),
        }),
        of(&|c| format!("image {}", c.image_number())),
        of(&|c| format!("noise seed {}", c.noise_seed)),
        of(&|c| format!("noise of a {}", c.noise())),
        of(&|c| format!("x_T from {}", c.rng)),
        of(&|c| c.class.map_or_else(|| "classes in turn".to_owned(), |class| format!("class {class}"))),
        of(&|c| c.size.map_or_else(|| "the model's size".to_owned(), |(height, width)| format!("{width} x {height}"))),
        of(&|c| format!("on {}", c.view.device)),
        of(&|c| format!("in {}", c.view.precision)),
    ];
    let mut differ: Vec<_> = all.into_iter().filter(|[a, b]| a != b).collect();
    for (what, differs) in [("forks", a.forks != b.forks), ("seeds of single steps", a.step_seeds != b.step_seeds)] {
        if differs {
            differ.push([format!("its {what}"), format!("other {what}")]);
        }
    }
    // Two lists may begin and end alike.
    if a.spacing != b.spacing && differ.iter().all(|[a, _]| !a.starts_with('τ')) {
        differ.push(["τ by hand".to_owned(), "another τ by hand".to_owned()]);
    }
    differ
}

fn last_part(model: &str) -> String {
    Path::new(model).file_name().map_or_else(|| model.to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_on_both_sides() {
        let a = Controls { eta: 0.0, steps: 20, seed: 5, ..Controls::default() };
        let b = Controls { eta: 0.4, seed: 9, ..a.clone() };
        let expected = [["η = 0", "η = 0.4"], ["seed 5", "seed 9"]].map(|pair| pair.map(str::to_owned));
        assert_eq!(differences(&a, &b), expected);
        assert!(differences(&a, &a).is_empty());
        let list = |list: &[u32]| Controls { spacing: Some(Spacing::List(list.to_vec())), ..a.clone() };
        assert_eq!(differences(&list(&[0, 5, 900]), &list(&[0, 7, 900])).len(), 1);
    }
}
