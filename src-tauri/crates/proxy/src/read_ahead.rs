//! Reads a socket in large steps while much is coming.
//!
//! rustls asks for 4 KiB at a time, so that a TLS record of a bulk result costs several system calls. While reads come back full, this
//! takes up to 64 KiB with each and hands it out from memory; an idle connection keeps no such room.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What one read takes while much is coming: eight of the records that PostgreSQL makes of its 8 KiB buffers.
const STEP: usize = 64 * 1024;

/// A stream that is read ahead of its reader.
#[derive(Debug)]
pub(crate) struct ReadAhead<S> {
    stream: S,
    /// Received and not handed out yet: what follows `taken`.
    ahead: Vec<u8>,
    taken: usize,
    /// The last read came back full.
    bulk: bool,
}

impl<S> ReadAhead<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new(), taken: 0, bulk: false }
    }

    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) {
        let rest = &self.ahead[self.taken..];
        let count = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..count]);
        self.taken += count;
        if self.taken == self.ahead.len() {
            self.taken = 0;
            self.ahead.clear();
            if !self.bulk {
                self.ahead = Vec::new();
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            this.hand_out(buf);
            return Poll::Ready(Ok(()));
        }
        if !this.bulk || buf.remaining() >= STEP {
            let (before, room) = (buf.filled().len(), buf.remaining());
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
            this.bulk = buf.filled().len() - before == room;
            return Poll::Ready(Ok(()));
        }
        this.ahead.resize(STEP, 0);
        let mut step = ReadBuf::new(&mut this.ahead);
        let read = Pin::new(&mut this.stream).poll_read(cx, &mut step);
        let count = step.filled().len();
        this.ahead.truncate(count);
        if let Poll::Ready(Ok(())) = read {
            this.bulk = count > buf.remaining();
            this.hand_out(buf);
        } else {
            // Nothing more for now: the room is given back while it waits.
            this.bulk = false;
            this.ahead = Vec::new();
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
        assert_eq!(stream.ahead.capacity(), 0);
    }

    #[tokio::test]
    async fn little_is_read_without_room_of_its_own() {
        let (mut theirs, ours) = tokio::io::duplex(1 << 16);
        let mut stream = ReadAhead::new(ours);
        let mut small = [0; 4096];
        for length in [1, 100, 4095] {
            theirs.write_all(&vec![7; length]).await.unwrap();
            assert_eq!(stream.read(&mut small).await.unwrap(), length);
            assert_eq!(stream.ahead.capacity(), 0);
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
        assert_eq!(stream.ahead.capacity(), 0);
    }
}
