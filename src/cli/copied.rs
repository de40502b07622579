//! Tests: every command that the viewer copies is one that a shell and this command line understand, and asks for what was on screen.

use super::{Arguments, Command};
use clap::Parser;
use etude::{
    app::{
        Controls, command_line,
        state::{
            given_picture::GivenPicture,
            view_settings::{Axes, Convention, Tab},
        },
    },
    latent::InterpolationMode,
    program::Precision,
    recipe::{Encoded, Recipe, Rng},
    schedule::{Fork, Preset, Spacing, StepSeed, Variance},
};

/// Each command of `line`, after a shell has had its way with loops and quotes.
fn commands(line: &str) -> Vec<Command> {
    let script = format!("etude() {{ printf '%s\\0' etude \"$@\"; printf '\\0'; }}; {line}");
    let output = std::process::Command::new("sh").args(["-euc", &script]).output().expect("a shell");
    assert!(output.status.success() && output.stderr.is_empty(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let calls = text.split_terminator("\0\0").map(|call| Arguments::try_parse_from(call.split('\0')));
    calls.filter_map(|parsed| parsed.unwrap_or_else(|error| panic!("{line}\n{error}")).command).collect()
}

/// What each `etude sample` of `line` was given.
fn in_a_shell(line: &str) -> Vec<super::sample::SampleArgs> {
    let sample = |command| match command {
        Command::Sample(args) => *args,
        other => panic!("{line}\nexpected a sampling, got {other:?}"),
    };
    commands(line).into_iter().map(sample).collect()
}

/// Controls that between them have every option in every state.
fn all_controls() -> Vec<Controls> {
    let list = Spacing::List(vec![0, 100, 500]);
    let spacings = [None, Some(Spacing::Quadratic), Some(Spacing::Trailing), Some(list)];
    let mut all = Vec::new();
    for (i, preset) in [Preset::Etude, Preset::Official, Preset::Diffusers, Preset::Ddpm].into_iter().enumerate() {
        for (j, spacing) in spacings.iter().enumerate() {
            for sigma_hat in [false, true] {
                let mut controls = Controls {
                    model: "fashion".to_owned(),
                    preset,
                    steps: 7 + j,
                    eta: [0.0, 0.35, 1.0, 0.5][i],
                    sigma_hat,
                    spacing: spacing.clone(),
                    clip: [None, Some(true), Some(false)][(i + j) % 3],
                    clip_epsilon: (i + j) % 2 == 1,
                    variance: [None, Some(Variance::FixedLarge)][j % 2],
                    seed: u64::MAX - i as u64,
                    noise_seed: j as u64,
                    rng: if j % 2 == 0 { Rng::Etude } else { Rng::Torch },
                    count: 3 + i as u32,
                    size: [None, Some((32, 48))][j % 2],
                    ..Controls::default()
                };
                controls.view.device = ["auto", "cpu", "NVIDIA RTX 4090 (it's \"real\")", "cpu"][i].to_owned();
                controls.view.precision = Precision::ALL[j % 4];
                controls.view.image = 2;
                all.push(controls);
            }
        }
    }
    all
}

#[test]
fn a_trajectory_is_one_command_with_its_recipe() {
    for controls in all_controls() {
        for tab in [Tab::Trajectory, Tab::Explain] {
            let mut controls = controls.clone();
            controls.view.tab = tab;
            let line = command_line(&controls);
            let calls = in_a_shell(&line);
            let [args] = calls.as_slice() else { panic!("{line}: {} commands", calls.len()) };
            let recipe = args.recipe.prepare(16).unwrap_or_else(|error| panic!("{line}\n{error}")).recipe;
            let size = controls.size.unwrap_or((32, 32));
            let mut expected = controls.recipe(&recipe.weights_crc32, size).expect("a recipe");
            // σ̂ takes the place of η; the viewer's own settings are no options.
            (expected.viewer, expected.eta) = (None, if controls.is_posterior() { 0.0 } else { expected.eta });
            assert_eq!(recipe, expected, "{line}");
            assert_eq!(args.device.device, controls.view.device, "{line}");
            assert_eq!(Precision::from(args.device.precision), controls.view.precision, "{line}");
        }
    }
}

#[test]
fn a_comparison_has_a_command_per_cell() {
    for mut controls in all_controls() {
        controls.view.tab = Tab::Compare;
        controls.view.compare.sigma_hat = true;
        let compare = controls.view.compare.clone();
        let lines = [Axes::EtaBySeed, Axes::StepsBySpacing].map(|axes| {
            controls.view.compare.axes = axes;
            command_line(&controls)
        });
        let counts = [(compare.etas.len() + 1) * compare.seeds as usize, compare.steps.len() * compare.spacings.len()];
        for (line, count) in lines.iter().zip(counts) {
            let calls = in_a_shell(line);
            assert_eq!(calls.len(), count, "{line}");
            // One of each line: a model is loaded each time.
            calls[count / 2].recipe.prepare(16).unwrap_or_else(|error| panic!("{line}\n{error}"));
            // No two write to one file.
            let mut files: Vec<_> = calls.iter().map(|args| args.out.clone()).collect();
            files.sort();
            files.dedup();
            assert_eq!(files.len(), count, "{line}");
        }
    }
}

/// The only `etude interpolate` of a line.
fn interpolation(line: &str) -> super::interpolate::InterpolateArgs {
    match commands(line).as_slice() {
        [Command::Interpolate(args)] => (**args).clone(),
        other => panic!("{line}\nexpected one interpolation, got {other:?}"),
    }
}

#[test]
fn an_interpolation_is_one_command_with_its_recipe() {
    for mut controls in all_controls() {
        controls.view.tab = Tab::Interpolate;
        (controls.view.interpolate.eta, controls.view.interpolate.columns, controls.view.interpolate.side) = (0.25, 6, 4);
        for (grid, lerp) in [(false, true), (false, false), (true, true)] {
            (controls.view.interpolate.grid, controls.view.interpolate.lerp) = (grid, lerp);
            let line = command_line(&controls);
            let args = interpolation(&line);
            let (prepared, between) = args.prepare().unwrap_or_else(|error| panic!("{line}\n{error}"));
            let shown = &controls.view.interpolate;
            let at = |i: u32| f64::from(i) / f64::from(shown.side - 1);
            let (places, modes, columns): (Vec<[f64; 2]>, _, _) = if grid {
                ((0..16).map(|i| [at(i % 4), at(i / 4)]).collect(), &[InterpolationMode::Slerp][..], 4)
            } else {
                (shown.stops().into_iter().map(|t| [t, 0.0]).collect(), shown.modes(), 6)
            };
            assert_eq!(between, shown.between(places, modes, columns), "{line}");
            // As the picture that the panel saves makes itself again; the viewer's other settings are no options.
            let saved = controls.recipe(&prepared.recipe.weights_crc32, controls.size.unwrap_or((32, 32))).expect("a recipe");
            let expected = saved.of_between(&between).expect("a recipe");
            // Nothing of an interpolation is of the seed of the other panels.
            let got = Recipe { viewer: None, seed: expected.seed, ..prepared.recipe.clone() };
            assert_eq!(got, Recipe { viewer: None, between: Some(between), ..expected }, "{line}");
            let view = Controls::from_recipe(&prepared.recipe, &Default::default()).expect("controls").view;
            assert_eq!((view.tab, view.interpolate.grid, view.interpolate.eta), (Tab::Interpolate, grid, 0.25), "{line}");
            assert_eq!(args.device.device, controls.view.device, "{line}");
        }
    }
}

#[test]
fn a_picture_that_is_rewound_has_commands_that_encode_and_reconstruct_it() {
    for mut controls in all_controls() {
        controls.view.tab = Tab::Rewind;
        let picture = std::sync::Arc::new(etude::picture::Picture::filled(1, 1, [0; 3]));
        for (name, eta) in [(None, 0.0), (Some("a photograph.jpg"), 0.3), (Some("-x.png"), 1.0)] {
            controls.view.rewind.picture = name.map(|name| GivenPicture { name: name.to_owned(), picture: picture.clone() });
            controls.view.rewind.eta = eta;
            controls.view.rewind.refine = usize::from(eta > 0.5);
            let line = command_line(&controls);
            let made = commands(&line);
            let (expected, first) = if name.is_none() { (3, 1) } else { (2, 0) };
            assert_eq!(made.len(), expected, "{line}");
            assert!(matches!(made[first], Command::Encode(_)) && matches!(made[first + 1], Command::Reconstruct(_)), "{line}");
        }
    }
}

/// A picture in a file, encoded as nothing is by default.
fn encoded(folder: &tempfile::TempDir, name: &str) -> Encoded {
    let path = folder.path().join(name);
    let picture = std::sync::Arc::new(etude::picture::Picture::filled(48, 32, [200, 30, 90]));
    etude::picture::png::write_png(&path, &picture, None).expect("written");
    let picture = GivenPicture { name: path.display().to_string(), picture };
    Encoded { picture, steps: 4, tau: Some("quadratic".to_owned()), convention: Convention::Diffusers, refine: 3 }
}

#[test]
fn a_picture_in_the_place_of_the_seed_is_an_option() {
    let folder = tempfile::tempdir().expect("a folder");
    let encoded = encoded(&folder, "it's a picture.png");
    for mut controls in all_controls() {
        controls.encoded = Some(encoded.clone());
        let line = command_line(&controls);
        let calls = in_a_shell(&line);
        let [args] = calls.as_slice() else { panic!("{line}: {} commands", calls.len()) };
        let recipe = args.recipe.prepare(16).unwrap_or_else(|error| panic!("{line}\n{error}")).recipe;
        let made = recipe.encoded.unwrap_or_else(|| panic!("{line}: no picture"));
        assert_eq!(
            (made.steps, made.tau.as_deref(), made.convention, made.refine),
            (4, Some("quadratic"), Convention::Diffusers, 3)
        );
        // At the size of the network.
        let size = controls.size.unwrap_or((32, 32));
        assert_eq!((made.picture.picture.height as u32, made.picture.picture.width as u32), size, "{line}");
    }
    // An end of an interpolation is the file in the place of the seed.
    let mut controls = Controls { model: "fashion".to_owned(), ..Controls::default() };
    controls.view.tab = Tab::Interpolate;
    for (name, pictures) in [("it's a picture.png", [1].as_slice()), ("7, 8 and 9.png", &[0, 1])] {
        let encoded = self::encoded(&folder, name);
        for end in pictures {
            controls.view.interpolate.pictures[*end] = Some(encoded.clone());
        }
        let line = command_line(&controls);
        let (_, between) = interpolation(&line).prepare().unwrap_or_else(|error| panic!("{line}\n{error}"));
        let made: Vec<_> = between.ends.iter().filter_map(|end| end.picture()).collect();
        assert!(between.ends.len() == 2 && made.len() == pictures.len(), "{line}");
        for made in made {
            let facts = (made.steps, made.tau.as_deref(), made.convention, made.refine);
            assert_eq!(facts, (4, Some("quadratic"), Convention::Diffusers, 3), "{line}");
        }
    }
}

#[test]
fn a_race_has_a_command_for_each_side() {
    use etude::app::state::race::{Method, Racer};
    for mut controls in all_controls() {
        controls.view.tab = Tab::Race;
        for method in [Method::Eta, Method::SigmaHat, Method::Ddpm] {
            controls.view.race.sides[1] = Racer { method, steps: 30, eta: 1.0 };
            let line = command_line(&controls);
            let calls = in_a_shell(&line);
            let [a, b] = calls.as_slice() else { panic!("{line}: {} commands", calls.len()) };
            let [a, b] = [a, b].map(|args| args.recipe.prepare(16).unwrap_or_else(|error| panic!("{line}\n{error}")).recipe);
            assert_eq!((a.steps, a.eta, a.sigma_hat, b.steps), (20, 0.0, false, 30), "{line}");
            assert_eq!((b.sigma_hat, b.preset == "ddpm"), (method == Method::SigmaHat, method == Method::Ddpm), "{line}");
            assert_eq!((a.seed, a.first, a.count, a.noise), (b.seed, b.first, b.count, b.noise), "{line}");
            assert_ne!(calls[0].out, calls[1].out);
        }
    }
}

#[test]
fn a_models_folder_may_have_any_name() {
    for model in ["my models/it's", "$HOME", "a\"b", "модель", "-x", "two\nlines"] {
        let line = command_line(&Controls { model: model.to_owned(), ..Controls::default() });
        let calls = in_a_shell(&line);
        assert_eq!(calls.iter().map(|args| args.recipe.model.model.as_deref()).collect::<Vec<_>>(), [Some(model)], "{line}");
    }
}

#[test]
fn a_tree_has_a_command_for_each_row_and_one_that_measures() {
    let fork = |t, noise_seed, eta, steps| Fork { t, noise_seed, eta, steps };
    // Steps of the tests' S = 7 to 10 and of their list: from 500 down there is room everywhere.
    let branches =
        vec![vec![fork(500, Some(9), None, None)], vec![fork(500, Some(9), Some(0.5), Some(2)), fork(120, None, Some(1.0), None)]];
    for mut controls in all_controls() {
        controls.view.tab = Tab::Fork;
        controls.view.fork.branches.clone_from(&branches);
        for measure in [false, true] {
            controls.view.fork.measure = measure;
            let line = command_line(&controls);
            let made = commands(&line);
            assert_eq!(made.len(), 3 + usize::from(measure), "{line}");
            for (command, forks) in made.iter().zip([Vec::new(), branches[0].clone(), branches[1].clone()]) {
                let Command::Sample(args) = command else { panic!("{line}") };
                let recipe = args.recipe.prepare(16).unwrap_or_else(|error| panic!("{line}\n{error}")).recipe;
                assert_eq!(recipe.forks, forks, "{line}");
            }
            assert!(!measure || matches!(made[3], Command::Forks(_)), "{line}");
        }
    }
}

#[test]
fn a_run_with_forks_and_other_noise_in_some_steps_is_one_command() {
    let mut controls = Controls { model: "fashion".to_owned(), steps: 10, eta: 1.0, ..Controls::default() };
    controls.forks = vec![Fork { t: 500, noise_seed: Some(u64::MAX), eta: Some(0.25), steps: Some(3) }];
    controls.step_seeds = vec![StepSeed { from: 900, to: 700, seed: 4 }, StepSeed::at(500, 7)];
    let line = command_line(&controls);
    let calls = in_a_shell(&line);
    let recipe = calls[0].recipe.prepare(16).unwrap_or_else(|error| panic!("{line}\n{error}")).recipe;
    assert_eq!((recipe.forks, recipe.step_seeds), (controls.forks, controls.step_seeds), "{line}");
}
