//! A SQL session over any byte stream: start-up, then one statement after the other.
//!
//! Rows are handed to a [`Sink`] straight from the read buffer and never collected here. The simple protocol is used
//! because it brings text, which shows every type exactly, and the type of each column without a look at the catalogue.
//! A statement with parameters needs the extended one; it is asked for text there too, so that its rows are the same.

mod dialogue;
mod inbound;

use std::future::{Future, ready};
use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::FutureExt as _;
use postern_wire::backend::{Authentication, BackendMessage, TransactionStatus};
use postern_wire::frontend::{Bind, BindParameter, CopyFail, Describe, Empty, Execute, Parse, Query, Target};
use postern_wire::startup::{StartupMessage, StartupPacket};
use postern_wire::{CancelKey, DecodeError, EncodeError, ErrorResponse, Format, Header};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::row::Row;
use crate::types::Column;
use dialogue::{Dialogue, Step};
use inbound::Inbound;

/// How long a stream that takes no more bytes is asked for what the server said last.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Who asks for what. No password: the proxy on the other side of the stream has logged in to the database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Login {
    /// Database user, as the proxy knows it.
    pub user: String,
    /// Database name.
    pub database: String,
    /// What `application_name` shows in the server's session list.
    pub application_name: String,
}

/// Takes what a statement brings, in the order it comes.
///
/// [`ControlFlow::Break`] ends the run with [`RunEnd::Stopped`]: whoever needs to know why keeps it.
pub trait Sink: Send {
    /// A result begins, with these columns.
    fn columns(&mut self, columns: Vec<Column>) -> ControlFlow<()>;

    /// One of its rows. It must not wait.
    fn row(&mut self, row: Row<'_>) -> ControlFlow<()>;

    /// The statement is done, with the server's tag, `SELECT 5`; an empty one for an empty statement.
    fn complete(&mut self, tag: &str);

    /// The server remarks something.
    fn notice(&mut self, notice: ErrorResponse) {
        tracing::debug!(%notice, "notice");
    }

    /// Called when all that has arrived was handed over, and at the end. It may wait, and the server waits with it.
    fn flush(&mut self) -> impl Future<Output = ControlFlow<()>> + Send {
        ready(ControlFlow::Continue(()))
    }
}

/// A value for a `$n` of a statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bound {
    /// Type that it is sent as; 0 leaves that to the server.
    pub type_oid: u32,
    /// Its text; `None` is NULL.
    pub value: Option<String>,
}

/// How a run ended, short of losing the session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RunEnd {
    /// All of it is done.
    Done,
    /// The server refused a statement, or was asked to cancel it.
    Refused(Box<ErrorResponse>),
    /// `COPY … TO STDOUT` sent data, which is not rows; all of it was dropped.
    CopyToClient,
    /// The sink wants no more. The server goes on sending: have it canceled and call [`Session::drain`].
    Stopped,
}

