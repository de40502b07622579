//! Figures: chosen in their window by name, saved, and read back.

use super::{Under, finished, short, wait, window_in};
use eframe::egui;
use egui_kittest::{Harness, kittest::Queryable};
use etude::{
    app::{
        Command, Controls, Start, headless,
        state::{
            figure_request::{FigureRequest, Format, parts},
            run_requests::Purpose,
            view_settings::Tab,
        },
    },
    picture::recipe::read_recipe,
    recipe::Recipe,
    schedule::Fork,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn window_saving_in(folder: &Path, controls: Controls) -> Harness<'static, Under> {
    window_in(Start { controls: Some(controls), save_folder: Some(folder.to_owned()), ..Start::default() })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path());
    let mut all: Vec<_> = all.filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("etude-"))).collect();
    all.sort();
    all
}

fn click(harness: &mut Harness<'_, Under>, name: &str) {
    harness.get_by_label(name).click();
    settle(harness);
}

/// A window that was just opened is measured first and seen in the frame after.
fn settle(harness: &mut Harness<'_, Under>) {
    for _ in 0..4 {
        harness.step();
    }
}

/// Clicks the window's button; the new file.
fn save(harness: &mut Harness<'_, Under>, folder: &Path, name: &str) -> PathBuf {
    let before = files(folder);
    click(harness, name);
    wait(harness, name, |_| files(folder).len() > before.len());
    files(folder).into_iter().find(|path| !before.contains(path)).expect("a new file")
}

#[test]
fn a_strip_is_chosen_by_name_and_saved_in_each_format_with_its_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_saving_in(folder.path(), Controls { eta: 0.4, ..short() });
    wait(&mut harness, "the run", finished);
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Look(4), 0.0);
    click(&mut harness, "Save");
    click(&mut harness, "Figure …");
    click(&mut harness, "figure of film strip");
    click(&mut harness, "figure as SVG");
    let svg = save(&mut harness, folder.path(), "Save SVG");
    let text = fs::read_to_string(&svg).expect("text");
    // x_t above x̂0 at each of 10 steps and the sample.
    assert_eq!(text.matches("<image ").count(), 22);
    assert!(text.contains(">, image 0<") || text.contains(", image 0"), "the caption");
    click(&mut harness, "figure as PDF");
    let pdf = save(&mut harness, folder.path(), "Save PDF");
    click(&mut harness, "figure as PNG");
    click(&mut harness, "dark page");
    let png = save(&mut harness, folder.path(), "Save PNG");
    for path in [svg, pdf, png] {
        let recipe = read_recipe(&path).expect("readable").expect("a recipe inside");
        let recipe = Recipe::from_json(&recipe).expect("a recipe");
        assert_eq!((recipe.eta, recipe.image), (0.4, Some(0)), "{}", path.display());
        // Dropped on another window, it shows the very step.
        let mut other = window_saving_in(folder.path(), short());
        wait(&mut other, "the run", finished);
        other.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Open(path), 1.0);
        wait(&mut other, "the recipe", |viewer| viewer.state.controls.eta == 0.4);
        assert_eq!(other.state().viewer().state.playhead.position(), 0.4);
        assert_eq!(other.state().viewer().state.controls.view.at, None);
    }
}

#[test]
fn explain_saves_its_curves_as_numbers_and_its_equation_as_latex() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut controls = Controls { eta: 1.0, ..short() };
    controls.view.tab = Tab::Explain;
    let mut harness = window_saving_in(folder.path(), controls);
    wait(&mut harness, "the run", finished);
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::Look(4), 0.0);
    harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::ShowFigure(true), 0.0);
    settle(&mut harness);
    click(&mut harness, "figure of curves");
    click(&mut harness, "figure as CSV");
    let text = fs::read_to_string(save(&mut harness, folder.path(), "Save CSV")).expect("text");
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().expect("a header").split(',').collect();
    assert_eq!(heads[..3], ["t [timestep]", "alpha_bar [1]", "log-SNR [nat]"]);
    let schedule = harness.state().viewer().state.schedule().expect("a schedule").clone();
    let row = |t: u32| -> Vec<String> {
        let line = text.lines().find(|line| line.starts_with(&format!("{t},"))).expect("a row");
        line.split(',').map(str::to_owned).collect()
    };
    let (step, sigma) = (&schedule.steps[4], heads.iter().position(|head| *head == "sigma of this run [1]").expect("σ"));
    let row = row(step.t);
    assert_eq!(row[1].parse::<f64>().expect("a number"), step.alpha_bar_t);
    assert_eq!(row[sigma].parse::<f64>().expect("a number"), step.sigma);
    click(&mut harness, "figure of equation");
    click(&mut harness, "figure as LaTeX");
    let tex = fs::read_to_string(save(&mut harness, folder.path(), "Save LaTeX")).expect("text");
    for part in [r"\begin{align*}", r"\sqrt{\bar{\alpha}_{s}}", &format!("x_{{{}}}", step.t), r"\hat{x}_{0}"] {
        assert!(tex.contains(part), "{part}\n{tex}");
    }
    assert_eq!(tex.matches('{').count(), tex.matches('}').count());
}

/// What the window saves and what the program makes without one are the same bytes, in every panel, part and format.
#[test]
fn every_figure_of_every_panel_is_made_with_and_without_a_window() {
    let folder = tempfile::tempdir().expect("a folder");
    for tab in [Tab::Trajectory, Tab::Explain, Tab::Compare, Tab::Interpolate, Tab::Rewind, Tab::Fork] {
        let mut controls = Controls { model: "fashion".to_owned(), steps: 4, eta: 0.5, ..short() };
        controls.view.tab = tab;
        controls.view.ahead = false;
        (controls.view.interpolate.columns, controls.view.compare.seeds) = (3, 2);
        (controls.view.compare.etas, controls.view.rewind.steps) = (vec![0.0, 1.0], vec![2]);
        controls.view.compare.enlarged = Some([1, 1]);
        controls.view.fork.branches = vec![vec![Fork { t: 600, noise_seed: Some(9), ..Fork::default() }]];
        let mut harness = window_saving_in(folder.path(), controls.clone());
        wait(&mut harness, "the runs", |viewer| {
            finished(viewer)
                && (tab != Tab::Interpolate || viewer.state.runs.current(Purpose::Focus).is_some_and(|run| run.finished))
        });
        let at = harness.state().viewer().state.open_playhead().position();
        for (part, name) in parts(tab) {
            for format in part.formats() {
                let request = FigureRequest { part: *part, format: *format, scale: 1, ..FigureRequest::default() };
                let before = files(folder.path());
                harness.state_mut().viewer_mut().apply_command(&egui::Context::default(), Command::SaveFigure(request), 0.0);
                wait(&mut harness, &format!("{name} as {}", format.name()), |viewer| {
                    assert!(
                        !viewer.state.messages.texts().any(|text| text.starts_with("figure:") || text.starts_with("save:")),
                        "{name}"
                    );
                    files(folder.path()).len() > before.len()
                });
                let path = files(folder.path()).into_iter().find(|path| !before.contains(path)).expect("a file");
                let made = headless::figure(&controls, at, &request, &mut |_| true).expect("a figure");
                // A PDF says when and by which number it was made.
                if *format != Format::Pdf && *format != Format::Csv && tab != Tab::Rewind {
                    assert!(fs::read(&path).expect("readable") == made, "{name} as {}", format.name());
                }
            }
        }
    }
}
