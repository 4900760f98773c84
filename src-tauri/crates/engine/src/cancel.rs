//! Cancelling one query and proving it. A PID names a session, not a query: what that session runs is read again right
//! before each step that acts, and nothing is done when it is not the query the person saw.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio_postgres::error::SqlState;

use crate::{
    activity::{is_live, rows},
    engine::Engine,
    error::Error,
    gate::Gate,
    login::Login,
    monitor::Monitor,
};

/// How long the server has to act on one step before the next is tried.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the last step is waited for.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// Which query to cancel.
#[derive(Clone, Debug)]
pub struct CancelRequest {
    /// Through which login to ask.
    pub login: Login,
    /// The session that runs it.
    pub session_id: i32,
    /// The query the person saw; whatever the session runs now when absent.
    pub query_id: Option<i64>,
    /// End the whole session.
    pub terminate: bool,
}

/// What was done, and how it ended.
#[derive(Clone, Debug)]
pub struct CancelReport {
    /// How it ended.
    pub outcome: Outcome,
    /// In order.
    pub steps: Vec<CancelStep>,
    /// From the question to the proof.
    pub elapsed: Duration,
}

/// How a cancel ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The server reports it canceled.
    Canceled,
    /// The session is gone.
    Terminated,
    /// It had ended before, or ended by itself.
    AlreadyFinished,
    /// The session runs another query; nothing was done to it.
    QueryChanged,
    /// Asked, and it still runs.
    StillRunning,
    /// The login may not do it.
    NotPermitted,
}

/// One step.
#[derive(Clone, Debug)]
pub struct CancelStep {
    /// What was done.
    pub kind: StepKind,
    /// It worked.
    pub ok: bool,
    /// Since the start.
    pub at: Duration,
    /// The server's words or values.
    pub detail: String,
}

/// What a step did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StepKind {
    /// Read (session, query, status) again.
    Reread,
    /// CancelRequest over TLS with the server's own key.
    WireCancel,
    /// `pg_cancel_backend` from another login.
    CancelBackend,
    /// `pg_terminate_backend` from another login.
    TerminateBackend,
    /// SYS_QUERY_HISTORY says how it ended.
    ServerReports,
    /// The session of ours got the server's answer.
    ClientTold,
}

impl Engine {
    /// Cancels a query: over the wire when the session is ours, through `pg_cancel_backend` otherwise or when that does
    /// not help within two seconds. Reports what the server says became of it.
    ///
    /// # Errors
    /// As [`Engine::activity`]. That the query could not be canceled is no error but an outcome.
    pub async fn cancel(&self, request: &CancelRequest) -> Result<CancelReport, Error> {
        let gate = self.gate(&request.login)?;
        let monitor = gate.monitor().await?;
        let mut attempt = Attempt {
            engine: self,
            request,
            monitor,
            query_id: request.query_id,
            began: Instant::now(),
            steps: Vec::new(),
        };
        let outcome = attempt.run().await?;
        let report = CancelReport { outcome, elapsed: attempt.began.elapsed(), steps: attempt.steps };
        self.record_cancel(request, &report)?;
        Ok(report)
    }

    fn record_cancel(&self, request: &CancelRequest, report: &CancelReport) -> Result<(), Error> {
        let (event, code) =
            if request.terminate { ("db.session.terminate", "PST02I") } else { ("db.session.query.cancel", "PST01I") };
        let user = self.shared.identity()?.sign_in.user;
        self.audit().append(
            event,
            code,
            json!({
                "user": user,
                "db_service": request.login.database,
                "db_user": request.login.db_user,
                "db_name": request.login.db_name,
                "session_id": request.session_id,
                "query_id": request.query_id,
                "outcome": format!("{:?}", report.outcome),
                "elapsed_ms": u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
            }),
        )
    }
}

/// One cancel under way.
struct Attempt<'a> {
    engine: &'a Engine,
    request: &'a CancelRequest,
    monitor: Arc<Monitor>,
    query_id: Option<i64>,
    began: Instant,
    steps: Vec<CancelStep>,
}

/// What the session runs.
enum Now {
    /// The query that is meant.
    Meant { status: String },
    /// That query has ended, as the server says.
    Ended { status: String },
    /// Another one.
    Other { query_id: i64, status: String },
    /// Nothing that this login may see.
    Nothing,
}

