//! CopyFail: the client cannot go on with COPY FROM.

use std::borrow::Cow;

use bytes::BytesMut;

use crate::frame::{put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// The client cannot go on with COPY FROM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CopyFail<'a> {
    /// Why.
    pub reason: Cow<'a, str>,
}

impl<'a> CopyFail<'a> {
    /// `f`
    pub const TAG: u8 = b'f';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not one string.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let reason = reader.string()?;
        reader.finish()?;
        Ok(Self { reason })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the reason holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| put_string(out, "the reason", self.reason.as_bytes()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went() {
        let message = CopyFail { reason: "disk is full".into() };
        let mut out = BytesMut::new();
        message.encode(&mut out).unwrap();
        assert_eq!(CopyFail::decode(&out[5..]).unwrap(), message);
    }
}
