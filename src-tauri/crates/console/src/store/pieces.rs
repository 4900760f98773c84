//! Going over all rows of a result, piece by piece and on several threads: what sorting, searching and counting read.

use std::io;
use std::sync::Arc;

use super::chunk::{CHUNK_BYTES, Chunk};
use super::spill::{Spilled, damaged};
use super::{Place, ResultStore, StoreError};
use crate::row::{LENGTH_SIZE, Row};

/// Of a row that is too large for a piece, this much of each cell is read unless all of it is wanted.
pub(crate) const CELL_REACH: usize = 64 << 10;

/// How much of a large row is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// At least the first [`CELL_REACH`] bytes of each cell.
    Beginning,
    /// All of it, whatever memory that takes.
    Whole,
}

/// The rows that a result had at one moment.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    store: &'a ResultStore,
    /// So many full chunks,
    sealed: usize,
    /// and what was in the one being filled.
    open: Arc<Chunk>,
    open_first: u64,
}

/// Memory for one piece after the other.
#[derive(Debug, Default)]
pub(crate) struct PieceBuffer {
    data: Vec<u8>,
    ends: Vec<u32>,
    /// Keeps a piece that is in memory where it is.
    chunk: Arc<Chunk>,
}

/// Some rows in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    /// Number of the first, from 0.
    pub(crate) first: u64,
    columns: usize,
    data: &'a [u8],
    ends: &'a [u32],
}

impl ResultStore {
    /// Its rows as of now.
    pub(crate) fn pieces(&self) -> Pieces<'_> {
        let chunks = self.chunks();
        Pieces {
            store: self,
            sealed: chunks.sealed.len(),
            open: Arc::new(chunks.open.clone()),
            open_first: chunks.open_first,
        }
    }
}

impl Pieces<'_> {
    pub(crate) fn len(&self) -> usize {
        self.sealed + usize::from(self.open.rows() > 0)
    }

    /// How many rows they have together.
    pub(crate) fn rows(&self) -> u64 {
        self.open_first + self.open.rows() as u64
    }

    /// Which piece has a row.
    pub(crate) fn piece_of(&self, row: u64) -> usize {
        if row >= self.open_first {
            return self.sealed;
        }
        self.store.chunks().sealed[..self.sealed].partition_point(|sealed| sealed.first <= row).saturating_sub(1)
    }

    /// Reads a piece. There are [`Self::len`] of them.
    pub(crate) fn read<'b>(
        &self,
        index: usize,
        reach: Reach,
        buffer: &'b mut PieceBuffer,
    ) -> Result<Piece<'b>, StoreError> {
        let (first, place) = match index == self.sealed {
            true => (self.open_first, Place::Memory(Arc::clone(&self.open))),
            false => {
                let chunks = self.store.chunks();
                let sealed = &chunks.sealed[index];
                (sealed.first, sealed.place.clone())
            }
        };
        let columns = self.store.columns.len();
        Ok(match place {
            Place::Memory(chunk) => {
                buffer.chunk = chunk;
                Piece { first, columns, data: buffer.chunk.data(), ends: buffer.chunk.ends() }
            }
            Place::File(chunk) => {
                self.load(chunk, reach, buffer).map_err(|source| self.store.read_error(source))?;
                Piece { first, columns, data: &buffer.data, ends: &buffer.ends }
            }
        })
    }

    fn load(&self, chunk: Spilled, reach: Reach, buffer: &mut PieceBuffer) -> io::Result<()> {
        // A buffer that held one large row is not kept for all the others.
        if buffer.data.capacity() > 4 * CHUNK_BYTES {
            buffer.data = Vec::new();
        }
        let file = self.store.spill.0.get().ok_or_else(damaged)?;
        if reach == Reach::Whole || chunk.bytes() <= CHUNK_BYTES {
            return file.read_whole(chunk, &mut buffer.data, &mut buffer.ends);
        }
        buffer.data.clear();
        let mut at = 0;
        for _ in 0..self.store.columns.len() {
            let header = file.read(chunk, at..(at + LENGTH_SIZE).min(chunk.bytes()))?;
            let length = i32::from_be_bytes(*header.first_chunk().ok_or_else(damaged)?);
            at += LENGTH_SIZE;
            let size = usize::try_from(length).unwrap_or(0);
            if at + size > chunk.bytes() {
                return Err(damaged());
            }
            let shown = size.min(CELL_REACH);
            let length = if length < 0 { length } else { i32::try_from(shown).unwrap_or(i32::MAX) };
            buffer.data.extend_from_slice(&length.to_be_bytes());
            buffer.data.extend_from_slice(&file.read(chunk, at..at + shown)?);
            at += size;
        }
        buffer.ends.clear();
        buffer.ends.push(u32::try_from(buffer.data.len()).map_err(io::Error::other)?);
        Ok(())
    }
}

impl<'a> Piece<'a> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A row by its place in the piece.
    pub(crate) fn row(&self, index: usize) -> Row<'a> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        Row::from_raw(&self.data[start..self.ends[index] as usize], self.columns)
    }

    /// All rows with their numbers.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u64, Row<'a>)> + use<'a> {
        let piece = *self;
        (0..piece.len()).map(move |index| (piece.first + index as u64, piece.row(index)))
    }
}
