//! Aligned columns as psql's: the widths come from the first rows, and rows that are wider later stick out.

use unicode_width::UnicodeWidthChar as _;

use super::{Layout, LayoutError, WriteError};
use crate::types::Column;

/// The widths are settled after this many rows,
const MEASURED_ROWS: usize = 1_000;

/// or after this many bytes of them.
const MEASURED_BYTES: usize = 1 << 20;

/// No column is padded to more than this: beyond, alignment helps nobody and costs megabytes.
const MAX_WIDTH: usize = 1_000;

#[derive(Default)]
pub(super) struct Table {
    columns: Vec<TableColumn>,
    /// Rows that wait for the widths to be settled.
    waiting: Vec<Vec<Cell>>,
    waiting_bytes: usize,
    settled: bool,
    rows: u64,
}

struct TableColumn {
    title: Cell,
    numeric: bool,
    width: usize,
}

/// The lines of a cell, each with its width on a terminal.
type Cell = Vec<(String, usize)>;

impl Layout for Table {
    fn begin(&mut self, columns: &[&Column], _out: &mut Vec<u8>) -> Result<(), WriteError> {
        *self = Self::default();
        for column in columns {
            let title = lines(column.name.as_bytes());
            let width = width(&title);
            self.columns.push(TableColumn { title, numeric: column.numeric(), width });
        }
        Ok(())
    }

    fn row(&mut self, row: &[super::Cell<'_>], out: &mut Vec<u8>) -> Result<(), LayoutError> {
        self.rows += 1;
        let cells: Vec<Cell> = row.iter().map(|cell| lines(cell.unwrap_or_default())).collect();
        if self.settled {
            self.put_row(&cells, out);
            return Ok(());
        }
        for (column, cell) in self.columns.iter_mut().zip(&cells) {
            column.width = column.width.max(width(cell).min(MAX_WIDTH));
        }
        self.waiting.push(cells);
        self.waiting_bytes += row.iter().map(|cell| cell.map_or(0, <[u8]>::len)).sum::<usize>();
        if self.waiting.len() == MEASURED_ROWS || self.waiting_bytes > MEASURED_BYTES {
            self.settle(out);
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), LayoutError> {
        self.settle(out);
        let plural = if self.rows == 1 { "" } else { "s" };
        out.extend_from_slice(format!("({} row{plural})\n\n", self.rows).as_bytes());
        Ok(())
    }

    fn break_off(&mut self, out: &mut Vec<u8>) {
        self.settle(out);
    }
}

impl Table {
    /// Writes the heading and the rows that waited for it, once.
    fn settle(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        if !self.columns.is_empty() {
            self.put_heading(out);
        }
        for cells in std::mem::take(&mut self.waiting) {
            self.put_row(&cells, out);
        }
    }

    fn put_heading(&self, out: &mut Vec<u8>) {
        let height = self.columns.iter().map(|column| column.title.len()).max().unwrap_or(1);
        for line in 0..height {
            for (index, column) in self.columns.iter().enumerate() {
                put_separator(index, out);
                let (text, width) = column.title.get(line).map_or(("", 0), |(text, width)| (text, *width));
                let space = column.width.saturating_sub(width);
                put_spaces(space / 2, out);
                out.extend_from_slice(text.as_bytes());
                put_spaces(space - space / 2, out);
                out.push(if column.title.len() > line + 1 { b'+' } else { b' ' });
            }
            out.push(b'\n');
        }
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push(b'+');
            }
            out.resize(out.len() + column.width + 2, b'-');
        }
        out.push(b'\n');
    }

    fn put_row(&self, cells: &[Cell], out: &mut Vec<u8>) {
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
                put_separator(index, out);
                let (text, width) = cell.get(line).map_or(("", 0), |(text, width)| (text, *width));
                let space = column.width.saturating_sub(width);
                let goes_on = cell.len() > line + 1;
                let last = index + 1 == self.columns.len();
                if column.numeric {
                    put_spaces(space, out);
                }
                out.extend_from_slice(text.as_bytes());
                if !column.numeric && (goes_on || !last) {
                    put_spaces(space, out);
                }
                if goes_on {
                    out.push(b'+');
                } else if !last {
                    out.push(b' ');
                }
            }
            out.push(b'\n');
        }
    }
}

fn put_separator(index: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(if index == 0 { b" " } else { b"| " });
}

fn put_spaces(count: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + count, b' ');
}

fn width(cell: &Cell) -> usize {
    cell.iter().map(|(_, width)| *width).max().unwrap_or(0)
}

fn lines(cell: &[u8]) -> Cell {
    String::from_utf8_lossy(cell).split('\n').map(printable).collect()
}

/// Data must not move the cursor, ring bells or recolour a terminal: control characters are spelled out as psql does.
fn printable(line: &str) -> (String, usize) {
    let mut shown = String::with_capacity(line.len());
    let mut width = 0;
    for character in line.chars() {
        match character.width() {
            Some(columns) => {
                shown.push(character);
                width += columns;
            }
            None if character == '\t' => {
                let stop = 8 - width % 8;
                shown.extend(std::iter::repeat_n(' ', stop));
                width += stop;
            }
            None => {
                let spelled = match character {
                    '\r' => "\\r".to_owned(),
                    other => format!("\\x{:02X}", u32::from(other)),
                };
                width += spelled.len();
                shown.push_str(&spelled);
            }
        }
    }
    (shown, width)
}
