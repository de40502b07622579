//! The steps of a request's groups, all of them or as many as a draft has time for.

use super::{
    event::ModelFacts,
    request::{Budget, Group, Request},
};
use crate::{
    error::Result,
    schedule::{Schedule, ScheduleRequest},
};
use std::{sync::Arc, time::Duration};

/// The steps of each group of `request`. In a draft they are as many as `budget` has room for where an evaluation takes so long; a branch
/// has as many of the stem's as its stem.
///
/// # Errors
/// S, η, τ or a fork out of range.
pub(super) fn schedules(
    request: &Request,
    facts: &ModelFacts,
    draft: Option<(Budget, Option<Duration>)>,
) -> Result<Vec<Arc<Schedule>>> {
    let mut thin: Vec<Option<usize>> = Vec::new();
    let mut schedule = |group: &Group| {
        let whole = whole(request, group, facts)?;
        let wanted = whole.steps.len();
        let steps = match (group.stem()?, draft) {
            (Some((stem, _)), _) => thin.get(stem).copied().flatten(),
            (None, Some((budget, time))) => {
                Some(budget.steps(wanted, time.map(|time| time * evaluations(group)))).filter(|steps| *steps != wanted)
            }
            (None, None) => None,
        };
        thin.push(steps);
        // Placed as τ places them.
        let placed = |steps: usize| made(group, facts, &asked(request, group, facts).thinned(steps), true);
        steps.map_or(Ok(whole), placed).map(Arc::new)
    };
    request.groups.iter().map(&mut schedule).collect()
}

/// All steps that a group asks for.
///
/// # Errors
/// As [`schedules`].
pub(super) fn whole(request: &Request, group: &Group, facts: &ModelFacts) -> Result<Schedule> {
    made(group, facts, &asked(request, group, facts), request.fit_steps)
}

/// What a group asks for, with no more steps than the model has.
fn asked(request: &Request, group: &Group, facts: &ModelFacts) -> ScheduleRequest {
    ScheduleRequest { steps: group.schedule.steps.min(request.max_steps(facts)), ..group.schedule.clone() }
}

/// Up to x_T or down from it. Where it is asked to `fit`, forks are moved into the run.
fn made(group: &Group, facts: &ModelFacts, asked: &ScheduleRequest, fit: bool) -> Result<Schedule> {
    if let Some(encode) = group.encode {
        return Schedule::encode(&facts.scheduler, asked.steps, asked.spacing.clone(), encode.at, asked.preset);
    }
    if !fit || asked.forks.is_empty() && asked.step_seeds.is_empty() {
        return Schedule::new(&facts.scheduler, asked);
    }
    let stem = Schedule::new(&facts.scheduler, &asked.stem())?;
    Schedule::new(&facts.scheduler, &asked.fitted(&stem.steps))
}

/// Evaluations of the network in a step.
fn evaluations(group: &Group) -> u32 {
    1 + group.encode.map_or(0, |encode| encode.refine.min(1000) as u32)
}
