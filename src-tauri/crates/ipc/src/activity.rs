//! What runs on a server, and how a query was canceled.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{connections::SessionProcess, databases::Target};

/// Ask for the queries of a server.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ActivityRequest {
    /// Through which login.
    pub target: Target,
    /// How many finished ones to give at most.
    pub finished: u32,
    /// Of those, only what ended within so many milliseconds before now.
    #[serde(default)]
    #[ts(type = "number | null")]
    pub last_ms: Option<u64>,
    /// So many characters of each text; as many as the server lists when absent.
    #[serde(default)]
    pub text: Option<u32>,
}

impl ActivityRequest {
    /// All that lives, and so many others, with their texts.
    #[must_use]
    pub fn of(target: Target, finished: u32) -> Self {
        Self { target, finished, last_ms: None, text: None }
    }
}

/// The queries of a server at one moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Activity {
    /// Where the server told it.
    pub source: ActivitySource,
    /// Whose queries these are.
    pub scope: ActivityScope,
    /// The login's own name at the server; empty when the server does not say.
    pub me: String,
    /// The statement by which an administrator shows this login everybody's, when it sees its own only.
    pub grant: Option<String>,
    /// Sessions of others whose work the server does not show to this login.
    #[ts(type = "number")]
    pub hidden: u64,
    /// When it was read, by our clock, milliseconds since 1970.
    #[ts(type = "number")]
    pub as_of: u64,
    /// What the server's clock said then. All times of the queries are by that clock.
    #[ts(type = "number")]
    pub server_now: u64,
    /// More had ended in the wanted time than were wanted: the oldest are left out.
    pub cut: bool,
    /// Live ones first, then newest first.
    pub queries: Vec<Query>,
}

/// Where a server tells what runs on it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ActivitySource {
    /// SYS_QUERY_HISTORY of Redshift.
    History,
    /// STV_RECENTS of a provisioned Redshift without SYS views: no phases, no counts, few that have ended.
    Cluster,
    /// `pg_stat_activity` of PostgreSQL: only what runs now.
    StatActivity,
}

/// Whose queries the login may see.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum ActivityScope {
    /// Everybody's.
    All,
    /// One's own only.
    Own,
    /// The server does not say.
    Unknown,
}

/// A query that runs or ran.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Query {
    /// 64-bit, so as text. Unique within its session where the server numbers nothing.
    pub query_id: String,
    /// The PID for pg_cancel_backend; -1 where the server no longer says.
    pub session_id: i32,
    /// `username`.
    pub user: String,
    /// `database_name`.
    pub db_name: String,
    /// As the server spells it: planning, queued, running, returning, failed, canceled, success; `done` where it does not say how it ended.
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
    /// It waits for a lock this instant.
    pub waits_for_lock: bool,
    /// Rows given back; 0 where the server does not count them.
    #[ts(type = "number")]
    pub rows: u64,
    /// Bytes given back; likewise.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Answered from the cache of results.
    pub cache_hit: bool,
    /// The same for queries that differ in their literals only, where the server tells one.
    pub hash: Option<String>,
    /// The server's message.
    pub error: Option<String>,
    /// The beginning of its text.
    pub text: String,
    /// It is of the database user that asks: cancelling it needs no confirmation.
    pub own: bool,
    /// The session is one of ours.
    pub ours: Option<OurSession>,
}

/// Ask for all of one query's text, and its session.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct QueryDetailsRequest {
    /// Through which login.
    pub target: Target,
    /// Its session.
    pub session_id: i32,
    /// Which query.
    pub query_id: String,
    /// When it began, by the server's clock: a PID names one session after another.
    #[ts(type = "number")]
    pub start_time: u64,
}

/// More of a query than the list shows.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct QueryDetails {
    /// Its text; none when the server has forgotten it, or does not show it.
    pub text: Option<String>,
    /// That is all of it.
    pub whole: bool,
    /// The session it runs or ran in; none when the server does not say.
    pub session: Option<SessionFacts>,
}

/// A session at the server. Times are by the server's clock, milliseconds since 1970.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct SessionFacts {
    /// Since when it is open.
    #[ts(type = "number")]
    pub since: u64,
    /// When it ended.
    #[ts(type = "number | null")]
    pub until: Option<u64>,
    /// As the server spells it.
    pub status: String,
    /// `application_name`, where the server tells.
    pub program: Option<String>,
    /// Address of its client, where the server tells.
    pub client: Option<String>,
    /// Since when its transaction is open, where the server tells.
    #[ts(type = "number | null")]
    pub transaction_since: Option<u64>,
}

/// A session of this app behind a query.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct OurSession {
    /// `application_name` of the client.
    pub program: String,
    /// Number of the session in the Connections view.
    #[ts(type = "number")]
    pub session: u64,
    /// The client's program on this machine, where the system tells.
    pub client: Option<SessionProcess>,
    /// The console tab whose session it is.
    pub tab: Option<String>,
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
    /// When it was asked for, by this machine's clock, milliseconds since 1970.
    #[ts(type = "number")]
    pub asked_at: u64,
    /// How its session is now, where that had to be looked at.
    pub session: Option<SessionAfter>,
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
    /// What its owner is told in place of the server's own sentence: Redshift's `CANCEL pid 'message'`.
    pub note: Option<String>,
    /// The person knows whose it is. Without it, another user's query is not touched.
    pub confirmed: bool,
    /// Why, in words for the audit log.
    pub why: Option<String>,
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
    /// When it was asked for, by this machine's clock, milliseconds since 1970.
    #[ts(type = "number")]
    pub asked_at: u64,
    /// Whose query it was, as the server said right before.
    pub user: Option<String>,
    /// Its text, as the server said right before.
    pub text: Option<String>,
    /// How its session is now, where something was done.
    pub session: Option<SessionAfter>,
    /// The grant that would allow it, where rights are missing and one would.
    pub grant: Option<String>,
}

/// How the session of a canceled query is afterwards.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SessionAfter {
    /// Ours: it has answered and waits for its client.
    Usable,
    /// Ours: its transaction has failed, so that only a rollback helps.
    FailedTransaction,
    /// It runs another query by now.
    Busy,
    /// Not ours: open, and nothing runs in it.
    Idle,
    /// It is gone.
    Closed,
    /// Ours: the server left it hanging, so its client was told 57014 by us, and it was closed.
    ClosedByUs,
    /// The server does not say.
    Unknown,
}

/// How a cancel ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CancelOutcome {
    /// The server reports it canceled.
    Canceled,
    /// The session is gone.
    Terminated,
    /// It ended after we asked; the server does not say how.
    Ended,
    /// It had ended before, or ended by itself.
    AlreadyFinished,
    /// The session runs another query now; nothing was done.
    QueryChanged,
    /// The server shows this login no such query; nothing was done.
    NotSeen,
    /// It is another user's, and nobody has confirmed that; nothing was done.
    ConfirmationNeeded,
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
