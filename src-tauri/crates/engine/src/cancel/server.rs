//! What a cancel asks of each kind of server: whose query it is, to signal its session as long as it still runs that query, and what has
//! become of the session.

use tokio_postgres::{SimpleQueryMessage, error::SqlState};

use crate::{
    activity::{STARTED_US, Source, rows},
    error::{Error, SqlFailure},
    monitor::{MARK, Monitor},
};

use super::StepKind;

/// How long the server may take to answer a signal. As long a session of ours is held, so that its client's next statement waits.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(5);

/// Longest note to the owner of a query, in characters.
pub(super) const LONGEST_NOTE: usize = 256;

/// Whose query it is, as the server says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Victim {
    /// Its database user; empty where the server does not say.
    pub user: String,
    /// Its text, as far as the server keeps it.
    pub text: String,
    /// It is of the user that asks.
    pub own: bool,
    /// That user, as the server calls it.
    pub(super) me: String,
}

/// What has become of a session, as the server says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Life {
    Open,
    Gone,
    /// The server shows nothing of it to this login.
    Unknown,
}

/// What the server is asked to do to a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signal<'a> {
    pub(super) kind: StepKind,
    pub(super) session_id: i32,
    /// Nothing is done unless the server itself shows this query alive in that session, at that moment.
    pub(super) only_if: Option<i64>,
    /// What the owner is told: Redshift's `CANCEL pid 'message'`.
    pub(super) note: Option<&'a str>,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Answer {
    /// The server did it: what was called.
    Done(String),
    /// The server knows no such session any more: what was called.
    NoSession(String),
    /// The session does not run that query any more; nothing was done.
    NotRunning,
    /// The server refused, in its own words.
    Refused { message: String, not_permitted: bool },
}

impl Source {
    /// Whether this kind of server takes a note to the owner of a query.
    pub(super) fn takes_notes(self) -> bool {
        matches!(self, Self::History | Self::Cluster)
    }

    /// The grant that lets `user` cancel, or end, what others run; nothing where only a superuser may.
    pub(super) fn grant(self, user: &str, terminate: bool) -> Option<String> {
        let user = user.replace('"', "\"\"");
        match self {
            // PG_TERMINATE_BACKEND of another user's session takes a superuser, by the documentation.
            Self::History | Self::Cluster if terminate => None,
            Self::History | Self::Cluster => Some(format!("GRANT ROLE sys:operator TO \"{user}\";")),
            Self::StatActivity => Some(format!("GRANT pg_signal_backend TO \"{user}\";")),
        }
    }

    /// Whose query this is; nothing when the login does not see it.
    pub(super) async fn victim(
        self,
        monitor: &Monitor,
        session_id: i32,
        query_id: i64,
    ) -> Result<Option<Victim>, Error> {
        let meant = self.place(session_id, query_id);
        let sql = |user: &str, text: &str| format!("SELECT {user} AS who, {text} AS what FROM {meant}");
        let messages = match self {
            Self::History => match monitor.query(&sql("trim(username)", "trim(query_text)")).await {
                // Older tracks do not have it.
                Err(Error::Sql(failure)) if failure.sqlstate == SqlState::UNDEFINED_COLUMN.code() => {
                    monitor.query(&sql("''", "trim(query_text)")).await?
                }
                other => other?,
            },
            Self::Cluster => monitor.query(&sql("trim(r.user_name)", "trim(r.query)")).await?,
            Self::StatActivity => monitor.query(&sql("usename", "query")).await?,
        };
        let found = rows(&messages).next();
        Ok(found.map(|row| Victim {
            user: row.text("who").to_owned(),
            text: row.text("what").to_owned(),
            ..Victim::default()
        }))
    }

    /// Whether a session is still there.
    pub(super) async fn life(self, monitor: &Monitor, session_id: i32) -> Result<Life, Error> {
        let sql = match self {
            // An older session may have had the same number.
            Self::History => format!(
                "SELECT trim(status) AS status FROM sys_session_history WHERE session_id = {session_id} \
                 ORDER BY start_time DESC LIMIT 1"
            ),
            Self::Cluster => format!("SELECT count(*) AS status FROM stv_sessions WHERE process = {session_id}"),
            Self::StatActivity => {
                format!("SELECT count(*) AS status FROM pg_stat_activity WHERE pid = {session_id}")
            }
        };
        let messages = match monitor.query(&sql).await {
            // It is not there, or not for us: then nothing is claimed.
            Err(Error::Sql(_)) => return Ok(Life::Unknown),
            other => other?,
        };
        let status = rows(&messages).next().map(|row| row.text("status"));
        Ok(match status {
            Some("active" | "1") => Life::Open,
            Some("closed" | "timed out" | "0") => Life::Gone,
            _ => Life::Unknown,
        })
    }

