//! Parse: prepares a statement.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use crate::frame::{put_count, put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// Prepares a statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parse<'a> {
    /// Name to give it; empty for the unnamed one.
    pub name: Cow<'a, str>,
    /// One statement.
    pub sql: Cow<'a, str>,
    /// Object ids of parameter types; 0 or absent lets the server choose.
    pub types: Vec<u32>,
}

impl<'a> Parse<'a> {
    /// `P`
    pub const TAG: u8 = b'P';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When the types are not as many as announced.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let (name, sql) = (reader.string()?, reader.string()?);
        let count = reader.count()?;
        let types = (0..count).map(|_| reader.u32()).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { name, sql, types })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When a string holds a zero byte or there are more than 65535 types.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            put_string(out, "the name of a statement", self.name.as_bytes())?;
            put_string(out, "the SQL text", self.sql.as_bytes())?;
            put_count(out, "the list of types", self.types.len())?;
            self.types.iter().for_each(|oid| out.put_u32(*oid));
            Ok(())
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went() {
        let message = Parse { name: "s1".into(), sql: "select $1".into(), types: vec![0, 23] };
        let mut out = BytesMut::new();
        message.encode(&mut out).unwrap();
        assert_eq!(Parse::decode(&out[5..]).unwrap(), message);
        assert_eq!(Parse::decode(b"\0select 1\0\0\x01"), Err(DecodeError::Truncated));
    }
}
