//! NegotiateProtocolVersion: the server speaks less than the client asked for.

use bytes::{BufMut, BytesMut};

use crate::frame::{put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// What the server speaks instead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NegotiateProtocolVersion {
    /// The newest version it speaks, in full: [`crate::startup::PROTOCOL_3_0`] is 196608. libpq 18 takes a bare minor number for a
    /// downgrade to before 3.0 and gives up.
    pub version: u32,
    /// Options beginning with `_pq_.` that it does not know.
    pub unrecognized: Vec<String>,
}

impl NegotiateProtocolVersion {
    /// `v`
    pub const TAG: u8 = b'v';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When the options are not as many as announced.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let version = reader.u32()?;
        let count = reader.u32()?;
        let unrecognized = (0..count).map(|_| reader.string().map(Into::into)).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { version, unrecognized })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When an option holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            out.put_u32(self.version);
            out.put_u32(
                u32::try_from(self.unrecognized.len())
                    .map_err(|_| EncodeError::TooLong { what: "the list of options" })?,
            );
            self.unrecognized.iter().try_for_each(|option| put_string(out, "an option", option.as_bytes()))
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went() {
        let message = NegotiateProtocolVersion { version: 196_608, unrecognized: vec!["_pq_.odd".into()] };
        let mut out = BytesMut::new();
        message.encode(&mut out).unwrap();
        assert_eq!(NegotiateProtocolVersion::decode(&out[5..]).unwrap(), message);
    }

    #[test]
    fn a_huge_count_with_nothing_behind_it_is_refused_without_making_room() {
        assert_eq!(
            NegotiateProtocolVersion::decode(b"\0\x03\0\0\xff\xff\xff\xff"),
            Err(DecodeError::UnterminatedString)
        );
    }
}
