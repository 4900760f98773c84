//! What is known about a session while it lives, and what can be asked of it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use postern_wire::{CancelKey, ErrorResponse};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::activity::Activity;
use crate::clock;
use crate::hold::Hold;
use crate::read_only::ReadOnly;
use crate::upstream::{Endpoint, Origin, Refusal};

/// Names a session. Unique within the process, over all proxies.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(pub u64);

impl SessionId {
    pub(crate) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who a session is, as the audit log needs it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionFacts {
    /// Names it.
    pub id: SessionId,
    /// Name of the proxy it runs through, as given to [`crate::Proxy::new`].
    pub proxy: Arc<str>,
    /// Where it came in.
    pub origin: Origin,
    /// `application_name` of the client, or what was given to [`crate::Proxy::attach`].
    pub program: String,
    /// As granted; as claimed when it was refused before that.
    pub db_user: String,
    /// As granted; as claimed when it was refused before that.
    pub db_name: String,
    /// Only what is known to only read is forwarded.
    pub read_only: bool,
    /// The server's own process id, as SYS_QUERY_HISTORY's `session_id`, once known.
    pub backend_pid: Option<i32>,
}

/// A live session, as it is at one moment.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// Who it is.
    pub facts: SessionFacts,
    /// The process id the client was given in place of the server's.
    pub local_pid: i32,
    /// When it was let in.
    pub started_at: SystemTime,
    /// Bytes client to server.
    pub bytes_up: u64,
    /// Bytes server to client.
    pub bytes_down: u64,
    /// What it is doing.
    pub state: SessionState,
    /// How many times something was sent to be run.
    pub statements: u64,
}

/// What a session was running at one moment, for whoever comes back to it. Between two answers of the server a session runs one query,
/// or the several statements that its client sent as one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QueryMark {
    /// The session.
    pub session: SessionId,
    answers: u64,
    cancellations: u64,
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SessionState {
    /// The server is being dialled or asked to let it in.
    Connecting,
    /// Waiting for the client, no transaction open.
    Idle,
    /// Waiting for the client, a transaction open.
    InTransaction,
    /// Waiting for the client to roll back.
    FailedTransaction,
    /// The server is at work.
    Running,
}

/// Why somebody ends a session from this side.
#[derive(Clone, Debug)]
pub enum StopReason {
    /// The person disconnected it.
    Disconnected,
    /// The program ends, or the proxy is turned off.
    ShuttingDown,
    /// The person signed out.
    SignedOut,
    /// No traffic for as long as the role allows.
    Idle,
    /// The sign-in is as old as the role allows.
    Expired,
    /// The server says that the query is cancelled, yet the session stays silent: the client is told 57014 in the server's place.
    CancelledButSilent,
    /// Any other, in the words of whoever stops it.
    Other(Refusal),
}

impl StopReason {
    /// What the client is told.
    pub fn to_response(&self) -> ErrorResponse {
        let (sqlstate, message) = match self {
            Self::Disconnected => ("57P01", "terminating connection: it was disconnected in Postern"),
            Self::ShuttingDown => ("57P01", "terminating connection: the local proxy is shutting down"),
            Self::SignedOut => ("57P01", "terminating connection: you signed out"),
            Self::Idle => ("57P05", "terminating connection: it was idle for as long as your role allows"),
            Self::Expired => ("57P01", "terminating connection: your sign-in is as old as your role allows"),
            Self::CancelledButSilent => (ErrorResponse::QUERY_CANCELED, "canceling statement due to user request"),
            Self::Other(refusal) => return refusal.to_response(),
        };
        let response = ErrorResponse::fatal(sqlstate, message);
        match self {
            Self::CancelledButSilent => response
                .detail("The server has cancelled the query but left its session hanging, so the session was closed."),
            Self::SignedOut | Self::Expired => response.hint("Sign in and connect again."),
            Self::Idle => response.hint("Connect again."),
            _ => response,
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disconnected => "disconnected",
            Self::ShuttingDown => "shutting down",
            Self::SignedOut => "signed out",
            Self::Idle => "idle",
            Self::Expired => "expired",
            Self::CancelledButSilent => "cancelled but silent",
            Self::Other(refusal) => &refusal.message,
        })
    }
}

