//! `db cancel`: one query, or several that are listed first.

use std::time::Duration;

use postern_engine::{By, CancelReport, CancelRequest, CancelStep, Engine, Error, Login, Outcome, Query, StepKind};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::queries::{one_line, row, text};
use crate::{
    args::{DbCancel, Format},
    failure::Failure,
    print,
    words::{Language, outcome, story},
};

/// How many of several are canceled at a time. Each is watched to its end, which takes seconds where a server is slow to obey.
const AT_ONCE: usize = 4;

/// Exit code 0 only when the server says of every query that was meant that it runs no more.
pub(crate) async fn cancel(engine: &Engine, format: Format, asked: DbCancel) -> Result<(), Failure> {
    let login = super::login(engine, &asked.target)?;
    match asked.session {
        Some(session) if !asked.dry_run => one(engine, format, &asked, login, session).await,
        _ => several(engine, format, &asked, login).await,
    }
}

async fn one(engine: &Engine, format: Format, asked: &DbCancel, login: Login, session: i32) -> Result<(), Failure> {
    let report = engine.cancel(&request(asked, login, session, asked.query)).await?;
    print::data(format, &report.to_json(), || report_text(&report))?;
    if report.outcome.is_over() { Ok(()) } else { Err(Failure::Exit(1)) }
}

/// Those that live and are meant, as they are at one moment: what begins later is not touched.
async fn several(engine: &Engine, format: Format, asked: &DbCancel, login: Login) -> Result<(), Failure> {
    let activity = engine.activity(&login, 0).await?;
    let meant: Vec<Query> = activity.queries.into_iter().filter(|query| is_meant(asked, query)).collect();
    if asked.dry_run {
        let rows: Vec<Value> = meant.iter().map(row).collect();
        return print::data(format, &rows, || text(&meant));
    }
    print::say(text(&meant).trim_end());
    let others: Vec<&Query> = meant.iter().filter(|query| !query.own).collect();
    if !others.is_empty() && !asked.yes {
        print::say(&format!(
            "{} of {} are of other users. Nothing was canceled. Add --yes to cancel them all.",
            others.len(),
            meant.len()
        ));
        return Err(Failure::Exit(1));
    }
    let why = asked.why.clone().unwrap_or_else(|| choice(asked));
    let ended = cancel_all(engine, &meant, |query| CancelRequest {
        why: Some(why.clone()),
        ..request(asked, login.clone(), query.session_id, Some(query.query_id))
    });
    let ended = ended.await;
    let over = ended.iter().all(|(_, report)| report.as_ref().is_ok_and(|report| report.outcome.is_over()));
    let rows: Vec<Value> = ended.iter().map(|(query, report)| result_row(query, report)).collect();
    print::data(format, &json!({ "queries": rows }), || {
        ended.iter().map(|(query, report)| result_line(query, report)).collect()
    })?;
    if over { Ok(()) } else { Err(Failure::Exit(1)) }
}

fn is_meant(asked: &DbCancel, query: &Query) -> bool {
    let user = |user: &String| query.user == *user || query.user.strip_prefix("IAMR:") == Some(user);
    let old = |age: Duration| Duration::from_micros(query.elapsed_us) > age;
    query.lives()
        && asked.session.is_none_or(|session| session == query.session_id)
        && asked.query.is_none_or(|id| id == query.query_id)
        && asked.user.as_ref().is_none_or(user)
        && asked.older_than.is_none_or(old)
}

/// What was asked for, as the audit log says why.
fn choice(asked: &DbCancel) -> String {
    let user = asked.user.as_ref().map(|user| format!("all of {user}"));
    let age = asked.older_than.map(|age| format!("all over {} s", age.as_secs()));
    user.into_iter().chain(age).collect::<Vec<_>>().join(", ")
}

fn request(asked: &DbCancel, login: Login, session: i32, query: Option<i64>) -> CancelRequest {
    CancelRequest {
        terminate: asked.terminate,
        note: asked.message.clone(),
        confirmed: asked.yes,
        why: asked.why.clone(),
        ..CancelRequest::new(By::Command, login, session, query)
    }
}

type Ended<'a> = (&'a Query, Result<CancelReport, Error>);

/// In the order in which they were listed.
async fn cancel_all<'a>(
    engine: &Engine,
    queries: &'a [Query],
    request: impl Fn(&Query) -> CancelRequest,
) -> Vec<Ended<'a>> {
    let (mut under_way, mut ended) = (JoinSet::new(), Vec::new());
    let mut waiting = queries.iter().enumerate();
    loop {
        while under_way.len() < AT_ONCE
            && let Some((place, query)) = waiting.next()
        {
            let (engine, request) = (engine.clone(), request(query));
            under_way.spawn(async move { (place, engine.cancel(&request).await) });
        }
        match under_way.join_next().await {
            None => break,
            Some(Ok((place, report))) => ended.push((place, report)),
            Some(Err(error)) => tracing::error!(%error, "a cancel came to an untimely end"),
        }
    }
    ended.sort_by_key(|(place, _)| *place);
    ended.into_iter().filter_map(|(place, report)| Some((queries.get(place)?, report))).collect()
}

fn result_row(query: &Query, report: &Result<CancelReport, Error>) -> Value {
    let mut value = match report {
        Ok(report) => report.to_json(),
        Err(error) => json!({"outcome": "failed", "error": error.to_string()}),
    };
    if let Some(fields) = value.as_object_mut() {
        fields.insert("session_id".to_owned(), json!(query.session_id));
        fields.insert("query_id".to_owned(), json!(query.query_id));
        fields.insert("username".to_owned(), json!(query.user));
        fields.insert("query_text".to_owned(), json!(query.text));
    }
    value
}

fn result_line(query: &Query, report: &Result<CancelReport, Error>) -> String {
    let said = match report {
        Ok(report) => story(Language::of_environment(), report),
        Err(error) => format!("ERROR: {error}"),
    };
    format!("{} {}  {}\n    {said}\n", query.query_id, query.user, one_line(&query.text))
}

fn report_text(report: &CancelReport) -> String {
    let language = Language::of_environment();
    let mut text = String::new();
    for CancelStep { kind, ok, at, detail } in &report.steps {
        let mark = if *ok { "ok " } else { "-- " };
        text.push_str(&format!("{mark} {:>7.3} s  {}  {detail}\n", at.as_secs_f64(), step_sentence(*kind)));
    }
    if let (Outcome::ConfirmationNeeded, Some(victim)) = (report.outcome, &report.victim) {
        text.push_str(&format!("{}  {}\n", victim.user, one_line(&victim.text)));
    }
    text + &story(language, report) + "\n" + &outcome(language, report) + "\n"
}

fn step_sentence(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Reread => "read again:",
        StepKind::WireCancel => "CancelRequest sent",
        StepKind::CancelBackend | StepKind::TerminateBackend => "asked the server:",
        StepKind::ServerReports => "the server reports:",
        StepKind::ClientTold => "the client was told:",
    }
}
