//! The step of a cancel that goes through another session: `pg_cancel_backend` or `pg_terminate_backend`.

use std::time::Duration;

use postern_proxy::QueryMark;
use tokio_postgres::error::SqlState;

use crate::{error::Error, gate::Gate, monitor::Monitor};

use super::StepKind;

/// How long the server may take to answer. As long a session of ours is held, so that its client's next statement waits.
const LIMIT: Duration = Duration::from_secs(5);

/// What came of asking.
pub(super) enum Asked {
    /// The server did it: what was called.
    Done(String),
    /// The server refused, in its own words.
    Refused { message: String, not_permitted: bool },
    /// The session of ours has gone on to something else; nothing was asked.
    GoneOn,
}

/// Asks the server to signal a session. One of ours is held meanwhile, and nothing is asked unless it still runs the query that is meant;
/// one of somebody else could begin another query between our last look and the server's signal, which lies within milliseconds.
///
/// # Errors
/// Every failure of the asking session but the server's refusal. One that gives no answer in time is not used again.
pub(super) async fn ask(
    kind: StepKind,
    session_id: i32,
    monitor: &Monitor,
    ours: Option<(&Gate, QueryMark)>,
) -> Result<Asked, Error> {
    let function = if kind == StepKind::TerminateBackend { "pg_terminate_backend" } else { "pg_cancel_backend" };
    let call = format!("{function}({session_id})");
    let sql = format!("SELECT {call}");
    let asking = monitor.query_within(&sql, LIMIT);
    let answer = match ours {
        Some((gate, query)) => gate.proxy().while_it_runs(query, asking).await,
        None => Some(asking.await),
    };
    match answer {
        None => Ok(Asked::GoneOn),
        Some(Ok(_)) => Ok(Asked::Done(call)),
        Some(Err(Error::Sql(failure))) => Ok(Asked::Refused {
            not_permitted: failure.sqlstate == SqlState::INSUFFICIENT_PRIVILEGE.code(),
            message: failure.message,
        }),
        Some(Err(other)) => Err(other),
    }
}
