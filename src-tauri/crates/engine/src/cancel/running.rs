//! What a session at the server runs, as the server itself tells another session.

use postern_access::DatabaseType;
use tokio_postgres::SimpleQueryRow;

use crate::{
    activity::{is_live, rows},
    error::Error,
    monitor::Monitor,
};

/// Where a kind of server tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    /// SYS_QUERY_HISTORY: what ran too, and how it ended.
    History,
    /// `pg_stat_activity`: what runs now. A query has no number there; the microsecond in which it began names it within its session
    /// (<https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW>).
    StatActivity,
}

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
    pub(super) fn of(database: &DatabaseType) -> Self {
        match database {
            DatabaseType::RedshiftServerless(_) => Self::History,
            DatabaseType::Postgres => Self::StatActivity,
        }
    }

    /// The last queries of the session with this PID, newest first.
    pub(super) async fn queries_of(self, monitor: &Monitor, session_id: i32) -> Result<Vec<Seen>, Error> {
        let sql = match self {
            Self::History => format!(
                "SELECT query_id, trim(status) AS status FROM sys_query_history WHERE session_id = {session_id} \
                 ORDER BY start_time DESC LIMIT 20"
            ),
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

fn seen(row: &SimpleQueryRow) -> Option<Seen> {
    let text = |name: &str| row.try_get(name).ok().flatten();
    Some(Seen { query_id: text("query_id")?.parse().ok()?, status: text("status")?.to_owned() })
}
