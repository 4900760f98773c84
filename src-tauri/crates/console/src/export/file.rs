//! A file that is complete or absent. It is written beside its place under a name nobody takes for data, brought to the
//! disk, and only then given its name. Whatever goes wrong before takes it away; what even a killed process leaves can be
//! told by its name and by the lock that nobody holds any more.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Ends the name of a file that is not complete.
const SUFFIX: &str = ".postern-part";

/// Where a file goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    path: PathBuf,
    part: PathBuf,
    overwrite: bool,
}

/// Why a file cannot go there.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// There is a file of that name.
    #[error("{} exists", .0.display())]
    Exists(PathBuf),
    /// There is something that is no file, such as a folder or a device.
    #[error("{} is no regular file", .0.display())]
    NotAFile(PathBuf),
    /// It has no name.
    #[error("{} names no file", .0.display())]
    NoName(PathBuf),
    /// The system says no.
    #[error("{}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Place {
    /// A file at `path`; one that is there is replaced only if `overwrite` says so. Nothing is made yet.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn new(path: &Path, overwrite: bool) -> Result<Self, PlaceError> {
        let failed = |path: &Path, source| PlaceError::Io { path: path.to_owned(), source };
        // Through links: what a link points to is replaced, not the link.
        let path = match fs::canonicalize(path) {
            Ok(found) => {
                if !fs::metadata(&found).map_err(|source| failed(&found, source))?.is_file() {
                    return Err(PlaceError::NotAFile(path.to_owned()));
                }
                if !overwrite {
                    return Err(PlaceError::Exists(path.to_owned()));
                }
                found
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(failed(path, error)),
        };
        let name = path.file_name().ok_or_else(|| PlaceError::NoName(path.clone()))?.to_os_string();
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        // Absolute, so that it is the same place for whoever clears up.
        let folder = fs::canonicalize(folder).map_err(|source| failed(folder, source))?;
        let mut part = std::ffi::OsString::from(".");
        part.push(&name);
        part.push(format!(".{}{SUFFIX}", tag()));
        Ok(Self { path: folder.join(name), part: folder.join(part), overwrite })
    }

    /// Where the complete file will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is until then.
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// Makes the file that is to be written.
    ///
    /// # Errors
    /// [`PlaceError::Io`].
    pub fn create(self) -> Result<Part, PlaceError> {
        let failed = |source| PlaceError::Io { path: self.part.clone(), source };
        let file = OpenOptions::new().write(true).create_new(true).open(&self.part).map_err(failed)?;
        let part = Part { place: self, file, finished: false };
        // Held as long as somebody writes. A system without locks has nothing to tell a left-over by, and keeps it.
        let _ = part.file.try_lock();
        Ok(part)
    }
}

/// Tells parts from each other: two exports to one place, two processes.
fn tag() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A file that is being written. Dropping it takes it away.
#[derive(Debug)]
pub struct Part {
    place: Place,
    file: File,
    finished: bool,
}

