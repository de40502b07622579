//! Saving what is on screen: the pictures are gathered here, laid out and written on a thread of their own.

use super::{
    export_content::{COLUMNS, Content, Frame, MAX_FRAMES, enlarged, missing, with_pictures},
    export_explain, export_fork, export_grid, export_race,
};
use crate::{
    app::{
        figures::{Saved, enlarged_cell, figure, recipe},
        panels::{film_strip, interpolate, rewind},
        state::{
            State,
            command::Export,
            figure_request::FigureRequest,
            pin::Pin,
            pinned::Pair,
            run_requests::Purpose,
            run_view::{RunView, Shown},
            view_settings::Tab,
            written::plain,
        },
    },
    error::{Error, Result},
    figure::caption,
    files::{self, write_atomically},
    picture::{
        Picture,
        animation::AnimationFormat,
        difference, png, reconstruction,
        sheet::{self, Trajectory},
    },
    recipe::Recipe,
    session::TaskResult,
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The work of saving `export`, to be done outside the window's thread.
///
/// # Errors
/// There is nothing to save yet, or the open panel has no such thing.
pub(crate) fn job(state: &State, export: Export) -> Result<impl FnOnce() -> TaskResult + Send + 'static> {
    let tab = state.controls.view.tab;
    let mut position = state.controls.view.interpolate.position;
    // The enlarged cell of a comparison is a picture of a trajectory.
    let cell = if tab == Tab::Compare && export == Export::Picture { Some(enlarged_cell(state)?) } else { None };
    let (run, content) = match tab {
        Tab::Explain if export.moves() => export_explain::terms(state)?,
        Tab::Trajectory | Tab::Explain => trajectory(state, export)?,
        Tab::Compare if let Some((_, run, picture)) = cell.as_ref() => {
            let picture = picture.clone();
            (*run, Content::Still(Box::new(move || enlarged(&picture))))
        }
        Tab::Compare => export_grid::grid(state, export)?,
        Tab::Interpolate if export == Export::Picture => {
            let (picture, run, at) =
                interpolate::large(&interpolate::View::new(&state.runs, 0.0), &state.controls).ok_or_else(missing)?;
            position = at;
            let picture = picture.clone();
            (run, Content::Still(Box::new(move || enlarged(&picture))))
        }
        Tab::Interpolate => between(state, export)?,
        Tab::Rewind => rewound(state, export)?,
        Tab::Fork => export_fork::forked(state, export)?,
        Tab::Race => export_race::race(state, export)?,
    };
    let saved = Saved { run, export, cell: cell.map(|(of, ..)| of), position };
    let recipe = recipe(state, &saved)?;
    let caption = (state.captions && export.moves()).then(|| common_caption(state, &recipe));
    let recipe = recipe.json()?;
    let folder = state.save_folder.clone();
    let animation = export.animation().unwrap_or_default();
    Ok(move || match write(&folder, content, animation, caption.as_deref(), &recipe) {
        Ok(path) => TaskResult::Saved(path),
        Err(error) => TaskResult::Failed(error.to_string()),
    })
}

/// The work of saving a figure, to be done outside the window's thread.
///
/// # Errors
/// There is nothing to draw yet, or the open panel has no such figure.
pub(crate) fn figure_job(state: &State, request: &FigureRequest) -> Result<impl FnOnce() -> TaskResult + Send + 'static> {
    let (make, folder, extension) = (figure(state, request)?, state.save_folder.clone(), request.format.extension());
    let write = move || {
        let bytes = make()?;
        let _one_at_a_time = SAVING.lock().unwrap_or_else(PoisonError::into_inner);
        let path = unused(&folder, extension)?;
        write_atomically(&path, |w| w.write_all(&bytes)).map(|()| path)
    };
    Ok(move || match write() {
        Ok(path) => TaskResult::Saved(path),
        Err(error) => TaskResult::Failed(error.to_string()),
    })
}

/// Held while a file name is chosen and the file written, so that two tasks do not choose the same name.
static SAVING: Mutex<()> = Mutex::new(());

fn write(folder: &Path, content: Content, animation: AnimationFormat, caption: Option<&str>, recipe: &str) -> Result<PathBuf> {
    let _one_at_a_time = SAVING.lock().unwrap_or_else(PoisonError::into_inner);
    let extension = if matches!(content, Content::Still(_)) { "png" } else { animation.extension() };
    let path = unused(folder, extension)?;
    match content {
        Content::Still(make) => png::write_png(&path, &make(), Some(recipe)),
        Content::Moving(make) => write_frames(&path, &make(), animation, caption, recipe),
        Content::Frames(make) => animation.write(&path, make(), Some(recipe)),
    }?;
    Ok(path)
}

