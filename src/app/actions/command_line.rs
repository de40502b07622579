//! The `etude` command that makes what is on screen.

use crate::{
    app::state::{
        controls::Controls,
        fork_requests::branch_controls,
        pinned_controls::controls_of_a,
        racers::racer_controls,
        run_requests::rewound_steps,
        view_settings::{Axes, Convention, Tab},
    },
    program::Precision,
    recipe::{Encoded, Rng},
    schedule::{Preset, Spacing},
};
use std::fmt::Write as _;

/// A word of a shell command, quoted where it has to be.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,=+:@".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// An option with its value, which may begin as an option does.
fn option(name: &str, value: &str) -> String {
    format!("--{name}{}{}", if value.starts_with('-') { "=" } else { " " }, quoted(value))
}

/// The options that a run's pictures depend on, without η, S, τ and the noise seed where `varied` names them.
fn options(controls: &Controls, varied: &[&str]) -> String {
    let mut line = option("model", &controls.model);
    let mut add = |name: &str, value: String| {
        if !varied.contains(&name) {
            // Writing to a String cannot fail.
            let _ = write!(line, " --{name} {value}");
        }
    };
    if controls.preset != Preset::Etude {
        add("preset", controls.preset.to_string());
    }
    add("steps", controls.steps.to_string());
    if let Some(spacing) = &controls.spacing {
        add("tau", spacing.to_string());
    }
    if controls.sigma_hat && !varied.contains(&"eta") {
        line.push_str(" --sigma-hat");
    } else if controls.preset != Preset::Ddpm {
        add("eta", controls.eta.to_string());
    }
    let mut add = |name: &str, value: String| {
        if !varied.contains(&name) {
            let _ = write!(line, " --{name} {value}");
        }
    };
    for fork in &controls.forks {
        add("fork", fork.to_string());
    }
    for seed in &controls.step_seeds {
        add("step-noise-seed", seed.to_string());
    }
    add("seed", controls.seed.to_string());
    add("noise-seed", controls.noise_seed.to_string());
    // The noise of torch's generator has no seed that could vary.
    let noise = if varied.contains(&"noise-seed") { controls.own_noise() } else { controls.noise() };
    if noise != controls.rng.noise(controls.preset) {
        add("noise", noise.to_string());
    }
    if controls.rng == Rng::Torch {
        add("rng", "torch".to_owned());
    }
    if let Some(encoded) = &controls.encoded {
        let _ = write!(line, " {}", encoding(encoded, controls));
    }
    let mut add = |name: &str, value: String| {
        let _ = write!(line, " --{name} {value}");
    };
    if let Some(class) = controls.class {
        add("class", class.to_string());
    }
    if let Some((h, w)) = controls.size {
        add("size", format!("{h}x{w}"));
    }
    if controls.clip_epsilon {
        line.push_str(" --clip-epsilon");
    }
    if let Some(variance) = controls.variance {
        let _ = write!(line, " --variance {variance}");
    }
    match controls.clip {
        Some(true) => line.push_str(" --clip"),
        Some(false) => line.push_str(" --no-clip"),
        None => {}
    }
    if controls.view.device != "auto" {
        let _ = write!(line, " {}", option("device", &controls.view.device));
    }
    if controls.view.precision != Precision::default() {
        let _ = write!(line, " --precision {}", controls.view.precision);
    }
    line
}

/// The options that start from a picture's x_T.
fn encoding(encoded: &Encoded, controls: &Controls) -> String {
    format!("{} {}", option("encode", &file(&encoded.picture.name)), encoding_options(encoded, controls))
}

/// How it is encoded.
fn encoding_options(encoded: &Encoded, controls: &Controls) -> String {
    let mut line = format!("--encode-steps {}", encoded.steps);
    let own = controls.spacing.as_ref().map(ToString::to_string);
    if encoded.tau != own {
        // What the convention has where nothing is said; diffusers' is a checkpoint's own, and leading for most.
        let usual = if encoded.convention == Convention::Diffusers { "leading" } else { "linear" };
        let _ = write!(line, " --encode-tau {}", encoded.tau.as_deref().unwrap_or(usual));
    }
    if (encoded.convention == Convention::Diffusers) != controls.preset.is_of_diffusers() {
        let _ = write!(line, " --encode-convention {}", encoded.convention);
    }
    if encoded.refine > 0 {
        let _ = write!(line, " --encode-refine {}", encoded.refine);
    }
    line
}

