//! Notes of the files that are being written, so that what a killed process left is taken away at the next start.
//!
//! A note is a small file of the home that holds the path of one part. Its owner keeps it locked; a lock ends with the
//! process, whatever ends that.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use postern_console::export::file;

use crate::error::Error;

/// A note that is held. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Note {
    path: PathBuf,
    _locked: File,
}

/// Notes that `part` is about to be written.
pub(super) fn note(folder: &Path, part: &Path) -> Result<Note, Error> {
    let path = folder.join(uuid::Uuid::new_v4().to_string());
    let failed = |source| Error::Storage { path: path.clone(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
    // Before there is anything in it: an empty note means nothing to whoever sweeps.
    let _ = file.try_lock();
    file.write_all(bytes_of(part).as_slice()).map_err(failed)?;
    Ok(Note { path, _locked: file })
}

impl Drop for Note {
    fn drop(&mut self) {
        // One that stays is swept at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes away what killed processes left. What cannot be taken away is tried again at the next start.
pub(crate) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let note = entry.path();
        if let Err(error) = sweep_one(&note) {
            tracing::warn!(note = %note.display(), %error, "an unfinished export could not be taken away");
        }
    }
}

fn sweep_one(note: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(note)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let part = PathBuf::from(path_of(bytes));
    let gone = part.as_os_str().is_empty() || file::sweep(&part)?;
    if gone { fs::remove_file(note) } else { Ok(()) }
}

#[cfg(unix)]
fn bytes_of(path: &Path) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec()
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn bytes_of(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_note_nobody_holds_leads_to_what_was_left_and_to_nothing_else() {
        let notes = tempfile::tempdir().unwrap();
        let data = tempfile::tempdir().unwrap();
        let left = data.path().join(".rows.csv.1-0.postern-part");
        let whole = data.path().join("rows.csv");
        for path in [&left, &whole] {
            fs::write(path, "x").unwrap();
            // As a killed process leaves it: the note is there and no lock is.
            let mut held = note(notes.path(), path).unwrap();
            sweep(notes.path());
            assert!(path.exists(), "somebody still writes it");
            fs::copy(&held.path, notes.path().join(path.file_name().unwrap())).unwrap();
            held.path = notes.path().join("no such note");
        }
        sweep(notes.path());
        assert!(!left.exists() && whole.exists());
    }
}
