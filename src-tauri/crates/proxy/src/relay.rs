//! Copies bytes between a client and its server, seeing only as much as it must.
//!
//! Client to server: every message that can make the server run something is recorded before it is forwarded. A message is held back
//! until it is whole, or until [`crate::ProxyOptions::statement_limit`] bytes of it are there; the rest of a longer one flows through.
//!
//! Server to client: only headers are looked at. Three small kinds of message are read, to know what the session is doing and to put
//! right the name of an encoding; rows never are. Whole chunks go out as they came in.
//!
//! Both directions run in the session's one task and keep their state outside their futures, so that dropping a future at any await
//! loses nothing: after that it is still known whether a message has been forwarded in part, hence whether the client can be told why
//! the session ends.

use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use postern_wire::backend::{CopyDirection, ErrorResponse, ParameterStatus, ReadyForQuery, Severity};
use postern_wire::frontend::{Bind, Close, Empty, Execute, FrontendMessage, FunctionCall, Parse, Query, Target};
use postern_wire::{DecodeError, Format, Header};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::audit::{Event, Parameter, Recorder, Text};
use crate::proxy::Shared;
use crate::read_only;
use crate::session::{EndReason, Session, SessionFacts, SessionState};

/// What one read asks for at first, and again once traffic is low; an idle session costs this much in each direction.
const SMALL_READ: usize = 4 * 1024;

/// What one read asks for under load: a few TLS records.
const LARGE_READ: usize = 64 * 1024;

/// The longest message from the server that is held back to be read. A longer one flows through unread.
const WATCHED_LIMIT: usize = 64 * 1024;

/// Reads after which a client that never pauses, such as one in the middle of a COPY, is held all the same.
const CATCH_UP_READS: usize = 64;

/// How long a server may take to finish the message it is in, or to say its last words, once the session ends.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A session's two directions.
pub(crate) struct Relay<'a, CR, CW, SR, SW> {
    pub(crate) up: Up<'a, CR, SW>,
    pub(crate) down: Down<'a, SR, CW>,
}

impl<CR, CW, SR, SW> Relay<'_, CR, CW, SR, SW>
where
    CR: AsyncRead + Unpin,
    CW: AsyncWrite + Unpin,
    SR: AsyncRead + Unpin,
    SW: AsyncWrite + Unpin,
{
    /// Runs until one side ends or somebody stops the session.
    pub(crate) async fn run(&mut self, session: &Session, linger: Duration) -> EndReason {
        let Self { up, down } = self;
        let mut down_run = std::pin::pin!(down.run());
        tokio::select! {
            reason = session.stopped() => EndReason::Stopped(reason),
            end = &mut down_run => end,
            end = up.run() => {
                // The client can send no more: whether it said goodbye, half-closed or broke the protocol tells what is still owed to it.
                let (wait, end) = match end {
                    UpEnd::Terminated => (LAST_WORDS, EndReason::ClientTerminated),
                    UpEnd::Closed => (linger, EndReason::ClientVanished),
                    UpEnd::UpstreamLost(error) => (LAST_WORDS, EndReason::UpstreamLost(Arc::new(error))),
                    UpEnd::Malformed(error) => return EndReason::ClientMalformed(error),
                    UpEnd::Unrecorded(error) => return EndReason::AuditUnavailable(error),
                };
                let last_words = tokio::select! {
                    reason = session.stopped() => return EndReason::Stopped(reason),
                    last_words = timeout(wait, &mut down_run) => last_words,
                };
                match (end, last_words) {
                    // Writing failed because the server had closed; what it said before that explains more.
                    (EndReason::UpstreamLost(_), Ok(EndReason::UpstreamClosed(Some(error)))) => EndReason::UpstreamClosed(Some(error)),
                    (end, _) => end,
                }
            }
        }
    }
}

/// How the direction from the client ends.
#[derive(Debug)]
enum UpEnd {
    Terminated,
    Closed,
    Malformed(DecodeError),
    Unrecorded(crate::audit::Unrecorded),
    UpstreamLost(io::Error),
}

