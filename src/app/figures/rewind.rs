//! A picture's way up to x_T and back: its steps, what it came back as, the error at each S and the numbers of x_T.

use super::{Content, Saved, missing};
use crate::{
    app::{
        panels::{film_strip, rewind},
        state::{State, command::Export, figure_request::Part, written::plain},
    },
    error::{Error, Result},
    figure::{Axis, Label, Plot, Role, Series, Style, Table},
    picture::{
        Picture,
        reconstruction::{self, ENLARGED, PAPER},
    },
};
use std::sync::Arc;

/// Steps of a strip.
const COLUMNS: usize = 11;

/// What is drawn of the panel.
pub(super) fn content(state: &State, part: Part) -> Result<(Saved<'_>, Content)> {
    let view = rewind::View::new(&state.runs);
    let done = |shown: rewind::Rewound<'_>| Some((shown.x_0()?, shown.drawn()?));
    let (shown, (x_0, drawn)) = view.find(|shown| shown.back().and_then(|_| done(shown))).ok_or_else(missing)?;
    let (up, back) = (shown.up().ok_or_else(missing)?, shown.back().ok_or_else(missing)?);
    let controls = &shown.run.controls;
    let of = &controls.view.rewind;
    let model = shown.run.plan.as_ref().map_or("", |plan| &plan.model.name);
    let error = back.mse.map_or(String::new(), |mse| format!(", error {}", rewind::error_text(mse)));
    let caption = format!("{model}, S = {}, η = {} on the way back{error}", shown.steps(), plain(of.eta));
    let title = "A picture encoded to its x_T and decoded".to_owned();
    let picture = |x: &[f32]| Some(Arc::new(drawn.image(x)));
    let table = match part {
        Part::Picture => {
            Table { title, columns: vec!["decoded".into()], cells: vec![picture(&back.x)], width: 1, caption, ..Table::default() }
        }
        Part::Sheet => {
            let difference = reconstruction::difference(&back.x, &up.start);
            let names = ["picture", "encoded: x_T", "decoded", &format!("difference × {ENLARGED}")];
            let columns = names.map(|name| Label { text: name.to_owned(), short: name.to_owned() }).to_vec();
            let cells = vec![Some(Arc::new(x_0)), picture(&up.x), picture(&back.x), picture(&difference)];
            Table { title, columns, cells, width: 4, caption, ..Table::default() }
        }
        Part::Curve => {
            let errors = Plot { caption: caption.clone(), ..errors(shown)? };
            return Ok((Saved::new(state, shown.run, Export::Sheet), Content::Plots(vec![errors, histogram(&up.x, caption)])));
        }
        _ => {
            let positions = film_strip::positions_up_to(shown.steps(), COLUMNS);
            let x_0 = Arc::new(x_0);
            let going_up = positions.iter().map(|at| if *at == 0 { Some(x_0.clone()) } else { shown.going_up(*at).cloned() });
            let coming_back = positions.iter().map(|at| shown.coming_back(*at).cloned());
            let cells: Vec<Option<Arc<Picture>>> = going_up.chain(coming_back).collect();
            let columns = positions.iter().map(|at| match shown.timestep(*at) {
                Some(t) => Label { text: format!("t = {t}"), short: t.to_string() },
                None => "x_0".into(),
            });
            let columns = columns.collect();
            Table {
                title,
                rows: vec!["up".into(), "back".into()],
                columns,
                columns_share: "t".to_owned(),
                cells,
                width: positions.len(),
                caption,
                ..Table::default()
            }
        }
    };
    let export = match part {
        Part::Picture => Export::Picture,
        Part::Sheet => Export::Sheet,
        _ => Export::Strip,
    };
    Ok((Saved::new(state, shown.run, export), Content::Table(table)))
}

/// The error at each S, both as powers of ten, beside the paper's.
fn errors(shown: rewind::Rewound<'_>) -> Result<Plot> {
    let points: Vec<[f64; 2]> = shown.errors().into_iter().map(|(steps, error)| [steps as f64, error]).collect();
    if points.is_empty() {
        return Err(Error::argument("figure: expected measured errors, got none yet; wait for the way back"));
    }
    let printed: Vec<[f64; 2]> = PAPER.iter().map(|(steps, error)| [*steps as f64, *error]).collect();
    let unit = "mean square error per dimension, pixels in [0, 1]";
    let series =
        |name: &str, points, style, role| Series { name: name.to_owned(), column: format!("{unit}: {name}"), points, style, role };
    Ok(Plot {
        title: "Error against S".to_owned(),
        x: Axis {
            label: "S".to_owned(),
            column: "S [steps]".to_owned(),
            is_logarithmic: true,
            marks: PAPER.map(|(steps, _)| (steps as f64, steps.to_string())).to_vec(),
            ..Axis::default()
        },
        y: Axis { label: "mean square error".to_owned(), column: unit.to_owned(), is_logarithmic: true, ..Axis::default() },
        series: vec![
            series("paper, CIFAR-10", printed, Style::Dashed, Role::Direction),
            series("measured", points, Style::LineAndDots, Role::X0),
        ],
        ..Plot::default()
    })
}

/// How the numbers of x_T are spread, beside the density of N(0, 1).
fn histogram(x: &[f32], caption: String) -> Plot {
    let bins = rewind::density(x).into_iter().enumerate().map(|(bin, share)| [rewind::middle(bin), share]).collect();
    let normal = (-40..=40).map(|i| f64::from(i) / 10.0).map(|x| [x, rewind::gaussian(x)]).collect();
    let unit = "density";
    Plot {
        title: "Numbers of x_T".to_owned(),
        x: Axis { label: "value".to_owned(), column: "value of x_T [1]".to_owned(), range: Some([-4.0, 4.0]), ..Axis::default() },
        y: Axis { label: unit.to_owned(), column: unit.to_owned(), range: Some([0.0, 0.45]), ..Axis::default() },
        series: vec![
            Series {
                name: "x_T".to_owned(),
                column: "density of x_T [1]".to_owned(),
                points: bins,
                style: Style::Bars,
                role: Role::X0,
            },
            Series {
                name: "N(0, 1)".to_owned(),
                column: "density of N(0, 1) [1]".to_owned(),
                points: normal,
                role: Role::Direction,
                ..Series::default()
            },
        ],
        caption,
        ..Plot::default()
    }
}
