//! `db queries`, `db cancel`.

use postern_engine::{
    CancelReport, CancelRequest, CancelStep, Engine, Outcome, Query, Scope, StepKind, rfc3339_millis,
};
use serde_json::{Value, json};

use crate::{
    args::{DbCancel, DbQueries, Format},
    failure::Failure,
    print,
};

/// How many finished queries `--all` lists.
const FINISHED: u32 = 200;

pub(crate) async fn queries(engine: &Engine, format: Format, asked: &DbQueries) -> Result<(), Failure> {
    let login = super::login(engine, &asked.target)?;
    let activity = engine.activity(&login, if asked.all { FINISHED } else { 0 }).await?;
    if activity.scope == Scope::Own {
        print::say(&format!(
            "Only the queries of {user} are visible. To see all: GRANT ROLE sys:monitor TO \"{user}\"",
            user = login.server_user()
        ));
    }
    let rows: Vec<Value> = activity.queries.iter().map(row).collect();
    print::data(format, &rows, || text(&activity.queries))
}

fn row(query: &Query) -> Value {
    json!({
        "query_id": query.query_id,
        "session_id": query.session_id,
        "username": query.user,
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

fn text(queries: &[Query]) -> String {
    let cells: Vec<Vec<String>> = queries
        .iter()
        .map(|query| {
            let statement: String = query.text.split_whitespace().collect::<Vec<_>>().join(" ");
            vec![
                query.session_id.to_string(),
                query.query_id.to_string(),
                query.status.clone(),
                format!("{:.1} s", std::time::Duration::from_micros(query.elapsed_us).as_secs_f64()),
                query.user.clone(),
                query.rows.to_string(),
                statement.chars().take(80).collect(),
            ]
        })
        .collect();
    print::table(&["Session", "Query", "Status", "Elapsed", "User", "Rows", "Statement"], &cells)
}

/// Exit code 0 only when the server says that the query is canceled, or the session gone.
pub(crate) async fn cancel(engine: &Engine, format: Format, asked: &DbCancel) -> Result<(), Failure> {
    let login = super::login(engine, &asked.target)?;
    let request = CancelRequest { login, session_id: asked.session, query_id: asked.query, terminate: asked.terminate };
    let report = engine.cancel(&request).await?;
    print::data(format, &report.to_json(), || report_text(&report))?;
    match report.outcome {
        Outcome::Canceled | Outcome::Terminated => Ok(()),
        _ => Err(Failure::Exit(1)),
    }
}

fn report_text(report: &CancelReport) -> String {
    let mut text = String::new();
    for CancelStep { kind, ok, at, detail } in &report.steps {
        let mark = if *ok { "ok " } else { "-- " };
        text.push_str(&format!("{mark} {:>7.3} s  {}  {detail}\n", at.as_secs_f64(), step_sentence(*kind)));
    }
    text + outcome_sentence(report.outcome) + "\n"
}

fn outcome_sentence(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Canceled => "The server reports the query canceled.",
        Outcome::Terminated => "The session is gone.",
        Outcome::AlreadyFinished => "The query had ended before; nothing was done.",
        Outcome::QueryChanged => "The session runs another query now; nothing was done.",
        Outcome::StillRunning => "Asked, and the query still runs. Try --terminate to end its session.",
        Outcome::NotPermitted => {
            "This login may not cancel that query. The role sys:operator would allow it: GRANT ROLE sys:operator TO \"IAMR:…\""
        }
    }
}

fn step_sentence(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Reread => "SYS_QUERY_HISTORY read again:",
        StepKind::WireCancel => "CancelRequest sent",
        StepKind::CancelBackend | StepKind::TerminateBackend => "asked the server:",
        StepKind::ServerReports => "the server reports:",
        StepKind::ClientTold => "the client was told:",
    }
}
