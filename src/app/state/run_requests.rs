//! From controls to requests: which runs a panel needs.

use super::{
    controls::Controls,
    fork_requests,
    racers::racer_controls,
    view_settings::{Axes, Tab},
    written::plain,
};
use crate::{
    error::Result,
    schedule::{ScheduleRequest, Spacing},
    session::{Budget, EncodeBy, Group, Keep, Kind, Latent, Member, Order, Request},
};
use std::{array, time::Duration};

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The batch, step by step: panels Trajectory and Explain.
    Trajectory,
    /// The grid of the Compare panel.
    Compare,
    /// The strip or grid of the Interpolate panel.
    Between,
    /// The way up to x_T and back of the Rewind panel, then the same at other S.
    Rewind,
    /// The two samplers of the Race panel.
    Race,
    /// The picture that is pinned as A.
    Pinned,
    /// The stem and its branches of the Fork panel.
    Fork,
    /// From many steps on, with several noise seeds: when the picture is decided.
    Decided,
    /// The one picture that is looked at, before all others: the enlarged image of the batch, the interpolation's position.
    Focus,
    /// The same in fewer steps, while a control moves.
    Draft,
    /// The same for values that a control may be moved to next, while there is nothing else to do.
    Ahead,
}

/// A draft lasts no longer than this, so that one follows the other as the eye expects; while S itself moves it takes all S wherever that
/// lasts no longer than [`WHOLE`], since S is what one wants to see.
const DRAFT: Duration = Duration::from_millis(80);
const WHOLE: Duration = Duration::from_millis(400);

/// Which control moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Touched {
    /// η.
    #[default]
    Eta,
    /// S.
    Steps,
    /// Where one looks along an interpolation.
    Position,
    /// Another.
    Other,
}

impl Touched {
    /// What a draft may take while it moves.
    pub(crate) fn budget(self) -> Budget {
        Budget { within: DRAFT, whole_within: if self == Self::Steps { WHOLE } else { DRAFT } }
    }
}

impl Purpose {
    /// What the open panel shows.
    pub fn of(tab: Tab) -> Self {
        match tab {
            Tab::Trajectory | Tab::Explain => Self::Trajectory,
            Tab::Compare => Self::Compare,
            Tab::Interpolate => Self::Between,
            Tab::Rewind => Self::Rewind,
            Tab::Fork => Self::Fork,
            Tab::Race => Self::Race,
        }
    }
}

/// The run that `purpose` needs under `controls`.
///
/// # Errors
/// A device name that cannot be understood.
pub fn request(id: u64, purpose: Purpose, controls: &Controls) -> Result<Request> {
    let focus = matches!(purpose, Purpose::Focus | Purpose::Draft | Purpose::Ahead);
    let step_by_step = matches!(controls.view.tab, Tab::Trajectory | Tab::Explain);
    let groups = match purpose {
        Purpose::Trajectory => vec![trajectory(controls)],
        Purpose::Compare => compare(controls),
        Purpose::Between => between(controls),
        Purpose::Rewind => rewind(controls, &rewound_steps(controls)),
        Purpose::Race => race(controls),
        Purpose::Pinned => vec![enlarged(controls)],
        Purpose::Fork => fork_requests::tree(controls),
        Purpose::Decided => fork_requests::measurement(controls),
        // A draft is one of the whole tree.
        _ if controls.view.tab == Tab::Fork => fork_requests::tree(controls),
        // Its draft goes up and back at the controls' own S alone.
        _ if controls.view.tab == Tab::Rewind => rewind(controls, &[controls.step_count()]),
        _ if step_by_step => vec![enlarged(controls)],
        _ => vec![point(controls)],
    };
    Ok(Request {
        id,
        model: controls.model.clone(),
        device: controls.device()?,
        precision: controls.precision(),
        size: controls.size,
        class: controls.class,
        groups,
        keep: match purpose {
            Purpose::Rewind => Keep::Rewind { strip: strip_group(controls) },
            _ if focus && controls.view.tab == Tab::Rewind => Keep::Rewind { strip: strip_group(controls) },
            Purpose::Trajectory | Purpose::Pinned => Keep::Trajectory,
            Purpose::Fork => Keep::Tree,
            Purpose::Compare => Keep::Grid,
            _ if focus && step_by_step => Keep::Trajectory,
            _ if focus && controls.view.tab == Tab::Fork => Keep::Tree,
            _ => Keep::Latest,
        },
        order: match purpose {
            Purpose::Race => Order::EqualTime,
            // Of a tree the stem's end is seen first.
            Purpose::Draft if controls.view.tab == Tab::Fork => Order::First(0),
            _ => Order::Together,
        },
        fit_steps: false,
        kind: match purpose {
            Purpose::Draft => Kind::Draft(Touched::default().budget()),
            Purpose::Ahead => Kind::Ahead,
            _ => Kind::Full,
        },
    })
}

