//! RFC 4180, quoted the way COPY does: that is what tells NULL from an empty text, which no CSV library knows of.

use super::Layout;
use crate::row::Row;
use crate::types::Column;

#[derive(Default)]
pub(super) struct Csv {
    /// An earlier result stands above.
    follows: bool,
}

impl Layout for Csv {
    fn begin(&mut self, columns: Vec<Column>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.follows, true) {
            out.push(b'\n');
        }
        put_line(columns.iter().map(|column| Some(column.name.as_bytes())), out);
    }

    fn row(&mut self, row: Row<'_>, out: &mut Vec<u8>) {
        put_line(row.cells(), out);
    }

    fn end(&mut self, _out: &mut Vec<u8>) {}
}

fn put_line<'a>(cells: impl Iterator<Item = Option<&'a [u8]>>, out: &mut Vec<u8>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if let Some(cell) = cell {
            put_cell(cell, out);
        }
    }
    out.push(b'\n');
}

fn put_cell(cell: &[u8], out: &mut Vec<u8>) {
    let plain = !cell.is_empty() && !cell.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    // COPY takes a line of `\.` for the end of the data.
    if plain && cell != b"\\." {
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
