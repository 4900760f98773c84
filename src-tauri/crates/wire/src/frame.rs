//! How messages are framed once start-up is over: a tag, a length that counts itself but not the tag, a body.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{DecodeError, EncodeError};

/// The five bytes in front of every message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// What kind of message.
    pub tag: u8,
    /// Length of its body: what follows these five bytes.
    pub body: usize,
}

impl Header {
    /// Bytes of a header.
    pub const SIZE: usize = 5;

    /// Reads the header at the front of `bytes`; `None` when fewer than five bytes are there yet.
    ///
    /// # Errors
    /// [`DecodeError::Length`] when the length does not even count itself.
    pub fn peek(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let Some(&[tag, a, b, c, d]) = bytes.first_chunk::<{ Self::SIZE }>() else {
            return Ok(None);
        };
        let announced = i32::from_be_bytes([a, b, c, d]);
        match usize::try_from(announced).ok().and_then(|length| length.checked_sub(4)) {
            Some(body) => Ok(Some(Self { tag, body })),
            None => Err(DecodeError::Length { announced: announced.into(), limit: i32::MAX as usize }),
        }
    }

    /// Length of the whole message, header and body.
    pub fn total(self) -> usize {
        Self::SIZE + self.body
    }
}

/// One whole message, its body shared with the buffer it came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// What kind of message.
    pub tag: u8,
    /// What follows the header.
    pub body: Bytes,
}

/// Takes the next whole message off the front of `buffer`; `None` when it is not all there yet.
///
/// Nothing is copied. When the rest of a message has yet to arrive the buffer is given room for it, so that reading on fills it.
///
/// # Errors
/// [`DecodeError::Length`] as soon as a header announces a body longer than `limit` bytes: before anything is allocated for it.
pub fn take_frame(buffer: &mut BytesMut, limit: usize) -> Result<Option<Frame>, DecodeError> {
    let Some(header) = Header::peek(buffer)? else {
        return Ok(None);
    };
    if header.body > limit {
        return Err(DecodeError::Length { announced: header.body as i64 + 4, limit });
    }
    if buffer.len() < header.total() {
        buffer.reserve(header.total() - buffer.len());
        return Ok(None);
    }
    let mut whole = buffer.split_to(header.total());
    let body = whole.split_off(Header::SIZE).freeze();
    Ok(Some(Frame { tag: header.tag, body }))
}

/// Appends a message whose body `fill` writes. On an error `out` is left as it was.
pub(crate) fn put_frame(
    out: &mut BytesMut,
    tag: u8,
    fill: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_u8(tag);
    let filled = put_counted(out, fill);
    if filled.is_err() {
        out.truncate(start);
    }
    filled
}

/// Appends a four-byte length that counts itself, then what `fill` writes.
pub(crate) fn put_counted(
    out: &mut BytesMut,
    fill: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_i32(0);
    fill(out)?;
    let length = i32::try_from(out.len() - start).map_err(|_| EncodeError::TooLong { what: "the message" })?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Appends a message that has no field which could fail, and at most a few dozen bytes.
pub(crate) fn put_small(out: &mut BytesMut, tag: u8, body: &[u8]) {
    out.put_u8(tag);
    out.put_i32(4 + i32::try_from(body.len()).expect("callers pass a few dozen bytes"));
    out.put_slice(body);
}

/// Appends a string and its closing zero byte.
pub(crate) fn put_string(out: &mut BytesMut, what: &'static str, text: &[u8]) -> Result<(), EncodeError> {
    if text.contains(&0) {
        return Err(EncodeError::EmbeddedZero { what });
    }
    out.put_slice(text);
    out.put_u8(0);
    Ok(())
}

/// Appends a two-byte count.
pub(crate) fn put_count(out: &mut BytesMut, what: &'static str, count: usize) -> Result<(), EncodeError> {
    out.put_u16(u16::try_from(count).map_err(|_| EncodeError::TooLong { what })?);
    Ok(())
}

/// Appends a four-byte length and the value, or -1 for NULL.
pub(crate) fn put_value(out: &mut BytesMut, value: Option<&[u8]>) -> Result<(), EncodeError> {
    match value {
        None => out.put_i32(-1),
        Some(value) => {
            out.put_i32(i32::try_from(value.len()).map_err(|_| EncodeError::TooLong { what: "a value" })?);
            out.put_slice(value);
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_out_once_it_is_whole() {
        let mut buffer = BytesMut::new();
        for byte in b"Q\0\0\0\x08sel" {
            assert_eq!(take_frame(&mut buffer, 100), Ok(None));
            buffer.put_u8(*byte);
        }
        assert_eq!(take_frame(&mut buffer, 100), Ok(None));
        buffer.put_slice(b"\0Z");
        let frame = take_frame(&mut buffer, 100).unwrap().unwrap();
        assert_eq!((frame.tag, &frame.body[..]), (b'Q', &b"sel\0"[..]));
        assert_eq!(&buffer[..], b"Z");
    }

    #[test]
    fn an_announced_length_over_the_limit_is_refused_before_the_body_comes() {
        let mut buffer = BytesMut::from(&b"D\x7f\xff\xff\xff"[..]);
        assert_eq!(take_frame(&mut buffer, 1000), Err(DecodeError::Length { announced: 0x7fff_ffff, limit: 1000 }));
        assert!(buffer.capacity() < 1000);
    }

    #[test]
    fn a_length_that_does_not_count_itself_is_refused() {
        for announced in [i32::MIN, -1, 0, 3] {
            let mut bytes = vec![b'Q'];
            bytes.extend(announced.to_be_bytes());
            assert!(matches!(Header::peek(&bytes), Err(DecodeError::Length { .. })), "{announced}");
        }
    }

    #[test]
    fn a_failed_encoding_leaves_the_buffer_as_it_was() {
        let mut out = BytesMut::from(&b"before"[..]);
        let result = put_frame(&mut out, b'Q', |out| put_string(out, "sql", b"a\0b"));
        assert_eq!(result, Err(EncodeError::EmbeddedZero { what: "sql" }));
        assert_eq!(&out[..], b"before");
    }
}
