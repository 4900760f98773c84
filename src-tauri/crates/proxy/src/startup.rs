//! The beginning of a client's connection, and the start-up message the server gets in its place.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use postern_wire::startup::{PROTOCOL_3_0, StartupMessage, StartupPacket, TLS_HANDSHAKE_BYTE};
use postern_wire::{CancelKey, DecodeError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::stream::ClientStream;
use crate::upstream::{Dial, Refusal};

/// The most Redshift accepts for `extra_float_digits`; some drivers send 3, which it answers with a fatal error.
const MAX_EXTRA_FLOAT_DIGITS: i64 = 2;

/// PostgreSQL's setting that makes every transaction read-only unless it says otherwise.
const READ_ONLY_SETTING: &str = "default_transaction_read_only";

/// PostgreSQL's name in TLS.
pub(crate) const ALPN: &[u8] = b"postgresql";

/// What a client wants.
#[derive(Debug)]
pub(crate) enum Opening {
    Startup(StartupMessage),
    Cancel(CancelKey),
}

/// Why a client did not get as far as saying what it wants.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpeningError {
    #[error("the client closed the connection before it said who it is")]
    Closed,
    #[error("the client said nothing for {} s", limit.as_secs())]
    Silent { limit: Duration },
    #[error("the client begins with TLS; this listener has none")]
    DirectTls,
    #[error("the client asked for encryption twice")]
    AskedTwice,
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("a client that begins with TLS has to name the protocol (ALPN postgresql); this one did not")]
    NoAlpn,
    #[error("unencrypted data came behind the request for encryption")]
    Smuggled,
    #[error("the start-up packet is malformed")]
    Malformed(#[source] DecodeError),
    #[error("the connection broke")]
    Broken(#[source] io::Error),
}

impl OpeningError {
    /// What the client is told, if there is anybody to tell and anything to say.
    pub(crate) fn to_refusal(&self) -> Option<Refusal> {
        match self {
            Self::Closed | Self::Silent { .. } | Self::DirectTls | Self::Tls(_) | Self::NoAlpn | Self::Broken(_) => {
                None
            }
            Self::Smuggled => Some(
                Refusal::new("08P01", self.to_string())
                    .detail("It could be a mistake of the client, or somebody between it and this proxy."),
            ),
            Self::AskedTwice => Some(Refusal::new("08P01", self.to_string())),
            Self::Malformed(error) => Some(Refusal::new("08P01", "invalid start-up packet").detail(error.to_string())),
        }
    }
}

/// Reads until the client has said what it wants. Encryption is declined on the way unless there is a certificate for it: on this machine
/// it protects nothing, but some clients insist.
pub(crate) async fn open(
    stream: &mut ClientStream,
    buffer: &mut BytesMut,
    tls: Option<&TlsAcceptor>,
    limit: Duration,
) -> Result<Opening, OpeningError> {
    // PostgreSQL and its clients speak no TLS over a Unix socket, whatever either is set to.
    let tls = tls.filter(|_| matches!(stream, ClientStream::Tcp(_)));
    timeout(limit, negotiate(stream, buffer, tls)).await.unwrap_or(Err(OpeningError::Silent { limit }))
}

async fn negotiate(
    stream: &mut ClientStream,
    buffer: &mut BytesMut,
    tls: Option<&TlsAcceptor>,
) -> Result<Opening, OpeningError> {
    if let Some(acceptor) = tls {
        begin_with_tls(stream, acceptor).await?;
    }
    let (mut tls_settled, mut gss_settled) = (stream.is_encrypted(), stream.is_encrypted());
    loop {
        let settled = match next_packet(stream, buffer).await? {
            StartupPacket::Startup(message) => return Ok(Opening::Startup(message)),
            StartupPacket::CancelRequest(key) => return Ok(Opening::Cancel(key)),
            StartupPacket::SslRequest => {
                if let (Some(acceptor), false) = (tls, tls_settled) {
                    // Whatever is here already came in the clear, and must not be taken for something that came encrypted.
                    if !buffer.is_empty() {
                        return Err(OpeningError::Smuggled);
                    }
                    answer(stream, b"S").await?;
                    stream.encrypt(acceptor).await.map_err(OpeningError::Tls)?;
                    (tls_settled, gss_settled) = (true, true);
                    continue;
                }
                &mut tls_settled
            }
            StartupPacket::GssEncRequest => &mut gss_settled,
        };
        if std::mem::replace(settled, true) {
            return Err(OpeningError::AskedTwice);
        }
        answer(stream, b"N").await?;
    }
}

async fn answer(stream: &mut ClientStream, byte: &[u8; 1]) -> Result<(), OpeningError> {
    stream.write_all(byte).await.map_err(OpeningError::Broken)?;
    stream.flush().await.map_err(OpeningError::Broken)
}

/// A client that has not asked first (`sslnegotiation=direct`). As in PostgreSQL, it has to say that it means this protocol and no other,
/// so that a request meant for a web server, say, cannot be turned to us.
async fn begin_with_tls(stream: &mut ClientStream, acceptor: &TlsAcceptor) -> Result<(), OpeningError> {
    let ClientStream::Tcp(tcp) = &*stream else { return Ok(()) };
    let mut first = [0];
    if tcp.peek(&mut first).await.map_err(OpeningError::Broken)? == 0 || first != [TLS_HANDSHAKE_BYTE] {
        return Ok(());
    }
    stream.encrypt(acceptor).await.map_err(OpeningError::Tls)?;
    match stream {
        ClientStream::Tls(tls) if tls.get_ref().1.alpn_protocol() == Some(ALPN) => Ok(()),
        _ => Err(OpeningError::NoAlpn),
    }
}

async fn next_packet<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut BytesMut,
) -> Result<StartupPacket, OpeningError> {
    loop {
        if buffer.first() == Some(&TLS_HANDSHAKE_BYTE) {
            return Err(OpeningError::DirectTls);
        }
        if let Some(packet) = StartupPacket::take(buffer).map_err(OpeningError::Malformed)? {
            return Ok(packet);
        }
        if stream.read_buf(buffer).await.map_err(OpeningError::Broken)? == 0 {
            return Err(OpeningError::Closed);
        }
    }
}

