//! One run on its way into the history: noted when it begins, so that a crash leaves its SQL, and again when it has ended.

use std::sync::Arc;

use postern_console::{
    split::utf16_to_byte,
    tab::{RunId, RunRequest, RunSnapshot, StatementFailure, StatementRun},
};

use super::{
    Outcome,
    store::{Begun, Ended},
};
use crate::{
    clock,
    engine::{Change, Shared},
    error::Error,
    login::Login,
};

/// A run that has been noted and has not been seen to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Recording {
    pub(crate) run: RunId,
    entry: i64,
}

impl Recording {
    /// Notes a run that has begun; nothing when the person wants none kept, or when it cannot be noted. Waits for the disk.
    pub(crate) fn begin(
        shared: &Arc<Shared>,
        login: &Login,
        request: &RunRequest,
        run: &RunSnapshot<Error>,
    ) -> Option<Self> {
        // Who cannot say whether it is wanted keeps nothing.
        let wanted = shared.memory.remembering().inspect_err(|error| shared.history.note_trouble(error));
        if !wanted.is_ok_and(|wanted| wanted.history) {
            return None;
        }
        let user = shared.memory.sign_in().ok().flatten().map(|sign_in| sign_in.user).unwrap_or_default();
        let begun = Begun {
            at: clock::millis(clock::now()),
            user: &user,
            login,
            sql: text_of(&request.text, &run.statements),
            statements: run.statements.len() as u64,
        };
        match shared.history.begin(&begun) {
            Ok(entry) => {
                shared.tell(Change::History);
                Some(Self { run: run.id, entry })
            }
            Err(error) => {
                shared.history.note_trouble(&error);
                None
            }
        }
    }

    /// Notes how the run ended, as far as this shows it. Waits for the disk.
    pub(crate) fn end(self, shared: &Arc<Shared>, run: &RunSnapshot<Error>, failure: Option<&Error>) {
        if run.id != self.run {
            return;
        }
        if let Err(error) = shared.history.end(self.entry, &ended(run, failure)) {
            shared.history.note_trouble(&error);
        }
        shared.tell(Change::History);
    }
}

/// From the first statement's beginning to the last one's end.
fn text_of<'a>(text: &'a str, statements: &[StatementRun]) -> &'a str {
    let (Some(first), Some(last)) = (statements.first(), statements.last()) else { return "" };
    &text[utf16_to_byte(text, first.from)..utf16_to_byte(text, last.to)]
}

fn ended(run: &RunSnapshot<Error>, failure: Option<&Error>) -> Ended {
    let refused = run.statements.iter().find_map(|statement| match &statement.failure {
        Some(StatementFailure::Refused { error, .. }) => {
            Some((Some(error.sqlstate().to_owned()), error.message().to_owned()))
        }
        Some(StatementFailure::CopyToClient) => Some((None, "COPY … TO STDOUT".to_owned())),
        Some(StatementFailure::NotExplainable) => Some((None, "EXPLAIN".to_owned())),
        None => None,
    });
    let (sqlstate, message) = match refused {
        Some((sqlstate, message)) => (sqlstate, Some(message)),
        None => (None, failure.map(ToString::to_string)),
    };
    let returned = run.statements.iter().filter_map(|statement| statement.result.as_ref()).map(|result| result.rows);
    let changed = run.statements.iter().filter_map(|statement| changed(statement.tag.as_deref()?));
    let returned = returned.reduce(|sum, rows| sum + rows);
    Ended {
        outcome: match Outcome::of(run.state) {
            // The tab was closed in the middle, and nobody waited any longer for the server's word.
            Outcome::Running => Outcome::Unknown,
            ended => ended,
        },
        elapsed_ms: u64::try_from(run.elapsed.as_millis()).unwrap_or(u64::MAX),
        rows: returned.or_else(|| changed.reduce(|sum, rows| sum + rows)),
        tag: run.statements.iter().rev().find_map(|statement| statement.tag.as_deref()).map(str::to_owned),
        sqlstate,
        message,
    }
}

/// `UPDATE 5` and `INSERT 0 5` changed five rows.
fn changed(tag: &str) -> Option<u64> {
    let (verb, rows) = tag.split_once(' ')?;
    matches!(verb, "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY").then(|| rows.rsplit(' ').next()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_tag_says_how_many_rows_were_changed() {
        assert_eq!(changed("INSERT 0 5"), Some(5));
        assert_eq!(changed("UPDATE 7"), Some(7));
        assert_eq!(changed("SELECT 7"), None);
        assert_eq!(changed("CREATE TABLE"), None);
        assert_eq!(changed("UPDATE"), None);
    }
}
