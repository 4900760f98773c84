//! Query: one or more statements as text.

use std::borrow::Cow;

use bytes::BytesMut;

use crate::frame::{put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// Runs one or more statements.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Query<'a> {
    /// The text.
    pub sql: Cow<'a, str>,
}

impl<'a> Query<'a> {
    /// `Q`
    pub const TAG: u8 = b'Q';

    /// With this text.
    pub fn new(sql: impl Into<Cow<'a, str>>) -> Self {
        Self { sql: sql.into() }
    }

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not one string.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let sql = reader.string()?;
        reader.finish()?;
        Ok(Self { sql })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the text holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| put_string(out, "the SQL text", self.sql.as_bytes()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went() {
        let mut out = BytesMut::new();
        Query::new("select '한글'; select 2").encode(&mut out).unwrap();
        assert_eq!(Query::decode(&out[5..]).unwrap(), Query::new("select '한글'; select 2"));
    }

    #[test]
    fn text_hidden_behind_a_zero_byte_is_refused() {
        assert_eq!(Query::decode(b"select 1\0drop\0"), Err(DecodeError::TrailingBytes { count: 5 }));
        assert!(Query::new("a\0b").encode(&mut BytesMut::new()).is_err());
    }
}
