//! What the proxy tells, written into the audit log in Teleport's words.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
};

use postern_proxy::{BoxFuture, Event, Origin, Parameter, Recorder, SessionFacts, SessionId, Text, Unrecorded};
use serde::{Serialize, Serializer};

use crate::{
    audit::{Audit, Batch, Fields},
    clock::whole_millis,
    engine::{Change, lock},
    error::Error,
};

/// Writes the events of one gate's sessions.
pub(crate) struct AuditRecorder {
    audit: Arc<Audit>,
    changes: tokio::sync::broadcast::Sender<Change>,
    pid: u32,
    user: String,
    database: String,
    uri: String,
    /// What every record of a session says, for those that have started: it is most of a short statement's record.
    sessions: Mutex<HashMap<SessionId, Arc<Fields>>>,
}

impl AuditRecorder {
    pub(crate) fn new(
        audit: Arc<Audit>,
        changes: tokio::sync::broadcast::Sender<Change>,
        user: String,
        database: String,
        uri: String,
    ) -> Self {
        Self { audit, changes, pid: std::process::id(), user, database, uri, sessions: Mutex::default() }
    }

    /// The records of some events.
    fn batch(&self, session: &SessionFacts, common: &Fields, events: &[Event<'_>]) -> Result<Batch, Error> {
        let mut batch = Batch::new();
        for (name, code, own) in events.iter().filter_map(|event| describe(event, session)) {
            batch.push_beside(name, code, common, own)?;
        }
        Ok(batch)
    }

    /// What every record of a session at work says. It is settled by then, and kept until the session ends.
    fn kept_fields(&self, session: &SessionFacts) -> Result<Arc<Fields>, Error> {
        let mut sessions = lock(&self.sessions);
        if let Some(fields) = sessions.get(&session.id) {
            return Ok(Arc::clone(fields));
        }
        let fields = Arc::new(Fields::of(self.common(session))?);
        sessions.insert(session.id, Arc::clone(&fields));
        Ok(fields)
    }

    fn common<'a>(&'a self, session: &'a SessionFacts) -> Common<'a> {
        Common {
            user: &self.user,
            sid: session.id,
            pid: self.pid,
            db_service: &self.database,
            db_protocol: "postgres",
            db_uri: &self.uri,
            db_user: &session.db_user,
            db_name: &session.db_name,
            db_pid: session.backend_pid,
            user_agent: &session.program,
            origin: session.origin,
        }
    }
}

impl Recorder for AuditRecorder {
    fn record(&self, session: &SessionFacts, events: &[Event<'_>]) -> Result<(), Unrecorded> {
        let recorded = Fields::of(self.common(session))
            .and_then(|common| self.batch(session, &common, events))
            .and_then(|batch| self.audit.append_all(&[batch]));
        if events.iter().any(|event| matches!(event, Event::SessionStarted | Event::SessionEnded { .. })) {
            // Nobody listening is fine.
            let _ = self.changes.send(Change::Connections);
        }
        if events.iter().any(|event| matches!(event, Event::SessionEnded { .. })) {
            lock(&self.sessions).remove(&session.id);
        }
        recorded.map_err(|error| Unrecorded { reason: error.to_string() })
    }

    fn record_with_others(
        &self,
        session: &SessionFacts,
        events: &[Event<'_>],
    ) -> BoxFuture<'_, Result<(), Unrecorded>> {
        let batch = self.kept_fields(session).and_then(|common| self.batch(session, &common, events));
        Box::pin(async move {
            let recorded = match batch {
                Ok(batch) => self.audit.append_with_others(batch).await,
                Err(error) => Err(error.to_string()),
            };
            recorded.map_err(|reason| Unrecorded { reason })
        })
    }
}

/// What every record of a session says.
#[derive(Serialize)]
struct Common<'a> {
    user: &'a str,
    #[serde(serialize_with = "shown")]
    sid: SessionId,
    pid: u32,
    db_service: &'a str,
    db_protocol: &'static str,
    db_uri: &'a str,
    db_user: &'a str,
    db_name: &'a str,
    db_pid: Option<i32>,
    user_agent: &'a str,
    #[serde(serialize_with = "shown")]
    origin: Origin,
}

/// What only this kind of event says. Names are Teleport's.
#[derive(Serialize)]
#[serde(untagged)]
enum Own<'a> {
    Started {
        success: bool,
        read_only: bool,
    },
    Refused {
        success: bool,
        error: &'a str,
        sqlstate: &'a str,
        message: Option<&'a str>,
    },
    Ended {
        #[serde(serialize_with = "shown")]
        reason: &'a postern_proxy::EndReason,
        bytes_up: u64,
        bytes_down: u64,
        elapsed_ms: u64,
    },
    Query {
        db_query: &'a str,
        db_query_bytes: usize,
        cut: bool,
    },
    Parse {
        statement_name: &'a str,
        db_query: &'a str,
        db_query_bytes: usize,
        cut: bool,
    },
    Bind {
        portal_name: &'a str,
        statement_name: &'a str,
        cut: bool,
        #[serde(serialize_with = "values")]
        parameters: &'a [Parameter<'a>],
    },
    Execute {
        portal_name: &'a str,
        max_rows: i32,
    },
    Close {
        what: &'static str,
        name: &'a str,
    },
    Function {
        function_oid: u32,
    },
    StatementRefused {
        success: bool,
        error: &'a str,
        sqlstate: &'static str,
        db_query: Option<&'a str>,
        db_query_bytes: Option<usize>,
        cut: bool,
    },
    Malformed {
        message: &'a str,
    },
    Cancel {
        by: String,
        outcome: String,
    },
}

