//! Describe and Close, which both name a prepared statement or a portal.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use crate::frame::{put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// A prepared statement or a portal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target<'a> {
    /// A statement made by Parse.
    Statement(Cow<'a, str>),
    /// A portal made by Bind.
    Portal(Cow<'a, str>),
}

impl<'a> Target<'a> {
    fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let kind = reader.u8()?;
        let name = reader.string()?;
        reader.finish()?;
        match kind {
            b'S' => Ok(Self::Statement(name)),
            b'P' => Ok(Self::Portal(name)),
            other => Err(DecodeError::Unexpected { what: "kind of target", value: other.into() }),
        }
    }

    fn encode(&self, tag: u8, out: &mut BytesMut) -> Result<(), EncodeError> {
        let (kind, name) = match self {
            Self::Statement(name) => (b'S', name),
            Self::Portal(name) => (b'P', name),
        };
        put_frame(out, tag, |out| {
            out.put_u8(kind);
            put_string(out, "the name of a statement or portal", name.as_bytes())
        })
    }
}

/// Asks what a statement or portal takes and returns.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Describe<'a> {
    /// Which.
    pub target: Target<'a>,
}

impl<'a> Describe<'a> {
    /// `D`
    pub const TAG: u8 = b'D';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not a kind and a name.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        Target::decode(body).map(|target| Self { target })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the name holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.target.encode(Self::TAG, out)
    }
}

/// Drops a statement or portal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Close<'a> {
    /// Which.
    pub target: Target<'a>,
}

impl<'a> Close<'a> {
    /// `C`
    pub const TAG: u8 = b'C';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not a kind and a name.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        Target::decode(body).map(|target| Self { target })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the name holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.target.encode(Self::TAG, out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn both_come_back_as_they_went() {
        for target in [Target::Statement("s".into()), Target::Portal("".into())] {
            let mut out = BytesMut::new();
            Describe { target: target.clone() }.encode(&mut out).unwrap();
            assert_eq!((out[0], Describe::decode(&out[5..]).unwrap().target), (b'D', target.clone()));

            out.clear();
            Close { target: target.clone() }.encode(&mut out).unwrap();
            assert_eq!((out[0], Close::decode(&out[5..]).unwrap().target), (b'C', target));
        }
    }

    #[test]
    fn a_target_of_an_unknown_kind_is_refused() {
        assert!(matches!(Close::decode(b"x\0"), Err(DecodeError::Unexpected { what: "kind of target", .. })));
    }
}
