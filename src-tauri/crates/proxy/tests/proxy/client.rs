//! A client that speaks just enough PostgreSQL to look closely at the answers.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::BytesMut;
use postern_wire::backend::{Authentication, BackendMessage, NegotiateProtocolVersion};
use postern_wire::frontend::{Empty, Password, Query, SaslInitialResponse, SaslResponse};
use postern_wire::startup::{StartupMessage, StartupPacket};
use postern_wire::{CancelKey, EncodeError, ErrorResponse, Frame, take_frame};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// No test waits longer than this for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub(crate) struct Client {
    pub(crate) stream: Box<dyn Stream>,
    buffer: BytesMut,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) key: Option<CancelKey>,
    pub(crate) negotiated: Option<NegotiateProtocolVersion>,
    /// Given when it is asked for.
    password: String,
    /// Tags of the messages up to ReadyForQuery, but for those of a SCRAM exchange.
    pub(crate) asked: Vec<u8>,
}

impl Client {
    pub(crate) fn new(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            buffer: BytesMut::new(),
            settings: BTreeMap::new(),
            key: None,
            negotiated: None,
            password: String::new(),
            asked: Vec::new(),
        }
    }

    pub(crate) fn with_password(mut self, password: &str) -> Self {
        self.password = password.to_owned();
        self
    }

    pub(crate) async fn log_in(
        stream: impl Stream + 'static,
        parameters: &[(&str, &str)],
    ) -> Result<Self, ErrorResponse> {
        Self::new(stream).start(StartupMessage::new(parameters.iter().copied())).await
    }

    pub(crate) async fn start(mut self, message: StartupMessage) -> Result<Self, ErrorResponse> {
        let user = message.parameter("user").unwrap_or_default().to_owned();
        self.send(|out| StartupPacket::Startup(message).encode(out)).await;
        loop {
            let frame = self.receive().await.expect("the connection was closed without an answer");
            self.asked.push(frame.tag);
            match BackendMessage::decode(frame.tag, &frame.body).unwrap() {
                BackendMessage::Authentication(Authentication::Ok) => {}
                BackendMessage::Authentication(step) => self.answer_question(step, &user).await?,
                BackendMessage::ParameterStatus(status) => {
                    self.settings.insert(status.name.into_owned(), status.value.into_owned());
                }
                BackendMessage::BackendKeyData(data) => self.key = Some(data.key),
                BackendMessage::NegotiateProtocolVersion(negotiated) => self.negotiated = Some(negotiated),
                BackendMessage::ReadyForQuery(_) => return Ok(self),
                BackendMessage::ErrorResponse(error) => return Err(error),
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    async fn answer_question(&mut self, step: Authentication<'_>, user: &str) -> Result<(), ErrorResponse> {
        let password = self.password.clone();
        match step {
            Authentication::CleartextPassword => self.send(|out| Password::new(password).encode(out)).await,
            Authentication::Md5Password { salt } => {
                let answer = md5_hash(user.as_bytes(), password.as_bytes(), salt);
                self.send(|out| Password::new(answer).encode(out)).await;
            }
            Authentication::Sasl { mechanisms } => {
                assert_eq!(mechanisms, [SCRAM_SHA_256]);
                let mut exchange = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
                let first = SaslInitialResponse { mechanism: SCRAM_SHA_256, data: Some(exchange.message()) };
                self.send(|out| first.encode(out)).await;
                let frame = self.receive().await.expect("closed in mid-exchange");
                let Ok(Authentication::SaslContinue { data }) = Authentication::decode(&frame.body) else {
                    return Err(ErrorResponse::decode(&frame.body).unwrap());
                };
                exchange.update(data).unwrap();
                self.send(|out| SaslResponse { data: exchange.message() }.encode(out)).await;
                let frame = self.receive().await.expect("closed in mid-exchange");
                if frame.tag == b'E' {
                    return Err(ErrorResponse::decode(&frame.body).unwrap());
                }
                let Ok(Authentication::SaslFinal { data }) = Authentication::decode(&frame.body) else { panic!() };
                exchange.finish(data).expect("the proxy proves that it knows the password too");
            }
            other => panic!("unexpected {other:?}"),
        }
        Ok(())
    }

    pub(crate) async fn send(&mut self, encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>) {
        let mut out = BytesMut::new();
        encode(&mut out).unwrap();
        self.stream.write_all(&out).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(crate) async fn query(&mut self, sql: &str) {
        self.send(|out| Query::new(sql).encode(out)).await;
    }

    /// Everything up to ReadyForQuery.
    pub(crate) async fn answer(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let frame = self.receive().await.expect("the connection was closed in mid-answer");
            let ready = frame.tag == b'Z';
            frames.push(frame);
            if ready {
                return frames;
            }
        }
    }

    pub(crate) async fn ask(&mut self, sql: &str) -> Vec<Frame> {
        self.query(sql).await;
        self.answer().await
    }

    /// The next message; `None` when the connection is closed.
    pub(crate) async fn receive(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = take_frame(&mut self.buffer, 1 << 30).unwrap() {
                return Some(frame);
            }
            let read = self.stream.read_buf(&mut self.buffer);
            if timeout(PATIENCE, read).await.expect("no answer").unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next message, which has to be an error, after which the connection is closed.
    pub(crate) async fn last_words(&mut self) -> ErrorResponse {
        let frame = self.receive().await.expect("the connection was closed without a word");
        assert_eq!(frame.tag, b'E', "{frame:?}");
        assert!(self.receive().await.is_none());
        ErrorResponse::decode(&frame.body).unwrap()
    }

    pub(crate) async fn goodbye(mut self) {
        self.send(|out| {
            Empty::Terminate.encode(out);
            Ok(())
        })
        .await;
        assert!(self.receive().await.is_none());
    }
}
