//! RowDescription: the columns of the rows that follow, in PostgreSQL's own layout.
//!
//! Redshift adds fields to each column once a driver has asked for `client_protocol_version` 1 or more at start-up. Whoever decodes
//! this must not have asked; whoever only forwards must not decode.

use bytes::{BufMut, BytesMut};

use crate::frame::{put_count, put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError, Format};

/// The columns of the rows that follow.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowDescription {
    /// From left to right.
    pub columns: Vec<Column>,
}

/// A column of a result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Column {
    /// Its name or alias.
    pub name: String,
    /// Object id of the table it comes from; 0 when it is computed.
    pub table: u32,
    /// Number in that table; 0 when it is computed.
    pub attribute: i16,
    /// Object id of its type.
    pub type_oid: u32,
    /// Bytes per value; negative when they vary.
    pub type_size: i16,
    /// What follows the type's name: length, or precision and scale; -1 for none.
    pub type_modifier: i32,
    /// How its cells are written. `Text` in the answer to Describe on a statement, whatever is bound later.
    pub format: Format,
}

impl Column {
    /// A computed text-format column of a type.
    pub fn new(name: impl Into<String>, type_oid: u32) -> Self {
        Self {
            name: name.into(),
            table: 0,
            attribute: 0,
            type_oid,
            type_size: -1,
            type_modifier: -1,
            format: Format::Text,
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: reader.string()?.into_owned(),
            table: reader.u32()?,
            attribute: reader.i16()?,
            type_oid: reader.u32()?,
            type_size: reader.i16()?,
            type_modifier: reader.i32()?,
            format: Format::from_code(reader.i16()?)?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_string(out, "the name of a column", self.name.as_bytes())?;
        out.put_u32(self.table);
        out.put_i16(self.attribute);
        out.put_u32(self.type_oid);
        out.put_i16(self.type_size);
        out.put_i32(self.type_modifier);
        out.put_i16(self.format.code());
        Ok(())
    }
}

impl RowDescription {
    /// `T`
    pub const TAG: u8 = b'T';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not in PostgreSQL's own layout.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let count = reader.count()?;
        let columns = (0..count).map(|_| Column::decode(&mut reader)).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { columns })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When there are more than 65535 columns or a name holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            put_count(out, "the list of columns", self.columns.len())?;
            self.columns.iter().try_for_each(|column| column.encode(out))
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went() {
        let amount = Column {
            type_modifier: 1_179_654,
            table: 16_390,
            attribute: 4,
            format: Format::Binary,
            ..Column::new("금액", 1700)
        };
        let message = RowDescription { columns: vec![Column::new("id", 23), amount] };
        let mut out = BytesMut::new();
        message.encode(&mut out).unwrap();
        assert_eq!(RowDescription::decode(&out[5..]).unwrap(), message);
    }

    #[test]
    fn redshifts_longer_layout_is_refused_rather_than_misread() {
        let mut out = BytesMut::new();
        RowDescription { columns: vec![Column::new("id", 23)] }.encode(&mut out).unwrap();
        out.extend_from_slice(b"public\0t\0id\0dev\0\0\x01");
        assert!(matches!(RowDescription::decode(&out[5..]), Err(DecodeError::TrailingBytes { .. })));
    }
}
