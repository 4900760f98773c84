//! A server that speaks just enough PostgreSQL, with TLS, and misbehaves when its SQL says so.
//!
//! | SQL | what it does |
//! |---|---|
//! | `sleep` | answers 57014 once it is cancelled with its key |
//! | `die` | says nothing more and closes |
//! | `shut down` | says FATAL 57P01 and closes |
//! | `half a row` | closes in the middle of a row |
//! | `stall in a row` | sends half a row and nothing more |
//! | `unicode` | sends ParameterStatus client_encoding UNICODE behind a row |
//! | `rows N` | N rows of 100 bytes |
//! | `cell N` | one row with a cell of N bytes |
//! | anything else | one row with the SQL |

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use hmac::{Hmac, KeyInit, Mac};
use postern_wire::backend::{
    Authentication, BackendKeyData, Column, CommandComplete, DataRow, ParameterStatus, ReadyForQuery, RowDescription,
    TransactionStatus,
};
use postern_wire::frontend::{FrontendMessage, Password, SaslInitialResponse, SaslResponse};
use postern_wire::startup::{StartupMessage, StartupPacket};
use postern_wire::{CancelKey, ErrorResponse, Frame, take_frame};
use postgres_protocol::authentication::md5_hash;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::client::Stream;

/// The name its certificate is for.
pub(crate) const NAME: &str = "db.test";
/// The password it takes.
pub(crate) const PASSWORD: &str = "correct horse";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LoginStyle {
    Trust,
    Cleartext,
    Md5,
    Scram,
    /// SCRAM without the server's proof.
    ScramWithoutProof,
    /// An authentication request with this code.
    Code(i32),
}

#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) login: LoginStyle,
    pub(crate) tls: bool,
    pub(crate) key: Option<CancelKey>,
    /// Answers to the first logins; later ones succeed.
    pub(crate) refusals: VecDeque<ErrorResponse>,
}

impl Default for Script {
    fn default() -> Self {
        let key = CancelKey::new(1_073_750_177, *b"\x01\x02\x03\x04");
        Self { login: LoginStyle::Md5, tls: true, key: Some(key), refusals: VecDeque::new() }
    }
}

/// What it saw.
#[derive(Debug)]
pub(crate) enum Seen {
    Startup { message: StartupMessage, encrypted: bool },
    Query(String),
    Cancel { key: CancelKey, encrypted: bool },
    Ended,
}

pub(crate) struct Server {
    pub(crate) port: u16,
    /// Trusts its authority.
    pub(crate) client_config: Arc<ClientConfig>,
    seen: mpsc::UnboundedReceiver<Seen>,
    _stop: DropGuard,
}

struct Shared {
    script: Mutex<Script>,
    seen: mpsc::UnboundedSender<Seen>,
    cancelled: watch::Sender<u64>,
    acceptor: TlsAcceptor,
}

impl Server {
    pub(crate) async fn start(script: Script) -> Self {
        let (server_config, client_config) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, seen) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            seen: sender,
            cancelled: watch::Sender::new(0),
            acceptor: TlsAcceptor::from(Arc::new(server_config)),
        });
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        tokio::spawn(async move {
            while let Some(Ok((tcp, _))) = stopping.run_until_cancelled(listener.accept()).await {
                let (shared, stopping) = (Arc::clone(&shared), stopping.clone());
                tokio::spawn(async move { stopping.run_until_cancelled(visit(shared, tcp)).await });
            }
        });
        Self { port, client_config: Arc::new(client_config), seen, _stop: stop.drop_guard() }
    }

    pub(crate) async fn seen(&mut self) -> Seen {
        tokio::time::timeout(crate::client::PATIENCE, self.seen.recv()).await.expect("the server saw nothing").unwrap()
    }

    /// Skips to the next of a kind.
    pub(crate) async fn seen_where<T>(&mut self, wanted: impl Fn(Seen) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.seen().await) {
                return found;
            }
        }
    }

    pub(crate) async fn startup(&mut self) -> StartupMessage {
        self.seen_where(|seen| match seen {
            Seen::Startup { message, .. } => Some(message),
            _ => None,
        })
        .await
    }
}

/// A certificate for [`NAME`] and a client configuration that trusts its authority.
pub(crate) fn certificates() -> (ServerConfig, ClientConfig) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    let certificate = leaf.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();

    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca_certificate.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (server, client)
}

struct Connection {
    shared: Arc<Shared>,
    stream: Box<dyn Stream>,
    buffer: BytesMut,
}

/// A connection that breaks ends a visit like any other.
type Outcome<T = ()> = std::io::Result<T>;

