//! Keeps the rows of one result where a window over them can be read at any time, also while more arrive.
//!
//! Rows are appended to a chunk of about a megabyte. A full chunk stays in memory while all of them fit the budget; later
//! ones go to a file that has no name any more, so that it is gone with the process whatever ends it. What stays in memory
//! of a chunk in the file is 24 bytes; the ends of its rows are in the file too.
//!
//! One [`ResultWriter`] appends; any number of holders of the [`ResultStore`] read. The lock between them is held to find
//! a chunk, or to copy out the rows asked for from the chunk being filled; never during file access.

mod chunk;
mod pieces;
mod spill;
mod window;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chunk::Chunk;
pub(crate) use pieces::{CELL_REACH, Piece, PieceBuffer, Pieces, Reach};
use spill::{SpillFile, Spilled};
pub(crate) use spill::{damaged, read_exact_at, write_all_at};
pub use window::{CellText, CutCell, Window};

use crate::analysis::Views;
use crate::row::Row;
use crate::types::Column;

/// Where results go.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Bytes of one result that are kept in memory; what is more goes to a file.
    pub memory: u64,
    /// Folder for that file; it has to exist when the first one is needed.
    pub directory: PathBuf,
}

/// A file that several results share, made when the first of them needs it and gone with the last. A script may bring a
/// thousand results, and a process may hold open about as many files.
#[derive(Clone, Debug, Default)]
pub struct SharedSpill(Arc<OnceLock<SpillFile>>);

impl StoreOptions {
    /// 64 MiB.
    pub const DEFAULT_MEMORY: u64 = 64 << 20;

    /// The default budget, and files in `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { memory: Self::DEFAULT_MEMORY, directory: directory.into() }
    }
}

/// Names a result for as long as the process runs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ResultId(u64);

impl ResultId {
    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The id that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("result-")?.parse().ok().map(Self)
    }
}

/// `result-7`
impl fmt::Display for ResultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "result-{}", self.0)
    }
}

