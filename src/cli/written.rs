//! Where pictures go: a contact sheet, an animation there and back, an .npz or a folder; and which of a folder are there already.

use super::output::claim;
use clap::ValueEnum;
use etude::{
    error::{Error, Result},
    figure::caption,
    files,
    picture::{Picture, animation::AnimationFormat, decode, npz::NpzWriter, png, recipe::read_recipe, sheet},
    recipe::{Recipe, Rng},
};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

/// `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A contact sheet
    Png,
    /// An animation from one end of an interpolation to the other and back, 256 colours a picture
    Gif,
    /// The same as an animated PNG, every colour exact
    Apng,
    /// All pictures in an array of bytes [N, H, W, 3]
    Npz,
    /// One PNG per image
    Folder,
}

/// Endings of files that one might expect and that are not written. Another ending belongs to the name of a folder.
const OTHER_FILES: [&str; 34] = [
    "avif",
    "bmp",
    "exr",
    "heic",
    "heif",
    "ico",
    "jfif",
    "jpe",
    "jpeg",
    "jpg",
    "jxl",
    "pdf",
    "pgm",
    "pnm",
    "ppm",
    "psd",
    "qoi",
    "svg",
    "tga",
    "tif",
    "tiff",
    "webp",
    "mkv",
    "mov",
    "mp4",
    "webm",
    "bin",
    "ckpt",
    "json",
    "npy",
    "pt",
    "safetensors",
    "txt",
    "zip",
];

impl Format {
    /// What is asked for, or what the name says. A single run has no animation of its pictures (`moves` is false).
    ///
    /// # Errors
    /// The name of another kind of file; a folder on standard output.
    pub fn of(asked: Option<Self>, out: &Path, moves: bool) -> Result<Self> {
        let kinds = if moves { "a .png, a .gif, an .apng, an .npz or a folder" } else { "a .png, an .npz or a folder" };
        let wrong = |got: &str| {
            let hint = match got {
                ".gif" | ".apng" => "; `etude trajectory` makes animations",
                ".safetensors" => "; --save-trajectory writes numbers",
                _ => "",
            };
            Err(Error::argument(format!("--out {}: expected {kinds}, got {got}{hint}", out.display())))
        };
        let format = match asked {
            Some(format) => format,
            None if files::is_standard_output(out) => Self::Png,
            None => {
                let extension = out.extension().map(|e| e.to_string_lossy().to_lowercase());
                // `samples_eta0.5` is a folder, and so is whatever ends with a slash.
                let is_folder = out.is_dir() || out.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
                match extension.as_deref().filter(|_| !is_folder) {
                    Some("png") => Self::Png,
                    Some("gif") => Self::Gif,
                    Some("apng") => Self::Apng,
                    Some("npz") => Self::Npz,
                    Some(other) if OTHER_FILES.contains(&other) => return wrong(&format!(".{other}")),
                    _ => Self::Folder,
                }
            }
        };
        match format {
            Self::Gif if !moves => wrong(".gif"),
            Self::Apng if !moves => wrong(".apng"),
            Self::Folder if files::is_standard_output(out) => wrong("a folder on standard output"),
            _ => Ok(format),
        }
    }

    /// Checks that a run can go on where another has stopped.
    ///
    /// # Errors
    /// All but a folder.
    pub fn check_resume(self) -> Result<()> {
        let what = match self {
            Self::Folder => return Ok(()),
            Self::Png => "a sheet",
            Self::Gif | Self::Apng => "an animation",
            Self::Npz => "an .npz",
        };
        Err(Error::argument(format!(
            "--resume: expected --out with a folder, got {what}, which is written when its last picture is there: a killed run leaves \
             none to go on from"
        )))
    }
}

/// Where the pictures go. What is drawn from a file of numbers has no recipe: none can draw it without that file.
pub enum Output {
    /// All on one picture.
    Sheet { path: PathBuf, pictures: Vec<Picture>, recipe: Option<Box<Recipe>> },
    /// One after the other, there and back.
    Animation { path: PathBuf, format: AnimationFormat, captions: bool, pictures: Vec<Picture>, recipe: Option<Box<Recipe>> },
    /// An array.
    Npz { writer: Box<NpzWriter>, made: usize },
    /// A file each, of the numbers that are still to come.
    Folder { path: PathBuf, numbers: VecDeque<usize>, made: usize, recipe: Option<Box<Recipe>> },
}

