//! A run of rows in one piece of memory.

/// A chunk is full at this many bytes, or with one row that is larger.
pub(super) const CHUNK_BYTES: usize = 1 << 20;

/// A chunk is full at this many rows, even if they have no cells.
const CHUNK_ROWS: usize = 1 << 16;

/// Rows, each where the one before it ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    data: Vec<u8>,
    /// Where each row ends in `data`. 32 bits do: a message, and so a row, is at most 2 GiB.
    ends: Vec<u32>,
}

impl Chunk {
    pub(super) fn rows(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    pub(super) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Bytes it occupies.
    pub(super) fn memory(&self) -> u64 {
        (self.data.capacity() + self.ends.capacity() * size_of::<u32>()) as u64
    }

    /// A large row gets a chunk of its own, so that all others stay small enough to be read in one go.
    pub(super) fn has_room_for(&self, row: &[u8]) -> bool {
        self.ends.is_empty() || (self.data.len() + row.len() <= CHUNK_BYTES && self.ends.len() < CHUNK_ROWS)
    }

    /// Whether it is one row that is larger than a chunk should be.
    pub(super) fn is_large(&self) -> bool {
        self.data.len() > CHUNK_BYTES
    }

    pub(super) fn push(&mut self, row: &[u8]) {
        if row.len() > CHUNK_BYTES {
            // Doubling would take twice what this one row needs.
            self.data.reserve_exact(row.len());
        }
        self.data.extend_from_slice(row);
        self.ends.push(u32::try_from(self.data.len()).expect("a message is at most 2 GiB, and a larger row is alone"));
    }

    pub(super) fn row(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.data[start..self.ends[index] as usize]
    }

    /// Itself without its rows but with its memory; `None` if that is too much to keep lying around.
    pub(super) fn emptied(mut self) -> Option<Self> {
        self.data.clear();
        self.ends.clear();
        (self.data.capacity() <= 2 * CHUNK_BYTES).then_some(self)
    }
}