/// Bytes on their way, and how far they may go.
#[derive(Debug)]
struct Flow {
    buffer: BytesMut,
    /// Bytes at the front of `buffer` that may be forwarded.
    cleared: usize,
    /// Bytes of the current message that are still to be cleared.
    passing: usize,
    /// Bytes of a refused message that have yet to come and go nowhere.
    skipping: usize,
    read_size: usize,
    /// Met while taking what more was there; told by the next [`Flow::fill`].
    failed: Option<io::Error>,
}

impl Flow {
    fn new(buffer: BytesMut) -> Self {
        Self { buffer, cleared: 0, passing: 0, skipping: 0, read_size: SMALL_READ, failed: None }
    }

    /// Whether everything forwarded so far ends where a message ends.
    fn at_boundary(&self) -> bool {
        self.cleared == 0 && self.passing == 0
    }

    /// Clears what is there of the current message; `true` when it is all cleared.
    fn pass(&mut self) -> bool {
        let available = (self.buffer.len() - self.cleared).min(self.passing);
        self.cleared += available;
        self.passing -= available;
        self.passing == 0
    }

    /// Drops what is there of a refused message; `true` when all of it is gone. Nothing is cleared meanwhile.
    fn skip(&mut self) -> bool {
        let there = self.skipping.min(self.buffer.len());
        self.buffer.advance(there);
        self.skipping -= there;
        self.skipping == 0
    }

    /// Puts another message in place of the one at the front, and clears it.
    fn replace(&mut self, total: usize, with: BytesMut) {
        let rest = self.buffer.split_off(total.min(self.buffer.len()));
        self.skipping = total - self.buffer.len();
        self.passing = with.len();
        self.buffer = with;
        self.buffer.unsplit(rest);
        self.pass();
    }

    /// What has not been cleared yet.
    fn uncleared(&self) -> &[u8] {
        &self.buffer[self.cleared..]
    }

    /// Forwards what is cleared. Cancel safe: each write is accounted for before the next await.
    async fn forward<W: AsyncWrite + Unpin>(&mut self, to: &mut W, count: impl Fn(usize)) -> io::Result<()> {
        if self.cleared == 0 {
            return Ok(());
        }
        while self.cleared > 0 {
            let written = to.write(&self.buffer[..self.cleared]).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.buffer.advance(written);
            self.cleared -= written;
            count(written);
        }
        to.flush().await
    }

