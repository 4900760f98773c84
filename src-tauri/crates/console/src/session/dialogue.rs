//! Where the talk with the server is: what each of its messages means at this point, and what it leaves behind.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use postern_wire::backend::{BackendMessage, CopyDirection, DataRow, Empty, ParameterStatus, TransactionStatus};
use postern_wire::{CopyData, DecodeError, ErrorResponse};

use super::{RunEnd, Sink};
use crate::row::Row;
use crate::types::Column;

/// What to do after a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Read on.
    Next,
    /// The sink wants no more.
    Stop,
    /// The server waits for COPY data.
    RefuseCopy,
    /// The server waits for the next statement.
    Ready,
    /// The message has no place here.
    Unexpected,
}

/// A logged-in session's side of the talk.
#[derive(Debug)]
pub(super) struct Dialogue {
    /// A Query is out and its ReadyForQuery has not come.
    pub(super) pending: bool,
    /// It went out in the messages of the extended protocol.
    pub(super) extended: bool,
    /// How many columns the rows that now come have; `None` when none may come.
    columns: Option<usize>,
    /// The last error since the last Query, whether it was an answer to it or the server's goodbye.
    pub(super) failure: Option<Box<ErrorResponse>>,
    /// COPY data came and was dropped.
    copied: bool,
    pub(super) transaction: TransactionStatus,
    pub(super) parameters: BTreeMap<String, String>,
}

impl Dialogue {
    pub(super) fn new() -> Self {
        Self {
            pending: false,
            extended: false,
            columns: None,
            failure: None,
            copied: false,
            transaction: TransactionStatus::Idle,
            parameters: BTreeMap::new(),
        }
    }

    /// A Query goes out.
    pub(super) fn begin(&mut self, extended: bool) {
        self.pending = true;
        self.extended = extended;
        self.columns = None;
        self.failure = None;
        self.copied = false;
    }

    /// How the run ended whose ReadyForQuery has come.
    pub(super) fn end(&mut self) -> RunEnd {
        match self.failure.take() {
            Some(error) => RunEnd::Refused(error),
            None if self.copied => RunEnd::CopyToClient,
            None => RunEnd::Done,
        }
    }

    pub(super) fn note_parameter(&mut self, status: &ParameterStatus<'_>) {
        // Redshift's `driver_token` is a secret, and no one here needs it.
        if status.name != "driver_token" {
            self.parameters.insert(status.name.to_string(), status.value.to_string());
        }
    }

    /// Takes a message.
    ///
    /// # Errors
    /// When it is not laid out as it should be.
    pub(super) fn take(&mut self, tag: u8, body: &[u8], sink: &mut impl Sink) -> Result<Step, DecodeError> {
        // The two that come a million times.
        match (tag, self.columns) {
            (DataRow::TAG, Some(columns)) => return Row::decode(body, columns).map(|row| stop_or_next(sink.row(row))),
            (CopyData::TAG, None) if self.copied => return Ok(Step::Next),
            _ => {}
        }
        match BackendMessage::decode(tag, body)? {
            BackendMessage::NoticeResponse(notice) => sink.notice(notice),
            BackendMessage::ParameterStatus(status) => self.note_parameter(&status),
            BackendMessage::NotificationResponse(_) => {}
            BackendMessage::ErrorResponse(error) => {
                self.columns = None;
                self.failure = Some(Box::new(error));
            }
            reply if self.pending => return Ok(self.take_reply(reply, sink)),
            _ => return Ok(Step::Unexpected),
        }
        Ok(Step::Next)
    }

    /// Takes what may come only after a Query.
    fn take_reply(&mut self, reply: BackendMessage<'_>, sink: &mut impl Sink) -> Step {
        match reply {
            BackendMessage::RowDescription(description) => {
                self.columns = Some(description.columns.len());
                let columns = description.columns.into_iter().map(|column| Column {
                    name: column.name,
                    type_oid: column.type_oid,
                    type_size: column.type_size,
                    type_modifier: column.type_modifier,
                });
                return stop_or_next(sink.columns(columns.collect()));
            }
            BackendMessage::CommandComplete(done) => {
                self.columns = None;
                sink.complete(&done.command);
            }
            BackendMessage::Empty(Empty::EmptyQueryResponse) => sink.complete(""),
            BackendMessage::Empty(Empty::ParseComplete | Empty::BindComplete | Empty::NoData) if self.extended => {}
            BackendMessage::CopyResponse(copy) => match copy.direction {
                CopyDirection::In => return Step::RefuseCopy,
                CopyDirection::Out => self.copied = true,
                CopyDirection::Both => return Step::Unexpected,
            },
            BackendMessage::CopyDone(_) if self.copied => {}
            BackendMessage::ReadyForQuery(ready) => {
                self.pending = false;
                self.transaction = ready.status;
                return Step::Ready;
            }
            _ => return Step::Unexpected,
        }
        Step::Next
    }
}

fn stop_or_next(flow: ControlFlow<()>) -> Step {
    match flow {
        ControlFlow::Continue(()) => Step::Next,
        ControlFlow::Break(()) => Step::Stop,
    }
}
