//! What the server has sent and no one has read yet, with messages told apart but not copied.

use std::io;

use bytes::{Buf, BytesMut};
use postern_wire::backend::DataRow;
use postern_wire::{CopyData, DecodeError, Header};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Room that is made for each read.
const READ_BYTES: usize = 128 << 10;

/// A buffer that grew beyond this for one large message is given back once it is empty.
const KEEP_BYTES: usize = 1 << 20;

/// The largest row: PostgreSQL cannot make a cell over 1 GiB, and Redshift's rows end at 4 MiB.
const MAX_DATA: usize = (1 << 30) + (1 << 20);

/// The largest message of any other kind, where the largest known are errors that quote their query.
const MAX_OTHER: usize = 64 << 20;

/// Bytes from the server.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    buffer: BytesMut,
}

impl Inbound {
    /// The message at the front, once all of it is there.
    ///
    /// # Errors
    /// [`DecodeError::Length`] as soon as more is announced than a message of its kind can have.
    pub(super) fn whole(&self) -> Result<Option<Header>, DecodeError> {
        Ok(self.announced()?.filter(|header| self.buffer.len() >= header.total()))
    }

    /// Body of the message at the front, whose header is `header`.
    pub(super) fn body(&self, header: Header) -> &[u8] {
        &self.buffer[Header::SIZE..header.total()]
    }

    /// Drops the message at the front.
    pub(super) fn consume(&mut self, header: Header) {
        self.buffer.advance(header.total());
        if self.buffer.is_empty() && self.buffer.capacity() > KEEP_BYTES {
            self.buffer = BytesMut::new();
        }
    }

    /// Waits for more bytes and says how many came; none at the end. Nothing is lost when it is given up.
    pub(super) async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        // For a large message the room doubles as it comes: who announces a gigabyte has to send it to make us hold it.
        let missing =
            self.announced().ok().flatten().map_or(0, |header| header.total().saturating_sub(self.buffer.len()));
        self.buffer.reserve(missing.min(self.buffer.len()).max(READ_BYTES));
        stream.read_buf(&mut self.buffer).await
    }

    /// Type of the message at the front, for errors; zero when nothing is there.
    pub(super) fn tag(&self) -> u8 {
        self.buffer.first().copied().unwrap_or_default()
    }

    fn announced(&self) -> Result<Option<Header>, DecodeError> {
        let Some(header) = Header::peek(&self.buffer)? else {
            return Ok(None);
        };
        let limit = if matches!(header.tag, DataRow::TAG | CopyData::TAG) { MAX_DATA } else { MAX_OTHER };
        if header.body > limit {
            return Err(DecodeError::Length { announced: header.body as i64 + 4, limit });
        }
        Ok(Some(header))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_absurd_announced_length_is_refused_before_room_is_made() {
        for header in [&b"D\x7f\xff\xff\xff"[..], b"T\x7f\xff\xff\xff", b"E\x7f\xff\xff\xff"] {
            let mut inbound = Inbound::default();
            inbound.fill(&mut &header[..]).await.unwrap();
            assert!(matches!(inbound.whole(), Err(DecodeError::Length { .. })));
            inbound.fill(&mut &b""[..]).await.unwrap();
            assert!(inbound.buffer.capacity() <= 4 * READ_BYTES);
        }
    }

    #[tokio::test]
    async fn room_for_a_large_message_grows_with_it_and_is_given_back() {
        let body = 10 << 20;
        let mut message = vec![b'D'];
        message.extend((body as u32 + 4).to_be_bytes());
        message.resize(Header::SIZE + body, b'x');
        let mut stream = &message[..];
        let mut inbound = Inbound::default();
        let header = loop {
            match inbound.whole().unwrap() {
                Some(header) => break header,
                None => assert!(inbound.fill(&mut stream).await.unwrap() > 0),
            }
            assert!(inbound.buffer.capacity() <= 4 * inbound.buffer.len().max(READ_BYTES));
        };
        assert_eq!(inbound.body(header).len(), body);
        inbound.consume(header);
        assert!(inbound.buffer.capacity() <= KEEP_BYTES);
    }
}
