//! DataRow: the cells of one row, borrowed from the message.

use bytes::BytesMut;

use crate::frame::{put_count, put_frame, put_value};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// One row.
///
/// Decoding checks the whole layout once and copies nothing; [`DataRow::cells`] then walks over it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DataRow<'a> {
    count: usize,
    cells: &'a [u8],
}

impl<'a> DataRow<'a> {
    /// `D`
    pub const TAG: u8 = b'D';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When the cells are not as many, or not as long, as announced.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let count = reader.count()?;
        let cells = reader.clone().rest();
        for _ in 0..count {
            take_cell(&mut reader)?;
        }
        reader.finish()?;
        Ok(Self { count, cells })
    }

    /// How many cells.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it has no cells, as in `SELECT` without columns.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The cells from left to right; `None` is NULL.
    pub fn cells(&self) -> Cells<'a> {
        Cells { left: self.count, reader: Reader::new(self.cells) }
    }

    /// Appends a row with these cells.
    ///
    /// # Errors
    /// When there are more than 65535 cells or more than 2 GiB.
    pub fn encode<'c>(
        cells: impl ExactSizeIterator<Item = Option<&'c [u8]>>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            put_count(out, "the list of cells", cells.len())?;
            cells.into_iter().try_for_each(|cell| put_value(out, cell))
        })
    }
}

/// Walks over the cells of a [`DataRow`].
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    left: usize,
    reader: Reader<'a>,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        // `decode` walked over the same bytes, so there is no error left to meet.
        take_cell(&mut self.reader).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Cells<'_> {}

fn take_cell<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, DecodeError> {
    match reader.i32()? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) => reader.take(length).map(Some),
            Err(_) => Err(DecodeError::Unexpected { what: "length of a cell", value: length.into() }),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_as_they_went() {
        let cells = [Some(&b"1"[..]), None, Some(b""), Some("한글".as_bytes())];
        let mut out = BytesMut::new();
        DataRow::encode(cells.into_iter(), &mut out).unwrap();
        let row = DataRow::decode(&out[5..]).unwrap();
        assert_eq!(row.len(), 4);
        assert_eq!(row.cells().collect::<Vec<_>>(), cells);
    }

    #[test]
    fn a_row_without_cells_is_a_row() {
        let row = DataRow::decode(b"\0\0").unwrap();
        assert!(row.is_empty());
        assert_eq!(row.cells().next(), None);
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        assert_eq!(DataRow::decode(b"\0\x01\0\0\0\x05ab"), Err(DecodeError::Truncated));
        assert_eq!(DataRow::decode(b"\0\x02\0\0\0\x01a"), Err(DecodeError::Truncated));
        assert_eq!(DataRow::decode(b"\0\0x"), Err(DecodeError::TrailingBytes { count: 1 }));
        let negative = DataRow::decode(b"\0\x01\xff\xff\xff\xfe");
        assert_eq!(negative, Err(DecodeError::Unexpected { what: "length of a cell", value: -2 }));
    }
}
