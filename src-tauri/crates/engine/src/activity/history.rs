//! SYS_QUERY_HISTORY: <https://docs.aws.amazon.com/redshift/latest/dg/SYS_QUERY_HISTORY.html>.

use crate::{error::Error, monitor::Monitor};

use super::{
    Read, Wanted,
    answer::{Fields, rows, with_line_ends},
    own_statements,
    query::{Query, is_live},
    source::Server,
};

/// Columns that came with the view, and that no list of queries is one without.
const FIRST: [&str; 8] =
    ["query_id", "session_id", "database_name", "query_type", "status", "start_time", "end_time", "elapsed_time"];

/// Columns that a track may lack; each is read where it is there.
const LATER: [&str; 11] = [
    "queue_time",
    "execution_time",
    "error_message",
    "returned_rows",
    "returned_bytes",
    "result_cache_hit",
    "lock_wait_time",
    "planning_time",
    "compile_time",
    "generic_query_hash",
    "username",
];

const LIVE: &str = "trim(status) IN ('planning', 'queued', 'running', 'returning')";

/// Reads it.
pub(super) async fn read(monitor: &Monitor, server: &Server, wanted: &Wanted) -> Result<Read, Error> {
    let messages = monitor.query(&statement(server, wanted)).await?;
    let mut server_now = None;
    let queries = rows(&messages).map(|row| {
        server_now = row.time("server_now").or(server_now);
        query(row)
    });
    let queries = queries.collect();
    Ok(Read::of(queries, server_now, wanted))
}

/// One statement with one look at the view, so that a query that ends meanwhile is there exactly once.
fn statement(server: &Server, wanted: &Wanted) -> String {
    let later: Vec<&str> = LATER.into_iter().filter(|column| server.has(column)).collect();
    let (mut named, mut outer): (Vec<String>, Vec<&str>) =
        FIRST.into_iter().chain(later).map(|column| (format!("q.{column}"), column)).unzip();
    // A track that does not name the user has its number.
    let mut from = "sys_query_history AS q".to_owned();
    if !server.has("username") {
        named.push("u.usename AS username".to_owned());
        outer.push("username");
        from.push_str(" LEFT JOIN pg_user AS u ON u.usesysid = q.user_id");
    }
    named.push(format!("substring(q.query_text, 1, {}) AS query_text", wanted.text));
    outer.push("query_text");
    let outer = outer.join(", ");
    // By the end, not by the beginning: what ran into the wanted time belongs to it however long ago it began. Redshift moves the end of
    // what lives on.
    let since = wanted.last.map_or_else(String::new, |last| {
        format!(" AND ({LIVE} OR q.end_time >= getdate() - interval '{} seconds')", last.as_secs().max(1))
    });
    // One more than is wanted, to know whether there were more.
    let places = if wanted.finished == 0 { 0 } else { wanted.finished.saturating_add(1) };
    format!(
        "SELECT {outer}, getdate() AS server_now FROM (\
           SELECT {outer}, live, row_number() OVER (PARTITION BY live ORDER BY start_time DESC) AS place FROM (\
             SELECT {named}, {LIVE} AS live FROM {from} WHERE q.user_id > 1 AND {own}{since}) AS visible) AS placed \
         WHERE live OR place <= {places} ORDER BY start_time DESC",
        named = named.join(", "),
        own = own_statements("q.query_text"),
    )
}

fn query(row: Fields<'_>) -> Query {
    let status = row.text("status").to_owned();
    let (start_time, server_now) = (row.time("start_time").unwrap_or_default(), row.time("server_now"));
    let mut elapsed_us = row.microseconds("elapsed_time");
    let live = is_live(&status);
    if live {
        // Both by the server's clock, whatever ours says. Its view may be late in counting.
        elapsed_us = elapsed_us.max(server_now.unwrap_or_default().saturating_sub(start_time) * 1000);
    }
    Query {
        query_id: row.text("query_id").parse().unwrap_or_default(),
        session_id: row.text("session_id").parse().unwrap_or_default(),
        user: row.text("username").to_owned(),
        db_name: row.text("database_name").to_owned(),
        query_type: row.text("query_type").to_owned(),
        start_time,
        end_time: if live { None } else { row.time("end_time") },
        elapsed_us,
        queue_us: row.microseconds("queue_time"),
        lock_wait_us: row.microseconds("lock_wait_time"),
        planning_us: row.microseconds("planning_time"),
        compile_us: row.microseconds("compile_time"),
        execution_us: row.microseconds("execution_time"),
        waits_for_lock: false,
        rows: row.count("returned_rows").unwrap_or_default(),
        bytes: row.count("returned_bytes").unwrap_or_default(),
        cache_hit: row.is_true("result_cache_hit"),
        hash: row.said("generic_query_hash"),
        error: row.said("error_message").map(|message| with_line_ends(&message)),
        text: with_line_ends(row.text("query_text")),
        status,
        own: false,
        ours: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::source::Source;
    use super::*;

    fn wanted(finished: u32, last: Option<u64>) -> Wanted {
        Wanted { finished, last: last.map(Duration::from_secs), text: 600 }
    }

    #[test]
    fn a_later_column_is_named_where_it_is_there_and_the_others_go_on_without_it() {
        let server = Server::with(Source::History, &["queue_time", "lock_wait_time"]);
        let sql = statement(&server, &wanted(10, None));
        assert!(sql.contains("q.queue_time, q.lock_wait_time, u.usename AS username"), "{sql}");
        assert!(sql.contains("LEFT JOIN pg_user AS u ON u.usesysid = q.user_id"), "{sql}");
        assert!(!sql.contains("planning_time") && !sql.contains("returned_bytes"), "{sql}");
    }

    #[test]
    fn the_server_is_asked_for_the_wanted_time_and_one_more_than_the_wanted_number() {
        let server = Server::with(Source::History, &LATER);
        let sql = statement(&server, &wanted(10_000, Some(3600)));
        assert!(sql.contains("q.end_time >= getdate() - interval '3600 seconds'"), "{sql}");
        assert!(sql.contains("place <= 10001"), "{sql}");
        assert!(!sql.contains("pg_user"), "{sql}");
        assert!(statement(&server, &wanted(0, None)).contains("place <= 0"));
    }
}
