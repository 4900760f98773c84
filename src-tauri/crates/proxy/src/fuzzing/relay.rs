//! The relay, one direction at a time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use postern_wire::backend::{BackendMessage, ErrorResponse, ParameterStatus, ReadyForQuery, Severity};
use postern_wire::frontend::{Empty, FrontendMessage};
use postern_wire::{DecodeError, Header};
use tokio::time::timeout;

use super::{LIMIT, Nowhere, Side, Told, facts, pieces, run, session};
use crate::audit::{Event, Parameter, Recorder, Unrecorded};
use crate::proxy::{Proxy, ProxyOptions};
use crate::relay::{Down, Relay, Up};
use crate::session::{EndReason, SessionFacts};

/// Short, so that statements are cut.
const STATEMENT_LIMIT: usize = 48;

/// What the audit is told, one line an event, and how much the server had been told by then.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<(String, usize)>>,
    told: Told,
}

impl Recorder for Log {
    fn record(&self, _: &SessionFacts, events: &[Event<'_>]) -> Result<(), Unrecorded> {
        let told = self.told.lock().unwrap().len();
        let mut lines = self.lines.lock().unwrap();
        for event in events {
            bounded(event);
            lines.push((format!("{event:?}"), told));
        }
        Ok(())
    }
}

/// What is kept of a statement is no more than was sent of it, and than the limit. A replaced byte is three in UTF-8.
fn bounded(event: &Event<'_>) {
    let most = 3 * STATEMENT_LIMIT;
    match event {
        Event::Query { sql } | Event::Parse { sql, .. } => {
            assert!(sql.text.len() <= most && sql.text.len() <= 3 * sql.bytes);
            assert!(sql.cut || sql.text.len() >= sql.bytes);
        }
        Event::Bind { parameters, .. } => {
            let length = |parameter: &Parameter<'_>| match parameter {
                Parameter::Null => 0,
                Parameter::Text(text) => text.len(),
                Parameter::Binary(bytes) => bytes.len(),
            };
            assert!(parameters.iter().map(length).sum::<usize>() <= most);
        }
        _ => {}
    }
}

/// What became of a client's bytes.
#[derive(Debug, PartialEq)]
struct Outcome {
    forwarded: Vec<u8>,
    events: Vec<String>,
    end: String,
}

/// A client's stream: what is forwarded are its bytes up to the first message that is not in order, everything that can make the
/// server run something was recorded before it went on, and all of it is the same however the bytes arrive.
pub fn check_client(data: &[u8]) {
    let at_once = client(VecDeque::from([data]), data);
    let in_pieces = client(pieces(data), data);
    assert_eq!(at_once, in_pieces, "the relay depends on how bytes arrive");
}

fn client(says: VecDeque<&[u8]>, data: &[u8]) -> Outcome {
    let expected = expected_of_client(data);
    let client = Side::closing(says);
    // A server that hangs up once it has been told goodbye, or that there is no more: nobody has to wait for it.
    let server = Side::closing_after(&client, expected.terminated.then_some(expected.forwarded));
    let log = Arc::new(Log { told: Arc::clone(&server.told), ..Log::default() });
    let told = Arc::clone(&server.told);
    let end = relayed(client, server, Arc::clone(&log), false);
    let forwarded = told.lock().unwrap().clone();
    let lines = std::mem::take(&mut *log.lines.lock().unwrap());

    assert_eq!(forwarded, data[..expected.forwarded]);
    assert_eq!(lines.len(), expected.recorded_at.len() + usize::from(expected.malformed.is_some()));
    for ((line, told), at) in lines.iter().zip(&expected.recorded_at) {
        assert!(told <= at, "forwarded before it was recorded: {line}");
    }
    match (&end, expected.malformed) {
        (EndReason::ClientMalformed(error), Some(found)) => assert_eq!(*error, found),
        (EndReason::ClientTerminated, None) => assert!(expected.terminated),
        (EndReason::ClientVanished, None) => assert!(!expected.terminated),
        (end, found) => panic!("{end:?} where the client's stream ends with {found:?}"),
    }
    Outcome { forwarded, events: lines.into_iter().map(|(line, _)| line).collect(), end: end.to_string() }
}

