//! What the proxy tells, written into the audit log in Teleport's words.

use std::sync::Arc;

use postern_proxy::{Event, Parameter, Recorder, SessionFacts, Text, Unrecorded};
use serde_json::{Map, Value, json};

use crate::{
    audit::{Audit, Record},
    engine::Change,
};

/// Writes the events of one gate's sessions.
pub(crate) struct AuditRecorder {
    audit: Arc<Audit>,
    changes: tokio::sync::broadcast::Sender<Change>,
    user: String,
    database: String,
    uri: String,
}

impl AuditRecorder {
    pub(crate) fn new(
        audit: Arc<Audit>,
        changes: tokio::sync::broadcast::Sender<Change>,
        user: String,
        database: String,
        uri: String,
    ) -> Self {
        Self { audit, changes, user, database, uri }
    }

    fn common(&self, session: &SessionFacts) -> Map<String, Value> {
        let Value::Object(fields) = json!({
            "user": self.user,
            "sid": session.id.to_string(),
            "pid": std::process::id(),
            "db_service": self.database,
            "db_protocol": "postgres",
            "db_uri": self.uri,
            "db_user": session.db_user,
            "db_name": session.db_name,
            "db_pid": session.backend_pid,
            "user_agent": session.program,
            "origin": session.origin.to_string(),
        }) else {
            return Map::new();
        };
        fields
    }
}

impl Recorder for AuditRecorder {
    fn record(&self, session: &SessionFacts, event: Event<'_>) -> Result<(), Unrecorded> {
        if matches!(event, Event::SessionStarted | Event::SessionEnded { .. }) {
            // Nobody listening is fine.
            let _ = self.changes.send(Change::Connections);
        }
        let Some((name, code, own)) = describe(&event) else { return Ok(()) };
        let mut fields = self.common(session);
        if let Value::Object(own) = own {
            fields.extend(own);
        }
        self.audit
            .append(Record { event: name, code, fields })
            .map_err(|error| Unrecorded { reason: error.to_string() })
    }
}

/// Teleport's name and code, and the fields of this kind of event.
fn describe(event: &Event<'_>) -> Option<(&'static str, &'static str, Value)> {
    Some(match event {
        Event::SessionStarted => ("db.session.start", "TDB00I", json!({ "success": true })),
        Event::SessionRefused { refusal } => (
            "db.session.start",
            "TDB00W",
            json!({ "success": false, "error": refusal.message, "sqlstate": refusal.sqlstate, "message": refusal.detail }),
        ),
        Event::SessionEnded { reason, bytes_up, bytes_down, elapsed } => (
            "db.session.end",
            "TDB01I",
            json!({
                "reason": reason.to_string(), "bytes_up": bytes_up, "bytes_down": bytes_down,
                "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            }),
        ),
        Event::Query { sql } => ("db.session.query", "TDB02I", text(sql)),
        Event::Parse { name, sql } => {
            let mut fields = text(sql);
            fields["statement_name"] = json!(name);
            ("db.session.postgres.statements.parse", "TPG00I", fields)
        }
        Event::Bind { portal, statement, parameters, cut } => (
            "db.session.postgres.statements.bind",
            "TPG01I",
            json!({
                "portal_name": portal, "statement_name": statement, "cut": cut,
                "parameters": parameters.iter().map(parameter).collect::<Vec<_>>(),
            }),
        ),
        Event::Execute { portal, max_rows } => {
            ("db.session.postgres.statements.execute", "TPG02I", json!({ "portal_name": portal, "max_rows": max_rows }))
        }
        Event::Close { what, name } => {
            ("db.session.postgres.statements.close", "TPG03I", json!({ "what": what, "name": name }))
        }
        Event::FunctionCall { oid } => ("db.session.postgres.function", "TPG04I", json!({ "function_oid": oid })),
        Event::Malformed { detail } => ("db.session.malformed_packet", "TDB06I", json!({ "message": detail })),
        Event::CancelRequested { by, outcome } => {
            ("db.session.query.cancel", "PST00I", json!({ "by": format!("{by:?}"), "outcome": format!("{outcome:?}") }))
        }
        _ => return None,
    })
}

fn text(sql: &Text<'_>) -> Value {
    json!({ "db_query": sql.text, "db_query_bytes": sql.bytes, "cut": sql.cut })
}

/// Text as it is, bytes as hexadecimal, NULL as null.
fn parameter(parameter: &Parameter<'_>) -> Value {
    match parameter {
        Parameter::Null => Value::Null,
        Parameter::Text(text) => json!(text),
        Parameter::Binary(bytes) => {
            Value::String(format!("\\x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
        }
    }
}

impl std::fmt::Debug for AuditRecorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditRecorder").field("database", &self.database).finish_non_exhaustive()
    }
}
