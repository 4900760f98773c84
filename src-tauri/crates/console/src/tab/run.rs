//! One run from its first connection to its last statement.

use std::borrow::Cow;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::FusedFuture as _;
use postern_wire::ErrorResponse;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::keep::Keep;
use super::results::beginning;
use super::{Connector, RunFailure, RunId, RunRequest, RunState, Shared, StatementFailure, TabSession, waiting};
use crate::session::{RunEnd, Session, SessionError};
use crate::split::{Strings, Utf16Offsets, is_explainable, token_at_position};
use crate::store::StoreError;

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// How long a cancel may take that is on its way when a statement ends by itself. It cannot be called back, and given
/// this time it does not meet the next statement.
const LATE_CANCEL: Duration = Duration::from_millis(500);

/// How long a server may go on sending rows that nobody can keep, before the session is given up.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Stands in front of a statement whose plan is wanted. Never with ANALYZE, which would run it.
const EXPLAIN: &str = "EXPLAIN ";

/// SQLSTATE query_canceled.
const QUERY_CANCELED: &str = "57014";

/// How the run, or one statement of it, ended.
struct End<E> {
    state: RunState,
    failure: Option<RunFailure<E>>,
}

impl<E> End<E> {
    fn of(state: RunState) -> Self {
        Self { state, failure: None }
    }

    fn failed(failure: RunFailure<E>) -> Self {
        Self { state: RunState::Failed, failure: Some(failure) }
    }
}

/// Runs all of it, then gives the session back.
pub(super) async fn drive<C: Connector>(
    shared: Arc<Shared<C>>,
    id: RunId,
    request: RunRequest,
    statements: Vec<Range<usize>>,
    cancel: CancellationToken,
) {
    let mut run = Run { shared: &shared, id, request, statements, cancel, started: Instant::now() };
    let (end, session) = run.all().await;
    let elapsed = run.started.elapsed();
    shared.snapshot(|run| {
        run.state = end.state;
        run.failure = end.failure;
        run.elapsed = elapsed;
        // Under the snapshot's lock: whoever sees that it is over may begin the next, and whoever may, sees it.
        shared.state().rest(session);
    });
}

struct Run<'a, C: Connector> {
    shared: &'a Shared<C>,
    id: RunId,
    request: RunRequest,
    statements: Vec<Range<usize>>,
    cancel: CancellationToken,
    started: Instant,
}

