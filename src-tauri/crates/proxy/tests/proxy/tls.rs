//! Clients that speak TLS to a listener that has a certificate.

use std::sync::Arc;

use bytes::BytesMut;
use postern_proxy::{Admission, ListenOptions, Listening, Origin, PasswordAdmission, PasswordMethod, SessionState};
use postern_wire::ErrorResponse;
use postern_wire::startup::{StartupMessage, StartupPacket};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::Client;
use crate::server::{NAME, certificates};
use crate::world::{ME, World};

/// A proxy with a certificate, and a client configuration that trusts it.
struct Encrypted {
    world: World,
    listening: Listening,
    config: ClientConfig,
}

impl Encrypted {
    async fn new() -> Self {
        Self::with(ListenOptions::default()).await
    }

    async fn with(options: ListenOptions) -> Self {
        let world = World::new().await;
        let (server, config) = certificates();
        let listening = world.proxy.listen(ListenOptions { tls: Some(Arc::new(server)), ..options }).await.unwrap();
        Self { world, listening, config }
    }

    async fn tcp(&self) -> TcpStream {
        self.world.tcp(&self.listening).await
    }

    /// Asks first, as most clients do.
    async fn asked(&self) -> TlsStream<TcpStream> {
        let mut tcp = self.tcp().await;
        assert_eq!(ask(&mut tcp, StartupPacket::SslRequest).await, b'S');
        self.handshake(tcp, &[]).await.unwrap()
    }

    async fn handshake(&self, tcp: TcpStream, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = self.config.clone();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(NAME).unwrap(), tcp).await
    }
}

async fn ask(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), packet: StartupPacket) -> u8 {
    let mut out = BytesMut::new();
    packet.encode(&mut out).unwrap();
    stream.write_all(&out).await.unwrap();
    stream.read_u8().await.unwrap()
}

#[tokio::test]
async fn a_client_that_asks_for_tls_gets_it_and_its_owner_is_still_known() {
    let encrypted = Encrypted::new().await;
    let mut client = Client::log_in(encrypted.asked().await, ME).await.unwrap();
    assert!(matches!(encrypted.world.proxy.sessions()[0].facts.origin, Origin::Tcp(_)));
    assert_eq!(client.ask("rows 1000").await.len(), 1002);
    assert_eq!(client.ask("cell 1000000").await.len(), 3);
    client.goodbye().await;
    // Who does not ask for it does without.
    let plain = Client::log_in(encrypted.tcp().await, ME).await.unwrap();
    plain.goodbye().await;
}

#[tokio::test]
async fn a_client_may_begin_with_tls_if_it_names_the_protocol() {
    let encrypted = Encrypted::new().await;
    let direct = encrypted.handshake(encrypted.tcp().await, &[b"postgresql"]).await.unwrap();
    assert_eq!(direct.get_ref().1.alpn_protocol(), Some(&b"postgresql"[..]));
    Client::log_in(direct, ME).await.unwrap().goodbye().await;

    // A browser, say: the handshake fails, or what comes after it is closed.
    for alpn in [&[][..], &[&b"http/1.1"[..]]] {
        let Ok(mut direct) = encrypted.handshake(encrypted.tcp().await, alpn).await else { continue };
        assert_eq!(direct.read(&mut [0]).await.unwrap_or(0), 0);
    }
    assert!(encrypted.world.proxy.sessions().is_empty());
}

#[tokio::test]
async fn the_name_of_the_protocol_is_agreed_on_after_a_request_too() {
    let encrypted = Encrypted::new().await;
    let mut tcp = encrypted.tcp().await;
    assert_eq!(ask(&mut tcp, StartupPacket::GssEncRequest).await, b'N');
    assert_eq!(ask(&mut tcp, StartupPacket::SslRequest).await, b'S');
    let tls = encrypted.handshake(tcp, &[b"postgresql"]).await.unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"postgresql"[..]));
    Client::log_in(tls, ME).await.unwrap().goodbye().await;
}

