//! RFC 4180, quoted the way COPY does: that is what tells NULL from an empty text, which no CSV library knows of.

use super::{Cell, Layout, LayoutError, WriteError};
use crate::types::Column;

/// Tells Excel and others of its kind that the file is UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What can be chosen about CSV.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CsvStyle {
    /// Between two cells: an ASCII character that is neither a quote nor a line end.
    pub delimiter: u8,
    /// Which cells stand in quotes.
    pub quote: Quote,
    /// A line with the column names first.
    pub header: bool,
    /// Begin with a byte order mark.
    pub bom: bool,
    /// Stands for NULL, never in quotes. A text that reads the same is put in quotes.
    pub null: String,
}

/// Which cells stand in quotes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Quote {
    /// Those that would be read as something else without.
    Needed,
    /// All but NULL.
    Always,
}

impl Default for CsvStyle {
    fn default() -> Self {
        Self { delimiter: b',', quote: Quote::Needed, header: true, bom: false, null: String::new() }
    }
}

impl CsvStyle {
    /// What is wrong with it, if anything.
    pub fn problem(&self) -> Option<String> {
        let delimiter = char::from(self.delimiter);
        if !self.delimiter.is_ascii() || matches!(delimiter, '"' | '\n' | '\r' | '\0') {
            return Some(format!("{delimiter:?} cannot stand between cells; use a comma, a semicolon, a tab or a bar"));
        }
        if self.null.contains([delimiter, '"', '\n', '\r']) {
            return Some(format!(
                "{:?} cannot stand for NULL: it holds a quote, a line end or the delimiter",
                self.null
            ));
        }
        None
    }
}

pub(super) struct Csv {
    style: CsvStyle,
    /// Something stands above: the mark, or an earlier result.
    begun: bool,
}

impl Csv {
    pub(super) fn new(style: CsvStyle) -> Self {
        Self { style, begun: false }
    }
}

impl Layout for Csv {
    fn begin(&mut self, columns: &[&Column], out: &mut Vec<u8>) -> Result<(), WriteError> {
        if std::mem::replace(&mut self.begun, true) {
            out.push(b'\n');
        } else if self.style.bom {
            out.extend_from_slice(BOM);
        }
        if self.style.header {
            self.put_line(columns.iter().map(|column| Some(column.name.as_bytes())), out);
        }
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), LayoutError> {
        self.put_line(cells.iter().copied(), out);
        Ok(())
    }

    fn end(&mut self, _out: &mut Vec<u8>) -> Result<(), LayoutError> {
        Ok(())
    }
}

impl Csv {
    fn put_line<'a>(&self, cells: impl Iterator<Item = Cell<'a>>, out: &mut Vec<u8>) {
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                out.push(self.style.delimiter);
            }
            match cell {
                Some(cell) => self.put_cell(cell, out),
                None => out.extend_from_slice(self.style.null.as_bytes()),
            }
        }
        out.push(b'\n');
    }

    fn put_cell(&self, cell: &[u8], out: &mut Vec<u8>) {
        let special = |byte: &u8| *byte == self.style.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        // COPY takes a line of `\.` for the end of the data.
        let misread = cell.is_empty() || cell == b"\\." || cell == self.style.null.as_bytes();
        if self.style.quote == Quote::Needed && !misread && !cell.iter().any(special) {
            out.extend_from_slice(cell);
            return;
        }
        out.push(b'"');
        for (index, piece) in cell.split(|&byte| byte == b'"').enumerate() {
            if index > 0 {
                out.extend_from_slice(b"\"\"");
            }
            out.extend_from_slice(piece);
        }
        out.push(b'"');
    }
}
