//! What the proxy tells the audit log, and when.
//!
//! A statement is recorded before it is forwarded. If it cannot be recorded it is not forwarded: the session ends.

use std::borrow::Cow;
use std::time::Duration;

use crate::cancel::CancelOutcome;
use crate::session::{EndReason, SessionFacts};
use crate::upstream::{BoxFuture, Refusal};

/// The audit log, as the proxy sees it.
///
/// `record` is called on the session's own task, between two messages: it must not block for long (queue, or write to a buffered
/// file). The caller keeps no clock: whoever records stamps the time.
pub trait Recorder: Send + Sync + 'static {
    /// Takes note of events of one session, in order: all of them or none. What a client sent at once comes at once, so that it costs
    /// one write.
    ///
    /// # Errors
    /// [`Unrecorded`] when the log cannot take them. Statements that met this error are not forwarded and their session is closed.
    fn record(&self, session: &SessionFacts, events: &[Event<'_>]) -> Result<(), Unrecorded>;

    /// The same for statements of a session at work, whose task can wait: a log may write what several sessions have to record at one
    /// moment at once.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    fn record_with_others(
        &self,
        session: &SessionFacts,
        events: &[Event<'_>],
    ) -> BoxFuture<'_, Result<(), Unrecorded>> {
        let recorded = self.record(session, events);
        Box::pin(async move { recorded })
    }
}

/// The audit log could not take an event.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the audit log cannot be written: {reason}")]
pub struct Unrecorded {
    /// Why, for the client and the log.
    pub reason: String,
}

/// One thing that happened in a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The server let it in; `backend_pid` of the facts is known now if the server gave one.
    SessionStarted,
    /// It was refused: by admission, by access, by the dial or by the server.
    SessionRefused {
        /// What the client was told.
        refusal: &'a Refusal,
    },
    /// It is over. Follows every `SessionStarted`.
    SessionEnded {
        /// Why.
        reason: &'a EndReason,
        /// Bytes client to server.
        bytes_up: u64,
        /// Bytes server to client.
        bytes_down: u64,
        /// Since it was accepted.
        elapsed: Duration,
    },
    /// A simple Query; may hold several statements.
    Query {
        /// The text.
        sql: Text<'a>,
    },
    /// A prepared statement is made.
    Parse {
        /// Its name, empty for the unnamed one.
        name: Cow<'a, str>,
        /// The text.
        sql: Text<'a>,
    },
    /// Parameters are bound.
    Bind {
        /// Portal, empty for the unnamed one.
        portal: Cow<'a, str>,
        /// Statement, empty for the unnamed one.
        statement: Cow<'a, str>,
        /// Values in order, as far as they were kept.
        parameters: Vec<Parameter<'a>>,
        /// Whether values are missing because the message was longer than the limit.
        cut: bool,
    },
    /// A portal is run.
    Execute {
        /// Portal, empty for the unnamed one.
        portal: Cow<'a, str>,
        /// Row limit; 0 means all.
        max_rows: i32,
    },
    /// A statement or portal is closed.
    Close {
        /// `statement` or `portal`.
        what: &'static str,
        /// Its name.
        name: Cow<'a, str>,
    },
    /// The legacy function call.
    FunctionCall {
        /// Object id of the function.
        oid: u32,
    },
    /// A statement of a read-only session was not forwarded, because it is not known to only read.
    StatementRefused {
        /// The text; none for a function call.
        sql: Option<Text<'a>>,
        /// Why, as the client was told.
        reason: Cow<'a, str>,
    },
    /// The client sent something that is not PostgreSQL's protocol.
    Malformed {
        /// What was wrong.
        detail: Cow<'a, str>,
    },
    /// Somebody asked to cancel what the session is running.
    CancelRequested {
        /// By whom.
        by: CancelledBy,
        /// What became of the first step.
        outcome: &'a CancelOutcome,
    },
}

/// SQL text as far as it was kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Text<'a> {
    /// The text, lossily decoded as UTF-8.
    pub text: Cow<'a, str>,
    /// Length of the whole in bytes; more than `text` when it was cut.
    pub bytes: usize,
    /// Whether it was cut at the limit.
    pub cut: bool,
}

/// A bound value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Parameter<'a> {
    /// NULL.
    Null,
    /// In text format.
    Text(Cow<'a, str>),
    /// In binary format.
    Binary(&'a [u8]),
}

/// Who asked for a cancel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CancelledBy {
    /// The client, by a CancelRequest with the session's key.
    Client,
    /// [`crate::Proxy::cancel_session`].
    Owner,
}
