//! ParameterDescription: the types of a prepared statement's parameters.

use bytes::{BufMut, BytesMut};

use crate::frame::{put_count, put_frame};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// The types of a prepared statement's parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParameterDescription {
    /// Object ids of the types, in order.
    pub types: Vec<u32>,
}

impl ParameterDescription {
    /// `t`
    pub const TAG: u8 = b't';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When the types are not as many as announced.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let count = reader.count()?;
        let types = (0..count).map(|_| reader.u32()).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { types })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When there are more than 65535.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
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
        let message = ParameterDescription { types: vec![23, 4_294_967_295] };
        let mut out = BytesMut::new();
        message.encode(&mut out).unwrap();
        assert_eq!(ParameterDescription::decode(&out[5..]).unwrap(), message);
        assert_eq!(ParameterDescription::decode(b"\0\x02\0\0\0\x17"), Err(DecodeError::Truncated));
    }
}