/// Whether the client asked for more than protocol 3.0: a newer minor version, or `_pq_.` options. It has to be told that it gets less.
pub(crate) fn unrecognized(message: &StartupMessage) -> Option<Vec<String>> {
    let options: Vec<_> =
        message.parameters.iter().map(|(name, _)| name).filter(|name| is_protocol_option(name)).cloned().collect();
    (message.minor() > 0 || !options.is_empty()).then_some(options)
}

/// The start-up message for the server: other user and database, and the rest as the client sent it but for what would trip Redshift or
/// the client over it. In a read-only session the encoding is ours to say, since statements are judged as UTF-8; and where the server has
/// a setting against writing, that is ours too.
///
/// Of a setting that comes twice PostgreSQL takes the later, and settings of their own later than those in `options`
/// (`process_startup_options` in `utils/init/postinit.c`).
pub(crate) fn for_server(client: &StartupMessage, dial: &Dial, read_only: bool) -> StartupMessage {
    let mut parameters = vec![("user".to_owned(), dial.user.clone()), ("database".to_owned(), dial.database.clone())];
    for (name, value) in &client.parameters {
        match name.as_str() {
            "user" | "database" => {}
            "client_encoding" | READ_ONLY_SETTING if read_only => {}
            name if is_protocol_option(name) => {}
            "extra_float_digits" => parameters.push((name.clone(), clamp_float_digits(value))),
            _ => parameters.push((name.clone(), value.clone())),
        }
    }
    // Redshift calls its encoding UNICODE unless asked, a name that several drivers do not know.
    if client.parameter("client_encoding").is_none() || read_only {
        parameters.push(("client_encoding".to_owned(), "UTF8".to_owned()));
    }
    if read_only && dial.knows_read_only {
        parameters.push((READ_ONLY_SETTING.to_owned(), "on".to_owned()));
    }
    StartupMessage { version: PROTOCOL_3_0, parameters }
}

fn is_protocol_option(name: &str) -> bool {
    name.starts_with("_pq_.")
}

