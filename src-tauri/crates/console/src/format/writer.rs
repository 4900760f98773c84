//! An encoder as the sink of a session.

use std::fmt;
use std::io::Write;
use std::ops::ControlFlow;

use postern_wire::ErrorResponse;

use super::{Encoder, Style, WriteError};
use crate::row::Row;
use crate::session::Sink;
use crate::types::Column;

/// What the server says beside the rows.
#[derive(Clone, Copy, Debug)]
pub enum Remark<'a> {
    /// A notice or warning.
    Notice(&'a ErrorResponse),
    /// A statement is done, with this command tag; empty for an empty statement.
    Done(&'a str),
}

/// A sink that writes to `W`. Writes wait for `W`, so this is for a thread of its own or a command line, not for a window.
///
/// Several results follow each other, with an empty line between them where the format has no other mark.
pub struct RowWriter<W, T = fn(Remark<'_>)> {
    encoder: Encoder<W>,
    error: Option<WriteError>,
    talk: T,
}

impl<W: Write + Send, T: FnMut(Remark<'_>) + Send> RowWriter<W, T> {
    /// Writes rows to `out` and hands `talk` everything else.
    pub fn new(style: impl Into<Style>, out: W, talk: T) -> Self {
        Self { encoder: Encoder::new(&style.into(), out), error: None, talk }
    }

    /// Writes what is left, and gives `W` back.
    ///
    /// # Errors
    /// The first that writing met, now or before; a broken pipe among them.
    pub fn finish(self) -> Result<W, WriteError> {
        let written = self.encoder.finish();
        match self.error {
            Some(error) => Err(error),
            None => written,
        }
    }

    /// Rows of the result that is being written, or was last.
    pub fn rows(&self) -> u64 {
        self.encoder.rows()
    }

    /// How many results have begun.
    pub fn results(&self) -> u64 {
        self.encoder.results()
    }

    /// Breaks, and remembers why. Nothing more is written then.
    fn kept(&mut self, done: Result<(), WriteError>) -> ControlFlow<()> {
        if let Err(error) = done {
            self.error.get_or_insert(error);
        }
        if self.error.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl<W: Write + Send, T: FnMut(Remark<'_>) + Send> Sink for RowWriter<W, T> {
    fn columns(&mut self, columns: Vec<Column>) -> ControlFlow<()> {
        let begun = self.encoder.begin(&columns);
        self.kept(begun)
    }

    fn row(&mut self, row: Row<'_>) -> ControlFlow<()> {
        let laid_out = self.encoder.row(row);
        self.kept(laid_out)
    }

    fn complete(&mut self, tag: &str) {
        let ended = self.encoder.end();
        let _ = self.kept(ended);
        (self.talk)(Remark::Done(tag));
    }

    fn notice(&mut self, notice: ErrorResponse) {
        (self.talk)(Remark::Notice(&notice));
    }

    async fn flush(&mut self) -> ControlFlow<()> {
        let written = if self.error.is_none() { self.encoder.write_out() } else { Ok(()) };
        self.kept(written)
    }
}

impl<W: fmt::Debug, T> fmt::Debug for RowWriter<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowWriter").field("encoder", &self.encoder).field("error", &self.error).finish_non_exhaustive()
    }
}
