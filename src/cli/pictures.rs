//! The pictures that `encode` and `reconstruct` are given: files, folders and arrays, cropped and scaled to the model's size.

use super::output::noteln;
use etude::{
    error::{Error, Result},
    files,
    model::Model,
    picture::{
        Picture,
        decode::{self, Fitted},
        npz_input,
    },
};
use std::path::{Path, PathBuf};

/// Pictures as a model takes them.
pub struct Pictures {
    /// Each as it is given to the network, at its size.
    pub pictures: Vec<Picture>,
    /// The same as `[N, C, H, W]` in [-1, 1].
    pub x_0: Vec<f32>,
}

impl Pictures {
    /// Reads `paths` in their order: picture files, folders (their pictures by name), .npz arrays; at most `most` pictures. Says in one
    /// line what was cropped or scaled.
    ///
    /// # Errors
    /// A file that cannot be read or is none of these, a folder without pictures, a model of other than 1 or 3 channels.
    pub fn open(paths: &[PathBuf], model: &Model, (height, width): (u32, u32), most: usize) -> Result<Self> {
        let (height, width) = (height as usize, width as usize);
        let channels = model.config.in_channels as usize;
        let (mut pictures, mut x_0) = (Vec::new(), Vec::new());
        let (mut cropped, mut scaled, mut first) = (0, 0, None);
        let mut take = |path: &Path, picture: &Picture| -> Result<bool> {
            if pictures.len() == most {
                return Ok(false);
            }
            let (fitted, how) = decode::fit(picture, height, width);
            cropped += usize::from(how.cropped.is_some());
            scaled += usize::from(how.scaled);
            if let Some(done) = done(how, (height, width)) {
                let what = format!("{} is {} x {}", path.display(), picture.width, picture.height);
                first.get_or_insert((what, done));
            }
            x_0.extend(decode::to_nchw(&fitted, channels)?);
            pictures.push(fitted);
            Ok(true)
        };
        for path in paths {
            for file in files_of(path)? {
                let bytes = files::read(&file).map_err(|e| Error::file(&file, format!("cannot be read: {e}")))?;
                let all = if has_ending(&file, "npz") {
                    npz_input::read_npz(&bytes, &file, most)?
                } else {
                    vec![decode::decode(&bytes, &file)?]
                };
                for picture in &all {
                    if !take(&file, picture)? {
                        break;
                    }
                }
            }
        }
        match (first, pictures.len()) {
            (Some((first, done)), 1) => noteln!("note: {first}: {done}"),
            (Some((first, _)), of) => {
                let what = format!("{cropped} of {of} pictures cropped to the middle, {scaled} scaled to {width} x {height}");
                noteln!("note: {what} (Lanczos); {first}");
            }
            (None, _) => {}
        }
        if pictures.is_empty() {
            return Err(Error::argument("expected at least one picture, got an empty list"));
        }
        Ok(Self { pictures, x_0 })
    }
}

/// What was done to a picture to make it fit, in words; `None` where nothing was.
fn done(how: Fitted, (height, width): (usize, usize)) -> Option<String> {
    let part = how.cropped.map(|(w, h)| format!("cropped to {w} x {h} in the middle"));
    let scaled = how.scaled.then(|| format!("scaled to {width} x {height} (Lanczos)"));
    let done: Vec<String> = part.into_iter().chain(scaled).collect();
    (!done.is_empty()).then(|| done.join(", "))
}

/// A picture at the size that a network takes. Says in one line what was done to it.
pub fn fitted(path: &Path, picture: &Picture, size: (u32, u32)) -> Picture {
    let (height, width) = (size.0 as usize, size.1 as usize);
    let (fitted, how) = decode::fit(picture, height, width);
    if let Some(done) = done(how, (height, width)) {
        noteln!("note: {} is {} x {}: {done}", path.display(), picture.width, picture.height);
    }
    fitted
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending))
}

/// The file itself, or the pictures of a folder by their names.
fn files_of(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let is_picture = |file: &PathBuf| file.is_file() && decode::ENDINGS.iter().any(|ending| has_ending(file, ending));
    let names = files::names(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?;
    let mut found: Vec<PathBuf> = names.iter().map(|name| path.join(name)).filter(is_picture).collect();
    if names.len() == files::MAX_NAMES {
        noteln!(
            "note: {}: only {} of its entries were looked at; an .npz holds any number of pictures",
            path.display(),
            names.len()
        );
    }
    if found.is_empty() {
        return Err(Error::file(path, format!("expected a folder with pictures ({}), got none in it", decode::ENDINGS.join(", "))));
    }
    found.sort();
    Ok(found)
}