impl Attempt<'_> {
    async fn run(&mut self) -> Result<Outcome, Error> {
        if let Some(outcome) = self.reread().await? {
            return Ok(outcome);
        }
        if self.request.terminate {
            return self.by_function(StepKind::TerminateBackend).await;
        }
        if let Some(ours) = self.our_gate() {
            let session = self.request.session_id;
            let sent = ours.cancel_backend(session).await;
            self.step(StepKind::WireCancel, sent.is_ok(), sent.err().unwrap_or_default());
            if let Some(outcome) = self.wait(PATIENCE).await? {
                self.client_told(&ours).await;
                return Ok(outcome);
            }
            if let Some(outcome) = self.reread().await? {
                return Ok(outcome);
            }
        }
        let outcome = self.by_function(StepKind::CancelBackend).await?;
        if outcome == Outcome::Canceled
            && let Some(ours) = self.our_gate()
        {
            self.client_told(&ours).await;
        }
        Ok(outcome)
    }

    /// The gate that the session runs through, when it is ours.
    fn our_gate(&self) -> Option<Arc<Gate>> {
        self.engine.gate_of_backend(&self.request.login.database, self.request.session_id)
    }

    /// Asks `pg_cancel_backend` or `pg_terminate_backend`, and waits for the proof.
    async fn by_function(&mut self, kind: StepKind) -> Result<Outcome, Error> {
        let function = if kind == StepKind::TerminateBackend { "pg_terminate_backend" } else { "pg_cancel_backend" };
        let call = format!("{function}({})", self.request.session_id);
        match self.monitor.query(&format!("SELECT {call}")).await {
            Ok(_) => self.step(kind, true, call),
            Err(Error::Sql(failure)) => {
                self.step(kind, false, failure.message.clone());
                if failure.sqlstate == SqlState::INSUFFICIENT_PRIVILEGE.code() {
                    return Ok(Outcome::NotPermitted);
                }
            }
            Err(other) => return Err(other),
        }
        Ok(self.wait(LAST_PATIENCE).await?.unwrap_or(Outcome::StillRunning))
    }

    /// Reads what the session runs, and says the outcome when there is nothing to act on.
    async fn reread(&mut self) -> Result<Option<Outcome>, Error> {
        let (ok, detail, outcome) = match self.now().await? {
            Now::Meant { status } => (true, status, None),
            Now::Ended { status } => (false, status, Some(Outcome::AlreadyFinished)),
            Now::Other { query_id, status } => (false, format!("{query_id} {status}"), Some(Outcome::QueryChanged)),
            Now::Nothing => (false, String::new(), Some(Outcome::AlreadyFinished)),
        };
        self.step(StepKind::Reread, ok, detail);
        Ok(outcome)
    }

    /// Waits for the server to say that the query has ended.
    async fn wait(&mut self, limit: Duration) -> Result<Option<Outcome>, Error> {
        let deadline = Instant::now() + limit;
        let mut pause = Duration::from_millis(50);
        loop {
            let ended = match self.now().await? {
                Now::Ended { status } => Some(status),
                Now::Other { .. } | Now::Nothing => Some(String::new()),
                Now::Meant { .. } => None,
            };
            if let Some(status) = ended {
                let outcome = match status.as_str() {
                    _ if self.request.terminate => Outcome::Terminated,
                    "canceled" => Outcome::Canceled,
                    // A server that forgets the row of a killed query, or one that was quicker than we.
                    _ => Outcome::AlreadyFinished,
                };
                self.step(StepKind::ServerReports, true, status);
                return Ok(Some(outcome));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// What the session runs now. The first live query found becomes the one that is meant when none was named.
    async fn now(&mut self) -> Result<Now, Error> {
        let sql = format!(
            "SELECT query_id, trim(status) AS status FROM sys_query_history WHERE session_id = {} \
             ORDER BY start_time DESC LIMIT 20",
            self.request.session_id
        );
        let messages = self.monitor.query(&sql).await?;
        let found: Vec<(i64, String)> = rows(&messages)
            .filter_map(|row| {
                let query_id = row.try_get("query_id").ok()??.parse().ok()?;
                Some((query_id, row.try_get("status").ok()??.to_owned()))
            })
            .collect();
        let live = found.iter().find(|(_, status)| is_live(status));
        if self.query_id.is_none() {
            self.query_id = live.map(|(query_id, _)| *query_id);
        }
        let Some(meant) = self.query_id else { return Ok(Now::Nothing) };
        Ok(match (found.iter().find(|(query_id, _)| *query_id == meant), live) {
            (Some((_, status)), _) if is_live(status) => Now::Meant { status: status.clone() },
            (Some((_, status)), _) => Now::Ended { status: status.clone() },
            (None, Some((query_id, status))) => Now::Other { query_id: *query_id, status: status.clone() },
            (None, None) => Now::Nothing,
        })
    }

    /// Whether the client of our session has got the server's answer.
    async fn client_told(&mut self, gate: &Gate) {
        let told = gate.answered(self.request.session_id, PATIENCE).await;
        self.step(StepKind::ClientTold, told, if told { "57014".to_owned() } else { String::new() });
    }

    fn step(&mut self, kind: StepKind, ok: bool, detail: String) {
        self.steps.push(CancelStep { kind, ok, at: self.began.elapsed(), detail });
    }
}
