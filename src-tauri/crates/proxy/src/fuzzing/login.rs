//! Logging in to a server that says anything.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use postern_wire::startup::StartupMessage;
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{LIMIT, Side, all_frames, holds, pieces, run};
use crate::login::{LoginError, log_in};
use crate::upstream::{Dial, Endpoint, Transport};

const PASSWORD: &str = "the-login-password";

/// Bytes of a client's nonce in SCRAM. A server has to repeat it: wherever an input holds this many of [`NONCE_HERE`], ours goes in.
const NONCE_LENGTH: usize = 24;
const NONCE_HERE: u8 = b'@';

/// The first byte says whether the connection is encrypted, the rest is the server's. The password does not travel as it is unless it
/// is, and is in nothing that is shown; a greeting holds whole messages, settings and notices only.
pub fn check(data: &[u8]) {
    let Some((first, server)) = data.split_first() else { return };
    let encrypted = first & 1 == 1;
    let dial = Dial {
        knows_read_only: false,
        endpoint: Endpoint { host: "db.invalid".into(), port: 1, transport: Transport::Plaintext },
        user: "IAMR:analyst".into(),
        database: "dev".into(),
        password: SecretString::from(PASSWORD),
    };
    let startup = StartupMessage::new([("user", "IAMR:analyst"), ("database", "dev")]);
    let mut stream = Server { side: Side::closing(pieces(server)), nonce: None };
    let result = run(log_in(&mut stream, encrypted, &dial, &startup, LIMIT));

    let told = stream.side.told.lock().unwrap();
    assert!(encrypted || !holds(&told, PASSWORD), "the password travelled in the clear");
    match result {
        Ok(greeting) => {
            let frames = all_frames(greeting.before_key);
            assert!(frames.iter().all(|frame| b"SN".contains(&frame.tag)));
            // What came behind the greeting is handed on, as far as it had come.
            let rest = &greeting.rest[..];
            assert!(rest.is_empty() || server.windows(rest.len()).any(|window| window == rest) || holds_place(server));
        }
        Err(error) => {
            assert!(!matches!(error, LoginError::Timeout { .. }), "a server that closes was waited for");
            let error = Arc::new(error);
            let shown = format!("{error:?} {error} {:?} {:?}", error.to_refusal(), error.to_refusal().to_response());
            // Unless the server has guessed it and says so itself.
            assert!(!holds(shown.as_bytes(), PASSWORD) || holds(server, PASSWORD));
        }
    }
}

/// A server that repeats the client's nonce, which no input can know.
struct Server<'a> {
    side: Side<'a>,
    nonce: Option<Vec<u8>>,
}

impl AsyncRead for Server<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.side).poll_read(cx, buf);
        let said = &mut buf.filled_mut()[before..];
        if let (Some(nonce), Some(at)) = (&this.nonce, said.windows(NONCE_LENGTH).position(is_placeholder)) {
            said[at..at + NONCE_LENGTH].copy_from_slice(nonce);
        }
        read
    }
}

fn holds_place(server: &[u8]) -> bool {
    server.windows(NONCE_LENGTH).any(is_placeholder)
}

fn is_placeholder(window: &[u8]) -> bool {
    window.iter().all(|byte| *byte == NONCE_HERE)
}

impl AsyncWrite for Server<'_> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(at) = data.windows(2).position(|window| window == b"r=") {
            this.nonce = data.get(at + 2..at + 2 + NONCE_LENGTH).map(<[u8]>::to_vec);
        }
        Pin::new(&mut this.side).poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().side).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().side).poll_shutdown(cx)
    }
}
