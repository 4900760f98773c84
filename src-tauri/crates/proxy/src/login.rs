//! Logs in to a server in a client's place, and keeps what the server says on the way for the client.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use postern_wire::backend::{Authentication, BackendKeyData, BackendMessage, ErrorResponse, TransactionStatus};
use postern_wire::frontend::{Empty, Password, SaslInitialResponse, SaslResponse};
use postern_wire::startup::{StartupMessage, StartupPacket};
use postern_wire::{CancelKey, DecodeError, EncodeError, Frame, take_frame};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::dial;
use crate::relay::normalized_status;
use crate::upstream::{Dial, Refusal};

/// No message of a login is longer than this by far.
const MESSAGE_LIMIT: usize = 1024 * 1024;

/// Redshift's words for a temporary password that has run out.
const PASSWORD_EXPIRED: &str = "IAM Authentication token has expired";

/// Why a server that was reached did not let us in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The server said no. Its own words go to the client unchanged.
    #[error("the server refused the login: {}", response.message())]
    Refused {
        /// What it said.
        response: ErrorResponse,
    },
    /// The server wants something that is not supported.
    #[error("the server asks for {} (code {code}), which is not supported", authentication_name(*code))]
    Unsupported {
        /// Number of the authentication request.
        code: i32,
    },
    /// The server offers only SASL mechanisms that are not supported.
    #[error("the server offers only {offered}, which is not supported")]
    UnsupportedMechanism {
        /// Their names.
        offered: String,
    },
    /// The server wants the password as it is over a connection that is not encrypted.
    #[error("the server asks for the password in the clear on an unencrypted connection")]
    Unencrypted,
    /// The server could not prove that it knows the password either, or broke SCRAM.
    #[error("the SCRAM exchange with the server failed")]
    Scram(#[source] io::Error),
    /// The server did not keep to the protocol.
    #[error("the server broke the protocol while logging in")]
    Protocol(#[source] DecodeError),
    /// The server sent a message that has no place in a login.
    #[error("the server sent an unexpected message while logging in")]
    OutOfPlace,
    /// A start-up parameter or the password cannot be put on the wire.
    #[error("the login cannot be sent")]
    Encode(#[source] EncodeError),
    /// The connection ended.
    #[error("the server closed the connection while logging in")]
    Closed(#[source] Option<io::Error>),
    /// The server took too long.
    #[error("the server did not finish the login within {} s", limit.as_secs())]
    Timeout {
        /// How long was waited.
        limit: Duration,
    },
}

impl LoginError {
    /// Whether a fresh password may help.
    pub(crate) fn is_password_expired(&self) -> bool {
        matches!(self, Self::Refused { response } if response.message().contains(PASSWORD_EXPIRED))
    }

    /// What the client is told where it is not the server's own answer.
    pub fn to_refusal(self: &Arc<Self>) -> Refusal {
        let sqlstate = match &**self {
            Self::Refused { response } => response.sqlstate().to_owned(),
            Self::Unsupported { .. } | Self::UnsupportedMechanism { .. } | Self::Unencrypted | Self::Scram(_) => {
                "28000".to_owned()
            }
            Self::Protocol(_) | Self::OutOfPlace => "08P01".to_owned(),
            Self::Encode(_) => "22023".to_owned(),
            Self::Closed(_) | Self::Timeout { .. } => "08006".to_owned(),
        };
        let mut refusal = match &**self {
            Self::Refused { response } => Refusal::new(sqlstate, response.message()),
            other => Refusal::new(sqlstate, other.to_string()),
        };
        refusal.detail = std::error::Error::source(&**self).map(|source| source.to_string());
        refusal.hint = self.advice().map(str::to_owned);
        if let Self::Refused { response } = &**self {
            refusal.detail = response.field(b'D').map(str::to_owned);
            refusal.hint = response.field(b'H').map(str::to_owned);
        }
        refusal.source = Some(Arc::clone(self) as _);
        refusal
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Unsupported { code: 13 } => {
                Some("The database user has a SHA-256 password. Log in through IAM, or give the user an MD5 password.")
            }
            Self::Unsupported { code: 14 } => {
                Some("The workgroup expects an identity provider's token. Log in through IAM.")
            }
            Self::Unencrypted => Some("Turn on TLS for this database."),
            Self::Timeout { .. } => Some("A workgroup that was asleep may need longer: try again."),
            Self::Closed(_) => Some("Check the server's log and its limit of connections."),
            _ => None,
        }
    }
}

fn authentication_name(code: i32) -> &'static str {
    match code {
        2 => "Kerberos V5",
        6 => "an SCM credential",
        7 | 8 => "GSSAPI",
        9 => "SSPI",
        13 => "Redshift's SHA-256 digest",
        14 => "an identity provider's token",
        _ => "an unknown way to authenticate",
    }
}

/// Logs in as a session would, says goodbye, and hangs up.
///
/// # Errors
/// What the client of a session would be told, with the typed error as its source.
pub async fn probe_login(dial: &Dial, login_limit: Duration) -> Result<(), Refusal> {
    let mut stream =
        dial::open(&dial.endpoint, dial::CONNECT_LIMIT).await.map_err(|error| Arc::new(error).to_refusal())?;
    let startup = StartupMessage::new([
        ("user", dial.user.as_str()),
        ("database", dial.database.as_str()),
        ("client_encoding", "UTF8"),
        ("application_name", "postern probe"),
    ]);
    let encrypted = stream.is_encrypted();
    log_in(&mut stream, encrypted, dial, &startup, login_limit).await.map_err(|error| Arc::new(error).to_refusal())?;
    let mut goodbye = BytesMut::new();
    Empty::Terminate.encode(&mut goodbye);
    // The answer is known; a goodbye that does not arrive changes nothing.
    let _ = timeout(Duration::from_secs(1), async {
        stream.write_all(&goodbye).await?;
        stream.shutdown().await
    })
    .await;
    Ok(())
}

/// What the server said once it had let us in.
#[derive(Debug)]
pub(crate) struct Greeting {
    /// Settings and notices, as messages for the client, up to the key.
    pub(crate) before_key: BytesMut,
    /// The server's own key, if it gave one. Not for the client.
    pub(crate) key: Option<CancelKey>,
    /// Whether a transaction is open: it never is.
    pub(crate) status: TransactionStatus,
    /// What came behind ReadyForQuery.
    pub(crate) rest: BytesMut,
}

/// From the start-up message to ReadyForQuery, within `limit`.
pub(crate) async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    encrypted: bool,
    dial: &Dial,
    startup: &StartupMessage,
    limit: Duration,
) -> Result<Greeting, LoginError> {
    let mut conversation = Conversation { stream, received: BytesMut::new() };
    let login = async {
        conversation.send(|out| StartupPacket::Startup(startup.clone()).encode(out)).await?;
        authenticate(&mut conversation, encrypted, dial).await?;
        greet(&mut conversation).await
    };
    timeout(limit, login).await.unwrap_or(Err(LoginError::Timeout { limit }))
}

