//! Admission by a password of the proxy's own, and the exchange in which a client shows that it knows it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use postern_wire::backend::Authentication;
use postern_wire::frontend::{Password, SaslInitialResponse, SaslResponse};
use postern_wire::{DecodeError, Frame, take_frame};
use postgres_protocol::authentication::md5_hash;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::scram::{self, BeginError, Exchange, ScramError, Verifier};
use crate::upstream::Refusal;

/// What a random password is made of: nothing that a shell, a URI or a JDBC string would take for something else.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Characters of a random password: 142 bits.
const RANDOM_LENGTH: usize = 24;

/// The shortest password that an owner may give.
const SHORTEST: usize = 16;

/// The longest message of a login; PostgreSQL takes no SASL message beyond 1 KiB.
const MESSAGE_LIMIT: usize = 8 * 1024;

/// How a client shows that it knows the password.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum PasswordMethod {
    /// The password does not travel, and whoever listens learns nothing to guess with.
    #[default]
    ScramSha256,
    /// For drivers that cannot do SCRAM, or not rightly, such as redshift_connector. Somebody who listens can replay nothing, but can try
    /// passwords on what was heard.
    Md5,
    /// For drivers that can do neither. The password travels as it is.
    Cleartext,
}

/// A password and how it is asked for. `Debug` shows the method only.
#[derive(Clone)]
pub struct PasswordAdmission {
    method: PasswordMethod,
    password: SecretString,
}

impl std::fmt::Debug for PasswordAdmission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordAdmission").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Why a password cannot be one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusablePassword {
    /// Too short to withstand guessing.
    #[error("the password is shorter than {SHORTEST} characters")]
    Short,
    /// Drivers prepare other characters in different ways.
    #[error("the password holds something other than printable ASCII without spaces")]
    Characters,
}

impl PasswordAdmission {
    /// A new random password of at least 128 bits, of letters and digits.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn random(method: PasswordMethod) -> Result<Self, getrandom::Error> {
        let mut password = String::with_capacity(RANDOM_LENGTH);
        while password.len() < RANDOM_LENGTH {
            let mut random = [0; 32];
            getrandom::fill(&mut random)?;
            // Four times the alphabet; what is beyond is thrown away, or the first letters would come up more often.
            let fair = random.into_iter().filter(|byte| usize::from(*byte) < 4 * ALPHABET.len());
            let letters = fair.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
            password.extend(letters.take(RANDOM_LENGTH - password.len()));
        }
        Ok(Self { method, password: SecretString::from(password) })
    }

    /// A password of the owner's choice.
    ///
    /// # Errors
    /// When it is too easy to guess or could not be typed into every driver.
    pub fn given(method: PasswordMethod, password: SecretString) -> Result<Self, UnusablePassword> {
        let text = password.expose_secret();
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UnusablePassword::Characters);
        }
        if text.len() < SHORTEST {
            return Err(UnusablePassword::Short);
        }
        Ok(Self { method, password })
    }

    /// How it is asked for.
    pub fn method(&self) -> PasswordMethod {
        self.method
    }

    /// The password, for its owner.
    pub fn password(&self) -> &SecretString {
        &self.password
    }
}

/// Asks clients for a password. Made once for a listener, so that a login does not pay for what can be prepared.
#[derive(Debug)]
pub(crate) struct Asker {
    admission: PasswordAdmission,
    scram: Option<Verifier>,
}