impl Output {
    /// Checks that the place can be written before hours are spent. `recipe` says how many pictures of which size come; `kept` goes into
    /// them.
    ///
    /// # Errors
    /// As [`claim`] and [`NpzWriter::create`]; captions of what does not move.
    pub fn create(out: &Path, format: Format, recipe: &Recipe, kept: Option<Recipe>, captions: bool, json: bool) -> Result<Self> {
        if captions && !matches!(format, Format::Gif | Format::Apng) {
            return Err(no_animation(out));
        }
        let (path, kept, count) = (out.to_owned(), kept.map(Box::new), recipe.count as usize);
        claim(&if format == Format::Folder { picture_path(out, 0) } else { path.clone() }, json)?;
        Ok(match format {
            Format::Png => Self::Sheet { path, pictures: Vec::new(), recipe: kept },
            Format::Gif | Format::Apng => {
                let format = if format == Format::Apng { AnimationFormat::Apng } else { AnimationFormat::Gif };
                Self::Animation { path, format, captions, pictures: Vec::new(), recipe: kept }
            }
            Format::Npz => {
                let (height, width) = (recipe.size.0 as usize, recipe.size.1 as usize);
                Self::Npz { writer: Box::new(NpzWriter::create(out, count, height, width)?), made: 0 }
            }
            Format::Folder => Self::Folder { path, numbers: (0..count).collect(), made: 0, recipe: kept },
        })
    }

    /// Leaves out the images of a folder that are there already. Returns the numbers of those that are still to be made, or `None` where
    /// it is no folder.
    ///
    /// # Errors
    /// A picture of another recipe, or none, in the place of one of them.
    pub fn resume(&mut self) -> Result<Option<Vec<usize>>> {
        let Self::Folder { path, numbers, recipe: Some(recipe), .. } = self else { return Ok(None) };
        let mut missing = VecDeque::new();
        for number in numbers.drain(..) {
            let file = picture_path(path, number);
            if !is_there(&file, &of_image(recipe, number))? {
                missing.push_back(number);
            }
        }
        *numbers = missing;
        Ok(Some(numbers.iter().copied().collect()))
    }

    /// Takes the next picture.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn push(&mut self, picture: Picture) -> Result<()> {
        match self {
            Self::Sheet { pictures, .. } | Self::Animation { pictures, .. } => {
                pictures.push(picture);
                Ok(())
            }
            Self::Npz { writer, made } => {
                *made += 1;
                writer.push(&picture)
            }
            Self::Folder { path, numbers, made, recipe } => {
                let number = numbers.pop_front().unwrap_or(*made);
                let json = recipe.as_deref().map(|recipe| of_image(recipe, number).json()).transpose()?;
                png::write_png(picture_path(path, number), &picture, json.as_deref())?;
                *made += 1;
                Ok(())
            }
        }
    }

    /// Writes what is left to write; returns the number of images kept. Where Ctrl-C left fewer than were asked for, it is these few:
    /// nothing at all if there is none, and a sheet's recipe asks for as many as are on it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> Result<usize> {
        match self {
            Self::Sheet { path, pictures, mut recipe } => {
                let columns = recipe.as_ref().and_then(|recipe| Some(recipe.between.as_ref()?.columns));
                if let Some(recipe) = recipe.as_mut().filter(|recipe| recipe.between.is_none()) {
                    // Of torch's images these are the first few.
                    let end = recipe.first + pictures.len() as u32;
                    recipe.drawn = Some(recipe.drawn()).filter(|drawn| recipe.rng == Rng::Torch && *drawn > end);
                    recipe.count = pictures.len() as u32;
                    recipe.image = (pictures.len() == 1).then_some(recipe.first);
                }
                if !pictures.is_empty() {
                    let json = recipe.as_deref().map(Recipe::json).transpose()?;
                    png::write_png(path, &sheet::contact_sheet(&pictures, columns, None), json.as_deref())?;
                }
                Ok(pictures.len())
            }
            Self::Animation { path, format, captions, pictures, recipe } => {
                let between = recipe.as_ref().and_then(|recipe| recipe.between.as_ref());
                let (places, columns) = between.map_or((pictures.len(), pictures.len()), |b| (b.at.len(), b.columns));
                let mut moments = sheet::moments_between(&pictures, places, columns);
                if let (true, Some(between), Some(first)) = (captions, between, moments.first()) {
                    let place =
                        |at: usize| caption::at_place(between.at.get(at).copied().unwrap_or_default(), between.ends.len() == 4);
                    let places: Vec<String> = sheet::path_between(places, columns).map(place).collect();
                    let strips =
                        caption::strips(first.width, &recipe.as_deref().map_or_else(String::new, Recipe::caption), &places)?;
                    moments = moments.iter().zip(&strips).map(|(moment, strip)| caption::below(moment, strip)).collect();
                }
                if !moments.is_empty() {
                    let json = recipe.as_deref().map(Recipe::json).transpose()?;
                    format.write(path, sheet::there_and_back(&moments), json.as_deref())?;
                }
                Ok(pictures.len())
            }
            Self::Npz { writer, made } => {
                if made > 0 {
                    writer.finish_early()?;
                }
                Ok(made)
            }
            Self::Folder { made, .. } => Ok(made),
        }
    }
}

