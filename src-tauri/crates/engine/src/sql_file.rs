//! A file of SQL as a tab has it: read with care, written back as it was found.
//!
//! The editor knows line feeds only. What a file had, a mark of its encoding at its head and carriage returns at the ends of
//! its lines, is taken away when it is read and put back when it is written. What cannot be shown as text without changing it
//! is refused. A file that somebody else has changed meanwhile is not replaced unless the person says so.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// Bytes of a file at most: an editor of SQL is not one of data.
pub const MAX_FILE: usize = 16_000_000;

const BOM: &str = "\u{feff}";

/// A file that a tab belongs to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SqlFile {
    /// Where it is.
    pub path: PathBuf,
    /// It began with a byte order mark.
    pub bom: bool,
    /// Its lines end in a carriage return and a line feed.
    pub crlf: bool,
    /// SHA-256 of what was last read or written, in hexadecimal digits.
    pub digest: String,
}

/// Why a file is not opened, or not saved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileProblem {
    /// It is not UTF-8.
    NotUtf8,
    /// It is UTF-16, as some editors on Windows write it.
    Utf16,
    /// It holds a zero byte: no text.
    Binary,
    /// It is larger than [`MAX_FILE`].
    TooLarge,
    /// It is a folder, or a device.
    NoFile,
    /// Its name is not UTF-8, so that no tab could keep it.
    Name,
    /// It has changed since it was read.
    Changed,
    /// It is not there any more.
    Gone,
}

impl std::fmt::Display for FileProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "it is not UTF-8 text",
            Self::Utf16 => "it is UTF-16; save it as UTF-8 first",
            Self::Binary => "it is not text",
            Self::TooLarge => "it is larger than 16 MB",
            Self::NoFile => "it is no file",
            Self::Name => "its name is not UTF-8",
            Self::Changed => "it has changed on disk",
            Self::Gone => "it is not there any more",
        })
    }
}

/// What was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Read {
    pub(crate) file: SqlFile,
    /// With line feeds alone.
    pub(crate) text: String,
    /// Its lines end in different ways; saving will end all in the same.
    pub(crate) mixed: bool,
}

/// Reads a file.
///
/// # Errors
/// [`Error::SqlFile`], [`Error::Storage`].
pub(crate) fn read(path: &Path) -> Result<Read, Error> {
    let problem = |problem| Error::SqlFile { path: path.to_owned(), problem };
    let bytes = content(path)?;
    if path.to_str().is_none() {
        return Err(problem(FileProblem::Name));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(problem(FileProblem::Utf16));
    }
    if bytes.contains(&0) {
        return Err(problem(FileProblem::Binary));
    }
    let digest = digest(&bytes);
    let whole = String::from_utf8(bytes).map_err(|_| problem(FileProblem::NotUtf8))?;
    let (bare, bom) = whole.strip_prefix(BOM).map_or((whole.as_str(), false), |bare| (bare, true));
    let crlfs = bare.matches("\r\n").count();
    let returns = bare.matches('\r').count() - crlfs;
    let feeds = bare.matches('\n').count() - crlfs;
    let crlf = crlfs > feeds + returns;
    let mixed = [crlfs, returns, feeds].iter().filter(|count| **count > 0).count() > 1 || returns > 0;
    let text = if bare.contains('\r') { bare.replace("\r\n", "\n").replace('\r', "\n") } else { bare.to_owned() };
    Ok(Read { file: SqlFile { path: path.to_owned(), bom, crlf, digest }, text, mixed })
}

/// Whether a file is as the tab last saw it.
///
/// # Errors
/// [`Error::SqlFile`] with [`FileProblem::Changed`] or [`FileProblem::Gone`] when it is not; [`Error::Storage`].
pub(crate) fn check_unchanged(file: &SqlFile) -> Result<(), Error> {
    let problem = |problem| Error::SqlFile { path: file.path.clone(), problem };
    match content(&file.path) {
        Ok(bytes) if digest(&bytes) == file.digest => Ok(()),
        Ok(_) | Err(Error::SqlFile { .. }) => Err(problem(FileProblem::Changed)),
        Err(Error::Storage { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Err(problem(FileProblem::Gone))
        }
        Err(other) => Err(other),
    }
}

/// Writes the text of a tab as the file had it: all of it or nothing, with the file's own mode. Gives the file as it is now.
///
/// Where somebody writes it between [`check_unchanged`] and this, theirs is lost: no system offers to replace a file only if
/// it is still the same.
///
/// # Errors
/// [`Error::SqlFile`] when it would be too large to be read again; [`Error::Storage`].
pub(crate) fn write(file: &SqlFile, text: &str) -> Result<SqlFile, Error> {
    let lines = if file.crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
    let whole = if file.bom { format!("{BOM}{lines}") } else { lines };
    let problem = |problem| Error::SqlFile { path: file.path.clone(), problem };
    if whole.len() > MAX_FILE {
        return Err(problem(FileProblem::TooLarge));
    }
    if file.path.to_str().is_none() {
        return Err(problem(FileProblem::Name));
    }
    let failed = |source| Error::Storage { path: file.path.clone(), source };
    // A link stays one: what it points at is replaced.
    let target = match fs::canonicalize(&file.path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => file.path.clone(),
        Err(error) => return Err(failed(error)),
    };
    replace(&target, whole.as_bytes()).map_err(failed)?;
    Ok(SqlFile { digest: digest(whole.as_bytes()), ..file.clone() })
}

fn content(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Storage { path: path.to_owned(), source };
    let problem = |problem| Error::SqlFile { path: path.to_owned(), problem };
    // Asked before it is opened: to open a pipe would wait for somebody to write.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(problem(FileProblem::NoFile));
    }
    let mut bytes = Vec::new();
    // One more than may be, since it may grow while it is read.
    File::open(path).map_err(failed)?.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_FILE { Err(problem(FileProblem::TooLarge)) } else { Ok(bytes) }
}

