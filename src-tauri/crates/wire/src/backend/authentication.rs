//! The Authentication family: what the server wants next before it lets a client in.

use bytes::{BufMut, BytesMut};

use crate::frame::{put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// A step of logging in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Authentication<'a> {
    /// 0: in.
    Ok,
    /// 3: send the password as it is.
    CleartextPassword,
    /// 5: send MD5 of password, user and this salt.
    Md5Password {
        /// Four random bytes.
        salt: [u8; 4],
    },
    /// 10: choose a SASL mechanism.
    Sasl {
        /// Names the server offers, in its order.
        mechanisms: Vec<&'a str>,
    },
    /// 11: the SASL exchange goes on.
    SaslContinue {
        /// Data of the mechanism.
        data: &'a [u8],
    },
    /// 12: the SASL exchange is over.
    SaslFinal {
        /// Data of the mechanism.
        data: &'a [u8],
    },
    /// Anything else: Kerberos, GSSAPI, SSPI, and Redshift's own 13 (SHA-256 digest) and 14 (identity provider token).
    Other {
        /// The number.
        code: i32,
    },
}

impl<'a> Authentication<'a> {
    /// `R`
    pub const TAG: u8 = b'R';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When a step that is known here is laid out otherwise.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let step = match reader.i32()? {
            0 => Self::Ok,
            3 => Self::CleartextPassword,
            5 => Self::Md5Password { salt: reader.array()? },
            10 => Self::Sasl { mechanisms: decode_mechanisms(&mut reader)? },
            11 => Self::SaslContinue { data: reader.rest() },
            12 => Self::SaslFinal { data: reader.rest() },
            code => return Ok(Self::Other { code }),
        };
        reader.finish()?;
        Ok(step)
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the name of a mechanism holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            out.put_i32(self.code());
            match self {
                Self::Ok | Self::CleartextPassword | Self::Other { .. } => {}
                Self::Md5Password { salt } => out.put_slice(salt),
                Self::SaslContinue { data } | Self::SaslFinal { data } => out.put_slice(data),
                Self::Sasl { mechanisms } => {
                    for name in mechanisms {
                        put_string(out, "the name of a mechanism", name.as_bytes())?;
                    }
                    out.put_u8(0);
                }
            }
            Ok(())
        })
    }

    /// The number on the wire.
    pub fn code(&self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::CleartextPassword => 3,
            Self::Md5Password { .. } => 5,
            Self::Sasl { .. } => 10,
            Self::SaslContinue { .. } => 11,
            Self::SaslFinal { .. } => 12,
            Self::Other { code } => *code,
        }
    }
}

fn decode_mechanisms<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a str>, DecodeError> {
    let mut mechanisms = Vec::new();
    loop {
        let name = reader.string_bytes()?;
        if name.is_empty() {
            return Ok(mechanisms);
        }
        mechanisms
            .push(std::str::from_utf8(name).map_err(|_| DecodeError::NotUtf8 { what: "the name of a mechanism" })?);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_step_comes_back_as_it_went() {
        for step in [
            Authentication::Ok,
            Authentication::CleartextPassword,
            Authentication::Md5Password { salt: [1, 0, 255, 4] },
            Authentication::Sasl { mechanisms: vec!["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"] },
            Authentication::SaslContinue { data: b"r=abc" },
            Authentication::SaslFinal { data: b"v=abc" },
            Authentication::Other { code: 13 },
        ] {
            let mut out = BytesMut::new();
            step.encode(&mut out).unwrap();
            assert_eq!(Authentication::decode(&out[5..]).unwrap(), step);
        }
    }

    #[test]
    fn redshifts_own_steps_are_told_by_number_whatever_follows() {
        assert_eq!(Authentication::decode(b"\0\0\0\x0d\0\0\0\x01rest"), Ok(Authentication::Other { code: 13 }));
    }

    #[test]
    fn a_short_salt_is_refused() {
        assert_eq!(Authentication::decode(b"\0\0\0\x05ab"), Err(DecodeError::Truncated));
    }
}
