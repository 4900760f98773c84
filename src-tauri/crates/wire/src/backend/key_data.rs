//! BackendKeyData: how to cancel this session.

use bytes::{BufMut, BytesMut};

use crate::frame::put_frame;
use crate::reader::Reader;
use crate::{CancelKey, DecodeError, EncodeError, MAX_SECRET_LENGTH};

/// How to cancel this session. Protocol 3.0 has secrets of four bytes, 3.2 of up to 256.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackendKeyData {
    /// What a CancelRequest has to bring.
    pub key: CancelKey,
}

impl BackendKeyData {
    /// `K`
    pub const TAG: u8 = b'K';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When the secret is shorter than 4 or longer than 256 bytes.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let pid = reader.i32()?;
        match reader.remaining() {
            4..=MAX_SECRET_LENGTH => Ok(Self { key: CancelKey::new(pid, reader.rest()) }),
            length => Err(DecodeError::Unexpected { what: "length of a cancel secret", value: length as i64 }),
        }
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the secret is longer than the protocol allows.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            let secret = self.key.expose_secret();
            if secret.len() > MAX_SECRET_LENGTH {
                return Err(EncodeError::TooLong { what: "a cancel secret" });
            }
            out.put_i32(self.key.pid);
            out.put_slice(secret);
            Ok(())
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_keys_come_back_as_they_went() {
        for length in [4, 32, 256] {
            let data = BackendKeyData { key: CancelKey::new(1_073_750_177, vec![0xa5; length]) };
            let mut out = BytesMut::new();
            data.encode(&mut out).unwrap();
            assert_eq!(BackendKeyData::decode(&out[5..]).unwrap(), data);
        }
    }

    #[test]
    fn a_key_without_a_secret_is_refused() {
        assert!(BackendKeyData::decode(b"\0\0\0\x01").is_err());
        assert!(BackendKeyData::decode(&[0; 261]).is_err());
    }
}
