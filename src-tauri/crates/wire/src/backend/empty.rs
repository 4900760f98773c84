//! The server's messages that have no fields: that they came is all they say.

use bytes::BytesMut;

use crate::DecodeError;
use crate::frame::put_small;
use crate::reader::Reader;

/// A message without fields.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Empty {
    /// `1`
    ParseComplete,
    /// `2`
    BindComplete,
    /// `3`
    CloseComplete,
    /// `I`: the query held no statement.
    EmptyQueryResponse,
    /// `n`: the statement returns no rows.
    NoData,
    /// `s`: the row limit of Execute was reached.
    PortalSuspended,
}

impl Empty {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ParseComplete,
        Self::BindComplete,
        Self::CloseComplete,
        Self::EmptyQueryResponse,
        Self::NoData,
        Self::PortalSuspended,
    ];

    /// Its tag.
    pub fn tag(self) -> u8 {
        match self {
            Self::ParseComplete => b'1',
            Self::BindComplete => b'2',
            Self::CloseComplete => b'3',
            Self::EmptyQueryResponse => b'I',
            Self::NoData => b'n',
            Self::PortalSuspended => b's',
        }
    }

    /// By its tag.
    pub fn from_tag(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|message| message.tag() == tag)
    }

    /// Itself, when the body is as empty as it should be.
    pub(crate) fn check(self, body: &[u8]) -> Result<Self, DecodeError> {
        Reader::new(body).finish().map(|()| self)
    }

    /// Appends the message.
    pub fn encode(self, out: &mut BytesMut) {
        put_small(out, self.tag(), &[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_back_by_its_tag() {
        for message in Empty::ALL {
            let mut out = BytesMut::new();
            message.encode(&mut out);
            assert_eq!(Empty::from_tag(out[0]), Some(message));
            assert_eq!(message.check(&out[5..]), Ok(message));
        }
        assert_eq!(Empty::from_tag(b'Z'), None);
        assert!(Empty::NoData.check(b"x").is_err());
    }
}