async fn visit(shared: Arc<Shared>, mut tcp: TcpStream) {
    let script = shared.script.lock().unwrap().clone();
    let mut buffer = BytesMut::new();
    let Ok(first) = packet(&mut tcp, &mut buffer).await else { return };
    let (stream, encrypted, first): (Box<dyn Stream>, _, _) = match first {
        StartupPacket::SslRequest if script.tls => {
            tcp.write_all(b"S").await.unwrap();
            let Ok(mut tls) = shared.acceptor.accept(tcp).await else { return };
            let Ok(first) = packet(&mut tls, &mut buffer).await else { return };
            (Box::new(tls), true, first)
        }
        StartupPacket::SslRequest => {
            let _ = tcp.write_all(b"N").await;
            return;
        }
        first => (Box::new(tcp), false, first),
    };
    match first {
        StartupPacket::CancelRequest(key) => {
            let known = script.key.as_ref() == Some(&key);
            shared.seen.send(Seen::Cancel { key, encrypted }).ok();
            if known {
                shared.cancelled.send_modify(|count| *count += 1);
            }
        }
        StartupPacket::Startup(message) => {
            let user = message.parameter("user").unwrap().to_owned();
            shared.seen.send(Seen::Startup { message, encrypted }).ok();
            let mut connection = Connection { shared: Arc::clone(&shared), stream, buffer };
            let _ = connection.session(script, &user).await;
            shared.seen.send(Seen::Ended).ok();
        }
        other => panic!("unexpected {other:?}"),
    }
}

