//! What can be seen of a run while it goes on, and afterwards.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use postern_wire::ErrorResponse;

use crate::session::SessionError;
use crate::store::{ResultId, ResultStore, StoreError};
use crate::types::Column;

/// Names a run for as long as the process runs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RunId(u64);

impl RunId {
    pub(super) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// `run-7`
impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run-{}", self.0)
    }
}

/// Where a run or a statement is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RunState {
    /// Not begun. A statement that still waits when its run has ended will never run.
    Waiting,
    /// Sent, and not at its end.
    Running,
    /// The server has been asked to cancel.
    Canceling,
    /// Done.
    Done,
    /// Refused by the server, or the session or the disk failed. Rows so far are kept.
    Failed,
    /// Canceled. Rows so far are kept.
    Canceled,
}

impl RunState {
    /// Whether nothing more will happen.
    pub fn ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Canceled)
    }
}

/// A run and its statements at one moment. `E` is why the connector could not connect.
#[derive(Debug)]
pub struct RunSnapshot<E> {
    /// Names it.
    pub id: RunId,
    /// Where it is.
    pub state: RunState,
    /// Its statements, in order.
    pub statements: Vec<StatementRun>,
    /// What the server remarked, in order; the last thousand.
    pub notices: VecDeque<Arc<ErrorResponse>>,
    /// Since its start; final once it has ended.
    pub elapsed: Duration,
    /// Why it failed, unless the server refused a statement: that statement says so.
    pub failure: Option<RunFailure<E>>,
}

// Written out because deriving it would ask for `E: Clone`, and errors seldom are.
impl<E> Clone for RunSnapshot<E> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            state: self.state,
            statements: self.statements.clone(),
            notices: self.notices.clone(),
            elapsed: self.elapsed,
            failure: self.failure.clone(),
        }
    }
}

/// Why a run failed that the server would have done.
#[derive(Debug)]
pub enum RunFailure<E> {
    /// There is no stream to the database: the connector's own reason.
    Connect(Arc<E>),
    /// The session was refused, or lost in the middle.
    Session(Arc<SessionError>),
    /// Rows could not be kept.
    Storage(Arc<StoreError>),
}

impl<E> Clone for RunFailure<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Connect(error) => Self::Connect(Arc::clone(error)),
            Self::Session(error) => Self::Session(Arc::clone(error)),
            Self::Storage(error) => Self::Storage(Arc::clone(error)),
        }
    }
}

/// One statement of a run.
#[derive(Clone, Debug)]
pub struct StatementRun {
    /// UTF-16 offset of its first character in the editor's text.
    pub from: u32,
    /// UTF-16 offset behind its last.
    pub to: u32,
    /// Where it is.
    pub state: RunState,
    /// The server's command tag, `SELECT 5`; empty for an empty statement.
    pub tag: Option<Arc<str>>,
    /// Its rows, when they have any columns.
    pub result: Option<ResultInfo>,
    /// Why the server did not do it; also the words of a cancel.
    pub failure: Option<StatementFailure>,
    /// Time it took.
    pub elapsed: Duration,
}

impl StatementRun {
    pub(super) fn waiting(from: u32, to: u32) -> Self {
        Self { from, to, state: RunState::Waiting, tag: None, result: None, failure: None, elapsed: Duration::ZERO }
    }
}

/// Why a statement was not done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StatementFailure {
    /// The server said no, or was asked to cancel.
    Refused {
        /// In its words.
        error: Arc<ErrorResponse>,
        /// The token it marks: UTF-16 offsets into the editor's text, of its start and of its end.
        mark: Option<(u32, u32)>,
    },
    /// `COPY … TO STDOUT` sends data that is not rows; it was dropped.
    CopyToClient,
    /// Its plan was asked for, and there is none of such a statement; it was not sent.
    NotExplainable,
}

/// A kept result at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResultInfo {
    /// Names it.
    pub id: ResultId,
    /// In order.
    pub columns: Arc<[Column]>,
    /// So far.
    pub rows: u64,
    /// Bytes of all cells so far.
    pub bytes: u64,
    /// All rows the server had are here.
    pub complete: bool,
}

impl ResultInfo {
    pub(super) fn of(store: &ResultStore) -> Self {
        Self {
            id: store.id(),
            columns: Arc::clone(store.columns()),
            rows: store.rows(),
            bytes: store.bytes(),
            complete: store.complete(),
        }
    }
}