/// What a careful reader makes of a client's stream that is there as a whole.
#[derive(Default)]
struct Expected {
    forwarded: usize,
    /// Where each message begins that the audit has to know of.
    recorded_at: Vec<usize>,
    malformed: Option<DecodeError>,
    terminated: bool,
}

fn expected_of_client(data: &[u8]) -> Expected {
    let mut expected = Expected::default();
    while !expected.terminated {
        let at = expected.forwarded;
        let rest = &data[at..];
        let header = match Header::peek(rest) {
            Ok(Some(header)) => header,
            Ok(None) => break,
            Err(error) => {
                expected.malformed = Some(error);
                break;
            }
        };
        if !b"dcfDSHXp".contains(&header.tag) {
            let needed = header.total().min(STATEMENT_LIMIT);
            if rest.len() < needed {
                break;
            }
            if header.total() <= STATEMENT_LIMIT
                && let Err(error) = FrontendMessage::decode(header.tag, &rest[Header::SIZE..header.total()])
            {
                expected.malformed = Some(error);
                break;
            }
            expected.recorded_at.push(at);
        }
        expected.forwarded += header.total().min(rest.len());
        expected.terminated = header.tag == Empty::Terminate.tag() && rest.len() >= header.total();
        if rest.len() <= header.total() {
            break;
        }
    }
    expected
}

/// A client's stream in a read-only session: each of its messages reaches the server as it is, or as one of the same kind that only fails;
/// what holds SQL can only read; and all of it is the same however the bytes arrive.
pub fn check_read_only(data: &[u8]) {
    let at_once = read_only_client(VecDeque::from([data]));
    let in_pieces = read_only_client(pieces(data));
    assert_eq!(at_once, in_pieces, "what is refused depends on how bytes arrive");
    let sent = tags_of_client(data);
    let kinds = |sent: u8, got: u8| match sent {
        b'P' => got == b'P' || got == b'B',
        b'F' => got == b'Q',
        other => got == other,
    };
    assert_eq!(at_once.len(), sent.len(), "{at_once:?} of {sent:?}");
    assert!(sent.iter().zip(&at_once).all(|(sent, (got, _))| kinds(*sent, *got)), "{at_once:?} of {sent:?}");
}

/// Tag and content of what the server is told. Names of our own have a random part, and are left out.
fn read_only_client(says: VecDeque<&[u8]>) -> Vec<(u8, Vec<u8>)> {
    let client = Side::closing(says);
    let server = Side::closing_after(&client, None);
    let told = Arc::clone(&server.told);
    let log = Arc::new(Log { told: Arc::clone(&server.told), ..Log::default() });
    relayed(client, server, log, true);
    let told = told.lock().unwrap();
    let (mut messages, mut rest) = (Vec::new(), &told[..]);
    while let Some(header) = Header::peek(rest).unwrap() {
        let body = &rest[Header::SIZE..header.total().min(rest.len())];
        let ours = body.windows(18).any(|window| window == b"postern_read_only_");
        match FrontendMessage::decode(header.tag, body) {
            Ok(FrontendMessage::Query(query)) if !query.sql.starts_with("EXECUTE \"postern_read_only_") => {
                postern_sql::read_only::check(&query.sql).unwrap();
            }
            Ok(FrontendMessage::Parse(parse)) => postern_sql::read_only::check(&parse.sql).unwrap(),
            Ok(FrontendMessage::FunctionCall(_) | FrontendMessage::Other { .. }) => {
                panic!("it was forwarded: {body:?}")
            }
            _ => {}
        }
        messages.push((header.tag, if ours { Vec::new() } else { body.to_vec() }));
        rest = rest.get(header.total()..).unwrap_or_default();
    }
    messages
}