/// Why a session is over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EndReason {
    /// The client said goodbye.
    ClientTerminated,
    /// The client was gone without a goodbye.
    ClientVanished,
    /// The server closed the connection; `Some` when it said why.
    UpstreamClosed(Option<ErrorResponse>),
    /// The connection to the server broke.
    UpstreamLost(Arc<std::io::Error>),
    /// The server sent what is not PostgreSQL's protocol.
    UpstreamMalformed(postern_wire::DecodeError),
    /// The client sent what is not PostgreSQL's protocol.
    ClientMalformed(postern_wire::DecodeError),
    /// A statement could not be recorded, so it was not forwarded.
    AuditUnavailable(crate::audit::Unrecorded),
    /// Ended from this side.
    Stopped(StopReason),
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientTerminated => f.write_str("the client disconnected"),
            Self::ClientVanished => f.write_str("the client went away without a goodbye"),
            Self::UpstreamClosed(Some(error)) => write!(f, "the server closed the connection: {}", error.message()),
            Self::UpstreamClosed(None) => f.write_str("the server closed the connection"),
            Self::UpstreamLost(error) => write!(f, "the connection to the server broke: {error}"),
            Self::UpstreamMalformed(error) => write!(f, "the server broke the protocol: {error}"),
            Self::ClientMalformed(error) => write!(f, "the client broke the protocol: {error}"),
            Self::AuditUnavailable(error) => error.fmt(f),
            Self::Stopped(reason) => reason.fmt(f),
        }
    }
}

/// A session as the proxy keeps it: shared between its own task and whoever lists, cancels or stops it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) local_key: CancelKey,
    pub(crate) activity: Activity,
    pub(crate) hold: Hold,
    /// Present where the session may only read.
    pub(crate) read_only: Option<ReadOnly>,
    facts: Mutex<Arc<SessionFacts>>,
    upstream: OnceLock<UpstreamKey>,
    began: Instant,
    started_at: SystemTime,
    stop: CancellationToken,
    stop_reason: OnceLock<StopReason>,
}

/// What cancels the session at the server.
#[derive(Debug)]
pub(crate) struct UpstreamKey {
    pub(crate) endpoint: Endpoint,
    pub(crate) key: CancelKey,
}

impl Session {
    pub(crate) fn new(facts: SessionFacts, local_key: CancelKey) -> Result<Self, getrandom::Error> {
        let read_only = facts.read_only.then(ReadOnly::new).transpose()?;
        Ok(Self {
            id: facts.id,
            local_key,
            activity: Activity::default(),
            hold: Hold::default(),
            read_only,
            facts: Mutex::new(Arc::new(facts)),
            upstream: OnceLock::new(),
            began: Instant::now(),
            started_at: clock::now(),
            stop: CancellationToken::new(),
            stop_reason: OnceLock::new(),
        })
    }

    pub(crate) fn facts(&self) -> Arc<SessionFacts> {
        Arc::clone(&self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The server has let it in, and may have given a key.
    pub(crate) fn connected(&self, upstream: Option<UpstreamKey>) {
        let Some(upstream) = upstream else { return };
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut facts).backend_pid = Some(upstream.key.pid);
        // A session logs in once, so nothing is there yet.
        let _ = self.upstream.set(upstream);
    }

    pub(crate) fn upstream(&self) -> Option<&UpstreamKey> {
        self.upstream.get()
    }

    /// What it runs; `None` when it runs nothing.
    pub(crate) fn running(&self) -> Option<QueryMark> {
        (self.activity.state() == SessionState::Running).then(|| QueryMark {
            session: self.id,
            answers: self.activity.answers(),
            cancellations: self.activity.cancellations(),
        })
    }

    /// Whether it still runs what it ran then.
    pub(crate) fn still_runs(&self, query: QueryMark) -> bool {
        self.running().is_some_and(|now| now.answers == query.answers)
    }

    /// Whether its client has been told since then that a query was cancelled.
    pub(crate) fn was_told(&self, query: QueryMark) -> bool {
        self.activity.cancellations() > query.cancellations
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Asks it to end. The first reason given is the one the client hears.
    pub(crate) fn stop(&self, reason: StopReason) {
        let _ = self.stop_reason.set(reason);
        self.stop.cancel();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Waits until somebody asks it to end.
    pub(crate) async fn stopped(&self) -> StopReason {
        self.stop.cancelled().await;
        self.stop_reason.get().cloned().unwrap_or(StopReason::ShuttingDown)
    }

    pub(crate) fn info(&self) -> SessionInfo {
        SessionInfo {
            facts: SessionFacts::clone(&self.facts()),
            local_pid: self.local_key.pid,
            started_at: self.started_at,
            bytes_up: self.activity.bytes_up(),
            bytes_down: self.activity.bytes_down(),
            state: self.activity.state(),
            statements: self.activity.statements(),
        }
    }
}
