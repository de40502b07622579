//! What takes the steps of groups that are on their way.

use super::{
    event::{End, Plan},
    latents::{ForkAt, Latent, TorchLatents},
    memo::{Encodings, Memo, Way},
    request::{Group as RequestGroup, Member, Request},
};
use crate::{
    engine::{Encoding, Engine, Group, GroupStep, Groups, Stem},
    error::{Error, Result},
    noise::torch::TorchDraws,
    picture::{self, decode},
    sampler::{Classes, ImageKey, Reads, StepTensors},
    schedule::{NoiseKind, Schedule},
};
use std::{sync::Arc, time::Duration};

/// The groups on their way: all at once, or one after the other.
pub(super) enum Stage {
    Groups(Groups),
    /// One group, encoded with passes after each step.
    Encoding(Encoding),
    /// One group whose end is known, until it was told: the index of its last step, what it starts from, and its end.
    Known(Option<(usize, Vec<f32>, Arc<Vec<f32>>)>),
}

impl Stage {
    pub(super) fn is_done(&self) -> bool {
        self.steps_left() == 0
    }

    pub(super) fn steps_left(&self) -> usize {
        match self {
            Self::Groups(groups) => groups.steps_left(),
            Self::Encoding(encoding) => encoding.steps_left(),
            Self::Known(end) => usize::from(end.is_some()),
        }
    }

    pub(super) async fn turn(
        &mut self,
        engine: &mut Engine,
        reads: &dyn Fn(usize, usize) -> Reads,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<GroupStep>> {
        match self {
            Self::Groups(groups) => groups.turn(engine, reads, stop).await,
            Self::Encoding(encoding) => encoding.turn(engine).await,
            Self::Known(end) => Ok(end.take().map(|(index, x_t, end)| GroupStep {
                group: 0,
                index,
                x_t,
                tensors: StepTensors { x: end.to_vec(), ..StepTensors::default() },
                duration: Duration::ZERO,
            })),
        }
    }

    /// What takes the steps of the groups of `request` from number `first` on, which begin with `x_t`.
    pub(super) fn new(
        engine: &mut Engine,
        plan: &Plan,
        request: &Request,
        (first, x_t): (usize, Vec<Vec<f32>>),
        classes: Classes,
    ) -> Result<Self> {
        let (size, channels) = (plan.size, plan.model.channels as usize);
        let mut groups = Vec::with_capacity(x_t.len());
        for ((group, schedule), x_t) in request.groups[first..].iter().zip(&plan.schedules[first..]).zip(x_t) {
            let keys = keys(group, classes);
            if let Some(encode) = group.encode.filter(|encode| encode.refine > 0) {
                let classes = keys.iter().map(|key| key.class).collect();
                return Ok(Self::Encoding(Encoding::new(schedule.clone(), classes, size, encode.refine, x_t)));
            }
            let torch = group
                .torch(&request.groups)?
                .map(|(seed, count)| TorchDraws::new(seed, count as usize * channels * size.0 as usize * size.1 as usize));
            let begun = match group.stem()? {
                Some((from, at)) => Group::branch(schedule.clone(), keys, stem_of(plan, group, (from, at), first)?),
                None => Group::new(schedule.clone(), keys, x_t),
            };
            groups.push(begun.with_noise_of(torch));
        }
        Ok(Self::Groups(Groups::new(engine, size, groups)?.in_order(request.order.into())))
    }

    /// What takes the steps of `way`.
    pub(super) fn of_way(engine: &mut Engine, way: &Way) -> Result<Self> {
        let (schedule, classes, start) = (way.schedule.clone(), way.classes(), way.start.clone());
        if let Some(refine) = way.refine.filter(|refine| *refine > 0) {
            return Ok(Self::Encoding(Encoding::new(schedule, classes, way.size, refine, start)));
        }
        let keys = classes.into_iter().map(|class| ImageKey { class, ..ImageKey::default() }).collect();
        Ok(Self::Groups(Groups::new(engine, way.size, vec![Group::new(schedule, keys, start)])?))
    }
}

fn keys(group: &RequestGroup, classes: Classes) -> Vec<ImageKey> {
    let key = |member: &Member| ImageKey { seed: member.noise_seed, image: member.image, class: classes.of(member.image) };
    group.members.iter().map(key).collect()
}

/// The way of a group that begins with `start`; `None` where torch's generator draws its noise.
pub(super) fn way(
    group: &RequestGroup,
    schedule: &Arc<Schedule>,
    start: &[f32],
    size: (u32, u32),
    classes: Classes,
) -> Option<Way> {
    let has_own_noise = group.schedule.noise != Some(NoiseKind::Torch);
    has_own_noise.then(|| Way::new(start.to_vec(), size, schedule.clone(), keys(group, classes), group.encode))
}

/// x_T of each of `groups`, `[M, C, H, W]`, where those before them have come to `ends`.
pub(super) fn latents(
    plan: &Plan,
    groups: &[RequestGroup],
    ends: &[Arc<End>],
    (memo, encodings): (&Memo, &mut Encodings<'_>),
) -> Result<Vec<Vec<f32>>> {
    let drawn = plan.model.drawn(plan.size);
    let (channels, height, width) = (drawn.channels, drawn.height, drawn.width);
    let (mut torch, len) = (TorchLatents::default(), drawn.len());
    let makes_pictures = drawn.scale == 1.0 && matches!(channels, 1 | 3);
    let mut of_group = |group: &RequestGroup| -> Result<Vec<f32>> {
        let mut all = Vec::with_capacity(group.members.len() * len);
        for Member { latent, image, .. } in &group.members {
            if matches!(latent, Latent::StepOf { .. }) {
                continue;
            }
            let Latent::EndOf { group: from, member } = latent else {
                let mut encoded = |of: &crate::recipe::Encoded| encodings.x_t(memo, of, *image);
                all.extend(latent.x_t(channels, height, width, &mut torch, &mut encoded)?);
                continue;
            };
            let missing = || Error::argument(format!("expected an earlier group with a member {member}, got number {from}"));
            let x = ends.get(*from).and_then(|end| end.x.get(member * len..(member + 1) * len)).ok_or_else(missing)?;
            // What is encoded is a picture as it would be saved; a latent is none.
            if group.encode.is_some() && makes_pictures {
                all.extend(decode::to_nchw(&picture::image_from_nchw(channels, height, width, x), channels)?);
            } else {
                all.extend_from_slice(x);
            }
        }
        Ok(all)
    };
    groups.iter().map(&mut of_group).collect()
}

/// Where a branch of a request leaves the group of number `from`, of groups that are counted from `first` on.
fn stem_of(plan: &Plan, branch: &RequestGroup, (from, at): (usize, ForkAt), first: usize) -> Result<Stem> {
    let missing = || Error::argument(format!("fork: expected an earlier group that comes to {at:?}, got number {from}"));
    let group = from.checked_sub(first).ok_or_else(missing)?;
    let schedule = plan.schedules.get(from).ok_or_else(missing)?;
    let steps = at.steps_before(&schedule.steps).ok_or_else(missing)?;
    let members = branch.members.iter().filter_map(|member| match member.latent {
        Latent::StepOf { member, .. } => Some(member),
        _ => None,
    });
    Ok(Stem { group, steps, members: members.collect() })
}
