//! Reading a result: a window for the grid, one cell for the viewer, whole rows for whoever needs them exactly.
//!
//! These may wait for a disk: call them where that stops nobody.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use super::chunk::{CHUNK_BYTES, Chunk};
use super::spill::{Spilled, damaged};
use super::{Place, ResultStore, StoreError};
use crate::row::{LENGTH_SIZE, Row};

/// Cells of a window are cut at this many characters.
const WINDOW_CELL_CHARS: usize = 1_000;

/// Bytes that hold that many characters, whichever they are.
const WINDOW_CELL_BYTES: usize = 4 * WINDOW_CELL_CHARS;

/// Rows to show.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Window {
    /// Number of the first row, from 0.
    pub first: u64,
    /// Text of each cell; `None` is NULL. Bytes that are not UTF-8 were replaced.
    pub rows: Vec<Vec<Option<String>>>,
    /// Cells longer than a thousand characters, of which only those are here.
    pub cut: Vec<CutCell>,
}

/// A cell that is longer than what a window shows of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CutCell {
    /// Row of the result, from 0.
    pub row: u64,
    /// Column, from 0.
    pub column: usize,
    /// Size of the whole cell.
    pub bytes: u64,
}

/// One cell, or as much of it as was asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CellText {
    /// `None` is NULL. Bytes that are not UTF-8 were replaced.
    pub text: Option<String>,
    /// Size of the whole cell.
    pub bytes: u64,
    /// There is more than `text`.
    pub cut: bool,
}

/// The first bytes of a cell and the size of the whole; `None` is NULL.
type Prefix<'a> = Option<(&'a [u8], usize)>;

impl ResultStore {
    /// At most `count` rows from row `first` on; fewer at the end, none behind it.
    ///
    /// # Errors
    /// [`StoreError::Read`] when the spill file cannot be read.
    pub fn window(&self, first: u64, count: usize) -> Result<Window, StoreError> {
        let mut window = Window { first, ..Window::default() };
        self.each_prefix(first, count, WINDOW_CELL_BYTES, |row, column, cell| {
            if window.rows.len() as u64 == row - first {
                window.rows.push(Vec::with_capacity(self.columns.len()));
            }
            let Some(column) = column else { return };
            let text = cell.map(|(bytes, size)| {
                let (text, cut) = cut_to_chars(bytes, size);
                if cut {
                    window.cut.push(CutCell { row, column, bytes: size as u64 });
                }
                text
            });
            if let Some(cells) = window.rows.last_mut() {
                cells.push(text);
            }
        })?;
        Ok(window)
    }

    /// One cell, of which `text` holds at most `limit` bytes, counted as the server sent them.
    ///
    /// # Errors
    /// [`StoreError::NoSuchCell`] behind the end, [`StoreError::Read`] when the spill file cannot be read.
    pub fn cell(&self, row: u64, column: usize, limit: usize) -> Result<CellText, StoreError> {
        let mut found = None;
        // One byte more than asked for tells whether a character is cut in two.
        self.each_prefix(row, 1, limit.saturating_add(1), |_, at, cell| {
            if at == Some(column) {
                found = Some(cell.map_or_else(CellText::default, |(bytes, size)| cut_to_bytes(bytes, size, limit)));
            }
        })?;
        found.ok_or(StoreError::NoSuchCell { row, column })
    }

