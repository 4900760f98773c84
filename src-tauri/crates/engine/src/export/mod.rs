//! Exports: rows into files in the background, from a kept result or straight from the server, several at once.
//!
//! [`file`] is the way a file comes to be, for the window and for `postern db exec` alike; [`job`] is one export at work.

mod file;
mod job;
mod left_overs;

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::Duration,
};

use futures_util::future::join_all;
use postern_console::{
    export::file::PlaceError,
    format::{Format, Misfit, Style, WriteError},
    split::{self, Strings},
};

pub use self::file::{ExportFile, Exported};
use self::job::{Job, Source};
pub(crate) use self::left_overs::sweep;
use crate::{
    engine::{Change, Engine, Shared, lock},
    error::Error,
    login::Login,
};

/// Exports that have ended are remembered, so many of them.
const REMEMBERED: usize = 50;

/// How long the end of the app waits for exports to take their files away.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Names an export.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ExportId(u64);

impl fmt::Display for ExportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "export-{}", self.0)
    }
}

/// What to export.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The rows.
    pub source: ExportSource,
    /// How they are laid out, and which columns.
    pub style: Style,
    /// The file.
    pub path: PathBuf,
    /// Replace a file that is there.
    pub overwrite: bool,
}

/// Where rows come from.
#[derive(Clone, Debug)]
pub enum ExportSource {
    /// A kept result; all rows it has at this moment.
    Result(String),
    /// One statement, run in a session of its own as the login of a tab. Its rows are not kept.
    Statement {
        /// Which tab.
        tab: String,
        /// The statement.
        sql: String,
    },
}

/// Where an export is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExportState {
    /// Opens its session, or waits for the first row.
    Starting,
    /// Looks at all values to settle the types of the columns.
    Looking,
    /// Writes rows.
    Writing,
    /// Was told to stop.
    Stopping,
    /// The file is complete.
    Done,
    /// There is no file.
    Failed,
    /// Was stopped. There is no file.
    Stopped,
}

impl ExportState {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Stopped)
    }
}

/// An export as it is shown.
#[derive(Clone, Debug)]
pub struct Export {
    /// Names it.
    pub id: ExportId,
    /// The file, there only once it is done.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
    /// As whom the rows were read.
    pub login: Login,
    /// It runs a statement of its own, in place of reading a kept result.
    pub from_server: bool,
    /// Where it is.
    pub state: ExportState,
    /// Rows looked at, or written.
    pub rows: u64,
    /// Rows there are, when that is known.
    pub total: Option<u64>,
    /// Bytes of the file so far.
    pub bytes: u64,
    /// Since its start; final once it has ended.
    pub elapsed: Duration,
    /// Columns that are not of their own type in the file, each with the value that is the reason.
    pub as_text: Vec<Arc<Misfit>>,
    /// Why it failed.
    pub failure: Option<Arc<Error>>,
}

/// The exports of this app since it began.
#[derive(Debug, Default)]
pub(crate) struct Exports {
    last: AtomicU64,
    jobs: Mutex<BTreeMap<ExportId, Arc<Job>>>,
}

