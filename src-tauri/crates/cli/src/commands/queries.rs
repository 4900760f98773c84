//! `db queries`.

use std::time::Duration;

use postern_engine::{Activity, Engine, Query, Scope, rfc3339, rfc3339_millis};
use serde_json::{Value, json};

use crate::{
    args::{DbQueries, Format},
    failure::Failure,
    print,
    stop::Stop,
};

/// How many finished queries `--all` lists.
const FINISHED: u32 = 200;

pub(crate) async fn queries(engine: &Engine, format: Format, asked: &DbQueries) -> Result<(), Failure> {
    let login = super::login(engine, &asked.target)?;
    let read = || engine.activity(&login, if asked.all { FINISHED } else { 0 });
    // Heard from here on, so that the first list can be stopped too.
    let mut stop = asked.watch.then(Stop::listen);
    let first = match &mut stop {
        Some(stop) => tokio::select! {
            () = stop.asked() => return Ok(()),
            read = read() => read?,
        },
        None => read().await?,
    };
    if first.scope == Scope::Own {
        let grant = first.grant.as_ref().map(|grant| format!(" To see all: {grant}")).unwrap_or_default();
        print::say(&format!("Only the queries of {} are visible.{grant}", first.me));
    }
    let Some(mut stop) = stop else {
        let rows: Vec<Value> = first.queries.iter().map(row).collect();
        return print::data(format, &rows, || text(&first.queries));
    };
    let every = Duration::from_secs(asked.every);
    print::say(&format!("Every {} s. Each time keeps a workgroup awake, which is billed.", asked.every));
    let mut read_now = Ok(first);
    loop {
        match read_now {
            Ok(activity) if !print_once(format, &activity)? => return Ok(()),
            Ok(_) => {}
            // It may be there again the next time.
            Err(error) => print::say(&Failure::from(error).message().unwrap_or_default()),
        }
        tokio::select! {
            () = stop.asked() => return Ok(()),
            () = tokio::time::sleep(every) => {}
        }
        read_now = tokio::select! {
            () = stop.asked() => return Ok(()),
            read = read() => read,
        };
    }
}

/// One list of many; `false` when nobody reads them any more.
fn print_once(format: Format, activity: &Activity) -> Result<bool, Failure> {
    let as_of = rfc3339(activity.as_of);
    match format {
        Format::Text | Format::Table => Ok(print::page(&format!("{as_of}\n{}", text(&activity.queries)))),
        Format::Json | Format::Ndjson => {
            let scope = match activity.scope {
                Scope::All => "all",
                Scope::Own => "own",
                Scope::Unknown => "unknown",
            };
            let rows: Vec<Value> = activity.queries.iter().map(row).collect();
            Ok(print::line_or_gone(&json!({"as_of": as_of, "scope": scope, "queries": rows}).to_string()))
        }
        Format::Yaml | Format::Csv | Format::Parquet | Format::Arrow => {
            Err(Failure::usage("--watch prints text or json"))
        }
    }
}

pub(super) fn row(query: &Query) -> Value {
    json!({
        "query_id": query.query_id,
        "session_id": query.session_id,
        "username": query.user,
        "own": query.own,
        "database_name": query.db_name,
        "status": query.status,
        "query_type": query.query_type,
        "start_time": rfc3339_millis(query.start_time),
        "end_time": query.end_time.map(rfc3339_millis),
        "elapsed_ms": query.elapsed_us / 1000,
        "queue_ms": query.queue_us / 1000,
        "lock_wait_ms": query.lock_wait_us / 1000,
        "execution_ms": query.execution_us / 1000,
        "returned_rows": query.rows,
        "error_message": query.error,
        "query_text": query.text,
        "program": query.ours.as_ref().map(|ours| &ours.program),
    })
}

pub(super) fn text(queries: &[Query]) -> String {
    let cells: Vec<Vec<String>> = queries
        .iter()
        .map(|query| {
            vec![
                query.session_id.to_string(),
                query.query_id.to_string(),
                query.status.clone(),
                format!("{:.1} s", Duration::from_micros(query.elapsed_us).as_secs_f64()),
                query.user.clone(),
                query.rows.to_string(),
                one_line(&query.text),
            ]
        })
        .collect();
    print::table(&["Session", "Query", "Status", "Elapsed", "User", "Rows", "Statement"], &cells)
}

/// The beginning of a statement.
pub(super) fn one_line(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(80).collect()
}
