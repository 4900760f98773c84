//! Execute: runs a portal.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use crate::frame::{put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// Runs a portal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Execute<'a> {
    /// Which; empty for the unnamed one.
    pub portal: Cow<'a, str>,
    /// Rows after which it pauses; 0 for all.
    pub max_rows: i32,
}

impl<'a> Execute<'a> {
    /// `E`
    pub const TAG: u8 = b'E';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not a string and a number.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let message = Self { portal: reader.string()?, max_rows: reader.i32()? };
        reader.finish()?;
        Ok(message)
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the name holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            put_string(out, "the name of a portal", self.portal.as_bytes())?;
            out.put_i32(self.max_rows);
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
        let message = Execute { portal: "p".into(), max_rows: 1000 };
        let mut out = BytesMut::new();
        message.encode(&mut out).unwrap();
        assert_eq!(Execute::decode(&out[5..]).unwrap(), message);
    }
}