/// Why rows could not be kept or read. Always this machine's trouble, never the server's.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, or the folder is missing or not ours. The rows so far stay readable.
    #[error("cannot keep more rows in a temporary file in {}", directory.display())]
    Write {
        /// Where the file is.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A row was appended after a write had failed.
    #[error("the result takes no more rows since a write failed")]
    Closed,
    /// The file cannot be read back.
    #[error("cannot read rows back from the temporary file in {}", directory.display())]
    Read {
        /// Where the file is.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no such cell, or not yet.
    #[error("the result has no row {row} with a column {column}")]
    NoSuchCell {
        /// Counted from 0.
        row: u64,
        /// Counted from 0.
        column: usize,
    },
}

/// The rows of one result.
#[derive(Debug)]
pub struct ResultStore {
    id: ResultId,
    columns: Arc<[Column]>,
    options: StoreOptions,
    rows: AtomicU64,
    bytes: AtomicU64,
    complete: AtomicBool,
    /// Its writer is there.
    growing: AtomicBool,
    /// Its tab has let go of it.
    dropped: AtomicBool,
    /// Bytes of full chunks that stay in memory.
    resident: AtomicU64,
    chunks: Mutex<Chunks>,
    spill: SharedSpill,
    /// What has been sorted and filtered of it.
    pub(crate) views: Views,
}

#[derive(Debug, Default)]
struct Chunks {
    /// Full ones, in order.
    sealed: Vec<Sealed>,
    /// The one being filled.
    open: Chunk,
    /// Number of its first row.
    open_first: u64,
}

#[derive(Debug)]
struct Sealed {
    first: u64,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Memory(Arc<Chunk>),
    File(Spilled),
}

impl ResultStore {
    /// An empty result, and the only writer it will have.
    pub fn create(columns: Arc<[Column]>, options: StoreOptions) -> (Arc<Self>, ResultWriter) {
        Self::create_in(columns, options, SharedSpill::default())
    }

    /// The same, with a file that other results may have put rows in. It is theirs all until the last is dropped.
    pub fn create_in(columns: Arc<[Column]>, options: StoreOptions, spill: SharedSpill) -> (Arc<Self>, ResultWriter) {
        let store = Arc::new(Self {
            id: ResultId::next(),
            columns,
            options,
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            complete: AtomicBool::new(false),
            growing: AtomicBool::new(true),
            dropped: AtomicBool::new(false),
            resident: AtomicU64::new(0),
            chunks: Mutex::default(),
            spill,
            views: Views::default(),
        });
        let writer = ResultWriter { store: Arc::clone(&store), overflow: Vec::new(), spare: None, failed: false };
        (store, writer)
    }

    /// Names it.
    pub fn id(&self) -> ResultId {
        self.id
    }

    /// Its columns, in order.
    pub fn columns(&self) -> &Arc<[Column]> {
        &self.columns
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Acquire)
    }

    /// Bytes of all cells so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// All rows that the server had are here.
    pub fn complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// Rows may still come.
    pub fn growing(&self) -> bool {
        self.growing.load(Ordering::Acquire)
    }

    /// Says that nobody will look at it any more, so that work on it stops.
    pub(crate) fn let_go(&self) {
        self.dropped.store(true, Ordering::Relaxed);
    }

    /// Whether that was said.
    pub(crate) fn is_let_go(&self) -> bool {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Folder for whatever does not fit into memory.
    pub(crate) fn directory(&self) -> &std::path::Path {
        &self.options.directory
    }

    /// Bytes of rows that are in memory to stay.
    pub(crate) fn resident(&self) -> u64 {
        self.resident.load(Ordering::Relaxed)
    }

    fn chunks(&self) -> MutexGuard<'_, Chunks> {
        // Whoever holds the lock changes one field at a time, so a panic leaves nothing half done.
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write_error(&self, source: io::Error) -> StoreError {
        StoreError::Write { directory: self.options.directory.clone(), source }
    }

    pub(crate) fn read_error(&self, source: io::Error) -> StoreError {
        StoreError::Read { directory: self.options.directory.clone(), source }
    }
}

impl Drop for ResultStore {
    fn drop(&mut self) {
        // With the last result of a file goes the file.
        if Arc::strong_count(&self.spill.0) == 1 {
            return;
        }
        let chunks = self.chunks.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = self.spill.0.get() {
            let places = chunks.sealed.iter().filter_map(|sealed| match sealed.place {
                Place::File(chunk) => Some(chunk),
                Place::Memory(_) => None,
            });
            places.for_each(|chunk| file.release(chunk));
        }
    }
}

impl Chunks {
    /// Moves the chunk being filled to the full ones, and begins another in `next`.
    fn seal(&mut self, next: Chunk) -> Arc<Chunk> {
        let full = Arc::new(std::mem::replace(&mut self.open, next));
        self.sealed.push(Sealed { first: self.open_first, place: Place::Memory(Arc::clone(&full)) });
        self.open_first += full.rows() as u64;
        full
    }
}

/// Appends rows to a [`ResultStore`].
#[derive(Debug)]
pub struct ResultWriter {
    store: Arc<ResultStore>,
    /// Full chunks beyond the budget, by index, that the next flush takes to the file.
    overflow: Vec<usize>,
    /// The memory of one that went, for the next.
    spare: Option<Chunk>,
    failed: bool,
}

impl ResultWriter {
    /// The result it writes.
    pub fn store(&self) -> &Arc<ResultStore> {
        &self.store
    }

    /// Adds a row, in memory. Call [`Self::flush`] every few hundred kilobytes, or memory grows past the budget.
    ///
    /// # Errors
    /// [`StoreError::Closed`] once a flush has failed.
    pub fn append(&mut self, row: Row<'_>) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Closed);
        }
        let mut chunks = self.store.chunks();
        if !chunks.open.has_room_for(row.raw()) {
            let full = chunks.seal(self.spare.take().unwrap_or_default());
            self.overflow.extend(self.store.settle(&full).then(|| chunks.sealed.len() - 1));
        }
        chunks.open.push(row.raw());
        drop(chunks);
        self.store.bytes.fetch_add(row.bytes(), Ordering::Release);
        self.store.rows.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Takes chunks beyond the memory budget to the file, on a thread where waiting for a disk stops nobody.
    ///
    /// # Errors
    /// [`StoreError::Write`], after which no more rows are taken. Those so far stay readable.
    pub async fn flush(&mut self) -> Result<(), StoreError> {
        self.seal_large();
        while let Some(&index) = self.overflow.first() {
            let store = Arc::clone(&self.store);
            let spilled = tokio::task::spawn_blocking(move || store.spill(index)).await;
            // The closure does not panic; only a runtime that shuts down leaves it undone.
            let spilled = spilled.unwrap_or_else(|error| Err(self.store.write_error(io::Error::other(error))));
            self.spare = spilled.inspect_err(|_| self.failed = true)?.or(self.spare.take());
            self.overflow.remove(0);
        }
        Ok(())
    }

    /// A large row is not kept in memory until the next one comes: there may be none.
    fn seal_large(&mut self) {
        let mut chunks = self.store.chunks();
        if chunks.open.is_large() {
            let full = chunks.seal(self.spare.take().unwrap_or_default());
            self.overflow.extend(self.store.settle(&full).then(|| chunks.sealed.len() - 1));
        }
    }

    /// Says that the server had no more rows.
    pub fn finish(self) {
        if !self.failed {
            self.store.complete.store(true, Ordering::Release);
        }
    }
}

impl Drop for ResultWriter {
    fn drop(&mut self) {
        self.store.growing.store(false, Ordering::Release);
    }
}

impl ResultStore {
    /// Counts a full chunk to what stays in memory, or says that it is beyond the budget.
    fn settle(&self, full: &Chunk) -> bool {
        let resident = self.resident() + full.memory();
        let beyond = resident > self.options.memory;
        if !beyond {
            self.resident.store(resident, Ordering::Relaxed);
        }
        beyond
    }

    /// Moves a full chunk from memory to the file; gives its memory back when no reader is in it.
    fn spill(&self, index: usize) -> Result<Option<Chunk>, StoreError> {
        let Place::Memory(chunk) = self.chunks().sealed[index].place.clone() else {
            return Ok(None);
        };
        let file = self.spill_file()?;
        let spilled = file.write(&chunk).map_err(|source| self.write_error(source))?;
        let place = std::mem::replace(&mut self.chunks().sealed[index].place, Place::File(spilled));
        drop(place);
        Ok(Arc::into_inner(chunk).and_then(Chunk::emptied))
    }

    fn spill_file(&self) -> Result<&SpillFile, StoreError> {
        let shared = &self.spill.0;
        if let Some(file) = shared.get() {
            return Ok(file);
        }
        let file = SpillFile::create(&self.options.directory).map_err(|source| self.write_error(source))?;
        // Should another result have been faster, its file is as good, and this one vanishes.
        Ok(shared.get_or_init(|| file))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