/// Writes the frames, with their captions below them where `caption` is what they have in common.
fn write_frames(path: &Path, frames: &[Frame], animation: AnimationFormat, caption: Option<&str>, recipe: &str) -> Result<()> {
    let has_places = frames.iter().any(|frame| !frame.place.is_empty());
    let (Some(common), Some(first)) = (caption.filter(|_| has_places), frames.first()) else {
        return animation.write(path, frames.iter().map(|frame| &frame.picture), Some(recipe));
    };
    let places: Vec<String> = frames.iter().map(|frame| frame.place.clone()).collect();
    let strips = caption::strips(first.picture.width, common, &places)?;
    let whole = frames.iter().zip(&strips).map(|(frame, strip)| caption::below(&frame.picture, strip));
    animation.write(path, whole, Some(recipe))
}

/// What all frames have in common: the run, and where two are beside each other, both.
fn common_caption(state: &State, recipe: &Recipe) -> String {
    match (state.pair(), state.controls.view.tab) {
        (Some(pair), _) => format!("left: {}, middle: {}, right: their difference", pair.pin.recipe.caption(), recipe.caption()),
        // The way back has an η of its own.
        (None, Tab::Rewind) => {
            let eta = state.controls.view.rewind.eta;
            format!("{}, encoded and decoded in {} steps, back with η = {}", recipe.model, recipe.steps, plain(eta))
        }
        _ => recipe.caption(),
    }
}

/// The first of etude-0001, etude-0002, … that does not exist yet.
fn unused(folder: &Path, extension: &str) -> Result<PathBuf> {
    let path = |number: u32| folder.join(format!("etude-{number:04}.{extension}"));
    let free = (1..100_000).map(path).find(|path| !files::exists(path));
    free.ok_or_else(|| Error::file(folder, "has 99999 pictures of etude already; choose another folder to save in"))
}

fn trajectory(state: &State, export: Export) -> Result<(&RunView, Content)> {
    let shown = state.shown().ok_or_else(missing)?;
    if let Some(pair) = state.pair() {
        return Ok((shown.run, pinned(&pair, &shown, state.image(), export)?));
    }
    let (mut run, image) = (shown.run, state.image());
    let content = match export {
        Export::Picture => {
            let (upper, predicted) = film_strip::pair(&shown, image).ok_or_else(missing)?;
            let finished = shown.finished;
            Content::Still(Box::new(move || {
                // Before the end there are two pictures: the noisy one and the prediction from it.
                if finished {
                    enlarged(&upper)
                } else {
                    sheet::contact_sheet(&[(*upper).clone(), (*predicted).clone()], Some(2), Some(8))
                }
            }))
        }
        Export::Sheet => {
            let batch = state.shown_batch().ok_or_else(missing)?;
            run = batch.run;
            let update = batch.update.clone();
            let finished = batch.finished;
            Content::Still(Box::new(move || {
                let pictures: Vec<Picture> = if finished {
                    update.after.iter().map(|p| (**p).clone()).collect()
                } else {
                    update.records.iter().map(|m| (*m.x0).clone()).collect()
                };
                sheet::contact_sheet(&pictures, None, None)
            }))
        }
        Export::Strip | Export::Gif | Export::Apng => {
            let wanted = if export.moves() { MAX_FRAMES } else { COLUMNS };
            let positions = film_strip::positions_up_to(run.steps(), wanted);
            let pair = |at: &usize| Some((film_strip::pair(&run.at_position(*at)?, image)?, place(run, *at)));
            let pairs: Vec<_> = positions.iter().filter_map(pair).collect();
            if pairs.is_empty() {
                return Err(missing());
            }
            strip_or_gif(pairs, export)
        }
    };
    Ok((run, content))
}

type Two = (Arc<Picture>, Arc<Picture>);

/// What a frame shows of the first group of a run.
pub(super) fn place(run: &RunView, position: usize) -> String {
    let steps = run.plan.as_ref().and_then(|plan| plan.schedules.first()).map_or(&[][..], |schedule| &schedule.steps);
    caption::at_step(steps.get(position).map(|step| step.t), position, run.steps())
}

