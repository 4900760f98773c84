//! What runs on a server, read from SYS_QUERY_HISTORY
//! (<https://docs.aws.amazon.com/redshift/latest/dg/SYS_QUERY_HISTORY.html>).

use std::{collections::BTreeMap, time::SystemTime};

use time::{PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow, error::SqlState};

use crate::{cancel::Pursued, clock, engine::Engine, error::Error, gate::Gate, login::Login, monitor, objects};

/// The queries of a server at one moment.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Whose queries these are.
    pub scope: Scope,
    /// When it was read.
    pub as_of: SystemTime,
    /// Live ones first, then newest first.
    pub queries: Vec<Query>,
}

/// Whose queries a login may see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Everybody's.
    All,
    /// One's own.
    Own,
    /// The server does not say.
    Unknown,
}

/// A row of SYS_QUERY_HISTORY. Times are UTC.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// `query_id`
    pub query_id: i64,
    /// `session_id`, the PID for pg_cancel_backend.
    pub session_id: i32,
    /// `username`
    pub user: String,
    /// `database_name`
    pub db_name: String,
    /// As the server spells it.
    pub status: String,
    /// `query_type`
    pub query_type: String,
    /// Milliseconds since 1970.
    pub start_time: u64,
    /// Milliseconds since 1970; absent while it lives, although the server moves it on then.
    pub end_time: Option<u64>,
    /// Microseconds, as all times below.
    pub elapsed_us: u64,
    /// In a queue.
    pub queue_us: u64,
    /// Waiting for locks.
    pub lock_wait_us: u64,
    /// Planning.
    pub planning_us: u64,
    /// Compiling.
    pub compile_us: u64,
    /// Executing.
    pub execution_us: u64,
    /// Rows given back.
    pub rows: u64,
    /// The server's message.
    pub error: Option<String>,
    /// At most 4,000 characters of it.
    pub text: String,
    /// It is of the database user that asks.
    pub own: bool,
    /// The session of ours behind it.
    pub ours: Option<OurSession>,
}

/// A session of this app behind a query.
#[derive(Clone, Debug)]
pub struct OurSession {
    /// `application_name` of the client.
    pub program: String,
    /// Its number.
    pub session: u64,
    /// What became of a cancel that its client asked for, where it was this query that was meant.
    pub cancel: Option<Pursued>,
}

impl Query {
    /// It has not ended.
    #[must_use]
    pub fn lives(&self) -> bool {
        is_live(&self.status)
    }
}

/// Not ended: the guide's `status = 'running'` misses the other three.
pub(crate) fn is_live(status: &str) -> bool {
    matches!(status, "planning" | "queued" | "running" | "returning")
}

/// Columns that every track of Redshift has.
const BASE_COLUMNS: &str = "query_id, session_id, database_name, query_type, status, start_time, end_time, elapsed_time, \
     queue_time, execution_time, error_message, returned_rows, query_text";
/// Columns that came later; a server without them is asked again with [`BASE_COLUMNS`] only.
const LATER_COLUMNS: &str = ", lock_wait_time, planning_time, compile_time, username";

impl Engine {
    /// The queries of a server as a login sees them: all live ones, and at most `finished` others.
    ///
    /// # Errors
    /// As opening a session: [`Error::AccessDenied`], [`Error::Aws`], [`Error::Dial`]; [`Error::Sql`] when the server has
    /// no SYS_QUERY_HISTORY or refuses it.
    pub async fn activity(&self, login: &Login, finished: u32) -> Result<Activity, Error> {
        let gate = self.gate(login)?;
        let monitor = gate.monitor().await?;
        let mut queries = read(&monitor, finished).await?;
        let ours = our_sessions(&self.gates_of(&login.database));
        let me = login.user_at(&self.shared.catalogue.load()?.database(&login.database)?.database_type);
        for query in &mut queries {
            query.own = query.user == me;
            query.ours = ours.get(&query.session_id).map(|ours| ours.of(query));
        }
        let scope = scope(&monitor, &queries).await;
        Ok(Activity { scope, as_of: clock::now(), queries })
    }
}

async fn read(monitor: &monitor::Monitor, finished: u32) -> Result<Vec<Query>, Error> {
    let statement = |columns: &str| {
        // Two reads of one view in one statement, so that a query that ends meanwhile is in exactly one of them.
        format!(
            "SELECT * FROM (\
               SELECT {columns}, row_number() OVER (PARTITION BY live ORDER BY start_time DESC) AS place FROM (\
                 SELECT *, trim(status) IN ('planning', 'queued', 'running', 'returning') AS live FROM sys_query_history \
                 WHERE user_id > 1 AND query_text NOT LIKE '{mark}%' AND query_text NOT LIKE '{schema}%') AS visible) AS placed \
             WHERE trim(status) IN ('planning', 'queued', 'running', 'returning') OR place <= {finished} \
             ORDER BY start_time DESC",
            mark = monitor::MARK,
            schema = objects::MARK
        )
    };
    let all = statement(&format!("{BASE_COLUMNS}{LATER_COLUMNS}"));
    let messages = match monitor.query(&all).await {
        Err(Error::Sql(failure)) if failure.sqlstate == SqlState::UNDEFINED_COLUMN.code() => {
            monitor.query(&statement(BASE_COLUMNS)).await?
        }
        other => other?,
    };
    let mut queries: Vec<Query> = rows(&messages).map(query).collect();
    // The sort is stable: newest first stays so within each half.
    queries.sort_by_key(|query| !query.lives());
    Ok(queries)
}