fn trajectory(controls: &Controls) -> Group {
    let member = |image| Member { latent: controls.latent(image), noise_seed: controls.noise_seed, image };
    Group {
        schedule: controls.schedule(),
        members: (controls.first..controls.first + controls.count).map(member).collect(),
        encode: None,
    }
}

/// The enlarged image alone.
fn enlarged(controls: &Controls) -> Group {
    let image = controls.image_number();
    let member = Member { latent: controls.latent(image), noise_seed: controls.noise_seed, image };
    Group { schedule: controls.schedule(), members: vec![member], encode: None }
}

/// A group for each side, of the enlarged image alone.
fn race(controls: &Controls) -> Vec<Group> {
    let side = |side| Group { schedule: racer_controls(controls, side).schedule(), ..enlarged(controls) };
    vec![side(0), side(1)]
}

/// The rows of the Compare panel, each with its name: η = …, σ̂, or S = ….
pub fn compare_rows(controls: &Controls) -> Vec<(String, ScheduleRequest)> {
    let (compare, base) = (&controls.view.compare, controls.schedule().stem());
    match compare.axes {
        Axes::EtaBySeed => {
            // Its columns are seeds of the noise, of which torch's has none.
            let base = ScheduleRequest { noise: Some(controls.own_noise()), preset: base.preset.with_eta(), ..base };
            let eta = |eta: &f64| (format!("η = {}", plain(*eta)), ScheduleRequest { eta: *eta, sigma_hat: false, ..base.clone() });
            let mut rows: Vec<_> = compare.etas.iter().map(eta).collect();
            if compare.sigma_hat {
                rows.push(("σ̂".to_owned(), ScheduleRequest { sigma_hat: true, ..base }));
            }
            rows
        }
        Axes::StepsBySpacing => {
            let steps = |steps: &usize| (format!("S = {steps}"), ScheduleRequest { steps: *steps, ..base.clone() });
            compare.steps.iter().map(steps).collect()
        }
    }
}

/// Columns of the Compare panel.
pub(crate) fn compare_columns(controls: &Controls) -> usize {
    match controls.view.compare.axes {
        Axes::EtaBySeed => controls.view.compare.seeds as usize,
        Axes::StepsBySpacing => controls.view.compare.spacings.len(),
    }
}

/// The controls of the trajectory that makes a cell's picture.
pub(crate) fn cell_controls(controls: &Controls, row: usize, column: usize) -> Option<Controls> {
    let (_, schedule) = compare_rows(controls).into_iter().nth(row)?;
    let mut cell = controls.stem();
    cell.view.tab = Tab::Trajectory;
    match controls.view.compare.axes {
        Axes::EtaBySeed => {
            (cell.eta, cell.sigma_hat, cell.preset) = (schedule.eta, schedule.sigma_hat, schedule.preset);
            cell.set_noise(schedule.noise.unwrap_or(controls.own_noise()));
            cell.noise_seed = controls.noise_seed.wrapping_add(column as u64);
        }
        Axes::StepsBySpacing => {
            cell.steps = schedule.steps;
            cell.spacing = Some(controls.view.compare.spacings.get(column)?.parse().ok()?);
        }
    }
    Some(cell)
}

/// With rows of η one group per row. With rows of S one group per cell, row by row, as each cell has its own steps.
fn compare(controls: &Controls) -> Vec<Group> {
    let compare = &controls.view.compare;
    let image = controls.image_number();
    let latent = controls.latent(image);
    let rows = compare_rows(controls).into_iter();
    match compare.axes {
        Axes::EtaBySeed => rows
            .map(|(_, schedule)| {
                let member =
                    |j| Member { latent: latent.clone(), noise_seed: controls.noise_seed.wrapping_add(u64::from(j)), image };
                Group { schedule, members: (0..compare.seeds).map(member).collect(), encode: None }
            })
            .collect(),
        Axes::StepsBySpacing => rows
            .flat_map(|(_, schedule)| {
                let latent = &latent;
                compare.spacings.iter().map(move |name| Group {
                    schedule: ScheduleRequest { spacing: name.parse::<Spacing>().ok(), ..schedule.clone() },
                    members: vec![Member { latent: latent.clone(), noise_seed: controls.noise_seed, image }],
                    encode: None,
                })
            })
            .collect(),
    }
}