    /// Reads more; 0 means that there is no more. Cancel safe.
    async fn fill<R: AsyncRead + Unpin>(&mut self, from: &mut R) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.buffer.is_empty() && self.buffer.capacity() > self.read_size {
            // Lets go of what a burst or a long statement needed.
            self.buffer = BytesMut::new();
        }
        self.buffer.reserve(self.read_size);
        let room = self.buffer.capacity() - self.buffer.len();
        let read = from.read_buf(&mut self.buffer).await?;
        if read == room {
            self.read_size = LARGE_READ;
        } else if read < SMALL_READ {
            self.read_size = SMALL_READ;
        }
        if self.read_size == LARGE_READ && read > 0 {
            self.take_what_is_there(from).await;
        }
        Ok(read)
    }

    /// Under load: takes what more can be had without waiting, so that several TLS records go out with one write.
    async fn take_what_is_there<R: AsyncRead + Unpin>(&mut self, from: &mut R) {
        poll_fn(|context| {
            while self.buffer.len() < LARGE_READ && self.buffer.capacity() - self.buffer.len() >= SMALL_READ {
                let mut read = std::pin::pin!(from.read_buf(&mut self.buffer));
                match read.as_mut().poll(context) {
                    Poll::Ready(Ok(1..)) => {}
                    // An end is found again by the next read; an error may not be.
                    Poll::Ready(Ok(0)) | Poll::Pending => break,
                    Poll::Ready(Err(error)) => {
                        self.failed = Some(error);
                        break;
                    }
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// Client to server.
pub(crate) struct Up<'a, R, W> {
    flow: Flow,
    pub(crate) from: R,
    pub(crate) to: W,
    session: &'a Session,
    facts: &'a SessionFacts,
    recorder: &'a dyn Recorder,
    statement_limit: usize,
    terminated: bool,
    /// Reads since somebody wants the session held.
    caught_up: usize,
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Up<'a, R, W> {
    pub(crate) fn new(
        shared: &'a Shared,
        session: &'a Session,
        facts: &'a SessionFacts,
        from: R,
        to: W,
        received: BytesMut,
    ) -> Self {
        Self {
            flow: Flow::new(received),
            from,
            to,
            session,
            facts,
            recorder: &*shared.recorder,
            statement_limit: shared.options.statement_limit,
            terminated: false,
            caught_up: 0,
        }
    }

    /// Whether a Terminate of ours would be understood.
    pub(crate) fn can_terminate(&self) -> bool {
        !self.terminated && self.flow.at_boundary()
    }

    async fn run(&mut self) -> UpEnd {
        loop {
            let cleared = self.clear().await;
            // What came before a malformed message is in order and goes out.
            if let Err(error) = self.flow.forward(&mut self.to, |bytes| self.session.activity.add_up(bytes)).await {
                return UpEnd::UpstreamLost(error);
            }
            match cleared {
                Err(end) => return end,
                Ok(Cleared::UpToRewrite) => continue,
                Ok(Cleared::All) => {}
            }
            if self.terminated && self.flow.at_boundary() {
                return UpEnd::Terminated;
            }
            match self.read().await {
                Ok(1..) => {}
                // A client's connection that breaks has nobody at its end any more: the same as one that closes.
                Ok(0) | Err(_) => {
                    // Passes the half-close on; a server that is gone will be noticed by the other direction.
                    let _ = self.to.shutdown().await;
                    return UpEnd::Closed;
                }
            }
        }
    }

    /// Reads more from the client. Where somebody holds the session, what the client has sent before is read first, and what it sends
    /// then waits.
    async fn read(&mut self) -> io::Result<usize> {
        let hold = &self.session.hold;
        loop {
            if self.caught_up < CATCH_UP_READS {
                tokio::select! {
                    biased;
                    read = self.flow.fill(&mut self.from) => {
                        self.caught_up = if hold.is_wanted() { self.caught_up + 1 } else { 0 };
                        return read;
                    }
                    () = hold.until_wanted() => {}
                }
                // Whether a task has used up its share of time must not decide whether what is there is seen.
                let mut read = std::pin::pin!(tokio::task::unconstrained(self.flow.fill(&mut self.from)));
                if let Poll::Ready(read) = poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await {
                    self.caught_up += 1;
                    return read;
                }
            }
            hold.rest().await;
            self.caught_up = 0;
        }
    }

    /// Clears every message that is there, recording first, all at once, those that can make the server run something.
    /// Cancel safe: until it is recorded nothing is cleared.
    async fn clear(&mut self) -> Result<Cleared, UpEnd> {
        if !self.flow.skip() || !self.flow.pass() {
            return Ok(Cleared::All);
        }
        let read_only = self.session.read_only.as_ref();
        let mut batch = Batch { read_only: read_only.is_some(), ..Batch::default() };
        let unread = batch.read(self.flow.uncleared(), self.statement_limit, self.terminated);
        let malformed = unread.err();
        if let Some(error) = &malformed {
            batch.events.push(Event::Malformed { detail: error.to_string().into() });
        }
        if !batch.events.is_empty() {
            self.recorder.record_with_others(self.facts, &batch.events).await.map_err(UpEnd::Unrecorded)?;
        }
        for tag in &batch.tags {
            self.session.activity.sent(*tag);
        }
        let Batch { passing, terminated, refused, .. } = batch;
        self.terminated = terminated;
        if let (Some((header, refused)), Some(read_only)) = (refused, read_only) {
            if passing > 0 {
                self.flow.passing = passing;
                self.flow.pass();
                return Ok(Cleared::UpToRewrite);
            }
            self.flow.replace(header.total(), read_only.stand_in(header.tag, &refused));
            return Ok(Cleared::UpToRewrite);
        }
        self.flow.passing = passing;
        self.flow.pass();
        malformed.map_or(Ok(Cleared::All), |error| Err(UpEnd::Malformed(error)))
    }
}

/// Messages from the client that can go on together.
#[derive(Debug, Default)]
struct Batch<'a> {
    /// What the audit is told of them.
    events: Vec<Event<'a>>,
    /// Their tags.
    tags: Vec<u8>,
    /// Their length; the last may have yet to arrive in part.
    passing: usize,
    /// The last is a Terminate.
    terminated: bool,
    /// What is not known to only read does not go on.
    read_only: bool,
    /// The message behind them that does not. It is in `events` and `tags` only where nothing is before it: what is has to go out first.
    refused: Option<(Header, postern_sql::read_only::Refused)>,
}

impl<'a> Batch<'a> {
    /// Takes in the messages at the front of `bytes` that are there, or as much of them as is recorded.
    ///
    /// # Errors
    /// At the first that is malformed; what was taken in before it is in order.
    fn read(&mut self, bytes: &'a [u8], statement_limit: usize, terminated: bool) -> Result<(), DecodeError> {
        self.terminated = terminated;
        while let Some(rest) = bytes.get(self.passing..).filter(|_| !self.terminated) {
            let Some(header) = Header::peek(rest)? else { break };
            if is_recorded(header.tag) {
                let kept = header.total().min(statement_limit.max(Header::SIZE));
                let Some(kept) = rest.get(Header::SIZE..kept) else { break };
                let event = event(header, kept)?;
                if self.read_only {
                    if !is_known(header.tag) {
                        return Err(DecodeError::Unexpected {
                            what: "message of a read-only session",
                            value: header.tag.into(),
                        });
                    }
                    if let Err(refused) = read_only::judge(&event, statement_limit) {
                        if self.passing == 0 {
                            self.events.push(refused_event(event, &refused));
                            // What stands in for a Parse is a Bind: neither is answered with ReadyForQuery.
                            self.tags.push(if header.tag == Parse::TAG { Bind::TAG } else { Query::TAG });
                        }
                        self.refused = Some((header, refused));
                        break;
                    }
                }
                self.events.push(event);
            }
            self.tags.push(header.tag);
            self.terminated = header.tag == Empty::Terminate.tag();
            self.passing += header.total();
        }
        Ok(())
    }
}

/// Tags of messages that go into the audit. Unknown ones do too: they are for the server to judge, but not to pass unseen.
fn is_recorded(tag: u8) -> bool {
    !matches!(tag, b'd' | b'c' | b'f' | b'D' | b'S' | b'H' | b'X' | b'p')
}

/// Tags of messages that we have a name for. What others make a server do is not known.
fn is_known(tag: u8) -> bool {
    matches!(tag, Query::TAG | Parse::TAG | Bind::TAG | Execute::TAG | Close::TAG | FunctionCall::TAG)
}

/// What the audit is told about a message that does not go on.
fn refused_event<'a>(event: Event<'a>, refused: &postern_sql::read_only::Refused) -> Event<'a> {
    let sql = match event {
        Event::Query { sql } | Event::Parse { sql, .. } => Some(sql),
        _ => None,
    };
    Event::StatementRefused { sql, reason: refused.to_string().into() }
}

/// What the audit is told about a message. A client's message that PostgreSQL would read otherwise than we do is refused, so that
/// nothing can hide behind the difference.
fn event(header: Header, kept: &[u8]) -> Result<Event<'_>, DecodeError> {
    if kept.len() < header.body {
        return Ok(event_of_cut(header, kept));
    }
    Ok(match FrontendMessage::decode(header.tag, kept)? {
        FrontendMessage::Query(Query { sql }) => Event::Query { sql: whole(sql) },
        FrontendMessage::Parse(Parse { name, sql, .. }) => Event::Parse { name, sql: whole(sql) },
        FrontendMessage::Bind(bind) => bind_event(bind, false),
        FrontendMessage::Execute(Execute { portal, max_rows }) => Event::Execute { portal, max_rows },
        FrontendMessage::Close(Close { target }) => match target {
            Target::Statement(name) => Event::Close { what: "statement", name },
            Target::Portal(name) => Event::Close { what: "portal", name },
        },
        FrontendMessage::FunctionCall(FunctionCall { oid }) => Event::FunctionCall { oid },
        _ => unknown_event(header),
    })
}