/// Why a session cannot be used, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The stream ended or failed.
    #[error("the connection to the database ended")]
    Lost {
        /// What the server said last, if that was an error.
        server: Option<Box<ErrorResponse>>,
        /// What the stream says, if it failed.
        source: Option<io::Error>,
    },
    /// The server, or the proxy in front of it, does not let the user in.
    #[error("the session was refused")]
    Refused(Box<ErrorResponse>),
    /// It wants a password, and here is none: the stream does not lead to a proxy that logs in.
    #[error("the other side asks for a login by method {code}")]
    LoginDemanded {
        /// Code of the authentication request.
        code: i32,
    },
    /// It sent something that is laid out wrong.
    #[error("the server sent a malformed message of type {:?}", char::from(*tag))]
    Malformed {
        /// Type of the message.
        tag: u8,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// It sent something that has no place here.
    #[error("the server sent a message of type {:?} where it has no place", char::from(*tag))]
    Unexpected {
        /// Type of the message.
        tag: u8,
    },
    /// The SQL or the login holds a zero byte. The session is as good as before.
    #[error("the text cannot be sent")]
    Unsendable(#[source] EncodeError),
}

/// A session, logged in.
#[derive(Debug)]
pub struct Session<S> {
    stream: S,
    inbound: Inbound,
    dialogue: Dialogue,
    cancel_key: Option<CancelKey>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// Says who we are and waits until the server is ready. There is no time limit.
    ///
    /// # Errors
    /// [`SessionError::Refused`] with the server's words, or any other of it.
    pub async fn start(stream: S, login: &Login) -> Result<Self, SessionError> {
        let mut session = Self { stream, inbound: Inbound::default(), dialogue: Dialogue::new(), cancel_key: None };
        let message = StartupMessage::new([
            ("user", login.user.as_str()),
            ("database", &login.database),
            ("application_name", &login.application_name),
            ("client_encoding", "UTF8"),
        ]);
        let mut packet = BytesMut::new();
        StartupPacket::Startup(message).encode(&mut packet).map_err(SessionError::Unsendable)?;
        let sent = session.send(&packet).await;
        // Who refuses a session may hang up before all of the packet went out: its words matter more.
        match (session.log_in().await, sent) {
            (Err(SessionError::Lost { server, source: None }), Err(error)) => {
                Err(SessionError::Lost { server, source: Some(error) })
            }
            (logged_in, _) => logged_in.map(|()| session),
        }
    }

    /// What cancels this session's statement; `None` when the server gave no key.
    pub fn cancel_key(&self) -> Option<&CancelKey> {
        self.cancel_key.as_ref()
    }

    /// A setting that the server reported, at login or since.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.dialogue.parameters.get(name).map(String::as_str)
    }

    /// Whether a transaction is open, as of the end of the last run.
    pub fn transaction(&self) -> TransactionStatus {
        self.dialogue.transaction
    }

    /// Runs `sql` and hands what it brings to `sink`. What is left of a run that was stopped is read and dropped first.
    ///
    /// Dropping the future gives up the session with it, since half a message may be on its way.
    ///
    /// # Errors
    /// When the session is lost; only [`SessionError::Unsendable`] leaves it usable.
    pub async fn run(&mut self, sql: &str, sink: &mut impl Sink) -> Result<RunEnd, SessionError> {
        let mut query = BytesMut::new();
        Query::new(sql).encode(&mut query).map_err(SessionError::Unsendable)?;
        self.exchange(query, false, sink).await
    }

    /// The same for one statement with `$1`, `$2`, … in it and a value for each.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_bound(
        &mut self,
        sql: &str,
        values: &[Bound],
        sink: &mut impl Sink,
    ) -> Result<RunEnd, SessionError> {
        let messages = bound_query(sql, values).map_err(SessionError::Unsendable)?;
        self.exchange(messages, true, sink).await
    }

    /// Sends a query and reads its reply.
    async fn exchange(
        &mut self,
        query: BytesMut,
        extended: bool,
        sink: &mut impl Sink,
    ) -> Result<RunEnd, SessionError> {
        self.drain().await?;
        self.dialogue.begin(extended);
        if let Err(error) = self.send(&query).await {
            return Err(self.last_words(error).await);
        }
        // A script of megabytes need not be kept while its rows come.
        drop(query);
        self.receive(sink).await
    }

    /// Reads and drops the rest of a run that was stopped, and says how that ended.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn drain(&mut self) -> Result<RunEnd, SessionError> {
        match self.dialogue.pending {
            true => self.receive(&mut Dropped).await,
            false => Ok(RunEnd::Done),
        }
    }

    /// Whether the server has hung up since the last run, as far as can be known without waiting.
    ///
    /// # Errors
    /// When it has, with what it said about it.
    pub fn check_idle(&mut self) -> Result<(), SessionError> {
        loop {
            while let Some(header) = self.whole()? {
                match self.take(header, &mut Dropped)? {
                    Step::Next => {}
                    _ => return Err(SessionError::Unexpected { tag: header.tag }),
                }
            }
            match self.inbound.fill(&mut self.stream).now_or_never() {
                None => return Ok(()),
                Some(filled) => self.filled(filled)?,
            }
        }
    }

    /// Says goodbye. Dropping a session ends it too, but the server logs an error then.
    pub async fn terminate(mut self) {
        let mut message = BytesMut::new();
        Empty::Terminate.encode(&mut message);
        let said = async {
            self.stream.write_all(&message).await?;
            self.stream.shutdown().await
        };
        if let Err(error) = said.await {
            tracing::debug!(%error, "the session was gone before it could be ended");
        }
    }

    async fn log_in(&mut self) -> Result<(), SessionError> {
        loop {
            while let Some(header) = self.whole()? {
                let malformed = |source| SessionError::Malformed { tag: header.tag, source };
                match BackendMessage::decode(header.tag, self.inbound.body(header)).map_err(malformed)? {
                    BackendMessage::Authentication(Authentication::Ok) => {}
                    BackendMessage::Authentication(other) => {
                        return Err(SessionError::LoginDemanded { code: other.code() });
                    }
                    BackendMessage::BackendKeyData(data) => self.cancel_key = Some(data.key),
                    BackendMessage::ErrorResponse(error) => return Err(SessionError::Refused(Box::new(error))),
                    BackendMessage::NoticeResponse(notice) => tracing::debug!(%notice, "notice at login"),
                    BackendMessage::ParameterStatus(status) => self.dialogue.note_parameter(&status),
                    BackendMessage::ReadyForQuery(ready) => {
                        self.dialogue.transaction = ready.status;
                        self.inbound.consume(header);
                        return Ok(());
                    }
                    _ => return Err(SessionError::Unexpected { tag: header.tag }),
                }
                self.inbound.consume(header);
            }
            self.fill().await?;
        }
    }

    /// Reads the reply to a Query up to its ReadyForQuery.
    async fn receive(&mut self, sink: &mut impl Sink) -> Result<RunEnd, SessionError> {
        loop {
            while let Some(header) = self.whole()? {
                match self.take(header, sink)? {
                    Step::Next => {}
                    Step::Stop => return Ok(RunEnd::Stopped),
                    Step::RefuseCopy => self.refuse_copy().await?,
                    Step::Unexpected => return Err(SessionError::Unexpected { tag: header.tag }),
                    Step::Ready => {
                        // A sink that breaks now comes too late to stop anything.
                        let _ = sink.flush().await;
                        return Ok(self.dialogue.end());
                    }
                }
            }
            if sink.flush().await.is_break() {
                return Ok(RunEnd::Stopped);
            }
            self.fill().await?;
        }
    }

    fn whole(&self) -> Result<Option<Header>, SessionError> {
        self.inbound.whole().map_err(|source| SessionError::Malformed { tag: self.inbound.tag(), source })
    }

    /// Takes the message at the front.
    fn take(&mut self, header: Header, sink: &mut impl Sink) -> Result<Step, SessionError> {
        let step = self.dialogue.take(header.tag, self.inbound.body(header), sink);
        self.inbound.consume(header);
        step.map_err(|source| SessionError::Malformed { tag: header.tag, source })
    }

    async fn refuse_copy(&mut self) -> Result<(), SessionError> {
        let mut message = BytesMut::new();
        let reason = "the console has no data to send; use COPY from S3, or psql's \\copy".into();
        CopyFail { reason }.encode(&mut message).map_err(SessionError::Unsendable)?;
        if self.dialogue.extended {
            // The server has passed over the one behind Execute, and skips to the next.
            Empty::Sync.encode(&mut message);
        }
        match self.send(&message).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.lost(Some(error))),
        }
    }

    async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message).await?;
        self.stream.flush().await
    }

    async fn fill(&mut self) -> Result<(), SessionError> {
        let filled = self.inbound.fill(&mut self.stream).await;
        self.filled(filled)
    }

    fn filled(&mut self, filled: io::Result<usize>) -> Result<(), SessionError> {
        match filled {
            Ok(0) => Err(self.lost(None)),
            Ok(_) => Ok(()),
            Err(error) => Err(self.lost(Some(error))),
        }
    }

    /// A server that takes no more bytes has often said why before.
    async fn last_words(&mut self, error: io::Error) -> SessionError {
        match tokio::time::timeout(LAST_WORDS, self.receive(&mut Dropped)).await {
            Ok(Err(SessionError::Lost { server, .. })) => SessionError::Lost { server, source: Some(error) },
            _ => self.lost(Some(error)),
        }
    }

    fn lost(&mut self, source: Option<io::Error>) -> SessionError {
        SessionError::Lost { server: self.dialogue.failure.take(), source }
    }
}

/// All that one statement with parameters takes, in one piece.
fn bound_query(sql: &str, values: &[Bound]) -> Result<BytesMut, EncodeError> {
    let mut out = BytesMut::new();
    let types = values.iter().map(|value| value.type_oid).collect();
    Parse { name: "".into(), sql: sql.into(), types }.encode(&mut out)?;
    let text = |value| BindParameter { format: Format::Text, value };
    let parameters = values.iter().map(|bound| text(bound.value.as_deref().map(str::as_bytes))).collect();
    // No formats of results: all text.
    Bind { portal: "".into(), statement: "".into(), parameters, results: Vec::new() }.encode(&mut out)?;
    Describe { target: Target::Portal("".into()) }.encode(&mut out)?;
    Execute { portal: "".into(), max_rows: 0 }.encode(&mut out)?;
    Empty::Sync.encode(&mut out);
    Ok(out)
}

/// Takes everything and keeps nothing.
struct Dropped;

impl Sink for Dropped {
    fn columns(&mut self, _: Vec<Column>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, _: Row<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn complete(&mut self, _: &str) {}
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