/// Answers what the server asks until it is content.
async fn authenticate<S: AsyncRead + AsyncWrite + Unpin>(
    conversation: &mut Conversation<'_, S>,
    encrypted: bool,
    dial: &Dial,
) -> Result<(), LoginError> {
    let password = dial.password.expose_secret();
    loop {
        let frame = conversation.receive().await?;
        match BackendMessage::decode(frame.tag, &frame.body).map_err(LoginError::Protocol)? {
            BackendMessage::Authentication(step) => match step {
                Authentication::Ok => return Ok(()),
                Authentication::CleartextPassword if !encrypted => return Err(LoginError::Unencrypted),
                Authentication::CleartextPassword => {
                    conversation.send(|out| Password::new(password).encode(out)).await?
                }
                Authentication::Md5Password { salt } => {
                    let answer = md5_hash(dial.user.as_bytes(), password.as_bytes(), salt);
                    conversation.send(|out| Password::new(answer).encode(out)).await?;
                }
                Authentication::Sasl { mechanisms } => {
                    if !mechanisms.contains(&SCRAM_SHA_256) {
                        return Err(LoginError::UnsupportedMechanism { offered: mechanisms.join(", ") });
                    }
                    scram(conversation, password).await?;
                }
                other => return Err(LoginError::Unsupported { code: other.code() }),
            },
            BackendMessage::ErrorResponse(response) => return Err(LoginError::Refused { response }),
            // Speaking less than 3.0 is not possible, and no options were asked for.
            BackendMessage::NegotiateProtocolVersion(_) | BackendMessage::NoticeResponse(_) => {}
            _ => return Err(LoginError::OutOfPlace),
        }
    }
}

