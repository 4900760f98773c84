//! CopyInResponse, CopyOutResponse and CopyBothResponse: a COPY begins.

use bytes::{BufMut, BytesMut};

use crate::frame::{put_count, put_frame};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError, Format};

/// A COPY begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CopyResponse {
    /// Who sends the data.
    pub direction: CopyDirection,
    /// Of the whole stream.
    pub format: Format,
    /// Of each column.
    pub columns: Vec<Format>,
}

/// Who sends the data of a COPY.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CopyDirection {
    /// The client: COPY FROM STDIN.
    In,
    /// The server: COPY TO STDOUT.
    Out,
    /// Both: replication.
    Both,
}

impl CopyDirection {
    /// `G`, `H` or `W`.
    pub fn tag(self) -> u8 {
        match self {
            Self::In => b'G',
            Self::Out => b'H',
            Self::Both => b'W',
        }
    }

    /// From a message's tag.
    pub fn from_tag(tag: u8) -> Option<Self> {
        match tag {
            b'G' => Some(Self::In),
            b'H' => Some(Self::Out),
            b'W' => Some(Self::Both),
            _ => None,
        }
    }
}

impl CopyResponse {
    /// Reads a frame's body.
    ///
    /// # Errors
    /// When the formats are not as many as announced, or are neither 0 nor 1.
    pub fn decode(direction: CopyDirection, body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let format = Format::from_code(reader.u8()?.into())?;
        let count = reader.count()?;
        let columns = (0..count).map(|_| Format::from_code(reader.i16()?)).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { direction, format, columns })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When there are more than 65535 columns.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, self.direction.tag(), |out| {
            out.put_u8(u8::from(self.format == Format::Binary));
            put_count(out, "the list of columns", self.columns.len())?;
            self.columns.iter().for_each(|format| out.put_i16(format.code()));
            Ok(())
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn each_direction_comes_back_as_it_went() {
        for direction in [CopyDirection::In, CopyDirection::Out, CopyDirection::Both] {
            let response =
                CopyResponse { direction, format: Format::Binary, columns: vec![Format::Binary, Format::Text] };
            let mut out = BytesMut::new();
            response.encode(&mut out).unwrap();
            let back = CopyDirection::from_tag(out[0]).unwrap();
            assert_eq!(CopyResponse::decode(back, &out[5..]).unwrap(), response);
        }
    }

    #[test]
    fn an_unknown_format_is_refused() {
        let refused = CopyResponse::decode(CopyDirection::In, b"\x02\0\0");
        assert_eq!(refused, Err(DecodeError::Unexpected { what: "format code", value: 2 }));
    }
}
