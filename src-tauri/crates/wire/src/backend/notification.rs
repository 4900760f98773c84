//! NotificationResponse: what LISTEN waits for.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use crate::frame::{put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// Somebody ran NOTIFY.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotificationResponse<'a> {
    /// Who.
    pub pid: i32,
    /// On which channel.
    pub channel: Cow<'a, str>,
    /// With what.
    pub payload: Cow<'a, str>,
}

impl<'a> NotificationResponse<'a> {
    /// `A`
    pub const TAG: u8 = b'A';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not a number and two strings.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let message = Self { pid: reader.i32()?, channel: reader.string()?, payload: reader.string()? };
        reader.finish()?;
        Ok(message)
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When a string holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            out.put_i32(self.pid);
            put_string(out, "the channel", self.channel.as_bytes())?;
            put_string(out, "the payload", self.payload.as_bytes())
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went() {
        let message = NotificationResponse { pid: 7, channel: "c".into(), payload: "".into() };
        let mut out = BytesMut::new();
        message.encode(&mut out).unwrap();
        assert_eq!(NotificationResponse::decode(&out[5..]).unwrap(), message);
    }
}
