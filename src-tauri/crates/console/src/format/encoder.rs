//! Results into bytes into a writer. Memory does not grow with the rows.

use std::fmt;
use std::io::Write;

use super::{Cell, Format, Layout, LayoutError, Misfit, Style, WriteError, layout};
use crate::row::Row;
use crate::types::Column;

/// What has been laid out is written when it is more than this.
const BUFFER: usize = 256 << 10;

/// Writes results to `W`, one after the other, in one style.
///
/// A result that breaks off is left without its end: half an array is not mistaken for a whole one.
pub struct Encoder<W> {
    out: W,
    layout: Box<dyn Layout>,
    chosen: Option<Vec<usize>>,
    /// Names of the columns that are written.
    names: Vec<String>,
    /// Columns of the result, chosen or not.
    width: usize,
    /// Laid out and not written yet.
    buffer: Vec<u8>,
    in_result: bool,
    rows: u64,
    /// How many results have begun.
    results: u64,
    format: Format,
}

impl<W: Write> Encoder<W> {
    /// Nothing is written yet.
    pub fn new(style: &Style, out: W) -> Self {
        Self {
            out,
            layout: layout(style),
            chosen: style.columns.clone(),
            names: Vec::new(),
            width: 0,
            buffer: Vec::new(),
            in_result: false,
            rows: 0,
            results: 0,
            format: style.format,
        }
    }

    /// A result begins.
    ///
    /// # Errors
    /// When the format has no room for it, or a chosen column is not there.
    pub fn begin(&mut self, columns: &[Column]) -> Result<(), WriteError> {
        self.width = columns.len();
        self.rows = 0;
        let chosen: Vec<&Column> = match &self.chosen {
            None => columns.iter().collect(),
            Some(chosen) => chosen
                .iter()
                .map(|index| columns.get(*index).ok_or(WriteError::NoSuchColumn(*index)))
                .collect::<Result<_, _>>()?,
        };
        self.names = chosen.iter().map(|column| column.name.clone()).collect();
        self.layout.begin(&chosen, &mut self.buffer)?;
        self.in_result = true;
        self.results += 1;
        Ok(())
    }

    /// One of its rows.
    ///
    /// # Errors
    /// [`WriteError::Misfit`] when a value has no exact form in this format.
    pub fn row(&mut self, row: Row<'_>) -> Result<(), WriteError> {
        self.rows += 1;
        let all: Vec<Cell<'_>> = row.cells().collect();
        if all.len() != self.width {
            return Err(WriteError::Damaged(self.rows));
        }
        let laid_out = match &self.chosen {
            None => self.layout.row(&all, &mut self.buffer).map_err(|error| (error, all)),
            Some(chosen) => {
                let cells: Vec<Cell<'_>> = chosen.iter().map(|index| all.get(*index).copied().flatten()).collect();
                self.layout.row(&cells, &mut self.buffer).map_err(|error| (error, cells))
            }
        };
        laid_out.map_err(|(error, cells)| self.named(error, &cells))
    }

    /// The result has no more rows.
    ///
    /// # Errors
    /// As the library of the format says.
    pub fn end(&mut self) -> Result<(), WriteError> {
        if std::mem::take(&mut self.in_result) {
            return self.layout.end(&mut self.buffer).map_err(|error| self.named(error, &[]));
        }
        Ok(())
    }

    /// Rows of the result that is being written, or was last.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many results have begun.
    pub fn results(&self) -> u64 {
        self.results
    }

    /// Writes what is laid out, if it is worth it.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn write_some(&mut self) -> Result<(), WriteError> {
        if self.buffer.len() < BUFFER { Ok(()) } else { self.write_out() }
    }

    /// Writes all that is laid out.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn write_out(&mut self) -> Result<(), WriteError> {
        let written = self.out.write_all(&self.buffer).and_then(|()| self.out.flush());
        self.buffer.clear();
        // One huge cell must not be paid for until the end.
        self.buffer.shrink_to(1 << 20);
        written.map_err(WriteError::Io)
    }

    /// Writes what is left, and gives `W` back.
    ///
    /// # Errors
    /// [`WriteError::Io`]; [`WriteError::NoResult`] when nothing is no file of this format.
    pub fn finish(mut self) -> Result<W, WriteError> {
        if self.results == 0 && self.format.is_binary() {
            return Err(WriteError::NoResult(self.format));
        }
        if self.in_result {
            self.layout.break_off(&mut self.buffer);
        }
        self.write_out()?;
        Ok(self.out)
    }

    fn named(&self, error: LayoutError, cells: &[Cell<'_>]) -> WriteError {
        match error {
            LayoutError::Write(error) => error,
            LayoutError::Misfit(column, reason) => {
                let name = self.names.get(column).map_or("", String::as_str);
                let cell = cells.get(column).copied().flatten().unwrap_or_default();
                WriteError::Misfit(Box::new(Misfit::new(self.rows, name, cell, reason)))
            }
        }
    }
}

impl<W: fmt::Debug> fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("out", &self.out).field("rows", &self.rows).finish_non_exhaustive()
    }
}
