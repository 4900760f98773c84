//! What is seen of a cancel in our own session, where the client waits for its answer.

use std::time::Duration;

use postern_proxy::{QueryMark, StopReason};
use postern_wire::ErrorResponse;
use tokio::time::{Instant, sleep};

use crate::gate::Gate;

use super::PATIENCE;

/// How often a session is looked at. A change within a session wakes nobody.
const LOOK: Duration = Duration::from_millis(50);

/// What the client of a session of ours was told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Told {
    /// 57014, by the server.
    Canceled,
    /// The query's own answer, or another error.
    Other,
    /// 57014, by us: the session is closed.
    ByUs,
    /// The session is gone: its client was told why, or has left.
    Gone,
}

impl Told {
    /// As a step of the report has it.
    pub(super) fn words(self) -> String {
        match self {
            Self::Canceled => ErrorResponse::QUERY_CANCELED.to_owned(),
            Self::ByUs => format!("{} by Postern, session closed", ErrorResponse::QUERY_CANCELED),
            Self::Other | Self::Gone => String::new(),
        }
    }
}

/// Waits until a session no longer runs a query; `false` when it still does after `limit`.
pub(super) async fn ended(gate: &Gate, query: QueryMark, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while gate.proxy().still_runs(query) {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(LOOK).await;
    }
    true
}

/// What the client was told, once the server has said that the query is over. A session that the server leaves hanging is told 57014 by
/// us, and closed: it would hang until TCP gives up (dbt-labs/dbt-adapters#1987: 800 seconds).
pub(super) async fn client_told(gate: &Gate, query: QueryMark) -> Told {
    if !ended(gate, query, PATIENCE).await {
        gate.proxy().stop_session(query.session, StopReason::CancelledButSilent);
        return Told::ByUs;
    }
    answer(gate, query)
}

/// What the client was told of a query that no longer runs in its session.
pub(super) fn answer(gate: &Gate, query: QueryMark) -> Told {
    match gate.proxy().was_told(query) {
        Some(true) => Told::Canceled,
        Some(false) => Told::Other,
        None => Told::Gone,
    }
}
