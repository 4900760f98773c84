//! CopyData and CopyDone, which travel in both directions with the same tags.

use bytes::BytesMut;

use crate::frame::{put_frame, put_small};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// A piece of a COPY stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CopyData<'a> {
    /// The bytes. Need not end at a row.
    pub data: &'a [u8],
}

impl<'a> CopyData<'a> {
    /// `d`
    pub const TAG: u8 = b'd';

    /// Reads a frame's body; there is no wrong one.
    pub fn decode(body: &'a [u8]) -> Self {
        Self { data: body }
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the data is longer than 2 GiB.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            out.extend_from_slice(self.data);
            Ok(())
        })
    }
}

/// The COPY stream is complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CopyDone;

impl CopyDone {
    /// `c`
    pub const TAG: u8 = b'c';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not empty.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        Reader::new(body).finish()?;
        Ok(Self)
    }

    /// Appends the message.
    pub fn encode(self, out: &mut BytesMut) {
        put_small(out, Self::TAG, &[]);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn both_come_back_as_they_went() {
        let mut out = BytesMut::new();
        CopyData { data: b"1\tone\n" }.encode(&mut out).unwrap();
        assert_eq!(&out[..5], b"d\0\0\0\x0a");
        assert_eq!(CopyData::decode(&out[5..]).data, b"1\tone\n");

        out.clear();
        CopyDone.encode(&mut out);
        assert_eq!(&out[..], b"c\0\0\0\x04");
        assert_eq!(CopyDone::decode(&out[5..]), Ok(CopyDone));
        assert_eq!(CopyDone::decode(b"x"), Err(DecodeError::TrailingBytes { count: 1 }));
    }
}