/// The schedule of the Interpolate panel: its own η.
fn interpolated(controls: &Controls) -> ScheduleRequest {
    // Its x_T is not torch's.
    let noise = Some(controls.own_noise());
    let preset = controls.preset.with_eta();
    ScheduleRequest { preset, eta: controls.view.interpolate.eta, sigma_hat: false, noise, ..controls.schedule().stem() }
}

/// A strip has one group per mode (slerp, lerp); a grid has a single group, row by row. All images get the noise of image 0, so
/// that they differ in x_T alone.
fn between(controls: &Controls) -> Vec<Group> {
    let interpolate = &controls.view.interpolate;
    let group = |latents: Vec<Latent>| Group {
        schedule: interpolated(controls),
        members: latents.into_iter().map(|latent| Member { latent, noise_seed: controls.noise_seed, image: 0 }).collect(),
        encode: None,
    };
    if interpolate.grid {
        let side = interpolate.side.max(2);
        let at = |i: u32| f64::from(i) / f64::from(side - 1);
        let cell = |i: u32| Latent::Grid { ends: array::from_fn(|end| interpolate.end(end)), u: at(i % side), v: at(i / side) };
        return vec![group((0..side * side).map(cell).collect())];
    }
    let between = |t: f64, mode: &_| Latent::Between { ends: array::from_fn(|end| interpolate.end(end)), t, mode: *mode };
    let strip = |mode: &_| group(interpolate.stops().into_iter().map(|t| between(t, mode)).collect());
    interpolate.modes().iter().map(strip).collect()
}

/// The large picture: one member per mode.
fn point(controls: &Controls) -> Group {
    let interpolate = &controls.view.interpolate;
    let [u, v] = interpolate.position;
    let latents: Vec<Latent> = if interpolate.grid {
        vec![Latent::Grid { ends: array::from_fn(|end| interpolate.end(end)), u, v }]
    } else {
        let between = |mode: &_| Latent::Between { ends: array::from_fn(|end| interpolate.end(end)), t: u, mode: *mode };
        interpolate.modes().iter().map(between).collect()
    };
    Group {
        schedule: interpolated(controls),
        members: latents.into_iter().map(|latent| Member { latent, noise_seed: controls.noise_seed, image: 0 }).collect(),
        encode: None,
    }
}

/// The number of the Rewind panel's group that goes up in S steps; the way back is the next one. Before it a sample may be drawn.
pub(crate) fn strip_group(controls: &Controls) -> usize {
    usize::from(controls.view.rewind.picture.is_none())
}

/// Each S at which the Rewind panel encodes and decodes: the controls' own first.
pub(crate) fn rewound_steps(controls: &Controls) -> Vec<usize> {
    let own = controls.step_count();
    std::iter::once(own).chain(controls.view.rewind.steps.iter().copied().filter(|steps| *steps != own)).collect()
}

/// For each S a group that goes up from the picture and one that comes back, after the one that draws the picture, where none is given.
fn rewind(controls: &Controls, all_steps: &[usize]) -> Vec<Group> {
    let rewind = &controls.view.rewind;
    let (at, preset) = rewind.convention.steps();
    let (mut groups, start, image) = match &rewind.picture {
        Some(given) => (Vec::new(), Latent::Picture(given.picture.clone()), 0),
        None => (vec![enlarged(controls)], Latent::EndOf { group: 0, member: 0 }, controls.image_number()),
    };
    let member = |latent| vec![Member { latent, noise_seed: controls.noise_seed, image }];
    for (number, steps) in all_steps.iter().copied().enumerate() {
        // A τ by hand has its own number of steps.
        let spacing = controls.spacing.clone().filter(|spacing| number == 0 || !matches!(spacing, Spacing::List(_)));
        let schedule = ScheduleRequest { preset, steps, spacing, ..ScheduleRequest::default() };
        let up = groups.len();
        let encode = Some(EncodeBy { at, refine: rewind.refine });
        groups.push(Group { schedule: schedule.clone(), members: member(start.clone()), encode });
        let back = ScheduleRequest { eta: rewind.eta, ..schedule };
        groups.push(Group { schedule: back, members: member(Latent::EndOf { group: up, member: 0 }), encode: None });
    }
    groups
}