/// The SCRAM exchange up to the server's proof. A server that skips its proof is not let off: it may not be the real one.
async fn scram<S: AsyncRead + AsyncWrite + Unpin>(
    conversation: &mut Conversation<'_, S>,
    password: &str,
) -> Result<(), LoginError> {
    let mut exchange = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
    let first = SaslInitialResponse { mechanism: SCRAM_SHA_256, data: Some(exchange.message()) };
    conversation.send(|out| first.encode(out)).await?;

    let frame = conversation.receive().await?;
    match BackendMessage::decode(frame.tag, &frame.body).map_err(LoginError::Protocol)? {
        BackendMessage::Authentication(Authentication::SaslContinue { data }) => {
            exchange.update(data).map_err(LoginError::Scram)?
        }
        BackendMessage::ErrorResponse(response) => return Err(LoginError::Refused { response }),
        _ => return Err(LoginError::OutOfPlace),
    }
    conversation.send(|out| SaslResponse { data: exchange.message() }.encode(out)).await?;

    let frame = conversation.receive().await?;
    match BackendMessage::decode(frame.tag, &frame.body).map_err(LoginError::Protocol)? {
        BackendMessage::Authentication(Authentication::SaslFinal { data }) => {
            exchange.finish(data).map_err(LoginError::Scram)
        }
        BackendMessage::ErrorResponse(response) => Err(LoginError::Refused { response }),
        _ => Err(LoginError::OutOfPlace),
    }
}

/// Collects settings and key until the server is ready.
async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    conversation: &mut Conversation<'_, S>,
) -> Result<Greeting, LoginError> {
    let (mut before_key, mut key) = (BytesMut::new(), None);
    loop {
        let frame = conversation.receive().await?;
        match BackendMessage::decode(frame.tag, &frame.body).map_err(LoginError::Protocol)? {
            BackendMessage::BackendKeyData(BackendKeyData { key: given }) => key = Some(given),
            BackendMessage::ReadyForQuery(ready) => {
                let rest = std::mem::take(&mut conversation.received);
                return Ok(Greeting { before_key, key, status: ready.status, rest });
            }
            BackendMessage::ErrorResponse(response) => return Err(LoginError::Refused { response }),
            BackendMessage::ParameterStatus(status) => {
                normalized_status(status).encode(&mut before_key).map_err(LoginError::Encode)?
            }
            BackendMessage::NoticeResponse(notice) => notice.encode_notice(&mut before_key),
            _ => return Err(LoginError::OutOfPlace),
        }
    }
}

/// Whole messages over a stream.
struct Conversation<'a, S> {
    stream: &'a mut S,
    received: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<'_, S> {
    async fn send(&mut self, encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>) -> Result<(), LoginError> {
        let mut out = BytesMut::new();
        encode(&mut out).map_err(LoginError::Encode)?;
        self.stream.write_all(&out).await.map_err(|error| LoginError::Closed(Some(error)))?;
        self.stream.flush().await.map_err(|error| LoginError::Closed(Some(error)))
    }

    async fn receive(&mut self) -> Result<Frame, LoginError> {
        loop {
            if let Some(frame) = take_frame(&mut self.received, MESSAGE_LIMIT).map_err(LoginError::Protocol)? {
                return Ok(frame);
            }
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) => return Err(LoginError::Closed(None)),
                Ok(_) => {}
                Err(error) => return Err(LoginError::Closed(Some(error))),
            }
        }
    }
}