fn strip_or_gif(pairs: Vec<(Two, String)>, export: Export) -> Content {
    let one = |(upper, lower): &Two| Trajectory { noisy: vec![(**upper).clone()], predicted: vec![(**lower).clone()] };
    if export.moves() {
        let frame = move |(pair, place): (Two, String)| Frame { picture: sheet::strip(&[one(&pair)], None), place };
        return Content::Moving(Box::new(move || pairs.into_iter().map(frame).collect()));
    }
    Content::Still(Box::new(move || {
        let (noisy, predicted) = pairs.iter().map(|((a, b), _)| ((**a).clone(), (**b).clone())).unzip();
        sheet::strip(&[Trajectory { noisy, predicted }], None)
    }))
}

/// A and B at one moment.
fn both(pair: &Pair<'_>, b: &Shown<'_>, image: usize) -> Option<Two> {
    Some((pair.picture_of_a(&pair.beside(b)?)?, pair.picture(b, image)?))
}

/// A | B | difference: at the step shown; of x̂0 and of x_t; at several steps; at all.
fn pinned(pair: &Pair<'_>, shown: &Shown<'_>, image: usize, export: Export) -> Result<Content> {
    let at = |position: usize| both(pair, &shown.run.at_position(position)?, image);
    let mut places = Vec::new();
    let all: Vec<Two> = match export {
        Export::Picture => both(pair, shown, image).into_iter().collect(),
        // At the end both are the samples.
        Export::Sheet if shown.finished => both(pair, shown, image).into_iter().collect(),
        Export::Sheet => {
            let of = |noisy| {
                let pin = Pin { noisy, ..pair.pin.clone() };
                both(&Pair { pin: &pin, controls: pair.controls.clone(), run: pair.run }, shown, image)
            };
            [of(false), of(true)].into_iter().flatten().collect()
        }
        Export::Strip => film_strip::positions_up_to(shown.run.steps(), COLUMNS).into_iter().filter_map(at).collect(),
        Export::Gif | Export::Apng => {
            let moment = |position| Some((at(position)?, place(shown.run, position)));
            let moments = film_strip::positions_up_to(shown.run.steps(), MAX_FRAMES).into_iter().filter_map(moment);
            let (all, of_each) = moments.unzip();
            places = of_each;
            all
        }
    };
    if all.is_empty() {
        return Err(Error::argument("save: expected both A and B, but A is still being computed; wait for it"));
    }
    // One for all, so that they can be compared; pictures of other sizes have no difference.
    let fits = all.iter().filter_map(|(a, b)| Some(difference::Distance::between(a, b)?.factor())).min().unwrap_or(1);
    let factor = pair.pin.enlarged.unwrap_or(fits);
    let three = move |(a, b): &Two| -> Vec<Picture> {
        let apart = difference::difference(a, b, factor);
        [Some((**a).clone()), Some((**b).clone()), apart].into_iter().flatten().collect()
    };
    if export.moves() {
        let frame = move |(two, place): (Two, String)| Frame { picture: sheet::contact_sheet(&three(&two), Some(3), None), place };
        return Ok(Content::Moving(Box::new(move || all.into_iter().zip(places).map(frame).collect())));
    }
    Ok(Content::Still(Box::new(move || {
        let rows: Vec<Vec<Picture>> = all.iter().map(three).collect();
        if export != Export::Strip {
            return sheet::contact_sheet(&rows.concat(), Some(3.min(rows[0].len())), None);
        }
        // A, B and the difference are the rows.
        let row = |row: usize| rows.iter().filter_map(move |three| three.get(row).cloned());
        sheet::contact_sheet(&(0..3).flat_map(row).collect::<Vec<_>>(), Some(rows.len()), None)
    })))
}

/// The newest pictures of a group: the samples after the last step, before that the predicted x̂0.
fn newest(run: &RunView, group: usize) -> Vec<Picture> {
    let Some(update) = run.groups.get(group).and_then(|g| g.latest.as_ref()) else { return Vec::new() };
    if update.index + 1 == update.total {
        update.after.iter().map(|p| (**p).clone()).collect()
    } else {
        update.records.iter().map(|m| (*m.x0).clone()).collect()
    }
}