impl Part {
    /// What to write into.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where the complete file will be.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// Brings all of it to the disk. Until [`Self::finish`] it can still be taken back.
    ///
    /// # Errors
    /// [`PlaceError::Io`].
    pub fn sync(&self) -> Result<(), PlaceError> {
        self.file.sync_all().map_err(|source| self.failed(source))
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// [`PlaceError::Exists`] when another file came to be there meanwhile; [`PlaceError::Io`]. It is gone then.
    pub fn finish(mut self) -> Result<PathBuf, PlaceError> {
        self.sync()?;
        let Place { path, part, overwrite } = &self.place;
        if *overwrite {
            if let Ok(before) = fs::metadata(path) {
                // Who might read the old one may read the new one, and nobody else.
                let _ = self.file.set_permissions(before.permissions());
            }
            fs::rename(part, path).map_err(|source| self.failed(source))?;
        } else {
            self.name_if_free()?;
        }
        self.finished = true;
        let path = path.clone();
        sync_folder(&path);
        Ok(path)
    }

    /// A link is made only where nothing is, which a rename does not ask. Some file systems have no links.
    fn name_if_free(&self) -> Result<(), PlaceError> {
        let Place { path, part, .. } = &self.place;
        match fs::hard_link(part, path) {
            Ok(()) => {
                // The file has its name now; the other one harms nobody.
                let _ = fs::remove_file(part);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(PlaceError::Exists(path.clone())),
            Err(_) if fs::symlink_metadata(path).is_ok() => Err(PlaceError::Exists(path.clone())),
            Err(_) => fs::rename(part, path).map_err(|source| self.failed(source)),
        }
    }

    fn failed(&self, source: io::Error) -> PlaceError {
        PlaceError::Io { path: self.place.path.clone(), source }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed now is found by its name later.
            let _ = fs::remove_file(&self.place.part);
        }
    }
}

/// The name itself has to reach the disk too. Not every system lets a folder be opened for that.
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

/// Removes a part that a process left when it was killed; one that is being written stays. Says whether it is gone.
///
/// # Errors
/// When it cannot be removed.
pub fn sweep(part: &Path) -> io::Result<bool> {
    let is_part = part.file_name().is_some_and(|name| name.to_string_lossy().ends_with(SUFFIX));
    let found = match fs::symlink_metadata(part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        found => found?,
    };
    if !is_part || !found.is_file() {
        return Ok(false);
    }
    match OpenOptions::new().write(true).open(part)?.try_lock() {
        Ok(()) => fs::remove_file(part).map(|()| true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        let part = Place::new(&path, false).unwrap().create().unwrap();
        part.file().write_all(b"a\n").unwrap();
        assert!(!path.exists());
        let [name] = names(folder.path()).try_into().unwrap();
        assert!(name.starts_with(".rows.csv.") && name.ends_with(".postern-part"), "{name}");
        part.finish().unwrap();
        assert_eq!(names(folder.path()), ["rows.csv"]);
        drop(Place::new(&folder.path().join("other.csv"), false).unwrap().create().unwrap());
        assert_eq!(names(folder.path()), ["rows.csv"]);
    }

    #[test]
    fn an_existing_file_stays_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        fs::write(&path, "old").unwrap();
        assert!(matches!(Place::new(&path, false), Err(PlaceError::Exists(_))));
        let part = Place::new(&path, true).unwrap().create().unwrap();
        part.file().write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        part.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        // One that came to be while the export ran is not replaced either.
        let path = folder.path().join("late.csv");
        let part = Place::new(&path, false).unwrap().create().unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(matches!(part.finish(), Err(PlaceError::Exists(_))));
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(names(folder.path()), ["late.csv", "rows.csv"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_replaced_and_a_link_keeps_pointing() {
        assert!(matches!(Place::new(Path::new("/dev/null"), true), Err(PlaceError::NotAFile(_))));
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("rows.csv"), folder.path().join("link.csv"));
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        Place::new(&link, true).unwrap().create().unwrap().finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert!(matches!(Place::new(folder.path(), true), Err(PlaceError::NotAFile(_))));
        assert!(Place::new(&folder.path().join("no/such/folder.csv"), false).is_err());
    }

    #[test]
    fn a_left_over_is_swept_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let part = Place::new(&folder.path().join("rows.csv"), false).unwrap().create().unwrap();
        let living = part.place.part.clone();
        assert!(!sweep(&living).unwrap(), "somebody writes to it");
        drop(part);
        assert!(sweep(&living).unwrap(), "it is gone already");
        fs::write(&living, "half").unwrap();
        assert!(sweep(&living).unwrap());
        assert!(!living.exists());
        let data = folder.path().join("rows.csv");
        fs::write(&data, "whole").unwrap();
        assert!(!sweep(&data).unwrap());
        assert!(data.exists());
    }
}
