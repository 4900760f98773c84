//! Every cancel in the audit log, twice: that it is about to be asked for, and how it ended. What cannot be recorded is not asked for.

use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{audit::Audit, clock::whole_millis, error::Error};

use super::{CancelStep, Outcome, SessionAfter, steps_json};

/// A cancel as the audit log knows it. Both of its records have the same `cancel_id`.
pub(super) struct Record {
    /// Who, what and why.
    about: Map<String, Value>,
    terminate: bool,
}

/// How it ended.
#[derive(Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) outcome: Result<Outcome, &'a Error>,
    pub(super) session: Option<SessionAfter>,
    pub(super) steps: &'a [CancelStep],
    pub(super) elapsed: Duration,
}

impl Record {
    pub(super) fn new<const N: usize>(terminate: bool, about: [(&str, Value); N]) -> Self {
        let about = about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut record = Self { about, terminate };
        record.add("cancel_id", json!(Uuid::new_v4()));
        record
    }

    /// Something that was not known at first.
    pub(super) fn add(&mut self, name: &str, value: Value) {
        self.about.insert(name.to_owned(), value);
    }

    /// It is about to be asked for.
    ///
    /// # Errors
    /// [`Error::Storage`]: then it must not be.
    pub(super) fn asked(&self, audit: &Audit) -> Result<(), Error> {
        let (event, code) = match self.terminate {
            false => ("db.session.query.cancel.request", "PST05I"),
            true => ("db.session.terminate.request", "PST06I"),
        };
        audit.append(event, code, &self.about)
    }

    /// It is over. One of which nobody knows how it ended has the outcome `failed` and says why.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub(super) fn ended(&self, audit: &Audit, end: End<'_>) -> Result<(), Error> {
        let (event, code) =
            if self.terminate { ("db.session.terminate", "PST02I") } else { ("db.session.query.cancel", "PST01I") };
        let mut fields = self.about.clone();
        let mut add = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
        add("outcome", json!(end.outcome.map_or("failed", Outcome::word)));
        add("success", json!(end.outcome.is_ok_and(Outcome::is_over)));
        if let Err(error) = end.outcome {
            add("error", json!(error.to_string()));
        }
        if let Some(session) = end.session {
            add("session", json!(session.word()));
        }
        add("steps", steps_json(end.steps));
        add("elapsed_ms", json!(whole_millis(end.elapsed)));
        audit.append(event, code, fields)
    }
}
