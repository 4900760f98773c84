//! `pg_stat_activity` of PostgreSQL: what runs now, and nothing of what has ended
//! (<https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW>).

use crate::{error::Error, monitor::Monitor};

use super::{
    Read, Wanted,
    answer::{Fields, rows},
    own_statements,
    query::Query,
    source::Server,
};

/// Reads it.
pub(super) async fn read(monitor: &Monitor, server: &Server, wanted: &Wanted) -> Result<Read, Error> {
    let messages = monitor.query(&statement(server, wanted)).await?;
    let mut server_now = None;
    let queries = rows(&messages).map(|row| {
        server_now = row.count("now_ms").or(server_now);
        query(row)
    });
    let queries = queries.collect();
    Ok(Read::of(queries, server_now, wanted))
}

fn statement(server: &Server, wanted: &Wanted) -> String {
    // Since PostgreSQL 14; before, only that it waits is known.
    let waited = if server.has("waitstart") {
        "(SELECT (extract(epoch FROM clock_timestamp() - min(l.waitstart)) * 1000000)::bigint \
          FROM pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted)"
    } else {
        "NULL::bigint"
    };
    // Who ran the query of a parallel worker is told by its leader's row.
    format!(
        "SELECT a.pid, (extract(epoch FROM a.query_start) * 1000000)::bigint AS query_id, a.usename, a.datname, \
           CASE WHEN a.wait_event_type = 'Client' AND a.wait_event = 'ClientWrite' THEN 'returning' ELSE 'running' END \
             AS status, \
           a.wait_event_type = 'Lock' AS waits, \
           CASE WHEN a.wait_event_type = 'Lock' THEN {waited} END AS lock_us, \
           (extract(epoch FROM a.query_start) * 1000)::bigint AS start_ms, \
           (extract(epoch FROM clock_timestamp() - a.query_start) * 1000000)::bigint AS elapsed_us, \
           (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms, substring(a.query, 1, {text}) AS query \
         FROM pg_stat_activity AS a \
         WHERE a.pid <> pg_backend_pid() AND a.backend_type = 'client backend' \
           AND a.state IN ('active', 'fastpath function call') AND {own} ORDER BY a.query_start DESC",
        text = wanted.text,
        own = own_statements("a.query"),
    )
}

fn query(row: Fields<'_>) -> Query {
    Query {
        query_id: row.text("query_id").parse().unwrap_or_default(),
        session_id: row.text("pid").parse().unwrap_or(-1),
        user: row.text("usename").to_owned(),
        db_name: row.text("datname").to_owned(),
        status: row.text("status").to_owned(),
        start_time: row.count("start_ms").unwrap_or_default(),
        elapsed_us: row.microseconds("elapsed_us"),
        lock_wait_us: row.microseconds("lock_us"),
        waits_for_lock: row.is_true("waits"),
        text: row.text("query").to_owned(),
        ..Query::default()
    }
}
