//! The runtime of one console tab: one session, one run at a time, and the results of the last one and of earlier ones
//! that were pinned.
//!
//! Nothing here waits for the person, and nobody waits for a run: [`Tab::run`] returns at once, and what happens is seen
//! through [`Tab::watch`].

mod check;
mod keep;
mod results;
mod run;
mod snapshot;
mod transaction;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use postern_wire::CancelKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use check::{Check, Dangerous};
use results::Results;
pub use results::{CloseRefused, KeptResult};
pub use snapshot::{ResultInfo, RunFailure, RunId, RunSnapshot, RunState, StatementFailure, StatementRun};
pub use transaction::{EndRefused, TabState, Transaction};

use crate::parameters::Parameter;
use crate::session::{Login, Session};
use crate::split::{self, Strings, Utf16Offsets, utf16_to_byte};
use crate::store::{ResultId, ResultStore, StoreOptions};

/// Statements of a run at most: each has a state of its own, and whoever shows the run is told all of them at every step.
const MAX_STATEMENTS: usize = 10_000;

/// How long closing a tab waits for its run to stop, and again for the server to be told goodbye.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// A byte stream to a database, or to a proxy in front of one.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type TabSession = Session<Box<dyn Stream>>;

/// What a tab needs of the world, and no more.
pub trait Connector: Send + Sync + 'static {
    /// Why there is no stream.
    type Error: fmt::Debug + Send + Sync + 'static;

    /// A new stream, on which a StartupMessage is accepted and no password asked for. Dropped when the person cancels.
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Stream>, Self::Error>>;

    /// Has the statement canceled that runs on the session to which this key was given, by whatever it takes.
    ///
    /// Dropped soon after the session has answered: nothing should be done about it any more then.
    fn cancel(&self, key: CancelKey) -> BoxFuture<'_, ()>;

    /// The tab is about to run something on the session to which this key was given, when one was.
    fn runs_on(&self, _key: Option<&CancelKey>) {}
}

/// What is the same for every run of a tab.
#[derive(Clone, Debug)]
pub struct TabOptions {
    /// Who the session is for.
    pub login: Login,
    /// Where results go. The memory is for all results that the tab keeps together.
    pub store: StoreOptions,
    /// Tells when a transaction began.
    pub clock: fn() -> SystemTime,
}

/// What to run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunRequest {
    /// The whole text of the editor.
    pub text: Arc<str>,
    /// UTF-16 offset of the cursor, or of one end of the selection.
    pub from: u32,
    /// UTF-16 offset of the other end; the same as `from` when nothing is selected.
    pub to: u32,
    /// Run every statement of the text, whatever is selected.
    pub all: bool,
    /// Ask for the plans of the statements in place of running them.
    pub explain: bool,
    /// Values for the `:name`s of its statements.
    pub parameters: Vec<Parameter>,
}

/// Why a run did not begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RunRefused {
    /// The one before has not ended.
    #[error("the tab is running something")]
    Busy,
    /// The tab was closed.
    #[error("the tab is closed")]
    Closed,
    /// There is no statement in the selection, or in the text.
    #[error("there is no statement to run")]
    Nothing,
    /// There is no plan of such a statement, or it could not be had without running it.
    #[error("EXPLAIN knows the plan of a query, of a change of rows and of CREATE TABLE AS, and the statement is none")]
    NotExplainable,
    /// A script for a program rather than for a person.
    #[error("{0} statements are more than the {MAX_STATEMENTS} that a tab runs at once; use `postern db exec -f FILE`")]
    TooMany(usize),
}

impl RunRefused {
    /// Names it for a translation.
    pub fn code(self) -> &'static str {
        match self {
            Self::Busy => "tab_busy",
            Self::Closed => "tab_closed",
            Self::Nothing => "nothing_to_run",
            Self::NotExplainable => "not_explainable",
            Self::TooMany(_) => "too_many_statements",
        }
    }
}

/// A console tab. Dropping it ends its session at once; [`Self::close`] does so with a goodbye.
#[derive(Debug)]
pub struct Tab<C: Connector> {
    shared: Arc<Shared<C>>,
}

/// What the tab and its run both hold.
struct Shared<C: Connector> {
    connector: C,
    options: TabOptions,
    /// The last run, as the world sees it. Only that run's task writes, once it has begun.
    /// Where both locks are held, this one was taken first.
    run: watch::Sender<Option<RunSnapshot<C::Error>>>,
    /// What its session is in. Never changed under either lock.
    tab: watch::Sender<TabState>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    active: Option<Active>,
    /// The session, while no run has it.
    session: Option<TabSession>,
    /// What a backslash means to the server last seen.
    strings: Strings,
    results: Results,
}

/// A run that has not ended.
struct Active {
    cancel: CancellationToken,
    /// `None` only while it is being started.
    task: Option<JoinHandle<()>>,
}

impl<C: Connector> Tab<C> {
    /// A tab that has no session until it runs something.
    pub fn new(connector: C, options: TabOptions) -> Self {
        let (run, tab) = (watch::Sender::new(None), watch::Sender::new(TabState::default()));
        Self { shared: Arc::new(Shared { connector, options, run, tab, state: Mutex::default() }) }
    }