#[tokio::test]
async fn what_came_in_the_clear_behind_the_request_is_refused() {
    let encrypted = Encrypted::new().await;
    let mut tcp = encrypted.tcp().await;
    let mut out = BytesMut::new();
    StartupPacket::SslRequest.encode(&mut out).unwrap();
    StartupPacket::Startup(StartupMessage::new(ME.iter().copied())).encode(&mut out).unwrap();
    tcp.write_all(&out).await.unwrap();
    let mut client = Client::new(tcp);
    let error = client.last_words().await;
    assert_eq!(error.sqlstate(), "08P01");
    assert!(error.message().contains("unencrypted data"), "{error}");
    encrypted.world.audit.line(&["Malformed", "unencrypted data"]).await;
}

#[tokio::test]
async fn encryption_within_encryption_is_refused() {
    for packet in [StartupPacket::SslRequest, StartupPacket::GssEncRequest] {
        let encrypted = Encrypted::new().await;
        let mut client = Client::new(encrypted.asked().await);
        client.send(|out| packet.encode(out)).await;
        assert_eq!(client.last_words().await.sqlstate(), "08P01");
    }
}

#[tokio::test]
async fn a_cancel_request_may_come_over_tls_or_in_the_clear() {
    let encrypted = Encrypted::new().await;
    let mut client = Client::log_in(encrypted.asked().await, ME).await.unwrap();
    for over_tls in [true, false] {
        client.query("sleep").await;
        encrypted.world.sessions_where(|sessions| sessions[0].state == SessionState::Running).await;
        let mut canceller =
            if over_tls { Client::new(encrypted.asked().await) } else { Client::new(encrypted.tcp().await) };
        let key = client.key.clone().unwrap();
        canceller.send(|out| StartupPacket::CancelRequest(key).encode(out)).await;
        // Not just gone: over TLS that would be an error to the client.
        assert_eq!(canceller.stream.read(&mut [0]).await.unwrap(), 0);
        let frames = client.answer().await;
        assert_eq!(ErrorResponse::decode(&frames[0].body).unwrap().sqlstate(), "57014");
    }
    client.goodbye().await;
}

#[tokio::test]
async fn protocol_3_2_is_negotiated_within_tls_and_before_the_password() {
    let admission = PasswordAdmission::random(PasswordMethod::ScramSha256).unwrap();
    let password = admission.password().expose_secret().to_owned();
    let options = ListenOptions { admission: Admission::Password(admission), ..ListenOptions::default() };
    let encrypted = Encrypted::with(options).await;
    let mut message = StartupMessage::new(ME.iter().copied());
    message.version = 0x3_0002;
    let client = Client::new(encrypted.asked().await).with_password(&password).start(message).await.unwrap();
    assert_eq!(client.negotiated.clone().unwrap().version, 196_608);
    assert_eq!(client.asked[..3], *b"vRR");
    client.goodbye().await;
}

#[tokio::test]
async fn a_unix_socket_declines_tls_as_postgresql_does() {
    let dir = tempfile::tempdir().unwrap();
    let options = ListenOptions { unix_dir: Some(dir.path().join("run")), ..ListenOptions::default() };
    let encrypted = Encrypted::with(options).await;
    let mut unix = tokio::net::UnixStream::connect(encrypted.listening.unix.as_ref().unwrap()).await.unwrap();
    assert_eq!(ask(&mut unix, StartupPacket::SslRequest).await, b'N');
    Client::log_in(unix, ME).await.unwrap().goodbye().await;
}

#[tokio::test]
async fn a_handshake_that_fails_or_stops_disturbs_nobody() {
    let encrypted = Encrypted::new().await;
    let mut nonsense = encrypted.tcp().await;
    assert_eq!(ask(&mut nonsense, StartupPacket::SslRequest).await, b'S');
    nonsense.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // An alert, or nothing; what counts is that it ends.
    let _ = nonsense.read_to_end(&mut answer).await;
    let mut silent = encrypted.tcp().await;
    assert_eq!(ask(&mut silent, StartupPacket::SslRequest).await, b'S');
    Client::log_in(encrypted.asked().await, ME).await.unwrap().goodbye().await;
    drop(silent);
}
