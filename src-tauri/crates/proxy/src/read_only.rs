//! Keeps a read-only session from changing anything.
//!
//! What a client sends is judged by its text ([`postern_sql::read_only`]); what is not known to only read does not reach the server. In
//! its place goes a message of the same kind that the server is certain to refuse, because it names a prepared statement that nobody has
//! made. So it is the server that answers, where an answer is due among all those that it still owes: it fails the transaction, skips
//! what the client sent along up to its Sync, and says ReadyForQuery with the true status. Only the words of its error are replaced, on
//! the way back, by ours. Nothing here has to know what the protocol expects next, and so nothing here can lose its place.
//!
//! A server that names no name in its error, or that is in a failed transaction, answers in its own words. Then too nothing was run.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::BytesMut;
use postern_sql::read_only::{Reason, Refused, check};
use postern_wire::ErrorResponse;
use postern_wire::frontend::{Bind, Parse, Query};

use crate::audit::Event;

/// SQLSTATE read_only_sql_transaction.
const READ_ONLY: &str = "25006";

/// Refusals whose answer has not come. Some never get one of their own: the server skips them behind another error.
const WAITING: usize = 1024;

/// What a read-only session remembers of what it refused.
#[derive(Debug)]
pub(crate) struct ReadOnly {
    /// No client can guess it, so none can make a statement of that name.
    salt: u128,
    refused: Mutex<Answers>,
}

#[derive(Debug, Default)]
struct Answers {
    last: u64,
    waiting: VecDeque<(String, ErrorResponse)>,
}

impl ReadOnly {
    /// # Errors
    /// When the system has no random numbers.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        Ok(Self { salt: u128::from_be_bytes(salt), refused: Mutex::default() })
    }

    /// The message that goes to the server in place of one with this tag. From now on its error is answered with why.
    pub(crate) fn stand_in(&self, tag: u8, refused: &Refused) -> BytesMut {
        let mut answers = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        answers.last += 1;
        let name = format!("postern_read_only_{:032x}_{}", self.salt, answers.last);
        let mut out = BytesMut::new();
        let encoded = if tag == Parse::TAG {
            let bind = Bind { portal: "".into(), statement: name.as_str().into(), parameters: vec![], results: vec![] };
            bind.encode(&mut out)
        } else {
            Query::new(format!("EXECUTE \"{name}\"")).encode(&mut out)
        };
        encoded.expect("a name of ours holds no zero byte");
        answers.waiting.push_back((name, response(refused)));
        if answers.waiting.len() > WAITING {
            answers.waiting.pop_front();
        }
        out
    }

    /// What the client is told in place of this error, if that is the answer to a message of ours. Asked twice it says the same.
    pub(crate) fn answer(&self, error: &ErrorResponse) -> Option<ErrorResponse> {
        if !error.message().contains("postern_read_only_") {
            return None;
        }
        let mut answers = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let named = |(name, _): &(String, ErrorResponse)| error.message().contains(&format!("{name}\""));
        let found = answers.waiting.iter().position(named)?;
        // The server answers in order: those before it have been skipped.
        answers.waiting.drain(..found);
        answers.waiting.front().map(|(_, response)| response.clone())
    }
}

fn response(refused: &Refused) -> ErrorResponse {
    let response = ErrorResponse::error(READ_ONLY, &refused.to_string());
    let response = match refused.statement.as_str() {
        "" => response.detail("It was not sent to the database."),
        statement => response.detail(&format!("This was not sent to the database: {statement}")),
    };
    response.hint(&refused.hint())
}

/// Whether a message may go to the server, as far as the audit's event of it tells.
pub(crate) fn judge(event: &Event<'_>, limit: usize) -> Result<(), Refused> {
    match event {
        Event::Query { sql } | Event::Parse { sql, .. } => {
            if sql.cut {
                let statement = sql.text.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
                return Err(Refused { reason: Reason::TooLong { limit }, statement });
            }
            // Bytes that are no UTF-8 were replaced, so this is not what the server would see.
            if !matches!(sql.text, std::borrow::Cow::Borrowed(_)) {
                return Err(Refused::without_statement(Reason::Ambiguous("Send it as UTF-8.")));
            }
            check(&sql.text)
        }
        Event::FunctionCall { .. } => Err(Refused::without_statement(Reason::FunctionCall)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn refused() -> Refused {
        check("delete from t").unwrap_err()
    }

    /// PostgreSQL's words for a statement that nobody has made.
    fn unknown(message: &BytesMut) -> ErrorResponse {
        let text = String::from_utf8_lossy(message).into_owned();
        let name = text.split(['\0', '"']).find(|part| part.starts_with("postern_read_only_")).unwrap().to_owned();
        ErrorResponse::error("26000", &format!("prepared statement \"{name}\" does not exist"))
    }

    #[test]
    fn an_answer_has_our_words_as_often_as_it_is_asked_for() {
        let read_only = ReadOnly::new().unwrap();
        let sent = read_only.stand_in(b'Q', &refused());
        for _ in 0..2 {
            let answer = read_only.answer(&unknown(&sent)).unwrap();
            assert_eq!(
                (answer.sqlstate(), answer.message()),
                ("25006", "cannot execute DELETE in a read-only connection")
            );
            assert_eq!(answer.field(b'D'), Some("This was not sent to the database: delete from t"));
            assert!(answer.field(b'H').unwrap().contains("not read-only"));
        }
        assert!(read_only.answer(&ErrorResponse::error("42601", "syntax error")).is_none());
    }

    #[test]
    fn refusals_that_got_no_answer_of_their_own_are_forgotten() {
        let read_only = ReadOnly::new().unwrap();
        let skipped = read_only.stand_in(b'P', &refused());
        let answered = read_only.stand_in(b'P', &refused());
        assert!(read_only.answer(&unknown(&answered)).is_some());
        assert!(read_only.answer(&unknown(&skipped)).is_none());
        (0..2 * WAITING).for_each(|_| drop(read_only.stand_in(b'Q', &refused())));
        assert_eq!(read_only.refused.lock().unwrap().waiting.len(), WAITING);
    }

    #[test]
    fn two_sessions_have_names_of_their_own() {
        let (one, other) = (ReadOnly::new().unwrap(), ReadOnly::new().unwrap());
        let sent = one.stand_in(b'Q', &refused());
        other.stand_in(b'Q', &refused());
        assert!(other.answer(&unknown(&sent)).is_none());
    }
}
