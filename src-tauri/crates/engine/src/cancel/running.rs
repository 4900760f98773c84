//! What a session at the server runs, as the server itself tells another session.

use crate::{
    activity::{Fields, STARTED_US, is_live, rows},
    error::Error,
    monitor::Monitor,
};

pub(super) use crate::activity::Source;

/// A query of a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Seen {
    pub(super) query_id: i64,
    /// As the server spells it; empty when it has ended and the server does not say how.
    pub(super) status: String,
}

impl Seen {
    pub(super) fn lives(&self) -> bool {
        is_live(&self.status)
    }
}

impl Source {
    /// The last queries of the session with this PID, newest first.
    pub(super) async fn queries_of(self, monitor: &Monitor, session_id: i32) -> Result<Vec<Seen>, Error> {
        let sql = match self {
            Self::History => format!(
                "SELECT query_id, trim(status) AS status FROM sys_query_history WHERE session_id = {session_id} \
             ORDER BY start_time DESC LIMIT 20"
            ),
            // The PID of a query that has ended is gone from there.
            Self::Cluster => format!(
                "SELECT {STARTED_US} AS query_id, CASE lower(trim(r.status)) WHEN 'running' THEN 'running' ELSE '' END AS status \
             FROM stv_recents AS r WHERE r.pid = {session_id} ORDER BY r.starttime DESC LIMIT 20"
            ),
            // A query has no number there; the microsecond in which it began names it within its session
            // (<https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW>).
            Self::StatActivity => format!(
                "SELECT (extract(epoch FROM query_start) * 1000000)::bigint AS query_id, \
             CASE state WHEN 'active' THEN 'running' ELSE '' END AS status \
             FROM pg_stat_activity WHERE pid = {session_id} AND query_start IS NOT NULL"
            ),
        };
        let messages = monitor.query(&sql).await?;
        Ok(rows(&messages).filter_map(seen).collect())
    }
}

fn seen(row: Fields<'_>) -> Option<Seen> {
    Some(Seen { query_id: row.text("query_id").parse().ok()?, status: row.text("status").to_owned() })
}