/// The rows of an answer.
pub(crate) fn rows(messages: &[SimpleQueryMessage]) -> impl Iterator<Item = &SimpleQueryRow> {
    messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })
}

fn query(row: &SimpleQueryRow) -> Query {
    let text = |name: &str| row.try_get(name).ok().flatten().map(str::trim_end).unwrap_or_default().to_owned();
    let number = |name: &str| text(name).parse::<u64>().unwrap_or_default();
    let status = text("status");
    let live = is_live(&status);
    Query {
        query_id: text("query_id").parse().unwrap_or_default(),
        session_id: text("session_id").parse().unwrap_or_default(),
        user: text("username"),
        db_name: text("database_name"),
        query_type: text("query_type"),
        start_time: millis(&text("start_time")).unwrap_or_default(),
        end_time: if live { None } else { millis(&text("end_time")) },
        elapsed_us: number("elapsed_time"),
        queue_us: number("queue_time"),
        lock_wait_us: number("lock_wait_time"),
        planning_us: number("planning_time"),
        compile_us: number("compile_time"),
        execution_us: number("execution_time"),
        rows: number("returned_rows"),
        error: Some(text("error_message")).filter(|message| !message.is_empty()),
        text: text("query_text"),
        own: false,
        status,
        ours: None,
    }
}

/// `2026-11-22 14:27:37.123456`, UTC without saying so, as milliseconds since 1970.
fn millis(text: &str) -> Option<u64> {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]");
    let at = PrimitiveDateTime::parse(text, FORMAT).ok()?.assume_utc();
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// Whose queries the login sees. Rows of others prove it; without any, the server's grants tell.
async fn scope(monitor: &monitor::Monitor, queries: &[Query]) -> Scope {
    let answer = monitor
        .query(
            "SELECT current_user AS me, \
               (SELECT count(*) FROM pg_user WHERE usename = current_user AND usesuper) AS super, \
               (SELECT count(*) FROM svv_user_grants WHERE user_name = current_user \
                  AND role_name IN ('sys:monitor', 'sys:operator', 'sys:dba', 'sys:superuser')) AS roles",
        )
        .await;
    let me = match &answer {
        Ok(messages) => {
            let Some(row) = rows(messages).next() else { return Scope::Unknown };
            if row.try_get("super").ok().flatten() != Some("0") || row.try_get("roles").ok().flatten() != Some("0") {
                return Scope::All;
            }
            row.try_get("me").ok().flatten().unwrap_or_default().to_owned()
        }
        Err(_) => return Scope::Unknown,
    };
    // SYSLOG ACCESS UNRESTRICTED shows in no grant, but in what is seen.
    if queries.iter().any(|query| !query.user.is_empty() && query.user != me) { Scope::All } else { Scope::Own }
}

impl OurSession {
    /// Itself as one of its queries shows it.
    fn of(&self, query: &Query) -> Self {
        let mut ours = self.clone();
        // Until the server is asked, a cancel means what the session runs now.
        ours.cancel = ours.cancel.filter(|cancel| cancel.query_id.map_or(query.lives(), |id| id == query.query_id));
        ours
    }
}

/// Our sessions by the server's PID.
fn our_sessions(gates: &[std::sync::Arc<Gate>]) -> BTreeMap<i32, OurSession> {
    let of_gate = |gate: &std::sync::Arc<Gate>| {
        let gate = std::sync::Arc::clone(gate);
        gate.sessions().into_iter().filter_map(move |session| {
            let id = session.facts.id;
            let cancel = gate
                .pursuits
                .of(id)
                .filter(|cancel| cancel.query_id.is_some() || gate.proxy().still_runs(cancel.query));
            Some((session.facts.backend_pid?, OurSession { program: session.facts.program, session: id.0, cancel }))
        })
    };
    gates.iter().flat_map(of_gate).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_utc_with_or_without_fractions() {
        assert_eq!(millis("1970-01-01 00:00:01.5"), Some(1500));
        assert_eq!(millis("2026-11-22 14:27:37"), Some(1_795_357_657_000));
        assert_eq!(millis("2026-11-22 14:27:37.123456"), Some(1_795_357_657_123));
        assert_eq!(millis(""), None);
    }

    #[test]
    fn four_states_are_alive() {
        let alive = ["planning", "queued", "running", "returning"];
        assert!(alive.iter().all(|status| is_live(status)));
        assert!(!["failed", "canceled", "success", ""].iter().any(|status| is_live(status)));
    }
}