/// Through a file beside it, so that the old one stays whole until the new one is.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", uuid::Uuid::new_v4()));
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = File::options().write(true).create_new(true).open(&temporary)?;
        match fs::metadata(path) {
            // A new file could take its place all the same; that is not what who made it read-only meant.
            Ok(before) if before.permissions().readonly() => return Err(io::ErrorKind::PermissionDenied.into()),
            Ok(before) => file.set_permissions(before.permissions())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        io::Write::write_all(&mut file, content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().inspect_err(|_| {
        // The error that matters is the first one.
        let _ = fs::remove_file(&temporary);
    })
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.sql");
        fs::write(&path, content).unwrap();
        (folder, path)
    }

    fn problem(error: Error) -> FileProblem {
        match error {
            Error::SqlFile { problem, .. } => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_written_back_byte_for_byte_as_it_was_read() {
        for content in [
            "select 1;\nselect 2\n",
            "select 1;\r\nselect '가'\r\n",
            "\u{feff}select 1;\r\n",
            "\u{feff}select 1",
            "",
            "\n\n",
        ] {
            let (_folder, path) = file(content.as_bytes());
            let read = read(&path).unwrap();
            assert!(!read.text.contains('\r') && !read.text.starts_with('\u{feff}') && !read.mixed, "{content:?}");
            assert_eq!(write(&read.file, &read.text).unwrap(), read.file);
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn lines_that_end_in_different_ways_are_said_to() {
        for (content, crlf) in [("a\r\nb\nc\n", false), ("a\r\nb\r\nc\n", true), ("a\rb", false)] {
            let (_folder, path) = file(content.as_bytes());
            let read = read(&path).unwrap();
            assert!(read.mixed, "{content:?}");
            assert_eq!((read.file.crlf, read.text.contains('\r')), (crlf, false));
        }
    }

    #[test]
    fn what_is_no_utf_8_text_is_refused_with_its_reason() {
        let utf16: Vec<u8> = "\u{feff}select 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bare: Vec<u8> = "select 1".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (content, why) in [
            (utf16.as_slice(), FileProblem::Utf16),
            (&bare, FileProblem::Binary),
            (b"select '\xb0\xa1'", FileProblem::NotUtf8),
            (&[b' '; MAX_FILE + 1], FileProblem::TooLarge),
        ] {
            let (_folder, path) = file(content);
            assert_eq!(problem(read(&path).unwrap_err()), why);
        }
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(problem(read(folder.path()).unwrap_err()), FileProblem::NoFile);
        assert!(matches!(read(&folder.path().join("none.sql")), Err(Error::Storage { .. })));
    }

    #[test]
    fn a_file_of_the_largest_size_opens_and_a_text_that_has_grown_beyond_is_not_saved() {
        let (_folder, path) = file(&[b' '; MAX_FILE]);
        let read = read(&path).unwrap();
        assert_eq!(read.text.len(), MAX_FILE);
        let error = write(&read.file, &format!("{} ", read.text)).unwrap_err();
        assert_eq!(problem(error), FileProblem::TooLarge);
        assert_eq!(fs::metadata(&path).unwrap().len(), MAX_FILE as u64);
    }

    #[test]
    fn a_file_that_changed_or_went_meanwhile_is_noticed() {
        let (_folder, path) = file(b"select 1");
        let read = read(&path).unwrap();
        check_unchanged(&read.file).unwrap();
        // The same bytes written again are no change.
        fs::write(&path, "select 1").unwrap();
        check_unchanged(&read.file).unwrap();
        fs::write(&path, "select 2").unwrap();
        assert_eq!(problem(check_unchanged(&read.file).unwrap_err()), FileProblem::Changed);
        fs::remove_file(&path).unwrap();
        assert_eq!(problem(check_unchanged(&read.file).unwrap_err()), FileProblem::Gone);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_file_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, path) = file(b"select 1");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link.sql");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let read = read(&link).unwrap();
        write(&read.file, "select 2").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "select 2");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(folder.path().read_dir().unwrap().count(), 2, "nothing is left over");
    }

    #[test]
    fn a_file_that_cannot_be_written_stays_as_it_was() {
        let (folder, path) = file(b"select 1");
        let read = read(&path).unwrap();
        // A folder in its place fails for every user, root too.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(write(&read.file, "select 2"), Err(Error::Storage { .. })));
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_read_only_file_is_not_replaced() {
        let (folder, path) = file(b"select 1");
        let read = read(&path).unwrap();
        let mut permissions = path.metadata().unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        assert!(matches!(write(&read.file, "select 2"), Err(Error::Storage { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "select 1");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing is left over");
    }
}
