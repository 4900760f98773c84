//! A file that rows are exported to. It is complete or absent, and in the audit log before it has its name.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use postern_console::export::file::{Part, Place};
use serde_json::json;

use super::left_overs::{self, Note};
use crate::{
    engine::{Engine, Shared},
    error::Error,
    login::Login,
};

/// A file being written. Dropping it takes it away.
#[derive(Debug)]
pub struct ExportFile {
    // First, so that it is gone before the note of it is.
    part: Part,
    _note: Note,
    shared: Arc<Shared>,
    bytes: Arc<AtomicU64>,
}

/// What the audit log says about a file.
#[derive(Clone, Debug)]
pub struct Exported<'a> {
    /// As whom the rows were read.
    pub login: &'a Login,
    /// `csv`, `parquet`, …
    pub format: &'a str,
    /// `result` for one that was kept, `statement` for rows straight from the server.
    pub source: &'static str,
    /// How many.
    pub rows: u64,
}

impl Engine {
    /// Begins a file at `path`. One that is there is replaced at the end, if `overwrite` says so.
    ///
    /// # Errors
    /// [`Error::FileExists`], [`Error::Storage`]; [`Error::InvalidValue`] when there is something that is no file.
    pub fn export_file(&self, path: &Path, overwrite: bool) -> Result<ExportFile, Error> {
        outlive_a_file_size_limit();
        let place = Place::new(path, overwrite)?;
        // Before the part is there: a process that is killed in between leaves a note of nothing.
        let note = left_overs::note(&self.shared.home.exports(), place.part())?;
        Ok(ExportFile { part: place.create()?, _note: note, shared: Arc::clone(&self.shared), bytes: Arc::default() })
    }
}

impl ExportFile {
    /// Where it will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.part.path()
    }

    /// Counts what is written.
    #[must_use]
    pub fn bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes)
    }

    /// Records it, then gives it its name. What cannot be recorded is not left behind.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::FileExists`]; there is no file then.
    pub fn finish(self, exported: &Exported<'_>) -> Result<PathBuf, Error> {
        self.part.sync()?;
        let path = self.part.path().to_owned();
        self.record(exported, &path, None)?;
        let (shared, bytes) = (Arc::clone(&self.shared), Arc::clone(&self.bytes));
        let Self { part, _note: note, .. } = self;
        let finished = part.finish().map_err(Error::from);
        drop(note);
        if let Err(error) = &finished {
            append(&shared, exported, &path, bytes.load(Ordering::Relaxed), Some(&error.to_string()))?;
        }
        finished
    }

    fn record(&self, exported: &Exported<'_>, path: &Path, failure: Option<&str>) -> Result<(), Error> {
        append(&self.shared, exported, path, self.bytes.load(Ordering::Relaxed), failure)
    }
}

fn append(
    shared: &Shared,
    exported: &Exported<'_>,
    path: &Path,
    bytes: u64,
    failure: Option<&str>,
) -> Result<(), Error> {
    let user = shared.memory.sign_in()?.map(|sign_in| sign_in.user);
    let Exported { login, format, source, rows } = exported;
    let (code, success) = if failure.is_none() { ("PST03I", true) } else { ("PST03W", false) };
    shared.audit.append(
        "db.export",
        code,
        json!({
            "user": user,
            "pid": std::process::id(),
            "db_service": login.database,
            "db_protocol": "postgres",
            "db_user": login.db_user,
            "db_name": login.db_name,
            "success": success,
            "error": failure,
            "source": source,
            "format": format,
            "path": path.display().to_string(),
            "rows": rows,
            "bytes": bytes,
        }),
    )
}

impl Write for ExportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.part.file().write(bytes)?;
        self.bytes.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A limit on the size of files (`ulimit -f`) ends a process by a signal, and its file would stay. With somebody to hear the
/// signal the write fails instead, as on a full disk.
#[cfg(unix)]
fn outlive_a_file_size_limit() {
    use tokio::signal::unix::{SignalKind, signal};
    let number = rustix::process::Signal::XFSZ.as_raw();
    // Being heard once is enough: from then on the signal has a handler. Without a runtime nothing is lost but this.
    if tokio::runtime::Handle::try_current().is_ok() {
        drop(signal(SignalKind::from_raw(number)));
    }
}

#[cfg(not(unix))]
fn outlive_a_file_size_limit() {}
