//! Writes rows as they come, for `postern db exec`: nothing is kept but what a layout needs to go on.
//!
//! Values are written exactly: what the server sent is what can be read back, number by number. Only the table, which is
//! for eyes, replaces what would confuse a terminal.

mod csv;
mod json;
mod table;

use std::fmt;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::str::FromStr;

use postern_wire::ErrorResponse;

use crate::row::Row;
use crate::session::Sink;
use crate::types::Column;

/// How rows are laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Aligned columns for a terminal, as psql shows them.
    Table,
    /// RFC 4180 with a header line, as COPY writes it: NULL is nothing, an empty text is `""`.
    Csv,
    /// An array of objects.
    Json,
    /// An object per line.
    Ndjson,
}

impl Format {
    /// All of them, for a list of choices.
    pub const ALL: [Self; 4] = [Self::Table, Self::Csv, Self::Json, Self::Ndjson];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// A name that is no format's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no format: table, csv, json and ndjson are")]
pub struct UnknownFormat(String);

/// What the server says beside the rows.
#[derive(Clone, Copy, Debug)]
pub enum Remark<'a> {
    /// A notice or warning.
    Notice(&'a ErrorResponse),
    /// A statement is done, with this command tag; empty for an empty statement.
    Done(&'a str),
}

/// A sink that writes to `W`. Writes wait for `W`, so this is for a command line, not for a window.
///
/// Several results follow each other, with an empty line between them where the format has no other mark. A result that
/// breaks off is left without its end: half an array is not mistaken for a whole one.
pub struct RowWriter<W, T = fn(Remark<'_>)> {
    out: W,
    layout: Box<dyn Layout>,
    /// Laid out and not written yet.
    buffer: Vec<u8>,
    in_result: bool,
    error: Option<io::Error>,
    talk: T,
}

impl<W: Write + Send, T: FnMut(Remark<'_>) + Send> RowWriter<W, T> {
    /// Writes rows to `out` and hands `talk` everything else.
    pub fn new(format: Format, out: W, talk: T) -> Self {
        let layout: Box<dyn Layout> = match format {
            Format::Table => Box::<table::Table>::default(),
            Format::Csv => Box::<csv::Csv>::default(),
            Format::Json => Box::new(json::Json::array()),
            Format::Ndjson => Box::new(json::Json::lines()),
        };
        Self { out, layout, buffer: Vec::new(), in_result: false, error: None, talk }
    }

    /// Writes what is left, and gives `W` back.
    ///
    /// # Errors
    /// The first that writing met, now or before; a broken pipe among them.
    pub fn finish(mut self) -> io::Result<W> {
        if self.in_result {
            self.layout.break_off(&mut self.buffer);
        }
        self.write_out();
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }

    fn write_out(&mut self) {
        if self.error.is_none() {
            let written = self.out.write_all(&self.buffer).and_then(|()| self.out.flush());
            self.error = written.err();
        }
        self.buffer.clear();
        // One huge cell must not be paid for until the end.
        self.buffer.shrink_to(1 << 20);
    }
}

impl<W: Write + Send, T: FnMut(Remark<'_>) + Send> Sink for RowWriter<W, T> {
    fn columns(&mut self, columns: Vec<Column>) -> ControlFlow<()> {
        self.in_result = true;
        self.layout.begin(columns, &mut self.buffer);
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: Row<'_>) -> ControlFlow<()> {
        self.layout.row(row, &mut self.buffer);
        ControlFlow::Continue(())
    }

    fn complete(&mut self, tag: &str) {
        if std::mem::take(&mut self.in_result) {
            self.layout.end(&mut self.buffer);
        }
        (self.talk)(Remark::Done(tag));
    }

    fn notice(&mut self, notice: ErrorResponse) {
        (self.talk)(Remark::Notice(&notice));
    }

    async fn flush(&mut self) -> ControlFlow<()> {
        self.write_out();
        if self.error.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl<W: fmt::Debug, T> fmt::Debug for RowWriter<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowWriter").field("out", &self.out).field("error", &self.error).finish_non_exhaustive()
    }
}

/// Turns results into bytes, one after the other.
trait Layout: Send {
    fn begin(&mut self, columns: Vec<Column>, out: &mut Vec<u8>);

    fn row(&mut self, row: Row<'_>, out: &mut Vec<u8>);

    fn end(&mut self, out: &mut Vec<u8>);

    /// No more rows of this result will come, though it has more.
    fn break_off(&mut self, _out: &mut Vec<u8>) {}
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
