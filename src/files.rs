//! The files of this program: read in one place, and written whole or not at all, under another name first, then renamed into place.
//! In a browser what is written goes to the downloads, and there is nothing to read by its name.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// A file being written beside its final place. [`commit`](Self::commit) renames it there; dropped without that, it vanishes and
/// whatever stood in the final place before is untouched.
pub struct PendingFile {
    writer: BufWriter<NamedTempFile<File>>,
    /// As the user gave it, for messages.
    path: PathBuf,
    /// Where the bytes go in the end: `path`, or what it links to.
    target: PathBuf,
}

impl PendingFile {
    /// Starts a file that [`commit`](Self::commit) will put at `path`, creating missing parent folders.
    ///
    /// The file gets the permissions that [`File::create`] would give: the old file's where there is one, else the default under
    /// the umask. A link is followed, so the file behind it is the one replaced.
    ///
    /// # Errors
    /// [`Error::File`] if `path` names no file, is a folder, a device or a file that may not be written, or if its folder cannot be
    /// made or written to.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let refuse = |what: String| Err(Error::file(path, what));
        let names_folder =
            path.as_os_str().as_encoded_bytes().last().is_some_and(|&byte| std::path::is_separator(char::from(byte)));
        let old = fs::metadata(path).ok();
        if names_folder || path.file_name().is_none() || old.as_ref().is_some_and(fs::Metadata::is_dir) {
            return refuse("names a folder, expected a file; add a file name to it".into());
        }
        if let Some(old) = &old {
            // Renaming onto a device or a pipe would replace it by a plain file, which nobody means by `--out /dev/stdout`.
            if !old.is_file() {
                return refuse("is a device or a pipe, expected a plain file; give another name".into());
            }
            // A rename asks only the folder for permission; without this it would replace files that are write-protected.
            if let Err(error) = File::options().write(true).open(path) {
                return refuse(format!(
                    "exists and cannot be written: {}; change its permissions or give another name",
                    one_line(&error)
                ));
            }
        }
        let target = match &old {
            Some(_) if path.is_symlink() => fs::canonicalize(path).map_err(|error| {
                Error::file(path, format!("the link cannot be followed: {}; give another name", one_line(&error)))
            })?,
            _ => path.to_owned(),
        };
        // The parent of a bare file name is the empty path, which no system call takes.
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if let Err(error) = fs::create_dir_all(folder) {
            return refuse(format!("its folder {} cannot be made: {}; choose another place", folder.display(), one_line(&error)));
        }
        // tempfile makes private files (0600) by default. Opening it ourselves leaves the mode to the umask, on any system.
        let file = tempfile::Builder::new()
            .prefix(".etude-")
            .suffix(".tmp")
            .make_in(folder, |name| File::options().write(true).create_new(true).open(name))
            .and_then(|file| match &old {
                Some(old) => file.as_file().set_permissions(old.permissions()).map(|()| file),
                None => Ok(file),
            });
        match file {
            Ok(file) => Ok(Self { writer: BufWriter::new(file), path: path.to_owned(), target }),
            Err(error) => {
                refuse(format!("its folder {} cannot be written to: {}; choose another place", folder.display(), one_line(&error)))
            }
        }
    }

    /// Puts the file in its place, over an old one if there is one. It does not wait for the disk.
    ///
    /// # Errors
    /// [`Error::File`] if the last bytes cannot be written or the rename is refused; the old file then stays and nothing is left.
    pub fn commit(self) -> Result<()> {
        let Self { writer, path, target } = self;
        let file = writer.into_inner().map_err(|error| write_error(&path, error.error()))?;
        file.persist(&target).map(drop).map_err(|error| write_error(&path, &error.error))
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Seek for PendingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.writer.seek(to)
    }
}

/// Writes the file at `path` by `write`, all of it or nothing: if `write` fails, or the program ends, an old file there stays as
/// it was. Missing parent folders are made. The writer is buffered.
///
/// # Errors
/// [`Error::File`] as for [`PendingFile::create`] and [`PendingFile::commit`], or with the text of what `write` returned.
pub fn write_atomically(path: impl AsRef<Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut file = PendingFile::create(&path)?;
    write(&mut file).map_err(|error| write_error(path.as_ref(), &error))?;
    file.commit()
}