    /// Asks the server to signal a session.
    ///
    /// # Errors
    /// Every failure of the asking session but the server's refusal. One that gives no answer in time is not used again.
    pub(super) async fn signal(self, monitor: &Monitor, signal: Signal<'_>) -> Result<Answer, Error> {
        let Signal { session_id, only_if, note, .. } = signal;
        let call = signal.call();
        let Some(query_id) = only_if else {
            return answered(monitor.query_within(&signal.alone(), LIMIT).await, &call);
        };
        let meant = format!("{} AND {}", self.place(session_id, query_id), self.alive());
        if note.is_none() {
            // In one statement, so that nothing of ours lies between the look and the signal.
            let sql = format!("SELECT {}({}) AS signalled FROM {meant}", signal.function(), self.pid());
            match monitor.query_within(&sql, LIMIT).await {
                Err(Error::Sql(failure)) if failure.sqlstate == SqlState::FEATURE_NOT_SUPPORTED.code() => {
                    // Redshift runs some functions on its leader node only, and lets no statement mix them with what its compute nodes
                    // hold (`Specified types or functions … not supported on Redshift tables`). Nothing was called.
                }
                Ok(messages) if rows(&messages).next().is_none() => return Ok(Answer::NotRunning),
                other => return answered(other, &call),
            }
        }
        // Two statements that travel as one: an error in the first keeps the server from running the second.
        let sql = format!("SELECT 1 / count(*) AS alive FROM {meant}; {MARK} {}", signal.alone());
        match monitor.query_within(&sql, LIMIT).await {
            Err(Error::Sql(failure)) if is_division_by_zero(&failure) => Ok(Answer::NotRunning),
            other => answered(other, &call),
        }
    }

    /// Where a query is found, and nothing but it.
    fn place(self, session_id: i32, query_id: i64) -> String {
        match self {
            Self::History => format!("sys_query_history WHERE session_id = {session_id} AND query_id = {query_id}"),
            Self::Cluster => format!("stv_recents AS r WHERE r.pid = {session_id} AND {STARTED_US} = {query_id}"),
            Self::StatActivity => format!(
                "pg_stat_activity WHERE pid = {session_id} AND (extract(epoch FROM query_start) * 1000000)::bigint = {query_id}"
            ),
        }
    }

    fn alive(self) -> &'static str {
        match self {
            Self::History => "trim(status) IN ('planning', 'queued', 'running', 'returning')",
            Self::Cluster => "lower(trim(r.status)) = 'running'",
            Self::StatActivity => "state = 'active'",
        }
    }

    fn pid(self) -> &'static str {
        match self {
            Self::History => "session_id",
            Self::Cluster => "r.pid",
            Self::StatActivity => "pid",
        }
    }
}

impl Signal<'_> {
    fn function(&self) -> &'static str {
        if self.kind == StepKind::TerminateBackend { "pg_terminate_backend" } else { "pg_cancel_backend" }
    }

    /// As a person would write it.
    fn call(&self) -> String {
        match self.note {
            Some(note) => format!("CANCEL {} {}", self.session_id, quoted(note)),
            None => format!("{}({})", self.function(), self.session_id),
        }
    }

    /// The statement that asks for nothing but the signal.
    fn alone(&self) -> String {
        match self.note {
            Some(_) => self.call(),
            None => format!("SELECT {} AS signalled", self.call()),
        }
    }
}

/// The name that the monitoring session's user has at the server.
///
/// # Errors
/// As asking it.
pub(super) async fn me(monitor: &Monitor) -> Result<String, Error> {
    let messages = monitor.query("SELECT current_user AS me").await?;
    Ok(rows(&messages).next().map(|row| row.text("me").to_owned()).unwrap_or_default())
}

/// Checks a note: it goes into a statement as it is, and onto somebody's screen.
pub(super) fn check_note(note: &str) -> Result<(), Error> {
    let wrong = |problem: String| Err(Error::InvalidValue { field: "note".to_owned(), problem });
    if note.trim().is_empty() {
        return wrong("it is empty".to_owned());
    }
    if note.chars().count() > LONGEST_NOTE {
        return wrong(format!("at most {LONGEST_NOTE} characters"));
    }
    // Whether a backslash means itself within quotes depends on the server's settings.
    if note.contains(|character: char| character == '\\' || character.is_control()) {
        return wrong("neither backslashes nor line breaks".to_owned());
    }
    Ok(())
}

/// A literal. [`check_note`] has seen to backslashes.
fn quoted(note: &str) -> String {
    format!("'{}'", note.replace('\'', "''"))
}

fn answered(answer: Result<Vec<SimpleQueryMessage>, Error>, call: &str) -> Result<Answer, Error> {
    match answer {
        Ok(messages) => {
            let value = rows(&messages).map(|row| row.text("signalled")).last();
            // Nothing is documented of what it returns; `false` or 0 come with the INFO that there is no such session.
            Ok(match value {
                Some("f" | "0") => Answer::NoSession(call.to_owned()),
                _ => Answer::Done(call.to_owned()),
            })
        }
        Err(Error::Sql(failure)) => Ok(Answer::Refused {
            not_permitted: failure.sqlstate == SqlState::INSUFFICIENT_PRIVILEGE.code(),
            message: failure.message,
        }),
        Err(other) => Err(other),
    }
}

/// Redshift's compute nodes have it without a code of its own.
fn is_division_by_zero(failure: &SqlFailure) -> bool {
    failure.sqlstate == SqlState::DIVISION_BY_ZERO.code()
        || failure.message.to_ascii_lowercase().contains("division by zero")
        || failure.message.to_ascii_lowercase().contains("divide by zero")
}