/// The same for a message longer than the limit. What is wrong with its end the server will find.
fn event_of_cut(header: Header, kept: &[u8]) -> Event<'_> {
    let cut = |text: &'_ [u8]| Text {
        text: String::from_utf8_lossy(text).into_owned().into(),
        bytes: header.body,
        cut: true,
    };
    let beginning = |text: &[u8]| text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    match header.tag {
        Query::TAG => Event::Query { sql: cut(&kept[..beginning(kept)]) },
        Parse::TAG => {
            let (name, rest) = kept.split_at(beginning(kept));
            let sql = rest.get(1..).unwrap_or_default();
            Event::Parse { name: String::from_utf8_lossy(name), sql: cut(&sql[..beginning(sql)]) }
        }
        Bind::TAG => match Bind::decode_beginning(kept) {
            Ok(bind) => bind_event(bind, true),
            Err(_) => Event::Malformed { detail: "a Bind whose names are longer than the audit keeps".into() },
        },
        FunctionCall::TAG => match FunctionCall::decode(kept) {
            Ok(FunctionCall { oid }) => Event::FunctionCall { oid },
            Err(_) => unknown_event(header),
        },
        _ => unknown_event(header),
    }
}

fn unknown_event<'a>(header: Header) -> Event<'a> {
    Event::Malformed { detail: format!("a message with tag {:#04x} and {} bytes", header.tag, header.body).into() }
}

