//! What a branch has of its own, before its row: where it leaves, its noise seed, η and steps.

use super::view::View;
use crate::{
    app::{
        state::{controls::Controls, written::plain},
        widgets::tile::named,
    },
    schedule::{Fork, Schedule},
};
use eframe::egui::{DragValue, Ui, vec2};

/// What the controls of a row ask for.
pub(super) enum Asked {
    /// Another fork.
    Change(Fork),
    /// To be removed.
    Remove,
}

/// Draws the controls of branch `number`.
pub(super) fn branch_ui(ui: &mut Ui, view: &View<'_>, draft: &Controls, number: usize) -> Option<Asked> {
    let tree = &draft.view.fork;
    let forks = &tree.branches[number];
    let mut fork = *forks.last()?;
    let (parent, _) = tree.parent(number);
    let of_parent = view.schedule(ui.ctx(), draft, parent);
    let before = fork;
    let mut removed = false;
    let name = format!("branch {}", number + 1);
    ui.spacing_mut().item_spacing = vec2(3.0, 2.0);
    ui.horizontal(|ui| {
        if let Some(schedule) = &of_parent {
            timestep_ui(ui, schedule, &mut fork, &name);
        }
        let mut seed = fork.noise_seed.unwrap_or(draft.noise_seed);
        let drag = ui.add(DragValue::new(&mut seed).prefix("noise ").speed(0.05));
        if named(drag, format!("noise seed of {name}"), "Seed of the noise from the fork on").changed() {
            fork.noise_seed = Some(seed);
        }
    });
    ui.horizontal(|ui| {
        // What an earlier fork has set holds until another does.
        let inherited = forks.iter().rev().find_map(|fork| fork.eta).unwrap_or(draft.eta);
        let mut eta = inherited;
        let drag = DragValue::new(&mut eta).range(0.0..=1.0).speed(0.01).max_decimals(2).prefix("η ");
        let drag = ui.add(drag.custom_formatter(|eta, _| plain(eta)));
        if named(drag, format!("η of {name}"), "η from the fork on: 0 adds no noise, 1 as much as DDPM").changed() {
            fork.eta = Some(eta);
        }
        if let Some((mut steps, most)) =
            view.schedule(ui.ctx(), draft, Some(number)).and_then(|schedule| steps_left(&schedule, forks))
        {
            let drag = ui.add(DragValue::new(&mut steps).range(1..=most).speed(0.1).suffix(" steps"));
            if named(drag, format!("steps of {name}"), "Steps from the fork to the end, spread as τ is").changed() {
                fork.steps = Some(steps);
            }
        }
        removed = named(ui.small_button("×"), format!("remove {name}"), "Remove this branch").clicked();
    });
    if removed {
        return Some(Asked::Remove);
    }
    (fork != before).then_some(Asked::Change(fork))
}

/// Where the branch leaves: at one of the timesteps of `schedule`.
fn timestep_ui(ui: &mut Ui, schedule: &Schedule, fork: &mut Fork, name: &str) {
    let steps: Vec<u32> = schedule.steps.iter().map(|step| step.t).collect();
    let Some(last) = steps.len().checked_sub(1) else { return };
    let before = steps.iter().position(|t| *t <= fork.t).unwrap_or(last);
    let mut index = before;
    let (written, parsed) = (steps.clone(), steps.clone());
    let drag = DragValue::new(&mut index)
        .range(0..=last)
        .speed(0.1)
        .prefix("t ")
        .custom_formatter(move |index, _| written.get(index as usize).map_or_else(String::new, u32::to_string))
        .custom_parser(move |text| {
            let t: f64 = text.trim().parse().ok()?;
            let near = parsed.iter().enumerate().min_by(|a, b| (f64::from(*a.1) - t).abs().total_cmp(&(f64::from(*b.1) - t).abs()));
            near.map(|(index, _)| index as f64)
        });
    let hover = "The timestep at which it leaves: until there it is the row that it comes from";
    if named(ui.add(drag), format!("timestep of {name}"), hover).changed() && index != before {
        fork.t = steps[index.min(last)];
    }
}

/// Steps of a branch from its fork on, and the most there can be.
fn steps_left(schedule: &Schedule, forks: &[Fork]) -> Option<(usize, usize)> {
    let t = forks.last()?.t;
    let start = schedule.steps.iter().position(|step| step.t <= t)?;
    let (first, last) = (schedule.steps.get(start)?.t, schedule.steps.last()?.t);
    Some((schedule.steps.len() - start, (first - last) as usize + 1))
}

#[cfg(test)]
mod tests {
    use super::{Fork, steps_left};
    use crate::schedule::{Schedule, ScheduleRequest, SchedulerConfig};

    #[test]
    fn steps_are_counted_from_the_fork() {
        let fork = Fork { t: 500, steps: Some(7), ..Fork::default() };
        let request = ScheduleRequest { steps: 10, forks: vec![fork], ..ScheduleRequest::default() };
        let schedule = Schedule::new(&SchedulerConfig::default(), &request).expect("a schedule");
        assert_eq!(steps_left(&schedule, &[fork]), Some((7, 501)));
    }
}
