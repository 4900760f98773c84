//! Cancelling one query and proving it, in three steps: a CancelRequest over TLS, `pg_cancel_backend` from another session when that
//! does not help within two seconds, and 57014 from us where the server has cancelled but leaves its session hanging.
//!
//! A PID names a session, not a query: what that session runs is read again right before each step that acts, and nothing is done when
//! it is not the query the person saw. A session of ours is held besides, so that it cannot begin another in between; for any other the
//! server itself is told to look and to signal in one statement.
//!
//! - `attempt`: a cancel that a person asks for in the activity panel, by command, or by a rule.
//! - `pursuit`: what follows a client's own CancelRequest.
//! - `meant`: the query, and the wait for the server's word of it, which both share; `server`: what each kind of server is asked;
//!   `running`: what it says a session runs; `proof`: what our own session shows; `record`: the audit log.

mod attempt;
mod meant;
mod proof;
mod pursuit;
mod record;
mod running;
mod server;

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::{
    clock::{rfc3339, whole_millis},
    engine::Engine,
    error::Error,
    login::Login,
};

use attempt::Attempt;
pub use pursuit::Pursued;
pub(crate) use pursuit::{Pursuits, pursue};
pub use server::Victim;

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
    /// What its owner is told in place of the server's own sentence (Redshift's `CANCEL pid 'message'`).
    pub note: Option<String>,
    /// A person has said that it may be another user's.
    pub confirmed: bool,
    /// Where the wish comes from.
    pub by: By,
    /// Why, in words for the audit log.
    pub why: Option<String>,
}

impl CancelRequest {
    /// The cancel of one query of one's own, with nothing special about it.
    #[must_use]
    pub fn new(by: By, login: Login, session_id: i32, query_id: Option<i64>) -> Self {
        Self { login, session_id, query_id, terminate: false, note: None, confirmed: false, by, why: None }
    }
}

/// Where the wish to cancel something comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum By {
    /// The window.
    Window,
    /// The command line.
    Command,
    /// A rule that a person has set.
    Rule,
    /// A client's own CancelRequest, such as Ctrl+C in psql, or the console's Stop.
    Client,
}

impl By {
    /// How it is called in the audit log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Command => "command",
            Self::Rule => "rule",
            Self::Client => "client",
        }
    }
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
    /// When it was asked for, by this machine's clock.
    pub asked_at: SystemTime,
    /// Which query was meant, once that is known.
    pub query_id: Option<i64>,
    /// Whose it was, where that was read.
    pub victim: Option<Victim>,
    /// How its session is now, where something was done.
    pub session: Option<SessionAfter>,
    /// The grant that would allow it, where rights are missing and one would.
    pub grant: Option<String>,
}

impl CancelReport {
    /// How long after the question the server said that the query is over, and its word for how.
    #[must_use]
    pub fn reported(&self) -> Option<(Duration, &str)> {
        let step = self.steps.iter().rev().find(|step| step.kind == StepKind::ServerReports)?;
        Some((step.at, &step.detail))
    }

    /// For programs: `{"outcome", "query_id", "username", "asked_at", "reported_after_ms", "session", "grant", "elapsed_ms",
    /// "steps": [{"step", "ok", "at_ms", "detail"}]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "outcome": self.outcome.word(),
            "query_id": self.query_id,
            "username": self.victim.as_ref().map(|victim| &victim.user),
            "asked_at": rfc3339(self.asked_at),
            "reported_after_ms": self.reported().map(|(after, _)| whole_millis(after)),
            "session": self.session.map(SessionAfter::word),
            "grant": self.grant,
            "elapsed_ms": whole_millis(self.elapsed),
            "steps": steps_json(&self.steps),
        })
    }
}

/// How a cancel ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The server reports it canceled.
    Canceled,
    /// The session is gone.
    Terminated,
    /// It ended after we asked, and the server does not say how.
    Ended,
    /// It had ended before, or ended by itself.
    AlreadyFinished,
    /// The session runs another query; nothing was done to it.
    QueryChanged,
    /// The server shows this login no such query; nothing was done.
    NotSeen,
    /// It is another user's, and nobody has confirmed that; nothing was done.
    ConfirmationNeeded,
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
            Self::Ended => "ended",
            Self::AlreadyFinished => "already_finished",
            Self::QueryChanged => "query_changed",
            Self::NotSeen => "not_seen",
            Self::ConfirmationNeeded => "confirmation_needed",
            Self::StillRunning => "still_running",
            Self::NotPermitted => "not_permitted",
        }
    }

    /// The query that was meant runs no more, by the server's word.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Canceled | Self::Terminated | Self::Ended | Self::AlreadyFinished)
    }
}

/// How the session of a canceled query is afterwards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SessionAfter {
    /// Ours: it has answered and waits for its client.
    Usable,
    /// Ours: it has answered, and its transaction has failed, so that only a rollback helps.
    FailedTransaction,
    /// It runs another query by now.
    Busy,
    /// Not ours: the server shows it open, and nothing running in it.
    Idle,
    /// It is gone.
    Closed,
    /// Ours: the server left it hanging, so its client was told 57014 by us, and it was closed.
    ClosedByUs,
    /// The server does not say.
    Unknown,
}

impl SessionAfter {
    /// How it is called in the audit log and by programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::FailedTransaction => "failed_transaction",
            Self::Busy => "busy",
            Self::Idle => "idle",
            Self::Closed => "closed",
            Self::ClosedByUs => "closed_by_postern",
            Self::Unknown => "unknown",
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
    /// `pg_cancel_backend`, or `CANCEL` with a note, from another session.
    CancelBackend,
    /// `pg_terminate_backend` from another session.
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
    /// Cancels a query: over the wire when the session is ours, through the server's own function or command otherwise or when that
    /// does not help within two seconds. Reports what the server says became of it.
    ///
    /// # Errors
    /// As [`Engine::activity`]; [`Error::InvalidValue`] for a note that cannot be; [`Error::Storage`] when it could not be recorded, and
    /// then nothing was done. That the query could not be canceled is no error but an outcome.
    pub async fn cancel(&self, request: &CancelRequest) -> Result<CancelReport, Error> {
        Attempt::begin(self, request).await?.finish().await
    }
}

/// Steps as the audit log keeps them and programs read them.
fn steps_json(steps: &[CancelStep]) -> Value {
    let step = |step: &CancelStep| json!({"step": step.kind.word(), "ok": step.ok, "at_ms": whole_millis(step.at), "detail": step.detail});
    steps.iter().map(step).collect()
}