impl Engine {
    /// Begins an export. What can be known to fail now is said now; the rest is seen through [`Self::exports`], and told by
    /// [`Change::Exports`]. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidValue`], [`Error::Storage`] when the file cannot be there.
    pub fn export_start(&self, request: &ExportRequest) -> Result<Export, Error> {
        if let Some(problem) = request.style.csv.problem() {
            return Err(Error::InvalidValue { field: "csv".to_owned(), problem });
        }
        if request.style.columns.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::InvalidValue { field: "columns".to_owned(), problem: "choose at least one".to_owned() });
        }
        let (login, source) = match &request.source {
            ExportSource::Result(id) => {
                let (login, store) = self.result_of(id)?;
                (login, Source::kept(store))
            }
            ExportSource::Statement { tab, sql } => {
                let sql = one_statement(sql)?;
                let (login, read_only) = self.exported_as(tab, &sql)?;
                (login, Source::Statement { sql, read_only })
            }
        };
        let file = self.export_file(&request.path, request.overwrite)?;
        let id = ExportId(self.shared.exports.last.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1);
        let job = Job::new(id, login, file.path().to_owned(), request.style.format, &source);
        {
            let mut jobs = lock(&self.shared.exports.jobs);
            jobs.insert(id, Arc::clone(&job));
            let ended: Vec<ExportId> =
                jobs.values().map(|job| job.shown()).filter(|job| job.state.ended()).map(|job| job.id).collect();
            for old in ended.iter().take(ended.len().saturating_sub(REMEMBERED)) {
                jobs.remove(old);
            }
        }
        job.begin(self.clone(), source, request.style.clone(), file);
        self.shared.tell(Change::Exports);
        Ok(job.shown())
    }

    /// All exports, oldest first, those that have ended among them.
    #[must_use]
    pub fn exports(&self) -> Vec<Export> {
        lock(&self.shared.exports.jobs).values().map(|job| job.shown()).collect()
    }

    /// Stops an export; its file goes. One that has ended stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn export_stop(&self, id: &str) -> Result<(), Error> {
        self.export_job(id)?.stop();
        self.shared.tell(Change::Exports);
        Ok(())
    }

    /// Forgets an export that has ended; its file stays.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::InvalidValue`] when it has not ended.
    pub fn export_forget(&self, id: &str) -> Result<(), Error> {
        let job = self.export_job(id)?.shown();
        if !job.state.ended() {
            return Err(Error::InvalidValue { field: "export".to_owned(), problem: "it has not ended".to_owned() });
        }
        lock(&self.shared.exports.jobs).remove(&job.id);
        self.shared.tell(Change::Exports);
        Ok(())
    }

    /// The file of an export that is done.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such export, or no file.
    pub fn export_path(&self, id: &str) -> Result<PathBuf, Error> {
        let job = self.export_job(id)?.shown();
        match job.state {
            ExportState::Done if job.path.exists() => Ok(job.path),
            _ => Err(Error::NotFound { kind: "file", name: job.path.display().to_string() }),
        }
    }

    fn export_job(&self, id: &str) -> Result<Arc<Job>, Error> {
        let jobs = lock(&self.shared.exports.jobs);
        let found = jobs.iter().find(|(known, _)| known.to_string() == id).map(|(_, job)| Arc::clone(job));
        found.ok_or_else(|| Error::NotFound { kind: "export", name: id.to_owned() })
    }
}

impl Exports {
    /// Stops those of a database, or all, and waits until their files are gone.
    pub(crate) async fn stop_of(&self, database: Option<&str>) {
        let jobs: Vec<Arc<Job>> = lock(&self.jobs)
            .values()
            .filter(|job| database.is_none_or(|name| job.login().database == name))
            .map(Arc::clone)
            .collect();
        for job in &jobs {
            job.stop();
        }
        // What has not ended by then leaves a part, which the next start takes away.
        let _ = tokio::time::timeout(STOP_LIMIT, join_all(jobs.iter().map(|job| job.ended()))).await;
    }
}

impl Shared {
    /// What a person saw is not shown to the next.
    pub(crate) async fn forget_exports(&self) {
        self.exports.stop_of(None).await;
        lock(&self.exports.jobs).clear();
        self.tell(Change::Exports);
    }
}

/// The only statement of a text.
fn one_statement(sql: &str) -> Result<String, Error> {
    match split::statements(sql, Strings::Escaped).as_slice() {
        [only] => Ok(sql[only.clone()].to_owned()),
        several => {
            let problem = format!("one statement can be exported at a time, and there are {}", several.len());
            Err(Error::InvalidValue { field: "sql".to_owned(), problem })
        }
    }
}

impl From<PlaceError> for Error {
    fn from(error: PlaceError) -> Self {
        let why = error.to_string();
        match error {
            PlaceError::Exists(path) => Self::FileExists { path },
            PlaceError::Io { path, source } => Self::Storage { path, source },
            PlaceError::NotAFile(path) | PlaceError::NoName(path) => {
                Self::InvalidValue { field: path.display().to_string(), problem: why }
            }
        }
    }
}

/// What writing to `path` met, as an engine error.
#[must_use]
pub fn write_failure(path: &std::path::Path, error: WriteError) -> Error {
    match error {
        WriteError::Io(source) => Error::Storage { path: path.to_owned(), source },
        WriteError::Misfit(misfit) => Error::Misfit(misfit),
        WriteError::Damaged(_) => Error::Storage { path: path.to_owned(), source: std::io::Error::other(error) },
        WriteError::Library { .. } => Error::Internal { detail: error.to_string() },
        other => Error::InvalidValue { field: "format".to_owned(), problem: other.to_string() },
    }
}