/// Tags of the messages that go on from a client's stream in a read-only session, in one form or another.
fn tags_of_client(data: &[u8]) -> Vec<u8> {
    let (mut tags, mut rest) = (Vec::new(), data);
    while let Ok(Some(header)) = Header::peek(rest) {
        if !b"dcfDSHXp".contains(&header.tag) {
            let decoded = match rest.get(Header::SIZE..header.total().min(STATEMENT_LIMIT)) {
                Some(_) if header.total() > STATEMENT_LIMIT => true,
                Some(body) => FrontendMessage::decode(header.tag, body).is_ok(),
                None => break,
            };
            if !decoded || !b"QPBECF".contains(&header.tag) {
                break;
            }
        }
        tags.push(header.tag);
        if header.tag == b'X' && rest.len() >= header.total() {
            break;
        }
        match rest.get(header.total()..) {
            Some(behind) => rest = behind,
            None => break,
        }
    }
    tags
}

/// A server's stream: the client gets its bytes up to the first message that is not in order, except that the encoding has the name that
/// all drivers know; however the bytes arrive.
pub fn check_server(data: &[u8]) {
    let expected = expected_of_server(data);
    for says in [VecDeque::from([data]), pieces(data)] {
        let (client, server) = (Side::silent(), Side::closing(says));
        let told = Arc::clone(&client.told);
        let end = relayed(client, server, Arc::default(), false);
        assert_eq!(*told.lock().unwrap(), expected.0);
        match (&end, &expected.1) {
            (EndReason::UpstreamMalformed(error), ServerEnd::Malformed(found)) => assert_eq!(error, found),
            (EndReason::UpstreamClosed(said), ServerEnd::Closed(found)) => assert_eq!(said, found),
            (end, found) => panic!("{end:?} where the server's stream ends with {found:?}"),
        }
    }
}

#[derive(Debug)]
enum ServerEnd {
    Malformed(DecodeError),
    /// With its last words, if they were fatal.
    Closed(Option<ErrorResponse>),
}

fn expected_of_server(data: &[u8]) -> (Vec<u8>, ServerEnd) {
    let (mut told, mut last_words, mut rest) = (Vec::new(), None, data);
    loop {
        let header = match Header::peek(rest) {
            Ok(Some(header)) => header,
            Ok(None) => return (told, ServerEnd::Closed(last_words)),
            Err(error) => return (told, ServerEnd::Malformed(error)),
        };
        last_words = None;
        let watched = [ReadyForQuery::TAG, ParameterStatus::TAG, ErrorResponse::TAG, b'G'].contains(&header.tag);
        if !watched || header.body > 64 * 1024 {
            let there = header.total().min(rest.len());
            told.extend_from_slice(&rest[..there]);
            rest = &rest[there..];
            continue;
        }
        let Some(body) = rest.get(Header::SIZE..header.total()) else {
            return (told, ServerEnd::Closed(None));
        };
        // That a COPY begins is all that is read of it.
        let message = if header.tag == b'G' { None } else { Some(BackendMessage::decode(header.tag, body)) };
        match message.transpose() {
            Err(error) => return (told, ServerEnd::Malformed(error)),
            Ok(Some(BackendMessage::ParameterStatus(status)))
                if status.name == "client_encoding" && status.value.eq_ignore_ascii_case("unicode") =>
            {
                told.extend_from_slice(b"S\0\0\0\x19client_encoding\0UTF8\0");
            }
            Ok(message) => {
                if let Some(BackendMessage::ErrorResponse(error)) = message {
                    last_words = matches!(error.severity(), Severity::Fatal | Severity::Panic).then_some(error);
                }
                told.extend_from_slice(&rest[..header.total()]);
            }
        }
        rest = &rest[header.total()..];
    }
}

/// Runs a session until one side ends.
fn relayed(client: Side<'_>, server: Side<'_>, log: Arc<Log>, read_only: bool) -> EndReason {
    let options = ProxyOptions { statement_limit: STATEMENT_LIMIT, ..ProxyOptions::default() };
    let proxy = Proxy::new("fuzz", Arc::new(Nowhere), log, options);
    let (session, facts, shared) = (session(read_only), facts(), proxy.shared());
    let (to_client, to_server) = (client.ear(), server.ear());
    let mut relay = Relay {
        up: Up::new(shared, &session, &facts, client, to_server, BytesMut::new()),
        down: Down::new(shared, &session, server, to_client, BytesMut::new()),
    };
    run(async { timeout(LIMIT, relay.run(&session, LIMIT)).await.unwrap() })
}
