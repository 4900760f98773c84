//! What the console has run, kept across restarts so that it can be found and run again.
//!
//! A convenience for the person, and nothing else: the audit log is another file, is written before a statement goes on,
//! and is never shortened. Here the oldest go when there are too many, the person may forget any of them or all, and may
//! have nothing kept at all ([`crate::remembering`]).
//!
//! SQLite keeps it, and not a file of lines: several processes of one home write at the same time, single entries are
//! forgotten from the middle, and a process that dies halfway leaves nothing torn. What is forgotten is overwritten in the
//! file, not merely unlinked. There is no index of words: a search reads all texts, newest first, which for the most that is
//! ever kept takes no longer than a blink, and an index would keep words of what was forgotten.

mod recording;
mod search;
mod store;

use postern_console::tab::RunState;

pub(crate) use recording::Recording;
pub(crate) use store::History;

use crate::{
    engine::{Change, Engine},
    error::Error,
    login::Login,
};

/// Entries that are kept at most.
pub const MAX_ENTRIES: u64 = 100_000;

/// Bytes of SQL that are kept at most, of all entries together.
pub const MAX_BYTES: u64 = 64_000_000;

/// Bytes of SQL that one entry keeps. Of a longer script the beginning is kept, and it cannot be run from here.
pub(crate) const MAX_SQL: usize = 1 << 20;

/// Entries of one page at most.
const PAGE: usize = 500;

/// Bytes of SQL that a list shows of an entry.
const SHOWN: usize = 2_000;

/// How a run ended, as far as the history knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It goes on.
    Running,
    /// Every statement was done.
    Done,
    /// A statement was refused, or the session or the disk failed.
    Failed,
    /// The person, or somebody else, had it canceled.
    Canceled,
    /// The app ended before the run did.
    Unknown,
}

impl Outcome {
    pub(crate) fn of(state: RunState) -> Self {
        match state {
            RunState::Waiting | RunState::Running | RunState::Canceling => Self::Running,
            RunState::Done => Self::Done,
            RunState::Failed => Self::Failed,
            RunState::Canceled => Self::Canceled,
        }
    }
}

/// One run of the console.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HistoryEntry {
    /// Names it; a later run has a greater number.
    pub id: i64,
    /// When it began, in milliseconds since 1970.
    pub at: u64,
    /// The Postern user who ran it.
    pub user: String,
    /// Where.
    pub login: Login,
    /// The SQL, or its beginning.
    pub sql: String,
    /// Bytes of the whole.
    pub bytes: u64,
    /// It was too long for the whole to be kept.
    pub partial: bool,
    /// How many statements it has.
    pub statements: u64,
    /// How it ended,
    pub outcome: Outcome,
    /// and after how long, in milliseconds.
    pub elapsed_ms: Option<u64>,
    /// Rows it returned; where it returned none, rows it changed.
    pub rows: Option<u64>,
    /// Command tag of its last statement.
    pub tag: Option<String>,
    /// SQLSTATE of the statement that was refused.
    pub sqlstate: Option<String>,
    /// Why it failed, as the server or the engine said it.
    pub message: Option<String>,
}

/// What is asked of the history.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HistoryQuery {
    /// Words that all have to be in the SQL, or in the name of the database, its user or its name.
    pub words: String,
    /// Only of this database.
    pub database: Option<String>,
    /// Only what failed.
    pub failed: bool,
    /// Only what began before this entry: the page behind the one that ended with it.
    pub before: Option<i64>,
    /// Entries at most.
    pub limit: usize,
}

/// A page of the history, newest first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HistoryPage {
    /// With the beginning of their SQL.
    pub entries: Vec<HistoryEntry>,
    /// There are more behind.
    pub more: bool,
    /// Entries that are kept in all,
    pub kept: u64,
    /// with so many bytes of SQL.
    pub bytes: u64,
    /// What went wrong since the app began, in the words of the system: a run that could not be noted, or a file that was
    /// set aside because it was damaged.
    pub trouble: Option<String>,
}

/// What is to be forgotten.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Forget {
    /// One entry.
    Entry(i64),
    /// All of a database.
    Database(String),
    /// All.
    Everything,
}

impl Engine {
    /// A page of what was run.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn history(&self, query: HistoryQuery) -> Result<HistoryPage, Error> {
        self.with_history(move |history| history.page(&query)).await
    }

    /// The whole SQL of an entry, as far as it was kept.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Storage`].
    pub async fn history_sql(&self, id: i64) -> Result<String, Error> {
        let sql = self.with_history(move |history| history.sql(id)).await?;
        sql.ok_or_else(|| Error::NotFound { kind: "history entry", name: id.to_string() })
    }

    /// Forgets entries for good, and says how many.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn forget_history(&self, what: Forget) -> Result<u64, Error> {
        let forgotten = self.with_history(move |history| history.forget(&what)).await?;
        self.shared.tell(Change::History);
        Ok(forgotten)
    }

    /// It may wait for another process, and for the disk.
    async fn with_history<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&History) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = std::sync::Arc::clone(&self.shared);
        let asked = tokio::task::spawn_blocking(move || ask(&shared.history)).await;
        asked.map_err(|panicked| Error::Internal { detail: panicked.to_string() })?
    }
}
