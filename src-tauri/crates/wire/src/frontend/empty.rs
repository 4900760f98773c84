//! The client's messages that have no fields: that they came is all they say.

use bytes::BytesMut;

use crate::DecodeError;
use crate::frame::put_small;
use crate::reader::Reader;

/// A message without fields.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Empty {
    /// `H`: send what you have.
    Flush,
    /// `S`: end of a batch; after an error the server skips to here.
    Sync,
    /// `X`: goodbye.
    Terminate,
}

impl Empty {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Flush, Self::Sync, Self::Terminate];

    /// Its tag.
    pub const fn tag(self) -> u8 {
        match self {
            Self::Flush => b'H',
            Self::Sync => b'S',
            Self::Terminate => b'X',
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
        assert_eq!(Empty::from_tag(b'Q'), None);
    }
}
