//! One look at the queries of one's own: those that live, and those that lived at the last look.

use postern_access::DatabaseType;
use tokio_postgres::{SimpleQueryRow, error::SqlState};

use crate::{
    activity::rows,
    error::Error,
    monitor::{self, Monitor},
    objects,
};

use super::judge::Seen;

/// How much of a text is told.
const TEXT: usize = 200;

/// Asks one kind of server.
#[derive(Debug)]
pub(super) enum Reader {
    /// SYS_QUERY_HISTORY.
    History {
        /// The number of the login's database user there, asked once.
        user_id: Option<i64>,
    },
    /// `pg_stat_activity`. A query has no number there; the microsecond in which it began names it, as it does for a cancel.
    StatActivity,
}

impl Reader {
    pub(super) fn of(database: &DatabaseType) -> Self {
        match database {
            DatabaseType::RedshiftServerless(_) => Self::History { user_id: None },
            DatabaseType::Postgres => Self::StatActivity,
        }
    }

    /// The queries of one's own that live, and those of `before` whether they live or not.
    ///
    /// # Errors
    /// As [`Monitor::query`].
    pub(super) async fn look(
        &mut self,
        monitor: &Monitor,
        before: impl Iterator<Item = i64>,
    ) -> Result<Vec<Seen>, Error> {
        let statements = match self {
            Self::History { user_id } => {
                let user = match *user_id {
                    Some(user) => user,
                    None => *user_id.insert(user_number(monitor).await?),
                };
                let before: Vec<String> = before.map(|id| id.to_string()).collect();
                [history(user, &before, "lock_wait_time"), history(user, &before, "0")]
            }
            Self::StatActivity => [
                // `waitstart` came with PostgreSQL 14.
                stat_activity(
                    "(extract(epoch FROM clock_timestamp() - (SELECT min(waitstart) FROM pg_locks AS held \
                     WHERE held.pid = activity.pid AND NOT granted)) * 1000000)::bigint",
                ),
                stat_activity("(extract(epoch FROM clock_timestamp() - query_start) * 1000000)::bigint"),
            ],
        };
        let messages = match monitor.query(&statements[0]).await {
            Err(Error::Sql(failure)) if failure.sqlstate == SqlState::UNDEFINED_COLUMN.code() => {
                monitor.query(&statements[1]).await?
            }
            other => other?,
        };
        Ok(rows(&messages).filter_map(seen).collect())
    }
}

/// Asked apart from the history: what only the leader node runs does not mix with everything.
async fn user_number(monitor: &Monitor) -> Result<i64, Error> {
    let messages = monitor.query("SELECT usesysid FROM pg_user WHERE usename = current_user").await?;
    let number = rows(&messages).next().and_then(|row| row.try_get(0).ok().flatten()?.parse().ok());
    number.ok_or_else(|| Error::Internal { detail: "the server does not name its own user".to_owned() })
}

fn history(user: i64, before: &[String], lock_wait: &str) -> String {
    let before = if before.is_empty() { String::new() } else { format!(" OR query_id IN ({})", before.join(", ")) };
    format!(
        "SELECT query_id, session_id, trim(status) AS status, elapsed_time, queue_time, {lock_wait} AS lock_wait_time, \
         returned_bytes, query_text FROM sys_query_history WHERE user_id = {user} \
         AND query_text NOT LIKE '{mark}%' AND query_text NOT LIKE '{schema}%' \
         AND (trim(status) IN ('planning', 'queued', 'running', 'returning'){before})",
        mark = monitor::MARK,
        schema = objects::MARK,
    )
}

fn stat_activity(lock_wait: &str) -> String {
    format!(
        "SELECT (extract(epoch FROM query_start) * 1000000)::bigint AS query_id, pid AS session_id, 'running' AS status, \
         (extract(epoch FROM clock_timestamp() - query_start) * 1000000)::bigint AS elapsed_time, 0 AS queue_time, \
         CASE WHEN wait_event_type = 'Lock' THEN {lock_wait} END AS lock_wait_time, \
         0 AS returned_bytes, query AS query_text FROM pg_stat_activity AS activity \
         WHERE usename = current_user AND state = 'active' AND query NOT LIKE '{mark}%' AND query NOT LIKE '{schema}%'",
        mark = monitor::MARK,
        schema = objects::MARK,
    )
}

fn seen(row: &SimpleQueryRow) -> Option<Seen> {
    let text = |name: &str| row.try_get(name).ok().flatten();
    let number = |name: &str| text(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
    Some(Seen {
        query_id: text("query_id")?.parse().ok()?,
        session_id: text("session_id")?.parse().ok()?,
        status: text("status")?.to_owned(),
        elapsed_us: number("elapsed_time"),
        waited_us: number("queue_time").saturating_add(number("lock_wait_time")),
        bytes: number("returned_bytes"),
        text: text("query_text").unwrap_or_default().trim().chars().take(TEXT).collect(),
    })
}