impl<C: Connector> Run<'_, C> {
    /// How it ended, and the session if that can be used again.
    async fn all(&mut self) -> (End<C::Error>, Option<TabSession>) {
        let mut session = match self.connected().await {
            Ok(session) => session,
            Err(end) => return (end, None),
        };
        self.split_as_the_server_does(&session);
        for index in 0..self.statements.len() {
            if self.cancel.is_cancelled() {
                return (End::of(RunState::Canceled), Some(session));
            }
            match self.statement(index, session).await {
                (End { state: RunState::Done, .. }, Some(usable)) => session = usable,
                ended => return ended,
            }
        }
        (End::of(RunState::Done), Some(session))
    }

    /// Takes the tab's session, or opens one if there is none or the server has left it.
    async fn connected(&self) -> Result<TabSession, End<C::Error>> {
        let kept = self.shared.state().session.take();
        if let Some(mut session) = kept {
            match session.check_idle() {
                Ok(()) => return Ok(session),
                Err(error) => tracing::debug!(?error, "the session ended while idle; opening another"),
            }
        }
        let opened = async {
            let stream = self.shared.connector.connect().await.map_err(|error| RunFailure::Connect(Arc::new(error)))?;
            let session = Session::start(stream, &self.shared.options.login).await;
            session.map_err(|error| RunFailure::Session(Arc::new(error)))
        };
        tokio::select! {
            opened = self.with_progress(None, opened) => opened.map_err(End::failed),
            () = self.cancel.cancelled() => Err(End::of(RunState::Canceled)),
        }
    }

    /// The script was split before anyone knew what a backslash means to this server. Seldom is it split again.
    fn split_as_the_server_does(&mut self, session: &TabSession) {
        let standard = session.parameter("standard_conforming_strings") == Some("on");
        let strings = if standard { Strings::Standard } else { Strings::Escaped };
        let known = std::mem::replace(&mut self.shared.state().strings, strings);
        if known == strings {
            return;
        }
        let statements = self.request.statements(strings);
        if statements != self.statements && !statements.is_empty() {
            let waiting = waiting(&self.request.text, &statements);
            self.shared.snapshot(|run| run.statements = waiting);
            self.statements = statements;
        }
    }

    /// Runs one statement and notes how it ended.
    async fn statement(&self, index: usize, session: TabSession) -> (End<C::Error>, Option<TabSession>) {
        let began = Instant::now();
        let strings = self.shared.state().strings;
        let statement = &self.request.text[self.statements[index].clone()];
        // Asked again, since it may have been split otherwise meanwhile.
        if self.request.explain && !is_explainable(statement, strings) {
            self.shared.statement(index, |statement| {
                statement.state = RunState::Failed;
                statement.failure = Some(StatementFailure::NotExplainable);
            });
            return (End::of(RunState::Failed), Some(session));
        }
        self.shared.snapshot(|run| {
            run.state = RunState::Running;
            run.statements[index].state = RunState::Running;
        });
        let sql = beginning(&self.request.text[self.statements[index].clone()]);
        let mut keep = Keep::new(self.shared, self.id, index, sql);
        let (outcome, session) = self.execute(index, session, &mut keep).await;
        let lost_rows = keep.failure.take();
        drop(keep);
        let (end, refusal) = self.judge(index, outcome, lost_rows);
        self.shared.progress(index);
        self.shared.statement(index, |statement| {
            statement.state = end.state;
            statement.failure = refusal;
            statement.elapsed = began.elapsed();
        });
        (end, session)
    }

    /// What the server is sent for a statement.
    fn sql(&self, index: usize) -> Cow<'_, str> {
        let statement = &self.request.text[self.statements[index].clone()];
        if self.request.explain { Cow::Owned(format!("{EXPLAIN}{statement}")) } else { Cow::Borrowed(statement) }
    }

    /// Has the server run it, and cancel it when the person says so.
    async fn execute(
        &self,
        index: usize,
        mut session: TabSession,
        keep: &mut Keep<'_, C>,
    ) -> (Result<RunEnd, SessionError>, Option<TabSession>) {
        let key = session.cancel_key().cloned();
        let asked = AtomicBool::new(false);
        let cancel = async {
            self.cancel.cancelled().await;
            asked.store(true, Ordering::Relaxed);
            self.canceling(index);
            let Some(key) = key.clone() else { return false };
            self.shared.connector.cancel(key).await;
            true
        };
        let mut cancel = pin!(cancel.fuse());
        let sql = self.sql(index);
        let outcome = {
            let mut running = pin!(self.with_progress(Some(index), session.run(&sql, keep)));
            tokio::select! {
                outcome = &mut running => outcome,
                has_key = &mut cancel => match has_key {
                    true => running.await,
                    // A server that gave no key can only be left.
                    false => return (Ok(canceled_by_leaving()), None),
                },
            }
        };
        match outcome {
            Ok(RunEnd::Stopped) => (outcome, self.stop(session).await),
            Ok(_) | Err(SessionError::Unsendable(_)) => {
                let on_its_way = asked.load(Ordering::Relaxed) && !cancel.is_terminated();
                if on_its_way && !was_canceled(&outcome) {
                    let _ = tokio::time::timeout(LATE_CANCEL, cancel).await;
                }
                (outcome, Some(session))
            }
            Err(_) => (outcome, None),
        }
    }

    /// Has a statement canceled whose rows nobody can keep, so that the session can be used again.
    async fn stop(&self, mut session: TabSession) -> Option<TabSession> {
        let key = session.cancel_key().cloned()?;
        let canceled = async {
            self.shared.connector.cancel(key).await;
            std::future::pending().await
        };
        let drained = async {
            tokio::select! {
                drained = session.drain() => drained,
                never = canceled => never,
            }
        };
        let drained = tokio::time::timeout(DRAIN_LIMIT, drained).await;
        matches!(drained, Ok(Ok(_))).then_some(session)
    }

    fn canceling(&self, index: usize) {
        self.shared.snapshot(|run| {
            run.state = RunState::Canceling;
            run.statements[index].state = RunState::Canceling;
        });
    }

    /// What an outcome means for the run, and for the statement.
    fn judge(
        &self,
        index: usize,
        outcome: Result<RunEnd, SessionError>,
        lost_rows: Option<StoreError>,
    ) -> (End<C::Error>, Option<StatementFailure>) {
        if let Some(error) = lost_rows {
            return (End::failed(RunFailure::Storage(Arc::new(error))), None);
        }
        match outcome {
            Ok(RunEnd::Done | RunEnd::Stopped) => (End::of(RunState::Done), None),
            Ok(RunEnd::CopyToClient) => (End::of(RunState::Failed), Some(StatementFailure::CopyToClient)),
            // A proxy that gives up on a silent server says so and hangs up: that is a cancel all the same.
            Ok(RunEnd::Refused(error)) | Err(SessionError::Lost { server: Some(error), .. })
                if error.sqlstate() == QUERY_CANCELED =>
            {
                (End::of(RunState::Canceled), Some(self.refused(index, *error)))
            }
            Ok(RunEnd::Refused(error)) => (End::of(RunState::Failed), Some(self.refused(index, *error))),
            Err(error) => (End::failed(RunFailure::Session(Arc::new(error))), None),
        }
    }

    fn refused(&self, index: usize, error: ErrorResponse) -> StatementFailure {
        let mark = error.field(b'P').and_then(|position| position.parse().ok());
        let mark = mark.map(|position| self.mark(index, position));
        StatementFailure::Refused { error: Arc::new(error), mark }
    }

    /// The token at a position of a statement, as UTF-16 offsets into the whole text.
    fn mark(&self, index: usize, position: usize) -> (u32, u32) {
        let statement = self.statements[index].clone();
        let strings = self.shared.state().strings;
        let before = if self.request.explain { EXPLAIN.len() } else { 0 };
        let position = position.saturating_sub(before);
        let token = token_at_position(&self.request.text[statement.clone()], position, strings);
        let mut offsets = Utf16Offsets::new(&self.request.text);
        (offsets.of(statement.start + token.start), offsets.of(statement.start + token.end))
    }

    /// Waits for `work`, and tells how long it takes and how many rows there are.
    async fn with_progress<T>(&self, statement: Option<usize>, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let mut work = pin!(work);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = tick.tick() => {
                    self.shared.snapshot(|run| {
                        run.elapsed = self.started.elapsed();
                        if let Some(index) = statement {
                            run.statements[index].elapsed = began.elapsed();
                        }
                    });
                    if let Some(index) = statement {
                        self.shared.progress(index);
                    }
                }
            }
        }
    }
}

fn was_canceled(outcome: &Result<RunEnd, SessionError>) -> bool {
    matches!(outcome, Ok(RunEnd::Refused(error)) if error.sqlstate() == QUERY_CANCELED)
}

/// Stands for the answer that a server without a cancel key cannot give.
fn canceled_by_leaving() -> RunEnd {
    RunEnd::Refused(Box::new(ErrorResponse::error(QUERY_CANCELED, "the session was ended to cancel its statement")))
}