fn whole(sql: std::borrow::Cow<'_, str>) -> Text<'_> {
    Text { bytes: sql.len(), text: sql, cut: false }
}

fn bind_event(bind: Bind<'_>, cut: bool) -> Event<'_> {
    let parameters = bind.parameters.iter().map(|parameter| match (parameter.value, parameter.format) {
        (None, _) => Parameter::Null,
        (Some(value), Format::Text) => Parameter::Text(String::from_utf8_lossy(value)),
        (Some(value), Format::Binary) => Parameter::Binary(value),
    });
    Event::Bind { parameters: parameters.collect(), portal: bind.portal, statement: bind.statement, cut }
}

/// Server to client.
pub(crate) struct Down<'a, R, W> {
    flow: Flow,
    pub(crate) from: R,
    pub(crate) to: W,
    session: &'a Session,
    shared: &'a Shared,
    /// The last message was this fatal error.
    fatal: Option<ErrorResponse>,
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Down<'a, R, W> {
    pub(crate) fn new(shared: &'a Shared, session: &'a Session, from: R, to: W, received: BytesMut) -> Self {
        Self { flow: Flow::new(received), from, to, session, shared, fatal: None }
    }

    /// The server has said itself that it ends the session.
    pub(crate) fn said_goodbye(&self) -> bool {
        self.fatal.is_some()
    }

    /// Forwards the rest of a message that has been forwarded in part; `true` when the client can be sent a message of ours now.
    pub(crate) async fn finish_message(&mut self) -> bool {
        let finish = async {
            loop {
                self.flow.pass();
                self.forward().await?;
                if self.flow.at_boundary() || self.flow.fill(&mut self.from).await? == 0 {
                    return io::Result::Ok(());
                }
            }
        };
        let _ = timeout(LAST_WORDS, finish).await;
        self.flow.at_boundary()
    }

    async fn run(&mut self) -> EndReason {
        loop {
            let cleared = self.clear();
            if self.forward().await.is_err() {
                return EndReason::ClientVanished;
            }
            match cleared {
                Err(error) => return EndReason::UpstreamMalformed(error),
                Ok(Cleared::UpToRewrite) => continue,
                Ok(Cleared::All) => {}
            }
            match self.flow.fill(&mut self.from).await {
                Ok(0) => return EndReason::UpstreamClosed(self.fatal.take()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof || self.said_goodbye() => {
                    return EndReason::UpstreamClosed(self.fatal.take());
                }
                Err(error) => return EndReason::UpstreamLost(Arc::new(error)),
            }
        }
    }

    async fn forward(&mut self) -> io::Result<()> {
        self.flow.forward(&mut self.to, |bytes| self.session.activity.add_down(bytes)).await
    }

    /// Clears every message that is there, reading the watched ones.
    fn clear(&mut self) -> Result<Cleared, DecodeError> {
        while self.flow.pass() {
            let bytes = self.flow.uncleared();
            let Some(header) = Header::peek(bytes)? else { break };
            self.fatal = None;
            if is_watched(header.tag) && header.body <= WATCHED_LIMIT {
                if bytes.len() < header.total() {
                    break;
                }
                let body = &bytes[Header::SIZE..header.total()];
                if let Some(rewritten) = watch(self.shared, self.session, &mut self.fatal, header.tag, body)? {
                    if self.flow.cleared > 0 {
                        return Ok(Cleared::UpToRewrite);
                    }
                    let rest = self.flow.buffer.split_off(header.total());
                    self.flow.passing = rewritten.len();
                    self.flow.buffer = rewritten;
                    self.flow.buffer.unsplit(rest);
                    continue;
                }
            }
            self.flow.passing = header.total();
        }
        Ok(Cleared::All)
    }
}

/// How far [`Down::clear`] and [`Up::clear`] got.
enum Cleared {
    /// All that is there and can be.
    All,
    /// To a message that is to be rewritten, or past one that was: what is before it has to go out first.
    UpToRewrite,
}

fn is_watched(tag: u8) -> bool {
    const COPY_IN: u8 = b'G';
    matches!(tag, ReadyForQuery::TAG | ParameterStatus::TAG | ErrorResponse::TAG | COPY_IN)
}

/// Reads a watched message; gives the message to send in its place where that is another.
fn watch(
    shared: &Shared,
    session: &Session,
    fatal: &mut Option<ErrorResponse>,
    tag: u8,
    body: &[u8],
) -> Result<Option<BytesMut>, DecodeError> {
    match tag {
        ReadyForQuery::TAG => {
            session.activity.ready(ReadyForQuery::decode(body)?.status);
            // A shutdown waits for sessions to become idle.
            if shared.draining.is_cancelled() && session.activity.state() == SessionState::Idle {
                shared.changed();
            }
        }
        ErrorResponse::TAG => {
            let error = ErrorResponse::decode(body)?;
            if error.sqlstate() == ErrorResponse::QUERY_CANCELED {
                session.activity.cancelled();
            }
            if let Some(answer) = session.read_only.as_ref().and_then(|read_only| read_only.answer(&error)) {
                let mut rewritten = BytesMut::new();
                answer.encode(&mut rewritten);
                return Ok(Some(rewritten));
            }
            *fatal = matches!(error.severity(), Severity::Fatal | Severity::Panic).then_some(error);
        }
        ParameterStatus::TAG => {
            let status = ParameterStatus::decode(body)?;
            if is_unicode(&status) {
                let mut rewritten = BytesMut::new();
                normalized_status(status).encode(&mut rewritten).expect("constants hold no zero byte");
                return Ok(Some(rewritten));
            }
        }
        tag if CopyDirection::from_tag(tag) == Some(CopyDirection::In) => session.activity.copy_in(),
        _ => {}
    }
    Ok(None)
}

fn is_unicode(status: &ParameterStatus<'_>) -> bool {
    status.name == "client_encoding" && status.value.eq_ignore_ascii_case("UNICODE")
}

/// Redshift's old name for UTF-8, which several drivers do not know, in the name that all know.
pub(crate) fn normalized_status(status: ParameterStatus<'_>) -> ParameterStatus<'_> {
    if is_unicode(&status) { ParameterStatus::new("client_encoding", "UTF8") } else { status }
}
