//! What must hold in the proxy whatever bytes come from either side: the laws that the fuzz targets in `tests/fuzz` try to break.
//!
//! Each `check` runs the code that serves sessions, over memory in place of sockets, and panics when a law does not hold. It is here
//! because the code is private, and it is compiled for tests and fuzz targets only.

#![allow(clippy::unwrap_used, reason = "a panic is how a law is found broken")]

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use postern_wire::CancelKey;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::cancel::CancelOutcome;
use crate::session::{QueryMark, Session, SessionFacts, SessionId};
use crate::upstream::{BoxFuture, Claim, Dial, Freshness, Grant, Origin, Refusal, Upstream};

pub mod admission;
pub mod login;
pub mod relay;

/// The laws of one run never wait for anything, so this is time enough for all of them.
const LIMIT: Duration = Duration::from_secs(20);

/// Runs to the end on a runtime with one thread and a clock, the one that sessions have.
fn run<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// The pieces in which `data` arrives. Their lengths come from the bytes themselves: each input has its own cuts, and the same ones
/// each time.
fn pieces(data: &[u8]) -> VecDeque<&[u8]> {
    let (mut pieces, mut rest) = (VecDeque::new(), data);
    while let Some(first) = rest.first() {
        let (piece, behind) = rest.split_at((usize::from(first % 61) + 1).min(rest.len()));
        pieces.push_back(piece);
        rest = behind;
    }
    pieces
}

/// One side of a connection: says what it has, piece by piece, and keeps what it is told.
struct Side<'a> {
    says: VecDeque<&'a [u8]>,
    closes: Closes,
    /// Set once it has been asked for more than it has to say.
    over: Arc<AtomicBool>,
    told: Told,
}

/// What a side was told so far, for whoever wants to look while it goes on.
type Told = Arc<Mutex<Vec<u8>>>;

/// When a side that has said all hangs up.
enum Closes {
    Now,
    Never,
    /// Once the other side is over, or this one has been told so many bytes.
    After(Arc<AtomicBool>, Option<usize>),
}

impl<'a> Side<'a> {
    fn new(mut says: VecDeque<&'a [u8]>, closes: Closes) -> Self {
        // Nothing read means the end, to whoever reads.
        says.retain(|piece| !piece.is_empty());
        Self { says, closes, over: Arc::default(), told: Told::default() }
    }

    fn closing(says: VecDeque<&'a [u8]>) -> Self {
        Self::new(says, Closes::Now)
    }

    fn silent() -> Self {
        Self::new(VecDeque::new(), Closes::Never)
    }

    /// Says nothing, and closes when the other side does or after it has been told so many bytes.
    fn closing_after(other: &Self, told: Option<usize>) -> Self {
        Self::new(VecDeque::new(), Closes::After(Arc::clone(&other.over), told))
    }

    /// The half of it that is written to.
    fn ear(&self) -> Side<'static> {
        Side { told: Arc::clone(&self.told), ..Side::silent() }
    }

    fn is_closed(&self) -> bool {
        match &self.closes {
            Closes::Now => true,
            Closes::Never => false,
            Closes::After(other, told) => {
                other.load(Ordering::Relaxed) || *told == Some(self.told.lock().unwrap().len())
            }
        }
    }
}

impl AsyncRead for Side<'_> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.says.pop_front() {
            Some(piece) => {
                let (now, later) = piece.split_at(piece.len().min(buf.remaining()));
                buf.put_slice(now);
                if !later.is_empty() {
                    this.says.push_front(later);
                }
                Poll::Ready(Ok(()))
            }
            None if this.is_closed() => {
                this.over.store(true, Ordering::Relaxed);
                Poll::Ready(Ok(()))
            }
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Side<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.told.lock().unwrap().extend_from_slice(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A session that is in.
fn session(read_only: bool) -> Session {
    Session::new(SessionFacts { read_only, ..facts() }, CancelKey::new(1, *b"key!")).unwrap()
}

fn facts() -> SessionFacts {
    SessionFacts {
        id: SessionId(1),
        proxy: "fuzz".into(),
        origin: Origin::Internal,
        program: "fuzz".to_owned(),
        db_user: "analyst".to_owned(),
        db_name: "dev".to_owned(),
        read_only: false,
        backend_pid: None,
    }
}

/// Lets nobody in: what is checked here comes before and after it is asked.
struct Nowhere;

impl Upstream for Nowhere {
    fn authorize(&self, _: Claim) -> BoxFuture<'_, Result<Grant, Refusal>> {
        Box::pin(async { Err(Refusal::new("28000", "nobody")) })
    }

    fn dial_plan<'a>(&'a self, _: &'a Grant, _: Freshness) -> BoxFuture<'a, Result<Dial, Refusal>> {
        Box::pin(async { Err(Refusal::new("28000", "nowhere")) })
    }

    fn cancel_requested(&self, _: QueryMark, _: &CancelOutcome) {}
}

/// Whether the needle, a secret, is in there.
fn holds(hay: &[u8], needle: &str) -> bool {
    hay.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// The frames of a buffer that holds nothing else.
fn all_frames(mut buffer: BytesMut) -> Vec<postern_wire::Frame> {
    let frames = std::iter::from_fn(|| postern_wire::take_frame(&mut buffer, usize::MAX).unwrap()).collect();
    assert!(buffer.is_empty(), "a part of a message was sent");
    frames
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// Hands every kept input of a fuzz target to a check; the name of the one at work is shown when it fails.
    #[allow(clippy::print_stdout, reason = "shown when the test fails, and only then")]
    fn replay(target: &str, check: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fuzz/corpus").join(target);
        let mut count = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            check(&fs::read(&path).unwrap());
            count += 1;
        }
        assert!(count > 0, "{} is empty", folder.display());
    }

    #[test]
    fn the_laws_hold_for_what_real_clients_and_servers_say() {
        replay("frontend", relay::check_client);
        replay("frontend", relay::check_read_only);
        replay("backend", relay::check_server);
        replay("admission", admission::check);
        replay("login", login::check);
    }

    /// Tags, small lengths and zero bytes more often than chance.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![4 => Just(0_u8), 2 => 1_u8..20, 2 => b'A'..=b'z', 1 => any::<u8>()];
        proptest::collection::vec(byte, 0..120)
    }

    proptest! {
        #[test]
        fn the_laws_hold_for_any_bytes(bytes in bytes()) {
            relay::check_client(&bytes);
            relay::check_read_only(&bytes);
            relay::check_server(&bytes);
            admission::check(&bytes);
            login::check(&bytes);
        }
    }
}