/// The name of a file that is neither an option nor a number.
fn file(name: &str) -> String {
    let is_taken = name.starts_with('-') || name.parse::<u64>().is_ok();
    if is_taken { format!("./{name}") } else { name.to_owned() }
}

/// The option that asks for `count` images from `first` on; of torch's, for all that are drawn at once.
fn images(controls: &Controls, first: u32, count: u32) -> String {
    match (controls.rng, first) {
        (Rng::Torch, _) => format!("--count {}", controls.drawn()),
        (Rng::Etude, 0) => format!("--count {count}"),
        (Rng::Etude, _) => format!("--first {first} --count {count}"),
    }
}

/// The command for the open panel. For a comparison it is a loop in the shell.
pub fn command_line(controls: &Controls) -> String {
    let view = &controls.view;
    match view.tab {
        Tab::Trajectory | Tab::Explain => {
            let own = format!(
                "etude sample {} {} --out etude.png",
                options(controls, &[]),
                images(controls, controls.first, controls.count)
            );
            // What is pinned as A is on screen as well.
            match controls_of_a(controls).filter(|_| view.tab == Tab::Trajectory) {
                Some(a) => format!("{}; {own}", one_image(&a, &a, "a")),
                None => own,
            }
        }
        Tab::Compare => {
            let controls = &controls.stem();
            let count = match controls.first {
                0 => images(controls, 0, view.image + 1),
                _ => images(controls, controls.image_number(), 1),
            };
            let compare = &view.compare;
            match compare.axes {
                Axes::EtaBySeed => {
                    let controls = &Controls { preset: controls.preset.with_eta(), ..controls.clone() };
                    let etas = compare.etas.iter().map(f64::to_string).collect::<Vec<_>>().join(" ");
                    let seeds = (0..u64::from(compare.seeds)).map(|j| controls.noise_seed.wrapping_add(j).to_string());
                    let seeds = seeds.collect::<Vec<_>>().join(" ");
                    let options = options(controls, &["eta", "noise-seed"]);
                    let rows = format!(
                        "for eta in {etas}; do for noise in {seeds}; do etude sample {options} --eta $eta --noise-seed $noise \
                         {count} --out eta-$eta-noise-$noise.png; done; done"
                    );
                    let last_row = format!(
                        "for noise in {seeds}; do etude sample {options} --sigma-hat --noise-seed $noise {count} --out \
                         sigma-hat-noise-$noise.png; done"
                    );
                    let (with_eta, with_sigma_hat) = (!compare.etas.is_empty(), compare.sigma_hat);
                    let loops = [with_eta.then_some(rows), with_sigma_hat.then_some(last_row)];
                    loops.into_iter().flatten().collect::<Vec<_>>().join("; ")
                }
                Axes::StepsBySpacing => {
                    let steps = compare.steps.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
                    format!(
                        "for steps in {steps}; do for tau in {}; do etude sample {} --steps $steps --tau $tau {count} \
                         --out steps-$steps-$tau.png; done; done",
                        compare.spacings.join(" "),
                        options(controls, &["steps", "tau"])
                    )
                }
            }
        }
        Tab::Rewind => rewind_commands(controls),
        Tab::Fork => fork_commands(controls),
        Tab::Race => race_commands(controls),
        Tab::Interpolate => interpolate_command(controls),
    }
}

