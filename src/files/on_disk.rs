//! Desktops: a file is written under another name first, then renamed into place. What goes to standard output goes there when it is whole.

use super::{is_standard_output, one_line, write_error};
use crate::error::{Error, Result};
use std::{
    fs::{self, File},
    io::{self, BufWriter, IsTerminal, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};
use tempfile::{NamedTempFile, SpooledTempFile};

/// A file being written beside its final place. [`commit`](Self::commit) renames it there; dropped without that, it vanishes and
/// whatever stood in the final place before is untouched.
pub struct PendingFile(Place);

/// Where the bytes are until then.
enum Place {
    /// Beside the final place.
    Beside {
        writer: BufWriter<NamedTempFile<File>>,
        /// As the user gave it, for messages.
        path: PathBuf,
        /// Where the bytes go in the end: `path`, or what it links to.
        target: PathBuf,
    },
    /// In memory, or where they are many in a file without a name: writers go back in what they write.
    ForStandardOutput(SpooledTempFile),
}

/// So many bytes for standard output are kept in memory.
const KEPT_IN_MEMORY: usize = 1 << 26;

impl PendingFile {
    /// Starts a file that [`commit`](Self::commit) will put at `path`, creating missing parent folders; `-` is standard output.
    ///
    /// The file gets the permissions that [`File::create`] would give: the old file's where there is one, else the default under
    /// the umask. A link is followed, so the file behind it is the one replaced.
    ///
    /// # Errors
    /// [`Error::File`] if `path` names no file, is a folder, a device, a terminal or a file that may not be written, or if its folder
    /// cannot be made or written to.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if is_standard_output(path) {
            if io::stdout().is_terminal() {
                return Err(Error::file(STANDARD_OUTPUT, "is a terminal, expected a pipe or a file; add | PROGRAM or > FILE"));
            }
            return Ok(Self(Place::ForStandardOutput(SpooledTempFile::new(KEPT_IN_MEMORY))));
        }
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
            Ok(file) => Ok(Self(Place::Beside { writer: BufWriter::new(file), path: path.to_owned(), target })),
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
        match self.0 {
            Place::Beside { writer, path, target } => {
                let file = writer.into_inner().map_err(|error| write_error(&path, error.error()))?;
                file.persist(&target).map(drop).map_err(|error| write_error(&path, &error.error))
            }
            Place::ForStandardOutput(mut bytes) => match print(&mut bytes) {
                // Who reads no further has what they wanted.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                printed => printed.map_err(|error| write_error(Path::new(STANDARD_OUTPUT), &error)),
            },
        }
    }

    fn place(&mut self) -> &mut dyn WriteAndSeek {
        match &mut self.0 {
            Place::Beside { writer, .. } => writer,
            Place::ForStandardOutput(bytes) => bytes,
        }
    }
}

/// What messages call it.
const STANDARD_OUTPUT: &str = "standard output";

fn print(bytes: &mut SpooledTempFile) -> io::Result<()> {
    bytes.rewind()?;
    let mut out = io::stdout().lock();
    io::copy(bytes, &mut out)?;
    out.flush()
}

trait WriteAndSeek: Write + Seek {}

impl<T: Write + Seek> WriteAndSeek for T {}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.place().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.place().flush()
    }
}

impl Seek for PendingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.place().seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{check_writable, write_atomically};

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
