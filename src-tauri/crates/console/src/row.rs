//! A row as the server sent it: each cell a four-byte length and its text, -1 for NULL.
//!
//! This is the body of a DataRow message without its count. The store keeps rows in this form too: to keep a row is to
//! copy its bytes once, and nothing about a value can be lost.

use postern_wire::DecodeError;
use postern_wire::backend::DataRow;

/// A row whose cells are laid out as they should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row<'a> {
    columns: usize,
    raw: &'a [u8],
}

/// Bytes of the length in front of each cell.
pub(crate) const LENGTH_SIZE: usize = 4;

impl<'a> Row<'a> {
    /// The row in the body of a DataRow message.
    ///
    /// # Errors
    /// When its cells do not fill the body exactly, or are not `columns` many.
    pub fn decode(body: &'a [u8], columns: usize) -> Result<Self, DecodeError> {
        let count = DataRow::decode(body)?.len();
        if count != columns {
            return Err(DecodeError::Unexpected { what: "number of cells in this result", value: count as i64 });
        }
        Ok(Self { columns, raw: &body[2..] })
    }

    /// A row that the store took apart from [`Self::raw`] of one.
    pub(crate) fn from_raw(raw: &'a [u8], columns: usize) -> Self {
        Self { columns, raw }
    }

    /// All cells with their lengths.
    pub(crate) fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Bytes of all cells, not counting their lengths.
    pub fn bytes(&self) -> u64 {
        (self.raw.len() - LENGTH_SIZE * self.columns) as u64
    }

    /// Its cells in order; `None` is NULL. The text is in the session's encoding, UTF-8, but no one has checked.
    pub fn cells(&self) -> Cells<'a> {
        Cells { left: self.columns, rest: self.raw }
    }
}

/// Iterates over the cells of a [`Row`].
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    left: usize,
    rest: &'a [u8],
}

impl<'a> Iterator for Cells<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        // Lengths were checked when the row came in; a spill file that was damaged since makes the row end early.
        let (length, rest) = self.rest.split_first_chunk::<LENGTH_SIZE>()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            self.rest = rest;
            return Some(None);
        };
        let (cell, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Some(cell))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn cells_come_out_with_null_apart_from_empty() {
        let row = Row::decode(b"\0\x03\xff\xff\xff\xff\0\0\0\0\0\0\0\x02ab", 3).unwrap();
        assert_eq!(row.cells().collect::<Vec<_>>(), [None, Some(&b""[..]), Some(b"ab")]);
        assert_eq!(row.bytes(), 2);
    }

    #[test]
    fn a_row_with_another_number_of_cells_is_refused() {
        assert!(Row::decode(b"\0\x01\0\0\0\0", 2).is_err());
        assert!(Row::decode(b"\0\x01\0\0\0\x05a", 1).is_err());
        assert!(Row::decode(b"", 0).is_err());
        assert_eq!(Row::decode(b"\0\0", 0).unwrap().cells().next(), None);
    }
}