/// Teleport's name and code, and the fields of this kind of event.
fn describe<'a>(event: &'a Event<'a>, session: &SessionFacts) -> Option<(&'static str, &'static str, Own<'a>)> {
    Some(match event {
        Event::SessionStarted => {
            ("db.session.start", "TDB00I", Own::Started { success: true, read_only: session.read_only })
        }
        Event::SessionRefused { refusal } => (
            "db.session.start",
            "TDB00W",
            Own::Refused {
                success: false,
                error: &refusal.message,
                sqlstate: &refusal.sqlstate,
                message: refusal.detail.as_deref(),
            },
        ),
        Event::SessionEnded { reason, bytes_up, bytes_down, elapsed } => (
            "db.session.end",
            "TDB01I",
            Own::Ended { reason, bytes_up: *bytes_up, bytes_down: *bytes_down, elapsed_ms: whole_millis(*elapsed) },
        ),
        Event::Query { sql: Text { text, bytes, cut } } => {
            ("db.session.query", "TDB02I", Own::Query { db_query: text, db_query_bytes: *bytes, cut: *cut })
        }
        Event::Parse { name, sql: Text { text, bytes, cut } } => (
            "db.session.postgres.statements.parse",
            "TPG00I",
            Own::Parse { statement_name: name, db_query: text, db_query_bytes: *bytes, cut: *cut },
        ),
        Event::Bind { portal, statement, parameters, cut } => (
            "db.session.postgres.statements.bind",
            "TPG01I",
            Own::Bind { portal_name: portal, statement_name: statement, cut: *cut, parameters },
        ),
        Event::Execute { portal, max_rows } => (
            "db.session.postgres.statements.execute",
            "TPG02I",
            Own::Execute { portal_name: portal, max_rows: *max_rows },
        ),
        Event::Close { what, name } => ("db.session.postgres.statements.close", "TPG03I", Own::Close { what, name }),
        Event::FunctionCall { oid } => ("db.session.postgres.function", "TPG04I", Own::Function { function_oid: *oid }),
        Event::StatementRefused { sql, reason } => (
            "db.session.query.refused",
            "PST04W",
            Own::StatementRefused {
                success: false,
                error: reason,
                sqlstate: "25006",
                db_query: sql.as_ref().map(|sql| sql.text.as_ref()),
                db_query_bytes: sql.as_ref().map(|sql| sql.bytes),
                cut: sql.as_ref().is_some_and(|sql| sql.cut),
            },
        ),
        Event::Malformed { detail } => ("db.session.malformed_packet", "TDB06I", Own::Malformed { message: detail }),
        Event::CancelRequested { by, outcome } => (
            "db.session.query.cancel",
            "PST00I",
            Own::Cancel { by: format!("{by:?}"), outcome: format!("{outcome:?}") },
        ),
        _ => return None,
    })
}

/// Text as it is, bytes as hexadecimal, NULL as null.
fn values<S: Serializer>(parameters: &[Parameter<'_>], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(parameters.iter().map(|parameter| match parameter {
        Parameter::Null => None,
        Parameter::Text(text) => Some(Cow::Borrowed(text.as_ref())),
        Parameter::Binary(bytes) => {
            Some(Cow::Owned(format!("\\x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())))
        }
    }))
}

fn shown<T: fmt::Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

impl std::fmt::Debug for AuditRecorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditRecorder").field("database", &self.database).finish_non_exhaustive()
    }
}
