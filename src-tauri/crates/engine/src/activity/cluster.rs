//! STV_RECENTS of a provisioned Redshift whose track has no SYS views
//! (<https://docs.aws.amazon.com/redshift/latest/dg/r_STV_RECENTS.html>), with the lock waits of SVV_TRANSACTIONS
//! (<https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TRANSACTIONS.html>).

use crate::{error::Error, monitor::Monitor};

use super::{
    Read, Wanted,
    answer::{Fields, rows, with_line_ends},
    own_statements,
    query::{Query, is_live},
};

/// Reads it. It has no query ids: the microsecond in which a query began names it within its session.
pub(super) async fn read(monitor: &Monitor, wanted: &Wanted) -> Result<Read, Error> {
    let messages = monitor.query(&statement(wanted)).await?;
    let mut server_now = None;
    let queries = rows(&messages).map(|row| {
        server_now = row.time("server_now").or(server_now);
        query(row)
    });
    let queries = queries.collect();
    Ok(Read::of(queries, server_now, wanted))
}

fn statement(wanted: &Wanted) -> String {
    let since = wanted.last.map_or_else(String::new, |last| {
        format!(
            " AND (lower(trim(r.status)) = 'running' OR r.starttime >= getdate() - interval '{} seconds')",
            last.as_secs().max(1)
        )
    });
    let ended = if wanted.finished == 0 { " AND lower(trim(r.status)) = 'running'" } else { "" };
    format!(
        "SELECT lower(trim(r.status)) AS status, r.pid, r.user_name, r.db_name, r.starttime, r.duration, \
           {STARTED_US} AS query_id, substring(r.query, 1, {text}) AS query, \
           CASE WHEN w.pid IS NULL THEN 'f' ELSE 't' END AS waits, getdate() AS server_now \
         FROM stv_recents AS r \
         LEFT JOIN (SELECT DISTINCT pid FROM svv_transactions WHERE NOT granted) AS w ON w.pid = r.pid \
         WHERE r.userid > 1 AND {own}{since}{ended} ORDER BY r.starttime DESC",
        text = wanted.text,
        own = own_statements("r.query"),
    )
}

/// The microsecond in which a query of STV_RECENTS began. EXTRACT gives whole seconds of a timestamp there.
pub(crate) const STARTED_US: &str =
    "(extract(epoch FROM date_trunc('second', r.starttime))::bigint * 1000000 + to_char(r.starttime, 'US')::bigint)";

fn query(row: Fields<'_>) -> Query {
    // It knows two states, and not how an ended query ended.
    let status = if row.text("status") == "running" { "running" } else { "done" };
    let (start_time, server_now) = (row.time("starttime").unwrap_or_default(), row.time("server_now"));
    let mut elapsed_us = row.microseconds("duration");
    let live = is_live(status);
    if live {
        elapsed_us = elapsed_us.max(server_now.unwrap_or_default().saturating_sub(start_time) * 1000);
    }
    Query {
        query_id: row.text("query_id").parse().unwrap_or_default(),
        session_id: row.text("pid").parse().unwrap_or(-1),
        user: row.text("user_name").to_owned(),
        db_name: row.text("db_name").to_owned(),
        start_time,
        end_time: (!live).then_some(start_time + elapsed_us / 1000),
        elapsed_us,
        waits_for_lock: live && row.is_true("waits"),
        text: with_line_ends(row.text("query")),
        status: status.to_owned(),
        ..Query::default()
    }
}