/// Why a client has not shown that it knows the password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginFailure {
    /// It does not know it.
    #[error("the password is wrong")]
    Wrong,
    /// It left. Clients that have no password do so before they ask a person for it.
    #[error("the client left before it answered")]
    Left,
    #[error("the client did not answer within {} s", limit.as_secs())]
    Slow { limit: Duration },
    /// Too many wrong passwords came before.
    #[error("too many wrong passwords are being tried on this local proxy")]
    Crowded,
    #[error("the client chose {mechanism:?}, which was not offered")]
    Mechanism { mechanism: String },
    #[error("the client sent something else than a password")]
    OutOfPlace,
    #[error("the client's answer is malformed")]
    Malformed(#[source] DecodeError),
    #[error(transparent)]
    Scram(ScramError),
    #[error("the system gave no random numbers")]
    Random(#[source] getrandom::Error),
}

impl LoginFailure {
    /// What the client is told. The same for a wrong password whatever user is named: nothing is looked up before.
    pub(crate) fn to_refusal(&self, user: &str) -> Option<Refusal> {
        let failed = format!("password authentication failed for user {user:?}");
        Some(match self {
            Self::Wrong => Refusal::new("28P01", failed)
                .detail("This local proxy has a password of its own, which is new each time it is started.")
                .hint("Copy the password, or a connection string, from Postern again."),
            Self::Left => return None,
            Self::Slow { .. } => Refusal::new("08P01", failed).detail(self.to_string()),
            Self::Crowded => Refusal::new("53300", self.to_string()).hint(
                "Try again in a minute, and find out which program does it: the audit log names where it comes from.",
            ),
            Self::Mechanism { .. } | Self::OutOfPlace => Refusal::new("08P01", self.to_string()),
            Self::Malformed(error) => Refusal::new("08P01", self.to_string()).detail(error.to_string()),
            Self::Scram(error) => Refusal::new(
                if matches!(error, ScramError::Unsupported(_)) { "0A000" } else { "08P01" },
                error.to_string(),
            )
            .hint("If the driver cannot do SCRAM-SHA-256, start the proxy with md5."),
            Self::Random(error) => Refusal::new("58000", self.to_string()).detail(error.to_string()),
        })
    }
}

impl From<BeginError> for LoginFailure {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::Scram(error) => Self::Scram(error),
            BeginError::Random(error) => Self::Random(error),
        }
    }
}

impl Asker {
    pub(crate) fn new(admission: &PasswordAdmission) -> Result<Self, getrandom::Error> {
        let scram = match admission.method {
            PasswordMethod::ScramSha256 => Some(Verifier::new(admission.password.expose_secret().as_bytes())?),
            PasswordMethod::Md5 | PasswordMethod::Cleartext => None,
        };
        Ok(Self { admission: admission.clone(), scram })
    }

    /// Asks, and waits for the answer. It is not looked at yet: see [`Answer::check`].
    pub(crate) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        received: &mut BytesMut,
        user: &str,
        limit: Duration,
    ) -> Result<Answer<'_>, LoginFailure> {
        let mut conversation = Conversation { stream, received };
        let asking = async {
            match &self.scram {
                Some(verifier) => scram(&mut conversation, verifier).await,
                None => self.plain(&mut conversation, user).await,
            }
        };
        timeout(limit, asking).await.unwrap_or(Err(LoginFailure::Slow { limit }))
    }

    /// Cleartext or MD5: one question, one answer.
    async fn plain<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        conversation: &mut Conversation<'_, S>,
        user: &str,
    ) -> Result<Answer<'static>, LoginFailure> {
        let password = self.admission.password.expose_secret();
        let (question, expected) = if self.admission.method == PasswordMethod::Md5 {
            let mut salt = [0; 4];
            getrandom::fill(&mut salt).map_err(LoginFailure::Random)?;
            let expected = md5_hash(user.as_bytes(), password.as_bytes(), salt);
            (Authentication::Md5Password { salt }, SecretString::from(expected))
        } else {
            (Authentication::CleartextPassword, self.admission.password.clone())
        };
        conversation.send(&question).await?;
        let frame = conversation.receive().await?;
        let given = Password::decode(&frame.body).map_err(LoginFailure::Malformed)?;
        Ok(Answer::Plain { expected, given })
    }
}

/// What a client answered, before it has been looked at.
pub(crate) enum Answer<'a> {
    /// The proof of an exchange.
    Scram { exchange: Exchange<'a>, last: Bytes },
    /// The password or its hash.
    Plain { expected: SecretString, given: Password },
}

impl Answer<'_> {
    /// Whether the client knows the password; gives what it has to be sent to know that we do, if anything. In constant time.
    pub(crate) fn check(&self) -> Result<Option<String>, LoginFailure> {
        match self {
            Self::Scram { exchange, last } => match exchange.finish(SaslResponse::decode(last).data) {
                Ok(message) => Ok(Some(message)),
                Err(ScramError::WrongProof) => Err(LoginFailure::Wrong),
                Err(other) => Err(LoginFailure::Scram(other)),
            },
            Self::Plain { expected, given } => {
                let right = given.secret.expose_secret().ct_eq(expected.expose_secret().as_bytes());
                if right.into() { Ok(None) } else { Err(LoginFailure::Wrong) }
            }
        }
    }
}

