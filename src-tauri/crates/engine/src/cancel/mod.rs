//! Cancelling one query and proving it, in three steps: a CancelRequest over TLS, `pg_cancel_backend` from another session when that
//! does not help within two seconds, and 57014 from us where the server has cancelled but leaves its session hanging.
//!
//! A PID names a session, not a query: what that session runs is read again right before each step that acts, and nothing is done when
//! it is not the query the person saw. A session of ours is held besides, so that it cannot begin another in between.
//!
//! - `attempt`: a cancel that a person asks for in the activity panel.
//! - `pursuit`: what follows a client's own CancelRequest.
//! - `function`: the step through another session; `running`: what the server says a session runs; `proof`: what our own session shows.

mod attempt;
mod function;
mod proof;
mod pursuit;
mod running;

use std::time::Duration;

use serde_json::{Value, json};

use crate::{clock::whole_millis, engine::Engine, error::Error, login::Login};

use attempt::Attempt;
pub use pursuit::Pursued;
pub(crate) use pursuit::{Pursuits, pursue};

/// How long one step has to show before the next is taken.
const PATIENCE: Duration = Duration::from_secs(2);

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

impl CancelReport {
    /// For programs: `{"outcome", "elapsed_ms", "steps": [{"step", "ok", "at_ms", "detail"}]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"outcome": self.outcome.word(), "elapsed_ms": whole_millis(self.elapsed), "steps": steps_json(&self.steps)})
    }
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

impl Outcome {
    /// How it is called in the audit log and by programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::Terminated => "terminated",
            Self::AlreadyFinished => "already_finished",
            Self::QueryChanged => "query_changed",
            Self::StillRunning => "still_running",
            Self::NotPermitted => "not_permitted",
        }
    }
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
    /// The session of ours got the server's answer, or 57014 from us.
    ClientTold,
}

impl StepKind {
    /// How it is called in the audit log and by programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reread => "reread",
            Self::WireCancel => "wire_cancel",
            Self::CancelBackend => "cancel_backend",
            Self::TerminateBackend => "terminate_backend",
            Self::ServerReports => "server_reports",
            Self::ClientTold => "client_told",
        }
    }
}

impl Engine {
    /// Cancels a query: over the wire when the session is ours, through `pg_cancel_backend` otherwise or when that does
    /// not help within two seconds. Reports what the server says became of it.
    ///
    /// # Errors
    /// As [`Engine::activity`]. That the query could not be canceled is no error but an outcome.
    pub async fn cancel(&self, request: &CancelRequest) -> Result<CancelReport, Error> {
        let report = Attempt::begin(self, request).await?.finish().await?;
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
                "outcome": report.outcome.word(),
                "steps": steps_json(&report.steps),
                "elapsed_ms": whole_millis(report.elapsed),
            }),
        )
    }
}

/// Steps as the audit log keeps them and programs read them.
fn steps_json(steps: &[CancelStep]) -> Value {
    let step = |step: &CancelStep| json!({"step": step.kind.word(), "ok": step.ok, "at_ms": whole_millis(step.at), "detail": step.detail});
    steps.iter().map(step).collect()
}
