//! What runs on a server, from SYS_QUERY_HISTORY, and how a query was canceled.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::databases::Target;

/// Ask for the queries of a server.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ActivityRequest {
    /// Through which login.
    pub target: Target,
    /// How many finished ones to give at most.
    pub finished: u32,
}

/// The queries of a server at one moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Activity {
    /// Whose queries these are.
    pub scope: ActivityScope,
    /// When it was read, milliseconds since 1970.
    #[ts(type = "number")]
    pub as_of: u64,
    /// Live ones first, then newest first.
    pub queries: Vec<Query>,
}

/// Whose queries the login may see.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum ActivityScope {
    /// Everybody's: superuser, `sys:monitor`, `sys:operator`.
    All,
    /// One's own only.
    Own,
    /// The server does not say.
    Unknown,
}

/// A row of SYS_QUERY_HISTORY.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Query {
    /// 64-bit, so as text.
    pub query_id: String,
    /// The PID for pg_cancel_backend.
    pub session_id: i32,
    /// `username`.
    pub user: String,
    /// `database_name`.
    pub db_name: String,
    /// As the server spells it: planning, queued, running, returning, failed, canceled, success.
    pub status: String,
    /// It is planning, queued, running or returning.
    pub live: bool,
    /// SELECT, INSERT, …
    pub query_type: String,
    /// UTC, milliseconds since 1970.
    #[ts(type = "number")]
    pub start_time: u64,
    /// UTC, milliseconds since 1970; absent while it lives.
    #[ts(type = "number | null")]
    pub end_time: Option<u64>,
    /// Milliseconds, as all below.
    #[ts(type = "number")]
    pub elapsed_ms: u64,
    /// Waiting in a queue.
    #[ts(type = "number")]
    pub queue_ms: u64,
    /// Waiting for locks.
    #[ts(type = "number")]
    pub lock_wait_ms: u64,
    /// Planning.
    #[ts(type = "number")]
    pub planning_ms: u64,
    /// Compiling.
    #[ts(type = "number")]
    pub compile_ms: u64,
    /// Executing.
    #[ts(type = "number")]
    pub execution_ms: u64,
    /// Rows given back.
    #[ts(type = "number")]
    pub rows: u64,
    /// The server's message.
    pub error: Option<String>,
    /// May be cut by the server at 4,000 characters.
    pub text: String,
    /// The session is one of ours.
    pub ours: Option<OurSession>,
}

/// A session of this app behind a query.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct OurSession {
    /// `application_name` of the client.
    pub program: String,
    /// Number of the session in the Connections view.
    #[ts(type = "number")]
    pub session: u64,
    /// A cancel that its client asked for, where it was this query that was meant.
    pub cancel: Option<ClientCancel>,
}

/// A cancel that a client asked for with its own means, such as Ctrl+C in psql.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ClientCancel {
    /// How it ended; absent while it is under way.
    pub outcome: Option<CancelOutcome>,
    /// In order, so far.
    pub steps: Vec<CancelStep>,
    /// From the request to its end, or until now.
    #[ts(type = "number")]
    pub elapsed_ms: u64,
}

/// Cancel one query.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct CancelQuery {
    /// Through which login.
    pub target: Target,
    /// Session that runs it.
    pub session_id: i32,
    /// The query the person saw; another one in that session is never touched.
    pub query_id: String,
    /// End the whole session (pg_terminate_backend).
    pub terminate: bool,
}

/// What a cancel did, step by step.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct CancelReport {
    /// How it ended.
    pub outcome: CancelOutcome,
    /// In order.
    pub steps: Vec<CancelStep>,
    /// From the question to the proof.
    #[ts(type = "number")]
    pub elapsed_ms: u64,
}

/// How a cancel ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CancelOutcome {
    /// The server reports it canceled.
    Canceled,
    /// The session is gone.
    Terminated,
    /// It had ended before.
    AlreadyFinished,
    /// The session runs another query now; nothing was done.
    QueryChanged,
    /// Asked, and it still runs.
    StillRunning,
    /// The login may not cancel it.
    NotPermitted,
}

/// One step of a cancel.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct CancelStep {
    /// What was done.
    pub kind: CancelStepKind,
    /// It worked.
    pub ok: bool,
    /// Since the start.
    #[ts(type = "number")]
    pub at_ms: u64,
    /// The server's words or value, as they came.
    pub detail: String,
}

/// What a step of a cancel did.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CancelStepKind {
    /// Read (session, query, status) again.
    Reread,
    /// CancelRequest over TLS, with the server's own key.
    WireCancel,
    /// `pg_cancel_backend` from another login.
    CancelBackend,
    /// `pg_terminate_backend` from another login.
    TerminateBackend,
    /// SYS_QUERY_HISTORY says how it ended.
    ServerReports,
    /// Our session got the server's answer, or 57014 from us.
    ClientTold,
}
