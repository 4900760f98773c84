//! Reads a socket in large steps while much is coming.
//!
//! rustls asks for 4 KiB at a time, so that a TLS record of a bulk result costs several system calls. While reads come back full, this
//! takes as much as is there with each and hands it out from memory. The room for that is the thread's: a connection has it only while
//! there is something in it.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What one read takes while much is coming: what a server has sent while its client was at work, not only the next of its 8 KiB records.
const STEP: usize = 256 * 1024;

thread_local! {
    /// Room for one step, for whichever connection reads next; empty while one has it.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Room for one step.
fn borrow_room() -> Vec<u8> {
    let room = ROOM.take();
    if room.is_empty() { vec![0; STEP] } else { room }
}

/// A stream that is read ahead of its reader.
#[derive(Debug)]
pub(crate) struct ReadAhead<S> {
    stream: S,
    /// Received and not handed out yet is what lies between `taken` and `received`. Empty when nothing does.
    room: Vec<u8>,
    taken: usize,
    received: usize,
    /// The last read came back full.
    bulk: bool,
}

impl<S> ReadAhead<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, room: Vec::new(), taken: 0, received: 0, bulk: false }
    }

    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) {
        let rest = &self.room[self.taken..self.received];
        let count = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..count]);
        self.taken += count;
        if self.taken == self.received {
            self.give_room_back();
        }
    }

    fn give_room_back(&mut self) {
        (self.taken, self.received) = (0, 0);
        ROOM.set(std::mem::take(&mut self.room));
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.room.is_empty() {
            this.hand_out(buf);
            return Poll::Ready(Ok(()));
        }
        if !this.bulk || buf.remaining() >= STEP {
            let (before, room) = (buf.filled().len(), buf.remaining());
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
            this.bulk = buf.filled().len() - before == room;
            return Poll::Ready(Ok(()));
        }
        this.room = borrow_room();
        let mut step = ReadBuf::new(&mut this.room);
        let read = Pin::new(&mut this.stream).poll_read(cx, &mut step);
        if let Poll::Ready(Ok(())) = read {
            this.received = step.filled().len();
            this.bulk = this.received > buf.remaining();
            this.hand_out(buf);
        } else {
            this.give_room_back();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Counts how often it is read.
    struct Counted<S>(S, usize);

    impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
        fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let this = self.get_mut();
            this.1 += 1;
            Pin::new(&mut this.0).poll_read(cx, buf)
        }
    }

    #[tokio::test]
    async fn much_is_read_in_few_steps_and_comes_out_whole() {
        let (mut theirs, ours) = tokio::io::duplex(1 << 20);
        let sent: Vec<u8> = (0..1_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        theirs.write_all(&sent).await.unwrap();
        drop(theirs);
        let mut stream = ReadAhead::new(Counted(ours, 0));
        let (mut received, mut small) = (Vec::new(), [0; 4096]);
        loop {
            let count = stream.read(&mut small).await.unwrap();
            if count == 0 {
                break;
            }
            received.extend_from_slice(&small[..count]);
        }
        assert!(received == sent);
        assert!(stream.stream.1 < 25, "{} reads", stream.stream.1);
        assert_eq!(stream.room.capacity(), 0);
    }

    #[tokio::test]
    async fn connections_that_read_by_turns_on_one_thread_get_each_its_own() {
        let mut streams = Vec::new();
        for mark in [1, 2, 3] {
            let (mut theirs, ours) = tokio::io::duplex(1 << 20);
            theirs.write_all(&vec![mark; 700_000]).await.unwrap();
            streams.push((mark, ReadAhead::new(ours)));
        }
        let mut small = [0; 4096];
        for turn in 0..100 {
            for (mark, stream) in &mut streams {
                let count = stream.read(&mut small).await.unwrap();
                assert!(small[..count].iter().all(|byte| byte == mark), "turn {turn}");
            }
        }
    }

    #[tokio::test]
    async fn little_is_read_without_room_of_its_own() {
        let (mut theirs, ours) = tokio::io::duplex(1 << 16);
        let mut stream = ReadAhead::new(ours);
        let mut small = [0; 4096];
        for length in [1, 100, 4095] {
            theirs.write_all(&vec![7; length]).await.unwrap();
            assert_eq!(stream.read(&mut small).await.unwrap(), length);
            assert_eq!(stream.room.capacity(), 0);
        }
    }

    #[tokio::test]
    async fn the_room_is_given_back_when_the_burst_is_over() {
        let (mut theirs, ours) = tokio::io::duplex(1 << 20);
        theirs.write_all(&[7; 20_000]).await.unwrap();
        let mut stream = ReadAhead::new(ours);
        let mut all = vec![0; 20_000];
        stream.read_exact(&mut all).await.unwrap();
        let waiting = tokio::time::timeout(std::time::Duration::from_millis(10), stream.read(&mut all)).await;
        assert!(waiting.is_err());
        assert_eq!(stream.room.capacity(), 0);
    }
}
