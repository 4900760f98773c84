//! ParameterStatus: a setting and its value, at login and whenever it changes.

use std::borrow::Cow;
use std::fmt;

use bytes::BytesMut;

use crate::frame::{put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// A setting of the session.
#[derive(Clone, Eq, PartialEq)]
pub struct ParameterStatus<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its value.
    pub value: Cow<'a, str>,
}

impl<'a> ParameterStatus<'a> {
    /// `S`
    pub const TAG: u8 = b'S';

    /// With this name and value.
    pub fn new(name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not two strings.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let message = Self { name: reader.string()?, value: reader.string()? };
        reader.finish()?;
        Ok(message)
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When a string holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            put_string(out, "the name of a setting", self.name.as_bytes())?;
            put_string(out, "the value of a setting", self.value.as_bytes())
        })
    }
}

/// Redshift sends `driver_token`, which is a secret: it is named and not shown.
impl fmt::Debug for ParameterStatus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.name == "driver_token" { "[secret]" } else { &*self.value };
        f.debug_struct("ParameterStatus").field("name", &self.name).field("value", &value).finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went() {
        let message = ParameterStatus::new("client_encoding", "UNICODE");
        let mut out = BytesMut::new();
        message.encode(&mut out).unwrap();
        assert_eq!(ParameterStatus::decode(&out[5..]).unwrap(), message);
    }

    #[test]
    fn the_drivers_token_is_not_in_debug_output() {
        let shown = format!("{:?}", ParameterStatus::new("driver_token", "0b5f"));
        assert!(!shown.contains("0b5f"), "{shown}");
    }
}
