//! Rules that watch one's own queries, and what they tell.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{activity::CancelReport, databases::Target, error::Failure};

/// What is watched in one database.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Watch {
    /// Through which login. Its database user is whose queries are meant.
    pub target: Target,
    /// It watches.
    pub on: bool,
    /// When the server is asked.
    pub when: WatchWhen,
    /// How often, in seconds: 2 to 3,600.
    #[ts(type = "number")]
    pub every_seconds: u64,
    /// One of each kind at most; at least one where it is on.
    pub rules: Vec<WatchRule>,
}

/// When the server is asked. Every question keeps a Serverless workgroup awake, and is billed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WatchWhen {
    /// While a session of this app runs something as that database user.
    WhileOursRun,
    /// Always.
    Always,
}

/// One thing to be told of.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
pub struct WatchRule {
    /// What is measured.
    pub kind: WatchKind,
    /// More than this many seconds, or bytes.
    #[ts(type = "number")]
    pub over: u64,
    /// Cancel the query too.
    pub cancel: bool,
}

/// What a rule measures.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WatchKind {
    /// How long a query has been running, in seconds.
    Runs,
    /// How long it has waited for locks and in queues, in seconds.
    Waits,
    /// How much it has given back, in bytes.
    Returns,
}

/// What is watched, and how that goes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Watching {
    /// As it was set.
    pub watch: Watch,
    /// How it goes.
    pub state: WatchState,
    /// When the server last answered, milliseconds since 1970.
    #[ts(type = "number | null")]
    pub last_look: Option<u64>,
    /// When it is asked again after a failure.
    #[ts(type = "number | null")]
    pub next_look: Option<u64>,
    /// Why the server could not be asked.
    pub failure: Option<Failure>,
}

/// How a watch goes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WatchState {
    /// It is off.
    Off,
    /// Nothing of ours runs, so nothing is asked.
    Resting,
    /// Nobody is signed in.
    SignedOut,
    /// It looks.
    Looking,
    /// The server could not be asked, and will be again.
    Failing,
}

/// A query that meets a rule.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct QueryAlert {
    /// Through which login it was seen, and can be canceled.
    pub target: Target,
    /// The rule.
    pub rule: WatchRule,
    /// What was measured: seconds or bytes.
    #[ts(type = "number")]
    pub value: u64,
    /// 64-bit, so as text.
    pub query_id: String,
    /// Its session's PID.
    pub session_id: i32,
    /// The start of its text.
    pub text: String,
    /// It had not ended.
    pub live: bool,
    /// What became of the cancel that the rule asks for.
    pub cancel: Option<CancelReport>,
    /// Why that cancel could not be asked for.
    pub failure: Option<Failure>,
}