/// The command that makes the strips or the grid.
fn interpolate_command(controls: &Controls) -> String {
    let interpolate = &controls.view.interpolate;
    // An interpolation's ends are always drawn by our own generator.
    let (noise, preset, eta) = (Some(controls.own_noise()), controls.preset.with_eta(), interpolate.eta);
    let base = Controls { preset, eta, sigma_hat: false, rng: Rng::Etude, noise, encoded: None, ..controls.stem() };
    let ends: Vec<String> = (0..interpolate.ends())
        .map(|end| match &interpolate.pictures[end] {
            Some(encoded) => file(&encoded.picture.name),
            None => interpolate.seeds[end].to_string(),
        })
        .collect();
    // A name with a comma in it is no list.
    let seeds = if ends.iter().any(|end| end.contains(',')) { ends } else { vec![ends.join(",")] };
    let seeds = seeds.iter().map(|list| option("seeds", list)).collect::<Vec<_>>().join(" ");
    let pictures = &interpolate.pictures[..interpolate.ends()];
    // One way to encode for all of them.
    let how = pictures.iter().flatten().next().map_or(String::new(), |encoded| format!(" {}", encoding_options(encoded, &base)));
    let shape = match (interpolate.grid, interpolate.lerp) {
        (true, _) => format!("--side {}", interpolate.side),
        (false, true) => format!("--both --columns {}", interpolate.columns),
        (false, false) => format!("--columns {}", interpolate.columns),
    };
    format!("etude interpolate {}{how} {seeds} {shape} --out interpolation.png", options(&base, &["seed"]))
}

/// A command for the stem and one for each branch; and the one that measures when the picture is decided.
fn fork_commands(controls: &Controls) -> String {
    let branches = (0..controls.view.fork.branches.len()).map(Some);
    let sample = |branch: Option<usize>| {
        let run = branch_controls(controls, branch);
        let out = branch.map_or_else(|| "stem".to_owned(), |number| format!("branch-{}", number + 1));
        format!("etude sample {} {} --out {out}.png", options(&run, &[]), images(&run, run.image_number(), 1))
    };
    let mut commands: Vec<String> = std::iter::once(None).chain(branches).map(sample).collect();
    let tree = &controls.view.fork;
    if tree.measure {
        let run = branch_controls(controls, None);
        let (options, images) = (options(&run, &[]), images(&run, run.image_number(), 1));
        commands.push(format!("etude forks {options} {images} --places {} --seeds {}", tree.places, tree.seeds));
    }
    commands.join("; ")
}

/// A command for each side of the Race panel, one after the other.
fn race_commands(controls: &Controls) -> String {
    let of = |side: usize| one_image(&racer_controls(controls, side), controls, ["a", "b"][side]);
    format!("{}; {}", of(0), of(1))
}

/// The command for the enlarged image of `batch` alone, with the sampler of `controls`. Torch draws all of a batch: they go to a folder.
fn one_image(controls: &Controls, batch: &Controls, name: &str) -> String {
    let ending = if batch.rng == Rng::Torch { "" } else { ".png" };
    format!("etude sample {} {} --out {name}{ending}", options(controls, &[]), images(batch, batch.image_number(), 1))
}

