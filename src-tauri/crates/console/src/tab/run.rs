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
use postern_wire::backend::TransactionStatus;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::keep::Keep;
use super::results::beginning;
use super::transaction::LastTag;
use super::{Connector, RunFailure, RunId, RunRequest, RunState, Shared, StatementFailure, TabSession, waiting};
use crate::session::{Bound, RunEnd, Session, SessionError, Sink as _};
use crate::split::parameters::{Numbered, Written, has_numbered, numbered, placeholders};
use crate::split::transaction::{Part, part};
use crate::split::{Strings, Utf16Offsets, is_explainable, token_at_offset, token_at_position};
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

/// SQLSTATE undefined_parameter.
const NO_VALUE: &str = "42P02";

/// SQLSTATE invalid_text_representation.
const NOT_OF_KIND: &str = "22P02";

/// SQLSTATE active_sql_transaction: what the server says too, but only after it has failed the transaction.
const IN_TRANSACTION: &str = "25001";

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
    shared.begins();
    let bound = Vec::new();
    let mut run = Run { shared: &shared, id, request, statements, bound, cancel, started: Instant::now() };
    let (end, session) = run.all().await;
    shared.rests();
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
    /// Those of them that have parameters, with a value for each.
    bound: Vec<Option<(Numbered, Vec<Bound>)>>,
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
        // Before the first of them runs: half a script for want of a value helps nobody.
        if let Err((index, failure)) = self.bind() {
            self.shared.statement(index, |statement| {
                statement.state = RunState::Failed;
                statement.failure = Some(failure);
            });
            return (End::of(RunState::Failed), Some(session));
        }
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
                // Another session would run this outside of the transaction that it was meant for.
                Err(error) if session.transaction() != TransactionStatus::Idle => {
                    self.shared.lost(&error);
                    return Err(End::failed(RunFailure::Session(Arc::new(error))));
                }
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

    /// Gives each name of the statements its value, or says of which statement one has none.
    fn bind(&mut self) -> Result<(), (usize, StatementFailure)> {
        let strings = self.shared.state().strings;
        let mut bound = Vec::with_capacity(self.statements.len());
        for index in 0..self.statements.len() {
            bound.push(self.values_of(index, strings).map_err(|failure| (index, failure))?);
        }
        self.bound = bound;
        Ok(())
    }

    fn values_of(&self, index: usize, strings: Strings) -> Result<Option<(Numbered, Vec<Bound>)>, StatementFailure> {
        let range = self.statements[index].clone();
        let statement = &self.request.text[range.clone()];
        let Some(numbered) = numbered(statement, strings) else { return Ok(None) };
        let refused = |name: &str, sqlstate: &str, message: &str, hint: &str| {
            let found = placeholders(statement, strings).into_iter().find(|found| found.name == name);
            let mut offsets = Utf16Offsets::new(&self.request.text);
            let mark = found
                .map(|found| (offsets.of(range.start + found.range.start), offsets.of(range.start + found.range.end)));
            let error = Arc::new(ErrorResponse::error(sqlstate, message).hint(hint));
            StatementFailure::Refused { error, mark }
        };
        if has_numbered(statement, strings) {
            let message = "a statement has either $1 or :name, not both";
            return Err(refused(&numbered.names[0], NO_VALUE, message, "Write :name for all of them."));
        }
        let mut values = Vec::with_capacity(numbered.names.len());
        for name in &numbered.names {
            let given = self.request.parameters.iter().find(|parameter| parameter.name == *name);
            let Some(given) = given else {
                let message = format!("there is no value for the parameter :{name}");
                return Err(refused(name, NO_VALUE, &message, "Give it one beside the editor, or choose NULL."));
            };
            let value = given.bound().map_err(|error| {
                let message = format!("the value of the parameter :{name} cannot be used: {error}");
                refused(name, NOT_OF_KIND, &message, "Mend the value, or choose another type for it.")
            })?;
            values.push(value);
        }
        Ok(Some((numbered, values)))
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
        let at = (self.shared.options.clock)();
        let (outcome, session) = match self.prepare(index, session, &mut keep).await {
            (Some(refused), session) => (refused, session),
            (None, Some(session)) => self.execute(index, session, &mut keep).await,
            (None, None) => (Err(SessionError::Lost { server: None, source: None }), None),
        };
        if let Err(error) = &outcome
            && session.is_none()
        {
            self.shared.lost(error);
        }
        self.shared.note(session.as_ref(), 1, at);
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
        let statement = match &self.bound[index] {
            Some((numbered, _)) => numbered.sql.as_str(),
            None => &self.request.text[self.statements[index].clone()],
        };
        if self.request.explain { Cow::Owned(format!("{EXPLAIN}{statement}")) } else { Cow::Borrowed(statement) }
    }

    /// Begins a transaction where the tab wants one and the server says that none is open, as psql does without AUTOCOMMIT. What cannot
    /// run in one is refused while one is open: the server would refuse it too, and fail the transaction over it.
    ///
    /// Gives an outcome where the statement itself is not to be sent.
    async fn prepare(
        &self,
        index: usize,
        mut session: TabSession,
        keep: &mut Keep<'_, C>,
    ) -> (Option<Result<RunEnd, SessionError>>, Option<TabSession>) {
        if self.request.explain {
            // A plan changes nothing.
            return (None, Some(session));
        }
        let strings = self.shared.state().strings;
        let open = session.transaction() != TransactionStatus::Idle;
        let manual = self.shared.tab.borrow().manual;
        match part(&self.request.text[self.statements[index].clone()], strings) {
            Part::Outside(command) if open => {
                let message = format!("{command} cannot run inside a transaction");
                let error = ErrorResponse::error(IN_TRANSACTION, &message)
                    .detail("It was not sent, so the open transaction is as it was.")
                    .hint("Commit or roll back first, then run it again.");
                (Some(Ok(RunEnd::Refused(Box::new(error)))), Some(session))
            }
            Part::Outside(command) if manual => {
                let words =
                    format!("{command} cannot be part of a transaction: it runs on its own, and is final at once");
                keep.notice(ErrorResponse::default().with(b'S', "NOTICE").with(b'M', &words));
                (None, Some(session))
            }
            Part::Inside if manual && !open => {
                let began = (self.shared.options.clock)();
                match session.run("BEGIN", &mut LastTag::default()).await {
                    Ok(RunEnd::Done) => {
                        self.shared.note(Some(&session), 0, began);
                        self.shared.begins();
                        (None, Some(session))
                    }
                    Err(error) => (Some(Err(error)), None),
                    refused => (Some(refused), Some(session)),
                }
            }
            _ => (None, Some(session)),
        }
    }

    /// Has the server run it, and cancel it when the person says so.
    async fn execute(
        &self,
        index: usize,
        mut session: TabSession,
        keep: &mut Keep<'_, C>,
    ) -> (Result<RunEnd, SessionError>, Option<TabSession>) {
        let key = session.cancel_key().cloned();
        self.shared.connector.runs_on(key.as_ref());
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
            let run = async {
                match &self.bound[index] {
                    Some((_, values)) => session.run_bound(&sql, values, keep).await,
                    None => session.run(&sql, keep).await,
                }
            };
            let mut running = pin!(self.with_progress(Some(index), run));
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
                if error.sqlstate() == ErrorResponse::QUERY_CANCELED =>
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
        let text = &self.request.text[statement.clone()];
        let token = match self.bound.get(index).and_then(Option::as_ref) {
            None => token_at_position(text, position, strings),
            Some((numbered, _)) => match numbered.written_at(position) {
                Written::Placeholder(range) => range,
                Written::Offset(offset) => token_at_offset(text, offset, strings),
            },
        };
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
    matches!(outcome, Ok(RunEnd::Refused(error)) if error.sqlstate() == ErrorResponse::QUERY_CANCELED)
}

/// Stands for the answer that a server without a cancel key cannot give.
fn canceled_by_leaving() -> RunEnd {
    RunEnd::Refused(Box::new(ErrorResponse::error(
        ErrorResponse::QUERY_CANCELED,
        "the session was ended to cancel its statement",
    )))
}