/// Sends what [`Answer::check`] gave.
pub(crate) async fn confirm<S: AsyncWrite + Unpin>(stream: &mut S, message: &str) -> Result<(), LoginFailure> {
    send(stream, &Authentication::SaslFinal { data: message.as_bytes() }).await
}

async fn scram<'a, S: AsyncRead + AsyncWrite + Unpin>(
    conversation: &mut Conversation<'_, S>,
    verifier: &'a Verifier,
) -> Result<Answer<'a>, LoginFailure> {
    conversation.send(&Authentication::Sasl { mechanisms: vec![scram::MECHANISM] }).await?;
    let frame = conversation.receive().await?;
    let first = SaslInitialResponse::decode(&frame.body).map_err(LoginFailure::Malformed)?;
    if first.mechanism != scram::MECHANISM {
        return Err(LoginFailure::Mechanism { mechanism: first.mechanism.to_owned() });
    }
    let exchange = verifier.begin(first.data.unwrap_or_default())?;
    conversation.send(&Authentication::SaslContinue { data: exchange.server_first() }).await?;
    let frame = conversation.receive().await?;
    Ok(Answer::Scram { exchange, last: frame.body })
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, step: &Authentication<'_>) -> Result<(), LoginFailure> {
    let mut out = BytesMut::new();
    step.encode(&mut out).expect("our own messages hold no zero byte");
    stream.write_all(&out).await.map_err(|_| LoginFailure::Left)?;
    stream.flush().await.map_err(|_| LoginFailure::Left)
}

/// Questions and answers over a client's stream.
struct Conversation<'a, S> {
    stream: &'a mut S,
    received: &'a mut BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<'_, S> {
    async fn send(&mut self, question: &Authentication<'_>) -> Result<(), LoginFailure> {
        send(self.stream, question).await
    }

    async fn receive(&mut self) -> Result<Frame, LoginFailure> {
        loop {
            match take_frame(self.received, MESSAGE_LIMIT).map_err(LoginFailure::Malformed)? {
                Some(frame) if frame.tag == Password::TAG => return Ok(frame),
                // A client that has been asked and does not want to answer may say goodbye.
                Some(frame) if frame.tag == b'X' => return Err(LoginFailure::Left),
                Some(_) => return Err(LoginFailure::OutOfPlace),
                None => {}
            }
            match self.stream.read_buf(self.received).await {
                Ok(0) | Err(_) => return Err(LoginFailure::Left),
                Ok(_) => {}
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn random_passwords_are_long_plain_and_never_the_same() {
        let random = || PasswordAdmission::random(PasswordMethod::Md5).unwrap();
        let (one, other) = (random(), random());
        let text = one.password().expose_secret();
        assert!(text.len() == RANDOM_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{text}");
        assert!((ALPHABET.len() as f64).log2() * RANDOM_LENGTH as f64 >= 128.0);
        assert_ne!(text, other.password().expose_secret());
    }

    #[test]
    fn a_password_is_in_no_debug_output() {
        let password = "correct-horse-battery";
        let given = PasswordAdmission::given(PasswordMethod::ScramSha256, SecretString::from(password)).unwrap();
        let shown = format!("{given:?} {:?}", Asker::new(&given).unwrap());
        assert!(shown.contains("ScramSha256") && !shown.contains("correct"), "{shown}");
    }

    #[test]
    fn short_and_unprintable_passwords_are_refused() {
        let given = |text: &str| PasswordAdmission::given(PasswordMethod::Cleartext, SecretString::from(text)).err();
        assert_eq!(given("fifteen-letters"), Some(UnusablePassword::Short));
        assert_eq!(given("sixteen-letters!"), None);
        for text in ["with a space in it", "암호는열여섯글자보다길어야한다", "tab\there-is-a-tab"] {
            assert_eq!(given(text), Some(UnusablePassword::Characters), "{text}");
        }
    }
}
