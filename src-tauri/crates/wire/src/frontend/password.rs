//! The client's answers to Authentication. They share the tag `p`; which one is meant depends on what the server asked.

use std::fmt;

use bytes::{BufMut, BytesMut};
use secrecy::{ExposeSecret, SecretSlice};

use crate::frame::{put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// A password, or its MD5 answer.
#[derive(Clone, Debug)]
pub struct Password {
    /// Without the closing zero byte.
    pub secret: SecretSlice<u8>,
}

impl Password {
    /// `p`
    pub const TAG: u8 = b'p';

    /// With these bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self { secret: SecretSlice::from(secret.into()) }
    }

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not one string.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let secret = reader.string_bytes()?;
        reader.finish()?;
        Ok(Self::new(secret))
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the password holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| put_string(out, "the password", self.secret.expose_secret()))
    }
}

/// The choice of a SASL mechanism and its first message.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct SaslInitialResponse<'a> {
    /// Such as `SCRAM-SHA-256`.
    pub mechanism: &'a str,
    /// Data of the mechanism; `None` when it begins without.
    pub data: Option<&'a [u8]>,
}

impl<'a> SaslInitialResponse<'a> {
    /// `p`
    pub const TAG: u8 = b'p';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not a name and a counted value.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let what = "the name of a mechanism";
        let mut reader = Reader::new(body);
        let mechanism = std::str::from_utf8(reader.string_bytes()?).map_err(|_| DecodeError::NotUtf8 { what })?;
        let data = match reader.i32()? {
            -1 => None,
            length => {
                let unexpected = |_| DecodeError::Unexpected { what: "length of a SASL message", value: length.into() };
                Some(reader.take(usize::try_from(length).map_err(unexpected)?)?)
            }
        };
        reader.finish()?;
        Ok(Self { mechanism, data })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the name holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            put_string(out, "the name of a mechanism", self.mechanism.as_bytes())?;
            crate::frame::put_value(out, self.data)
        })
    }
}

impl fmt::Debug for SaslInitialResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslInitialResponse").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// A further message of a SASL exchange.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct SaslResponse<'a> {
    /// Data of the mechanism.
    pub data: &'a [u8],
}

impl<'a> SaslResponse<'a> {
    /// `p`
    pub const TAG: u8 = b'p';

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
            out.put_slice(self.data);
            Ok(())
        })
    }
}

impl fmt::Debug for SaslResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslResponse").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn each_comes_back_as_it_went() {
        let mut out = BytesMut::new();
        Password::new(*b"hunter2").encode(&mut out).unwrap();
        assert_eq!(Password::decode(&out[5..]).unwrap().secret.expose_secret(), b"hunter2");

        for data in [None, Some(&b""[..]), Some(b"n,,n=,r=abc")] {
            out.clear();
            let message = SaslInitialResponse { mechanism: "SCRAM-SHA-256", data };
            message.encode(&mut out).unwrap();
            assert_eq!(SaslInitialResponse::decode(&out[5..]).unwrap(), message);
        }

        out.clear();
        SaslResponse { data: b"c=biws" }.encode(&mut out).unwrap();
        assert_eq!(SaslResponse::decode(&out[5..]).data, b"c=biws");
    }

    #[test]
    fn secrets_are_not_in_debug_output() {
        let shown = format!(
            "{:?} {:?} {:?}",
            Password::new(*b"hunter2"),
            SaslInitialResponse { mechanism: "M", data: Some(b"hunter2") },
            SaslResponse { data: b"hunter2" }
        );
        assert!(!shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
    }
}