fn between(state: &State, export: Export) -> Result<(&RunView, Content)> {
    let run = with_pictures(state, Purpose::Between)?;
    let controls = &run.controls.view.interpolate;
    let columns = if controls.grid { controls.side } else { controls.columns } as usize;
    let content = match export {
        Export::Gif | Export::Apng => {
            // Slerp and, where it is shown, lerp below it; all of them, so that they go together.
            let ways: Vec<Vec<Picture>> = (0..run.groups.len()).map(|group| newest(run, group)).collect();
            let places = ways.first().map_or(0, Vec::len);
            if places == 0 || ways.iter().any(|way| way.len() != places) {
                return Err(missing());
            }
            let (pictures, stops, is_grid) = (ways.concat(), interpolate::stops(controls), controls.grid);
            Content::Moving(Box::new(move || {
                let path = sheet::path_between(places, columns);
                let names = path.map(|at| caption::at_place(stops.get(at).copied().unwrap_or_default(), is_grid));
                let moments: Vec<_> = sheet::moments_between(&pictures, places, columns).into_iter().zip(names).collect();
                let frame = |(picture, place): &(Picture, String)| Frame { picture: picture.clone(), place: place.clone() };
                sheet::there_and_back(&moments).map(frame).collect()
            }))
        }
        _ => {
            let pictures: Vec<Picture> = (0..run.groups.len()).flat_map(|group| newest(run, group)).collect();
            Content::Still(Box::new(move || sheet::contact_sheet(&pictures, Some(columns), None)))
        }
    };
    Ok((run, content))
}

/// The picture that returned, the four large ones, the strip, or the way up and back.
fn rewound(state: &State, export: Export) -> Result<(&RunView, Content)> {
    let view = rewind::View::new(&state.runs);
    let done = |shown: rewind::Rewound<'_>| Some((shown.x_0()?, shown.drawn()?));
    let (shown, (x_0, drawn)) = view.find(|shown| shown.back().and_then(|_| done(shown))).ok_or_else(missing)?;
    let (up, back) = (shown.up().ok_or_else(missing)?.clone(), shown.back().ok_or_else(missing)?.clone());
    let steps = shown.steps();
    let wanted = if export.moves() { MAX_FRAMES / 2 } else { COLUMNS };
    let positions = film_strip::positions_up_to(steps, wanted);
    let going_up = positions.iter().map(|at| if *at == 0 { Some(x_0.clone()) } else { shown.going_up(*at).map(|p| (**p).clone()) });
    let going_up: Vec<Picture> = going_up.collect::<Option<_>>().ok_or_else(missing)?;
    let coming_back = positions.iter().map(|at| shown.coming_back(*at).map(|p| (**p).clone()));
    let coming_back: Vec<Picture> = coming_back.collect::<Option<_>>().ok_or_else(missing)?;
    let content = match export {
        Export::Picture => Content::Still(Box::new(move || enlarged(&drawn.image(&back.x)))),
        Export::Sheet => Content::Still(Box::new(move || {
            let difference = drawn.image(&reconstruction::difference(&back.x, &up.start));
            sheet::contact_sheet(&[x_0, drawn.image(&up.x), drawn.image(&back.x), difference], Some(4), None)
        })),
        Export::Strip => Content::Still(Box::new(move || {
            let columns = going_up.len();
            sheet::contact_sheet(&[going_up, coming_back].concat(), Some(columns), None)
        })),
        Export::Gif | Export::Apng => Content::Moving(Box::new(move || {
            // x_T is the last on the way up and the first on the way back.
            let up = going_up.iter().zip(&positions).map(|(picture, at)| (picture, way("up", *at, steps)));
            let back = coming_back.iter().zip(&positions).rev().skip(1);
            let back = back.map(|(picture, at)| (picture, way("back", steps - at, steps)));
            up.chain(back).map(|(picture, place)| Frame { picture: enlarged(picture), place }).collect()
        })),
    };
    Ok((shown.run, content))
}

/// How far the way up or back has come.
fn way(name: &str, taken: usize, steps: usize) -> String {
    match (name, taken) {
        ("up", 0) => "the picture, x_0".to_owned(),
        ("up", _) if taken == steps => "x_T, where the way back begins".to_owned(),
        ("back", _) if taken == steps => "back at x_0".to_owned(),
        _ => format!("{name}, {taken} of {steps} steps"),
    }
}

#[cfg(test)]
mod tests {
    use super::unused;

    #[test]
    fn names_are_never_taken_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = unused(folder.path(), "png").expect("free");
        assert!(first.ends_with("etude-0001.png"));
        std::fs::write(&first, "x").expect("written");
        assert!(unused(folder.path(), "png").expect("free").ends_with("etude-0002.png"));
        assert!(unused(folder.path(), "gif").expect("free").ends_with("etude-0001.gif"));
    }
}