/// The commands that encode the picture of the Rewind panel, and that measure what it misses at each S.
fn rewind_commands(controls: &Controls) -> String {
    let (view, rewind) = (&controls.view, &controls.view.rewind);
    let mut shared = option("model", &controls.model);
    let mut add = |text: String| {
        let _ = write!(shared, " {text}");
    };
    if rewind.convention != Convention::default() {
        add(format!("--convention {}", rewind.convention.name()));
    }
    if rewind.refine > 0 {
        add(format!("--refine {}", rewind.refine));
    }
    if let Some(spacing) = &controls.spacing {
        add(format!("--tau {spacing}"));
    }
    if let Some(class) = controls.class {
        add(format!("--class {class}"));
    }
    if let Some((h, w)) = controls.size {
        add(format!("--size {h}x{w}"));
    }
    if view.device != "auto" {
        add(option("device", &view.device));
    }
    if view.precision != Precision::default() {
        add(format!("--precision {}", view.precision));
    }
    let own = controls.step_count();
    let steps: Vec<String> = match controls.spacing {
        // Its number of steps is its own.
        Some(Spacing::List(_)) => vec![own.to_string()],
        _ => rewound_steps(controls).iter().map(usize::to_string).collect(),
    };
    let (sample, picture) = match &rewind.picture {
        Some(given) => (String::new(), quoted(&file(&given.name))),
        None => {
            let number = controls.image_number();
            // In a folder, as a sheet has a margin. Torch draws all of its images.
            let place = if controls.rng == Rng::Torch { number } else { 0 };
            let sample = format!("etude sample {} {} --out rewound && ", options(controls, &[]), images(controls, number, 1));
            (sample, format!("rewound/{place:05}.png"))
        }
    };
    let mut noise = format!("--eta {}", rewind.eta);
    if rewind.eta > 0.0 {
        let _ = write!(noise, " --noise-seed {}", controls.noise_seed);
    }
    format!(
        "{sample}etude encode {picture} {shared} --steps {own} --out x_T.safetensors && etude reconstruct {picture} {shared} --steps {} \
         {noise} --out reconstructed.png",
        steps.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::{Controls, command_line, quoted};
    use crate::{
        app::state::{pin::Pin, view_settings::Tab},
        program::Precision,
    };

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("models/cifar10"), "models/cifar10");
        assert_eq!(quoted("my models/it's"), r"'my models/it'\''s'");
    }

    #[test]
    fn a_trajectory_is_one_command_and_a_comparison_a_loop() {
        let model = "fashion".to_owned();
        let mut controls = Controls { model, eta: 0.5, seed: 7, noise_seed: 9, count: 4, clip: Some(true), ..Controls::default() };
        assert_eq!(
            command_line(&controls),
            "etude sample --model fashion --steps 50 --eta 0.5 --seed 7 --noise-seed 9 --clip --count 4 --out etude.png"
        );
        controls.noise = Some(crate::schedule::NoiseKind::Step);
        assert!(command_line(&controls).contains("--noise-seed 9 --noise step --clip"), "{}", command_line(&controls));
        controls.noise = None;
        controls.sigma_hat = true;
        assert!(command_line(&controls).contains("--sigma-hat") && !command_line(&controls).contains("--eta"));
        controls.view.tab = Tab::Compare;
        let line = command_line(&controls);
        assert!(line.starts_with("for eta in 0 0.2 0.5 1; do for noise in 9 10 11 12 13 14; do etude sample"), "{line}");
        assert!(!line.contains("--sigma-hat"), "{line}");
        // A row of σ̂ is a loop of its own; alone it is the whole command.
        controls.view.compare.sigma_hat = true;
        let both = command_line(&controls);
        let last = "for noise in 9 10 11 12 13 14; do etude sample --model fashion --steps 50 --seed 7 --clip --sigma-hat --noise-seed \
                    $noise --count 1 --out sigma-hat-noise-$noise.png; done";
        assert_eq!(both, format!("{line}; {last}"));
        controls.view.compare.etas.clear();
        assert_eq!(command_line(&controls), last);
    }

    #[test]
    fn what_is_pinned_has_a_command_of_its_own() {
        let mut b = Controls { eta: 0.5, seed: 5, model: "fashion".to_owned(), ..Controls::default() };
        let mut a = Controls { eta: 0.0, first: 2, ..b.clone() };
        a.view.image = 1;
        let mut recipe = a.recipe("00000000", (32, 32)).expect("a recipe");
        recipe.image = Some(3);
        let device = "auto".to_owned();
        b.view.pin =
            Some(Pin { recipe: Box::new(recipe), own_size: true, device, precision: Precision::F32, enlarged: None, noisy: false });
        let line = command_line(&b);
        let own = command_line(&Controls { view: Default::default(), ..b.clone() });
        let pinned = "etude sample --model fashion --steps 50 --eta 0 --seed 5 --noise-seed 1 --first 3 --count 1 --out a.png";
        assert_eq!(line, format!("{pinned}; {own}"));
        b.view.tab = Tab::Explain;
        assert_eq!(command_line(&b), own);
    }

    #[test]
    fn the_ends_of_an_interpolation_are_drawn_by_our_own_generator() {
        let mut controls = Controls { rng: crate::recipe::Rng::Torch, ..Controls::default() };
        assert!(command_line(&controls).contains("--rng torch"));
        controls.view.tab = Tab::Interpolate;
        assert!(!command_line(&controls).contains("--rng"), "{}", command_line(&controls));
    }
}