/// The bytes of a file.
///
/// # Errors
/// The system's.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// A file's size in bytes; `None` where it is a folder or a device, of which some have no end.
///
/// # Errors
/// The system's.
pub fn plain_size(path: &Path) -> io::Result<Option<u64>> {
    fs::metadata(path).map(|metadata| metadata.is_file().then(|| metadata.len()))
}

/// Opens a file to read it from the start, a piece at a time.
///
/// # Errors
/// The system's.
pub fn open(path: &Path) -> io::Result<BufReader<File>> {
    File::open(path).map(BufReader::new)
}

/// Finds out whether a file could be written at `path`, so that a long run can fail before it starts. Missing parent folders are
/// made and stay; an old file is not touched.
///
/// # Errors
/// [`Error::File`] as for [`PendingFile::create`].
pub fn check_writable(path: impl AsRef<Path>) -> Result<()> {
    PendingFile::create(path).map(drop)
}

/// What a writer returns where what it was given cannot be written anywhere: the text says what, expected, got, and ends with advice.
/// As an error about a file it stands alone, where the system's own words follow "cannot be written".
pub fn refusal(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, Refusal(what.into()))
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

/// The error for a write to `path` that stopped half way.
pub fn write_error(path: &Path, error: &io::Error) -> Error {
    if let Some(Refusal(what)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return Error::file(path, what);
    }
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space or choose another place",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ResourceBusy => "; close what has it open or choose another place",
        // Anything else is our own text, which ends with its advice, or so rare that the system's words must do.
        _ => "",
    };
    Error::file(path, format!("cannot be written: {}{advice}", one_line(error)))
}

/// What `message` prints, on one line: texts of other libraries may hold line breaks.
pub(crate) fn one_line(message: &dyn std::fmt::Display) -> String {
    message.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder")
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn parents_are_made_and_old_files_replaced() {
        let folder = folder();
        let path = folder.path().join("a/b/c.txt");
        for text in ["a long first text", "second"] {
            write_atomically(&path, |w| w.write_all(text.as_bytes())).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("readable"), text);
        }
        assert_eq!(names(&folder.path().join("a/b")), ["c.txt"]);
    }

    #[test]
    fn a_failed_write_keeps_the_old_file_and_leaves_nothing_else() {
        let folder = folder();
        let path = folder.path().join("c.txt");
        fs::write(&path, "old").expect("written");
        let error = write_atomically(&path, |w| {
            w.write_all(&[7; 100_000])?;
            Err(io::Error::other("two\nlines"))
        });
        assert_eq!(error.expect_err("failed").to_string(), format!("{}: cannot be written: two lines", path.display()));
        assert_eq!(fs::read_to_string(&path).expect("readable"), "old");
        assert_eq!(names(folder.path()), ["c.txt"]);
    }

    #[test]
    fn places_where_no_file_can_be_are_refused_in_one_line() {
        let folder = folder();
        fs::write(folder.path().join("plain"), "old").expect("written");
        for (name, word) in [("", "folder"), ("new/", "folder"), ("plain/x.txt", "plain"), ("..", "folder")] {
            let error = check_writable(folder.path().join(name)).expect_err(name).to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{error}");
        }
        check_writable("").expect_err("no name");
        assert_eq!(names(folder.path()), ["plain"]);
    }

    #[test]
    fn the_check_leaves_nothing() {
        let folder = folder();
        check_writable(folder.path().join("x.txt")).expect("writable");
        assert!(names(folder.path()).is_empty());
    }

    /// The mode must be what `File::create` gives, old file or none; tempfile's own is 0600.
    #[test]
    fn permissions_are_those_of_an_ordinary_file() {
        let folder = folder();
        let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
        write_atomically(&ours, |w| w.write_all(b"x")).expect("written");
        drop(File::create(&theirs).expect("created"));
        let mode = |path| fs::metadata(path).expect("there").permissions();
        assert_eq!(mode(&ours), mode(&theirs));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_modes_kept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("set");
        std::os::unix::fs::symlink("file", &link).expect("linked");
        write_atomically(&link, |w| w.write_all(b"new")).expect("written");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("readable"), "new");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
        assert!(check_writable("/dev/null").expect_err("a device").to_string().contains("device"));
    }
}