/// Captions were asked for where nothing moves.
pub(super) fn no_animation(out: &Path) -> Error {
    Error::argument(format!("--captions: expected --out with an animation, a .gif or an .apng, got {}", out.display()))
}

/// The recipe of one image of a folder.
fn of_image(recipe: &Recipe, number: usize) -> Recipe {
    match &recipe.between {
        Some(between) => Recipe { count: 1, between: Some(between.one(number)), ..recipe.clone() },
        None => Recipe { image: Some(recipe.first + number as u32), ..recipe.clone() },
    }
}

/// Image `number`'s file in a folder of pictures.
fn picture_path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number:05}.png"))
}

/// Whether the picture that this recipe makes lies at `path`, whole.
///
/// # Errors
/// Another one does, or something else.
fn is_there(path: &Path, expected: &Recipe) -> Result<bool> {
    if !path.exists() {
        return Ok(false);
    }
    let elsewhere = "choose another folder, or leave out --resume to write over it";
    let Some(json) = read_recipe(path)? else {
        return Err(Error::file(path, format!("expected a picture of this recipe, got one without a recipe; {elsewhere}")));
    };
    let found = Recipe::from_json(&json).map_err(|e| Error::file(path, e.to_string()))?;
    if let Some(what) = difference(&found, expected) {
        return Err(Error::file(path, format!("expected a picture of this recipe, got another one: {what}; {elsewhere}")));
    }
    // Its pixels may end early where the machine stopped.
    let bytes = files::read(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?;
    decode::decode(&bytes, path).map(|_| true)
}

/// The first thing in which two recipes of one image differ, of what the image depends on.
fn difference(found: &Recipe, expected: &Recipe) -> Option<String> {
    let by_counters = [found, expected].iter().all(|recipe| recipe.rng == Rng::Etude);
    let of = |recipe: &Recipe| {
        let mut recipe = Recipe { program: String::new(), viewer: None, ..recipe.clone() };
        if by_counters {
            // Image 5 is image 5 in any run.
            (recipe.first, recipe.count) = (0, 1);
        }
        serde_json::to_value(recipe).unwrap_or_default()
    };
    let (found, expected) = (of(found), of(expected));
    let names =
        |value: &serde_json::Value| value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let name = names(&expected).into_iter().chain(names(&found)).find(|name| found.get(name) != expected.get(name))?;
    let value = |recipe: &serde_json::Value| {
        let text = recipe.get(&name).map_or_else(|| "none".to_owned(), ToString::to_string);
        // A picture that was encoded has no place in a line.
        if text.len() > 60 { "…".to_owned() } else { text }
    };
    Some(format!("its {name} is {}, not {}", value(&found), value(&expected)))
}

#[cfg(test)]
mod tests {
    use super::Format;
    use std::path::Path;

    #[test]
    fn names_say_what_they_are() {
        let of = |name: &str, moves| Format::of(None, Path::new(name), moves).ok();
        assert_eq!(["x.PNG", "x.npz", "x", "v1.2", "x.png/", "-"].map(|name| of(name, false)), {
            use Format::{Folder, Npz, Png};
            [Some(Png), Some(Npz), Some(Folder), Some(Folder), Some(Folder), Some(Png)]
        });
        assert_eq!((of("x.gif", true), of("x.gif", false), of("x.jpg", true)), (Some(Format::Gif), None, None));
        assert_eq!((of("x.apng", true), of("x.apng", false)), (Some(Format::Apng), None));
        assert!(Format::of(Some(Format::Folder), Path::new("-"), true).is_err());
        assert_eq!(Format::of(Some(Format::Npz), Path::new("x.png"), true).ok(), Some(Format::Npz));
    }
}