async fn packet<S: Stream>(stream: &mut S, buffer: &mut BytesMut) -> Outcome<StartupPacket> {
    loop {
        if let Some(packet) = StartupPacket::take(buffer).unwrap() {
            return Ok(packet);
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

impl Connection {
    async fn session(&mut self, script: Script, user: &str) -> Outcome {
        if !self.authenticate(&script, user).await? {
            return self.fail(&ErrorResponse::fatal("28P01", "password authentication failed")).await;
        }
        let refusal = self.shared.script.lock().unwrap().refusals.pop_front();
        if let Some(refusal) = refusal {
            return self.fail(&refusal).await;
        }
        let mut out = BytesMut::new();
        Authentication::Ok.encode(&mut out).unwrap();
        for (name, value) in [("server_version", "8.0.2"), ("client_encoding", "UNICODE"), ("driver_token", "a-secret")]
        {
            ParameterStatus::new(name, value).encode(&mut out).unwrap();
        }
        if let Some(key) = script.key {
            BackendKeyData { key }.encode(&mut out).unwrap();
        }
        ready(&mut out);
        self.send(&out).await?;
        loop {
            let frame = self.receive().await?;
            match FrontendMessage::decode(frame.tag, &frame.body).unwrap() {
                FrontendMessage::Query(query) => {
                    self.shared.seen.send(Seen::Query(query.sql.clone().into_owned())).ok();
                    if !self.run(&query.sql).await? {
                        return Ok(());
                    }
                }
                FrontendMessage::Empty(postern_wire::frontend::Empty::Terminate) => return Ok(()),
                FrontendMessage::Empty(postern_wire::frontend::Empty::Sync) => {
                    let mut out = BytesMut::new();
                    ready(&mut out);
                    self.send(&out).await?;
                }
                // Answered, if at all, at Sync.
                _ => {}
            }
        }
    }

    async fn authenticate(&mut self, script: &Script, user: &str) -> Outcome<bool> {
        match script.login {
            LoginStyle::Trust => Ok(true),
            LoginStyle::Cleartext => {
                self.ask(Authentication::CleartextPassword).await?;
                let frame = self.receive().await?;
                Ok(Password::decode(&frame.body).unwrap().secret.expose_secret() == PASSWORD.as_bytes())
            }
            LoginStyle::Md5 => {
                let salt = [1, 2, 3, 4];
                self.ask(Authentication::Md5Password { salt }).await?;
                let frame = self.receive().await?;
                let expected = md5_hash(user.as_bytes(), PASSWORD.as_bytes(), salt);
                Ok(Password::decode(&frame.body).unwrap().secret.expose_secret() == expected.as_bytes())
            }
            LoginStyle::Scram | LoginStyle::ScramWithoutProof => self.scram(script.login == LoginStyle::Scram).await,
            LoginStyle::Code(code) => {
                self.ask(Authentication::Other { code }).await?;
                self.receive().await.map(|_| false)
            }
        }
    }

    /// RFC 5802 from the server's side.
    async fn scram(&mut self, with_proof: bool) -> Outcome<bool> {
        self.ask(Authentication::Sasl { mechanisms: vec!["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"] }).await?;
        let frame = self.receive().await?;
        let first = SaslInitialResponse::decode(&frame.body).unwrap();
        assert_eq!(first.mechanism, "SCRAM-SHA-256");
        let first_bare = std::str::from_utf8(first.data.unwrap()).unwrap().strip_prefix("n,,").unwrap().to_owned();
        let client_nonce = first_bare.split_once("r=").unwrap().1;
        let server_first = format!("r={client_nonce}server,s={},i=2", base64(b"salt"));
        self.ask(Authentication::SaslContinue { data: server_first.as_bytes() }).await?;

        let frame = self.receive().await?;
        let last = std::str::from_utf8(SaslResponse::decode(&frame.body).data).unwrap().to_owned();
        let (without_proof, proof) = last.rsplit_once(",p=").unwrap();
        let auth_message = format!("{first_bare},{server_first},{without_proof}");
        let one = mac(PASSWORD.as_bytes(), b"salt\0\0\0\x01");
        let salted = xor(one, mac(PASSWORD.as_bytes(), &one));
        let client_key = mac(&salted, b"Client Key");
        let stored_key: [u8; 32] = Sha256::digest(client_key).into();
        let expected = xor(client_key, mac(&stored_key, auth_message.as_bytes()));
        if proof != base64(&expected) {
            return Ok(false);
        }
        if with_proof {
            let signature = base64(&mac(&mac(&salted, b"Server Key"), auth_message.as_bytes()));
            self.ask(Authentication::SaslFinal { data: format!("v={signature}").as_bytes() }).await?;
        }
        Ok(true)
    }

    /// Runs a query; `false` when the session is over.
    async fn run(&mut self, sql: &str) -> Outcome<bool> {
        let mut out = BytesMut::new();
        match sql {
            "sleep" => {
                let mut cancelled = self.shared.cancelled.subscribe();
                cancelled.changed().await.unwrap();
                ErrorResponse::error("57014", "canceling statement due to user request").encode(&mut out);
                ready(&mut out);
            }
            "die" => return Ok(false),
            "shut down" => {
                self.fail(&ErrorResponse::fatal("57P01", "terminating connection due to administrator command"))
                    .await?;
                return Ok(false);
            }
            "half a row" | "stall in a row" => {
                row(&mut out, &[b'x'; 1000]);
                out.truncate(out.len() / 2);
                self.send(&out).await?;
                if sql == "stall in a row" {
                    std::future::pending::<()>().await;
                }
                return Ok(false);
            }
            "unicode" => {
                row(&mut out, b"before");
                ParameterStatus::new("client_encoding", "UNICODE").encode(&mut out).unwrap();
                row(&mut out, b"after");
                done(&mut out);
            }
            sql => match sql.split_once(' ').and_then(|(what, count)| Some((what, count.parse().ok()?))) {
                Some(("rows", count)) => {
                    for _ in 0..count {
                        row(&mut out, &[b'x'; 100]);
                    }
                    done(&mut out);
                }
                Some(("cell", size)) => {
                    row(&mut out, &vec![b'x'; size]);
                    done(&mut out);
                }
                _ => {
                    RowDescription { columns: vec![Column::new("sql", 25)] }.encode(&mut out).unwrap();
                    row(&mut out, sql.as_bytes());
                    done(&mut out);
                }
            },
        }
        self.send(&out).await.map(|()| true)
    }

    async fn ask(&mut self, step: Authentication<'_>) -> Outcome {
        let mut out = BytesMut::new();
        step.encode(&mut out).unwrap();
        self.send(&out).await
    }

    async fn fail(&mut self, error: &ErrorResponse) -> Outcome {
        let mut out = BytesMut::new();
        error.encode(&mut out);
        self.send(&out).await?;
        self.stream.shutdown().await
    }

    async fn send(&mut self, bytes: &[u8]) -> Outcome {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    async fn receive(&mut self) -> Outcome<Frame> {
        loop {
            if let Some(frame) = take_frame(&mut self.buffer, 1 << 30).unwrap() {
                return Ok(frame);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn row(out: &mut BytesMut, cell: &[u8]) {
    DataRow::encode([Some(cell)].into_iter(), out).unwrap();
}

fn done(out: &mut BytesMut) {
    CommandComplete::new("SELECT 1").encode(out).unwrap();
    ready(out);
}

fn ready(out: &mut BytesMut) {
    ReadyForQuery { status: TransactionStatus::Idle }.encode(out);
}

fn mac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().into()
}

fn xor(one: [u8; 32], other: [u8; 32]) -> [u8; 32] {
    std::array::from_fn(|index| one[index] ^ other[index])
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encode = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        (0..4).map(move |index| bits >> (18 - 6 * index) & 63).enumerate().map({
            let length = chunk.len();
            move |(index, six)| if index <= length { char::from(ALPHABET[six as usize]) } else { '=' }
        })
    };
    bytes.chunks(3).flat_map(encode).collect()
}
