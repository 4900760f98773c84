//! Which rows a view shows, in its order: their numbers, in memory while they are few and else in a file without a name.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::{ResultStore, StoreError, damaged, read_exact_at, write_all_at};

/// Bytes of numbers that stay in memory.
const MEMORY: usize = 1 << 20;

/// Bytes that are written at once.
const BLOCK: usize = 256 << 10;

/// A file without a name, for what is made of rows. It is readable by its owner only, and gone with the process.
#[derive(Debug)]
pub(super) struct Scratch {
    file: File,
    end: AtomicU64,
}

impl Scratch {
    pub(super) fn create(store: &ResultStore) -> Result<Self, StoreError> {
        let file = tempfile::tempfile_in(store.directory()).map_err(|source| store.write_error(source))?;
        Ok(Self { file, end: AtomicU64::new(0) })
    }

    /// Sets so many bytes aside and says where they begin.
    pub(super) fn reserve(&self, bytes: u64) -> u64 {
        self.end.fetch_add(bytes, Ordering::Relaxed)
    }

    pub(super) fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        write_all_at(&self.file, bytes, at)
    }

    pub(super) fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        read_exact_at(&self.file, bytes, at)
    }
}

/// Row numbers in some order.
#[derive(Debug)]
pub(super) enum Order {
    /// All so many, as they came.
    All(u64),
    /// Few.
    Memory(Vec<u64>),
    /// Many: so many, of this many bytes each.
    File { scratch: Scratch, rows: u64, width: usize },
}

impl Order {
    /// How many there are.
    pub(super) fn rows(&self) -> u64 {
        match self {
            Self::All(rows) | Self::File { rows, .. } => *rows,
            Self::Memory(numbers) => numbers.len() as u64,
        }
    }

    /// At most `count` numbers from the one at `first` on.
    pub(super) fn numbers(&self, store: &ResultStore, first: u64, count: usize) -> Result<Vec<u64>, StoreError> {
        let left = self.rows().saturating_sub(first);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(count);
        match self {
            Self::All(_) => Ok((first..first + count as u64).collect()),
            Self::Memory(numbers) => {
                let first = usize::try_from(first).unwrap_or(usize::MAX).min(numbers.len());
                Ok(numbers[first..first + count].to_vec())
            }
            Self::File { scratch, width, .. } => {
                let mut bytes = vec![0; count * width];
                // Behind the end nothing is read, wherever that would be.
                let at = if count == 0 { 0 } else { first * *width as u64 };
                scratch.read(&mut bytes, at).map_err(|source| store.read_error(source))?;
                Ok(match width {
                    4 => bytes.as_chunks::<4>().0.iter().map(|it| u32::from_le_bytes(*it).into()).collect(),
                    _ => bytes.as_chunks::<8>().0.iter().map(|it| u64::from_le_bytes(*it)).collect(),
                })
            }
        }
    }

    /// Numbers from the one at `first` on, a block at a time, until `visit` says that it has enough.
    pub(super) fn blocks<E: From<StoreError>>(
        &self,
        store: &ResultStore,
        first: u64,
        mut visit: impl FnMut(u64, &[u64]) -> Result<std::ops::ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let mut next = first;
        loop {
            let numbers = self.numbers(store, next, BLOCK / 8)?;
            if numbers.is_empty() || visit(next, &numbers)?.is_break() {
                return Ok(());
            }
            next += numbers.len() as u64;
        }
    }

    /// Which rows are in it.
    pub(super) fn members(&self, store: &ResultStore, of: u64) -> Result<Rows, StoreError> {
        let mut rows = Rows::none(of);
        match self {
            Self::All(_) => rows.bits.fill(u64::MAX),
            _ => self.blocks(store, 0, |_, numbers| {
                numbers.iter().for_each(|&row| rows.insert(row));
                Ok::<_, StoreError>(std::ops::ControlFlow::Continue(()))
            })?,
        }
        Ok(rows)
    }
}

/// A set of rows: one bit for each of the result.
#[derive(Debug)]
pub(super) struct Rows {
    bits: Vec<u64>,
}

impl Rows {
    pub(super) fn none(of: u64) -> Self {
        Self { bits: vec![0; usize::try_from(of.div_ceil(64)).unwrap_or(usize::MAX)] }
    }

    pub(super) fn insert(&mut self, row: u64) {
        if let Some(bits) = self.bits.get_mut((row / 64) as usize) {
            *bits |= 1 << (row % 64);
        }
    }

    /// Those in either, of two sets of the same size.
    pub(super) fn or(mut self, other: Self) -> Self {
        self.bits.iter_mut().zip(other.bits).for_each(|(bits, more)| *bits |= more);
        self
    }

    pub(super) fn contains(&self, row: u64) -> bool {
        self.bits.get((row / 64) as usize).is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }
}

/// Writes an [`Order`].
#[derive(Debug)]
pub(super) struct OrderWriter<'a> {
    store: &'a ResultStore,
    width: usize,
    block: Vec<u8>,
    rows: u64,
    scratch: Option<Scratch>,
}

impl<'a> OrderWriter<'a> {
    /// For numbers below `of`.
    pub(super) fn new(store: &'a ResultStore, of: u64) -> Self {
        let width = if u32::try_from(of).is_ok() { 4 } else { 8 };
        Self { store, width, block: Vec::new(), rows: 0, scratch: None }
    }

    pub(super) fn push(&mut self, row: u64) -> Result<(), StoreError> {
        self.block.extend_from_slice(&row.to_le_bytes()[..self.width]);
        self.rows += 1;
        let full = if self.scratch.is_some() { BLOCK } else { MEMORY };
        if self.block.len() >= full { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let scratch = match self.scratch.take() {
            Some(scratch) => scratch,
            None => Scratch::create(self.store)?,
        };
        let at = scratch.reserve(self.block.len() as u64);
        scratch.write(&self.block, at).map_err(|source| self.store.write_error(source))?;
        self.scratch = Some(scratch);
        self.block.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Order, StoreError> {
        if self.scratch.is_some() && !self.block.is_empty() {
            self.write()?;
        }
        let (rows, width) = (self.rows, self.width);
        match self.scratch {
            Some(scratch) => Ok(Order::File { scratch, rows, width }),
            None => {
                let mut numbers = Vec::with_capacity(self.block.len() / width);
                for bytes in self.block.chunks_exact(width) {
                    let mut number = [0; 8];
                    number[..width].copy_from_slice(bytes);
                    numbers.push(u64::from_le_bytes(number));
                }
                match numbers.len() as u64 == rows {
                    true => Ok(Order::Memory(numbers)),
                    false => Err(self.store.read_error(damaged())),
                }
            }
        }
    }
}