    /// Hands `visit` at most `count` rows from row `first` on, exactly as the server sent them, until it breaks.
    ///
    /// # Errors
    /// [`StoreError::Read`] when the spill file cannot be read.
    pub fn visit(
        &self,
        first: u64,
        count: u64,
        mut visit: impl FnMut(Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut next = first;
        let end = first.saturating_add(count);
        let mut batch = RawRows::default();
        while next < end {
            // Copied out first: what `visit` does with a row may take long, and the lock must not be held meanwhile.
            self.copy_rows(next, usize::try_from(end - next).unwrap_or(usize::MAX), &mut batch)?;
            if batch.ends.is_empty() {
                break;
            }
            for raw in batch.iter() {
                if visit(Row::from_raw(raw, self.columns.len())).is_break() {
                    return Ok(());
                }
            }
            next += batch.ends.len() as u64;
        }
        Ok(())
    }

    /// Hands `visit` the first `limit` bytes of every cell of the rows asked for, and a row without cells once.
    fn each_prefix(
        &self,
        first: u64,
        count: usize,
        limit: usize,
        mut visit: impl FnMut(u64, Option<usize>, Prefix<'_>),
    ) -> Result<(), StoreError> {
        let mut next = first;
        let end = first.saturating_add(count as u64);
        while next < end {
            let Some(found) = self.locate(next, end, |row, raw| self.prefixes(row, raw, limit, &mut visit)) else {
                return Ok(());
            };
            next = match found {
                Found::Visited { next } => next,
                Found::Memory { chunk, rows, first } => {
                    for index in rows.clone() {
                        self.prefixes(first + index as u64, chunk.row(index), limit, &mut visit);
                    }
                    first + rows.end as u64
                }
                Found::File { chunk, rows, first } => {
                    self.file_prefixes(chunk, rows.clone(), first, limit, &mut visit)?;
                    first + rows.end as u64
                }
            };
        }
        Ok(())
    }

    fn prefixes(&self, row: u64, raw: &[u8], limit: usize, visit: &mut impl FnMut(u64, Option<usize>, Prefix<'_>)) {
        visit(row, None, None);
        for (column, cell) in Row::from_raw(raw, self.columns.len()).cells().enumerate() {
            visit(row, Some(column), cell.map(|cell| (&cell[..cell.len().min(limit)], cell.len())));
        }
    }

    fn file_prefixes(
        &self,
        chunk: Spilled,
        rows: Range<usize>,
        first: u64,
        limit: usize,
        visit: &mut impl FnMut(u64, Option<usize>, Prefix<'_>),
    ) -> Result<(), StoreError> {
        if chunk.bytes() > CHUNK_BYTES {
            // One large row, alone in its chunk: step from cell to cell rather than read it all.
            return self.large_row_prefixes(chunk, first, limit, visit);
        }
        let (data, bounds) = self.read_rows(chunk, rows.clone())?;
        for (index, bound) in rows.zip(bounds.windows(2)) {
            self.prefixes(first + index as u64, &data[bound[0] - bounds[0]..bound[1] - bounds[0]], limit, visit);
        }
        Ok(())
    }

    fn large_row_prefixes(
        &self,
        chunk: Spilled,
        row: u64,
        limit: usize,
        visit: &mut impl FnMut(u64, Option<usize>, Prefix<'_>),
    ) -> Result<(), StoreError> {
        visit(row, None, None);
        let mut at = 0;
        for column in 0..self.columns.len() {
            let header = self.read_bytes(chunk, at..at + LENGTH_SIZE)?;
            let length = header.first_chunk().map_or(-1, |length| i32::from_be_bytes(*length));
            at += LENGTH_SIZE;
            let Ok(size) = usize::try_from(length) else {
                visit(row, Some(column), None);
                continue;
            };
            let prefix = self.read_bytes(chunk, at..at + size.min(limit))?;
            visit(row, Some(column), Some((&prefix, size)));
            at += size;
        }
        Ok(())
    }

    /// Copies rows from `first` on into `batch`: what one chunk has of them, none behind the end.
    fn copy_rows(&self, first: u64, count: usize, batch: &mut RawRows) -> Result<(), StoreError> {
        batch.clear();
        match self.locate(first, first.saturating_add(count as u64), |_, raw| batch.push(raw)) {
            None | Some(Found::Visited { .. }) => {}
            Some(Found::Memory { chunk, rows, .. }) => rows.for_each(|index| batch.push(chunk.row(index))),
            Some(Found::File { chunk, rows, .. }) => {
                let (data, bounds) = self.read_rows(chunk, rows)?;
                batch.ends.extend(bounds[1..].iter().map(|end| end - bounds[0]));
                batch.data = data;
            }
        }
        Ok(())
    }

    /// Rows of a chunk in the file, and where each begins and ends in the chunk.
    fn read_rows(&self, chunk: Spilled, rows: Range<usize>) -> Result<(Vec<u8>, Vec<usize>), StoreError> {
        let file = self.spill.0.get().ok_or_else(|| self.read_error(damaged()))?;
        let bounds = file.bounds(chunk, rows).map_err(|source| self.read_error(source))?;
        let data = self.read_bytes(chunk, bounds[0]..bounds[bounds.len() - 1])?;
        Ok((data, bounds))
    }

    fn read_bytes(&self, chunk: Spilled, range: Range<usize>) -> Result<Vec<u8>, StoreError> {
        let file = self.spill.0.get().ok_or_else(|| self.read_error(damaged()))?;
        if range.end > chunk.bytes() {
            return Err(self.read_error(damaged()));
        }
        file.read(chunk, range).map_err(|source| self.read_error(source))
    }

    /// Finds the chunk with row `next`, and which of its rows are before `end`. Those of the chunk being filled, which
    /// can be read only under the lock, are handed to `visit` at once.
    fn locate(&self, next: u64, end: u64, mut visit: impl FnMut(u64, &[u8])) -> Option<Found> {
        let chunks = self.chunks();
        let rows_of = |first: u64, rows: usize| {
            let offset = |row: u64| usize::try_from(row - first).unwrap_or(usize::MAX).min(rows);
            offset(next)..offset(end)
        };
        if next >= chunks.open_first {
            let rows = rows_of(chunks.open_first, chunks.open.rows());
            for index in rows.clone() {
                visit(chunks.open_first + index as u64, chunks.open.row(index));
            }
            return (!rows.is_empty()).then(|| Found::Visited { next: chunks.open_first + rows.end as u64 });
        }
        let after = chunks.sealed.partition_point(|sealed| sealed.first <= next);
        let sealed = chunks.sealed.get(after.checked_sub(1)?)?;
        let first = sealed.first;
        Some(match sealed.place.clone() {
            Place::Memory(chunk) => Found::Memory { rows: rows_of(first, chunk.rows()), chunk, first },
            Place::File(chunk) => Found::File { rows: rows_of(first, chunk.rows()), chunk, first },
        })
    }
}

/// Where some rows are. `rows` counts from the chunk's first one, whose number in the result is `first`.
enum Found {
    Visited { next: u64 },
    Memory { chunk: std::sync::Arc<Chunk>, rows: Range<usize>, first: u64 },
    File { chunk: Spilled, rows: Range<usize>, first: u64 },
}

/// Rows copied out of a chunk.
#[derive(Default)]
struct RawRows {
    data: Vec<u8>,
    ends: Vec<usize>,
}

impl RawRows {
    fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }

    fn push(&mut self, raw: &[u8]) {
        self.data.extend_from_slice(raw);
        self.ends.push(self.data.len());
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.data[start..end])
    }
}

/// Text of a cell whose first [`WINDOW_CELL_BYTES`] are given, and whether it is longer.
fn cut_to_chars(prefix: &[u8], size: usize) -> (String, bool) {
    let text = String::from_utf8_lossy(prefix);
    if size <= WINDOW_CELL_CHARS {
        return (text.into_owned(), false);
    }
    match text.char_indices().nth(WINDOW_CELL_CHARS) {
        Some((end, _)) => (text[..end].to_owned(), true),
        None => (text.into_owned(), prefix.len() < size),
    }
}

/// Text of a cell of which one byte more than `limit` is given, without the half of a character at its end.
fn cut_to_bytes(prefix: &[u8], size: usize, limit: usize) -> CellText {
    let cut = size > limit;
    let shown = if cut { &prefix[..whole_characters(prefix, limit)] } else { prefix };
    let text: Cow<'_, str> = String::from_utf8_lossy(shown);
    CellText { text: Some(text.into_owned()), bytes: size as u64, cut }
}

/// The last character boundary at or before `limit`, which is inside `bytes`.
fn whole_characters(bytes: &[u8], limit: usize) -> usize {
    let is_continuation = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let nearest = (limit.saturating_sub(3)..=limit).rev().find(|&at| !is_continuation(at));
    nearest.unwrap_or(limit)
}