/// What is no number is the server's to judge.
fn clamp_float_digits(value: &str) -> String {
    match value.trim().parse::<i64>() {
        Ok(digits) if digits > MAX_EXTRA_FLOAT_DIGITS => MAX_EXTRA_FLOAT_DIGITS.to_string(),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::upstream::{Endpoint, Transport};

    /// A plan that no test dials.
    fn dial_nowhere() -> Dial {
        Dial {
            endpoint: Endpoint { host: "db.invalid".into(), port: 1, transport: Transport::Plaintext },
            user: "IAMR:analyst".into(),
            database: "dev".into(),
            knows_read_only: true,
            password: SecretString::from("secret"),
        }
    }

    fn server_parameter(client: &[(&str, &str)], name: &str) -> Option<String> {
        let message = StartupMessage::new(client.iter().copied());
        for_server(&message, &dial_nowhere(), false).parameter(name).map(str::to_owned)
    }

    #[test]
    fn a_read_only_session_says_itself_what_its_text_is_and_that_it_does_not_write() {
        let client = [("client_encoding", "SJIS"), ("default_transaction_read_only", "off"), ("options", "-c a=b")];
        let message = StartupMessage::new(client);
        let sent = for_server(&message, &dial_nowhere(), true).parameters;
        let of = |name: &str| {
            sent.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of("client_encoding"), ["UTF8"]);
        assert_eq!(of("default_transaction_read_only"), ["on"]);
        assert_eq!(of("options"), ["-c a=b"]);
        // Redshift does not know the setting.
        let redshift = Dial { knows_read_only: false, ..dial_nowhere() };
        assert_eq!(for_server(&message, &redshift, true).parameter("default_transaction_read_only"), None);
    }

    #[test]
    fn user_and_database_are_the_grants_and_the_rest_passes_in_order() {
        let client = [
            ("user", "me"),
            ("driver_version", "x"),
            ("database", "d"),
            ("plugin_name", "y"),
            ("client_encoding", "UTF8"),
        ];
        let message = for_server(&StartupMessage::new(client), &dial_nowhere(), false);
        let names: Vec<_> = message.parameters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["user", "database", "driver_version", "plugin_name", "client_encoding"]);
        assert_eq!((message.parameter("user"), message.parameter("database")), (Some("IAMR:analyst"), Some("dev")));
    }

    #[test]
    fn the_encoding_is_utf8_unless_asked_otherwise() {
        assert_eq!(server_parameter(&[], "client_encoding").unwrap(), "UTF8");
        assert_eq!(server_parameter(&[("client_encoding", "LATIN1")], "client_encoding").unwrap(), "LATIN1");
    }

    #[test]
    fn extra_float_digits_is_clamped_to_what_redshift_takes() {
        for (sent, passed) in [("3", "2"), (" 3 ", "2"), ("2", "2"), ("-15", "-15"), ("odd", "odd")] {
            assert_eq!(server_parameter(&[("extra_float_digits", sent)], "extra_float_digits").unwrap(), passed);
        }
    }

    #[test]
    fn a_newer_protocol_is_negotiated_down_and_its_options_stay_here() {
        let plain = StartupMessage::new([("user", "a")]);
        assert_eq!(unrecognized(&plain), None);
        let newer = StartupMessage { version: 0x3_0002, ..plain };
        assert_eq!(unrecognized(&newer), Some(Vec::new()));
        let with_option = StartupMessage::new([("user", "a"), ("_pq_.odd", "1")]);
        assert_eq!(unrecognized(&with_option), Some(vec!["_pq_.odd".to_owned()]));
        assert_eq!(server_parameter(&[("_pq_.odd", "1")], "_pq_.odd"), None);
    }

    async fn opened(ours: tokio::io::DuplexStream) -> Result<Opening, OpeningError> {
        open(&mut ClientStream::Internal(ours), &mut BytesMut::new(), None, Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn a_silent_client_is_given_up() {
        let (ours, _theirs) = tokio::io::duplex(64);
        let limit = Duration::from_millis(20);
        let error = open(&mut ClientStream::Internal(ours), &mut BytesMut::new(), None, limit).await.unwrap_err();
        assert!(matches!(error, OpeningError::Silent { .. }));
        assert!(error.to_refusal().is_none());
    }

    #[tokio::test]
    async fn encryption_is_declined_once_each() {
        let (ours, mut theirs) = tokio::io::duplex(256);
        let mut requests = BytesMut::new();
        for packet in [StartupPacket::GssEncRequest, StartupPacket::SslRequest, StartupPacket::SslRequest] {
            packet.encode(&mut requests).unwrap();
        }
        theirs.write_all(&requests).await.unwrap();
        let error = opened(ours).await.unwrap_err();
        assert!(matches!(error, OpeningError::AskedTwice));
        let mut answer = [0; 2];
        theirs.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"NN");
    }

    #[tokio::test]
    async fn direct_tls_and_two_gigabytes_are_refused_at_once() {
        for (bytes, told) in [(&[0x16, 3, 1, 0][..], false), (&[0x7f, 0xff, 0xff, 0xff], true)] {
            let (ours, mut theirs) = tokio::io::duplex(256);
            theirs.write_all(bytes).await.unwrap();
            let error = opened(ours).await.unwrap_err();
            assert!(matches!(error, OpeningError::DirectTls | OpeningError::Malformed(_)));
            assert_eq!(error.to_refusal().is_some(), told);
        }
    }
}
