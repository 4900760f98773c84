//! What is seen of a cancel in our own session, where the client waits for its answer.

use std::time::Duration;

use postern_proxy::{QueryMark, StopReason};
use postern_wire::ErrorResponse;
use tokio::time::{Instant, sleep};

use crate::gate::Gate;

use super::PATIENCE;

/// How often a session is looked at. A change within a session wakes nobody.
const LOOK: Duration = Duration::from_millis(50);

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

/// Whether the client has got the server's answer, once the server has said that the query is over. A session that the server leaves
/// hanging is told 57014 by us, and closed: it would hang until TCP gives up (dbt-labs/dbt-adapters#1987: 800 seconds).
pub(super) async fn client_told(gate: &Gate, query: QueryMark) -> (bool, String) {
    if !ended(gate, query, PATIENCE).await {
        gate.proxy().stop_session(query.session, StopReason::CancelledButSilent);
        return (false, format!("{} by Postern, session closed", ErrorResponse::QUERY_CANCELED));
    }
    match gate.proxy().was_told(query) {
        Some(true) => (true, ErrorResponse::QUERY_CANCELED.to_owned()),
        Some(false) => (true, String::new()),
        // It is gone: its client was told, or has left.
        None => (true, String::new()),
    }
}