    /// Begins a run: the statements of the selection, or the one under the cursor, or all, one by one until one fails.
    /// Results of earlier runs are dropped unless they are pinned. Needs a tokio runtime.
    ///
    /// # Errors
    /// When there is nothing to run or the last run has not ended; nothing has changed then.
    pub fn run(&self, request: RunRequest) -> Result<RunId, RunRefused> {
        let cancel = CancellationToken::new();
        // Before the lock is taken: a script of megabytes takes a while to read, and results are found under that lock.
        let strings = self.shared.state().strings;
        let statements = request.statements(strings);
        if request.explain
            && !statements.iter().all(|range| split::is_explainable(&request.text[range.clone()], strings))
        {
            return Err(RunRefused::NotExplainable);
        }
        self.shared.state().begin(&statements, &cancel)?;
        let id = RunId::next();
        self.shared.run.send_replace(Some(RunSnapshot {
            id,
            state: RunState::Waiting,
            statements: waiting(&request.text, &statements),
            notices: Default::default(),
            elapsed: Duration::ZERO,
            failure: None,
        }));
        let task = tokio::spawn(run::drive(Arc::clone(&self.shared), id, request, statements, cancel));
        // Without an active run it has ended already, or the tab was closed meanwhile and the run knows.
        if let Some(active) = &mut self.shared.state().active {
            active.task = Some(task);
        }
        Ok(id)
    }

    /// Stops the run, if there is one: the server is asked to cancel what it does, and no further statement begins.
    ///
    /// Inherently a race: a statement that finishes at the same moment is done, and the run with it if it was the last.
    pub fn cancel(&self) {
        if let Some(active) = &self.shared.state().active {
            active.cancel.cancel();
        }
    }

    /// The last run, now and whenever it changes; `None` before the first. It changes with every step, and otherwise at
    /// most every 100 ms.
    pub fn watch(&self) -> watch::Receiver<Option<RunSnapshot<C::Error>>> {
        self.shared.run.subscribe()
    }

    /// A result that the tab keeps. It stays readable for whoever holds it, even when the tab has moved on.
    pub fn result(&self, id: ResultId) -> Option<Arc<ResultStore>> {
        self.shared.state().results.get(id).cloned()
    }

    /// The results that the tab keeps, oldest first.
    pub fn results(&self) -> Vec<KeptResult> {
        self.shared.state().results.list()
    }

    /// Has the next run leave a result, or no longer; `false` when the tab does not keep it.
    pub fn pin(&self, id: ResultId, pinned: bool) -> bool {
        self.shared.state().results.pin(id, pinned)
    }

    /// Lets go of a result.
    ///
    /// # Errors
    /// When the tab does not keep it, or rows still come.
    pub fn close_result(&self, id: ResultId) -> Result<(), CloseRefused> {
        self.shared.state().results.close(id)
    }

    /// Stops the run, ends the session and drops all results. A tab that is closed runs nothing more.
    pub async fn close(&self) {
        let active = {
            let mut state = self.shared.state();
            state.closed = true;
            state.results.drop_all();
            state.active.take()
        };
        if let Some(Active { cancel, task }) = active {
            cancel.cancel();
            if let Some(mut task) = task
                && tokio::time::timeout(CLOSE_LIMIT, &mut task).await.is_err()
            {
                task.abort();
            }
        }
        let session = {
            let mut state = self.shared.state();
            state.results.drop_all();
            state.session.take()
        };
        if let Some(session) = session {
            // The server ends the session anyway when the stream is dropped.
            let _ = tokio::time::timeout(CLOSE_LIMIT, session.terminate()).await;
        }
    }
}

impl<C: Connector> Drop for Tab<C> {
    fn drop(&mut self) {
        let active = self.shared.state().active.take();
        if let Some(task) = active.and_then(|active| active.task) {
            task.abort();
        }
    }
}

impl<C: Connector> Shared<C> {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Makes room for a run.
    fn begin(&mut self, statements: &[Range<usize>], cancel: &CancellationToken) -> Result<(), RunRefused> {
        if self.closed {
            return Err(RunRefused::Closed);
        }
        if self.active.is_some() {
            return Err(RunRefused::Busy);
        }
        match statements.len() {
            0 => return Err(RunRefused::Nothing),
            1..=MAX_STATEMENTS => {}
            more => return Err(RunRefused::TooMany(more)),
        }
        self.results.begin_run();
        self.active = Some(Active { cancel: cancel.clone(), task: None });
        Ok(())
    }

    /// Takes back the session of a run that is over.
    fn rest(&mut self, session: Option<TabSession>) {
        if !self.closed {
            self.session = session;
        }
        self.active = None;
    }
}

impl<C: Connector> fmt::Debug for Shared<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}

impl RunRequest {
    /// What it means, as byte ranges of the text.
    fn statements(&self, strings: Strings) -> Vec<Range<usize>> {
        if self.all {
            return split::statements(&self.text, strings);
        }
        let start = utf16_to_byte(&self.text, self.from.min(self.to));
        if self.from == self.to {
            return split::statement_at(&self.text, start, strings).into_iter().collect();
        }
        let selected = &self.text[start..utf16_to_byte(&self.text, self.from.max(self.to))];
        let in_selection = split::statements(selected, strings).into_iter();
        in_selection.map(|range| start + range.start..start + range.end).collect()
    }
}

fn waiting(text: &str, statements: &[Range<usize>]) -> Vec<StatementRun> {
    let mut offsets = Utf16Offsets::new(text);
    statements.iter().map(|range| StatementRun::waiting(offsets.of(range.start), offsets.of(range.end))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
