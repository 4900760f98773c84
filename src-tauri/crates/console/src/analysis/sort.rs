//! Sorts a result that need not fit into memory: runs that do are sorted and written out, then merged.
//!
//! What is sorted is an entry for each row: the first eight bytes of its key, its number, and where the rest of its key
//! is when there is more. Eight bytes tell most values apart, so that sorting moves and compares small things only.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;

use super::key::{self, Kind, Part};
use super::order::{Order, OrderWriter, Scratch};
use super::pass::workers;
use super::{AnalysisError, Job};
use crate::row::Row;
use crate::store::{ResultStore, StoreError};

/// Bytes of entries and keys in memory, of all threads together.
pub(super) const MEMORY: usize = 16 << 20;

/// Bytes in which runs are read and written.
const BLOCK: usize = 128 << 10;

/// Bytes of all these blocks while merging. More runs have smaller blocks.
const MERGE_MEMORY: usize = 16 << 20;

/// Orders by a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SortColumn {
    /// From 0.
    pub column: usize,
    /// The largest first.
    pub descending: bool,
}

/// Makes the keys of rows.
#[derive(Debug)]
pub(super) struct Keys {
    columns: Vec<(SortColumn, Kind)>,
}

impl Keys {
    pub(super) fn new(columns: &[SortColumn], store: &ResultStore) -> Result<Self, AnalysisError> {
        let all = store.columns();
        let of = |sort: &SortColumn| all.get(sort.column).map(|column| (*sort, Kind::of(column)));
        let columns: Option<Vec<_>> = columns.iter().map(of).collect();
        columns.map(|columns| Self { columns }).ok_or_else(AnalysisError::no_column)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Writes the key of a row, and counts values that are not as their type has them.
    fn write(&self, row: Row<'_>, key: &mut Vec<u8>) -> u64 {
        key.clear();
        let mut as_text = 0;
        for (sort, kind) in &self.columns {
            let cell = row.cells().nth(sort.column).flatten();
            as_text += u64::from(key::push(*kind, cell, sort.descending, key) == Part::AsText);
        }
        as_text
    }
}

/// What is sorted. The number counts from the run's first row.
#[derive(Clone, Copy, Debug)]
struct Entry {
    prefix: u64,
    row: u32,
    /// Where the rest of its key is, behind its length; [`WHOLE`] when the prefix is all.
    rest: u32,
}

const WHOLE: u32 = u32::MAX;

/// What one thread sorts.
#[derive(Debug)]
pub(super) struct Sorter<'a> {
    keys: &'a Keys,
    scratch: &'a Runs<'a>,
    memory: usize,
    entries: Vec<Entry>,
    rests: Vec<u8>,
    first: u64,
    key: Vec<u8>,
    done: Vec<Run>,
    as_text: u64,
}

/// Where the runs of all threads go, made when the first is written.
#[derive(Debug)]
pub(super) struct Runs<'a> {
    store: &'a ResultStore,
    scratch: std::sync::OnceLock<Scratch>,
}

/// Rows in order.
#[derive(Debug)]
enum Run {
    Memory { first: u64, entries: Vec<Entry>, rests: Vec<u8> },
    File { at: u64, bytes: u64, rests: bool },
}

impl<'a> Runs<'a> {
    pub(super) fn new(store: &'a ResultStore) -> Self {
        Self { store, scratch: std::sync::OnceLock::new() }
    }

    fn scratch(&self) -> Result<&Scratch, StoreError> {
        if let Some(scratch) = self.scratch.get() {
            return Ok(scratch);
        }
        let scratch = Scratch::create(self.store)?;
        // Should another thread have been faster, its file is as good.
        Ok(self.scratch.get_or_init(|| scratch))
    }
}

impl<'a> Sorter<'a> {
    /// With `memory` bytes for all threads together.
    pub(super) fn new(keys: &'a Keys, scratch: &'a Runs<'a>, memory: usize) -> Self {
        let memory = memory / workers();
        Self {
            keys,
            scratch,
            memory,
            entries: Vec::new(),
            rests: Vec::new(),
            first: 0,
            key: Vec::new(),
            done: Vec::new(),
            as_text: 0,
        }
    }

    /// Takes a row. Rows come in the order of their numbers.
    pub(super) fn push(&mut self, number: u64, row: Row<'_>) -> Result<(), StoreError> {
        self.as_text += self.keys.write(row, &mut self.key);
        let mut prefix = [0; 8];
        let shown = self.key.len().min(8);
        prefix[..shown].copy_from_slice(&self.key[..shown]);
        let more = self.key.len() - shown;
        // The number counts from the run's first row, in 32 bits.
        let far = number.saturating_sub(self.first) > u64::from(u32::MAX);
        let full =
            self.entries.len() * size_of::<Entry>() >= self.memory / 2 || self.rests.len() + more + 4 > self.memory / 2;
        if !self.entries.is_empty() && (full || far) {
            self.write_run()?;
        }
        if self.entries.is_empty() {
            self.first = number;
            // All at once, so that they are never moved. What is not used is not touched, and so is no memory.
            self.entries.reserve_exact(self.memory / 2 / size_of::<Entry>() + 1);
        }
        let rest = match more {
            0 => WHOLE,
            _ => {
                self.rests.reserve_exact((self.memory / 2).saturating_sub(self.rests.len()).max(more + 4));
                let at = self.rests.len();
                // Both fit: a run ends long before four gigabytes, and so does a key.
                self.rests.extend_from_slice(&(more as u32).to_le_bytes());
                self.rests.extend_from_slice(&self.key[8..]);
                at as u32
            }
        };
        let row = u32::try_from(number - self.first).unwrap_or(u32::MAX);
        self.entries.push(Entry { prefix: u64::from_be_bytes(prefix), row, rest });
        Ok(())
    }

    fn sort(&mut self) {
        let rests = &self.rests;
        self.entries.sort_unstable_by(|a, b| {
            a.prefix
                .cmp(&b.prefix)
                .then_with(
                    || if a.rest == WHOLE { Ordering::Equal } else { rest(rests, a.rest).cmp(rest(rests, b.rest)) },
                )
                .then_with(|| a.row.cmp(&b.row))
        });
    }

    fn write_run(&mut self) -> Result<(), StoreError> {
        self.sort();
        let rests = !self.rests.is_empty();
        let wholes = self.entries.iter().filter(|entry| entry.rest == WHOLE).count();
        let lengths = if rests { 4 * wholes } else { 0 };
        let bytes = (self.entries.len() * 16 + self.rests.len() + lengths) as u64;
        let scratch = self.scratch.scratch()?;
        let at = scratch.reserve(bytes);
        let (mut block, mut next) = (Vec::with_capacity(BLOCK + 1024), at);
        let failed = |source| self.scratch.store.write_error(source);
        for entry in &self.entries {
            block.extend_from_slice(&entry.prefix.to_le_bytes());
            block.extend_from_slice(&(self.first + u64::from(entry.row)).to_le_bytes());
            if rests {
                let rest = if entry.rest == WHOLE { &[] } else { rest(&self.rests, entry.rest) };
                block.extend_from_slice(&(rest.len() as u32).to_le_bytes());
                block.extend_from_slice(rest);
            }
            if block.len() >= BLOCK {
                scratch.write(&block, next).map_err(failed)?;
                next += block.len() as u64;
                block.clear();
            }
        }
        scratch.write(&block, next).map_err(failed)?;
        self.done.push(Run::File { at, bytes, rests });
        self.entries.clear();
        self.rests.clear();
        Ok(())
    }

    fn finish(mut self) -> (Vec<Run>, u64) {
        self.sort();
        if !self.entries.is_empty() {
            self.done.push(Run::Memory { first: self.first, entries: self.entries, rests: self.rests });
        }
        (self.done, self.as_text)
    }
}

/// The rest of a key, behind its length.
fn rest(rests: &[u8], at: u32) -> &[u8] {
    let rest = &rests[at as usize..];
    match rest.split_first_chunk::<4>() {
        Some((length, rest)) => &rest[..u32::from_le_bytes(*length) as usize],
        None => &[],
    }
}

/// Merges what all threads have sorted, and says how many values were compared as text.
pub(super) fn merge(
    sorters: Vec<Sorter<'_>>,
    runs: &Runs<'_>,
    of: u64,
    job: &Job,
) -> Result<(Order, u64), AnalysisError> {
    let store = runs.store;
    let (mut all, mut as_text) = (Vec::new(), 0);
    for sorter in sorters {
        let (runs, odd) = sorter.finish();
        all.extend(runs);
        as_text += odd;
    }
    let block = (MERGE_MEMORY / all.len().max(1)).clamp(4 << 10, BLOCK);
    let mut heap = BinaryHeap::with_capacity(all.len());
    for run in all {
        let mut head = Head { prefix: 0, rest: Vec::new(), row: 0, source: Source::of(run, block) };
        if head.advance(runs)? {
            heap.push(head);
        }
    }
    let mut order = OrderWriter::new(store, of);
    let mut since = 0;
    while let Some(mut head) = heap.peek_mut() {
        order.push(head.row)?;
        if !head.advance(runs)? {
            PeekMut::pop(head);
        }
        since += 1;
        if since == 1 << 16 {
            job.advance(since);
            job.check()?;
            since = 0;
        }
    }
    job.advance(since);
    Ok((order.finish()?, as_text))
}

/// The next row of a run. The heap gives the greatest first, so heads compare the other way around.
struct Head {
    prefix: u64,
    rest: Vec<u8>,
    row: u64,
    source: Source,
}

enum Source {
    Memory { first: u64, entries: Vec<Entry>, rests: Vec<u8>, next: usize },
    File { at: u64, left: u64, rests: bool, block: Vec<u8>, next: usize, size: usize },
}

impl Source {
    fn of(run: Run, size: usize) -> Self {
        match run {
            Run::Memory { first, entries, rests } => Self::Memory { first, entries, rests, next: 0 },
            Run::File { at, bytes, rests } => Self::File { at, left: bytes, rests, block: Vec::new(), next: 0, size },
        }
    }
}

impl Head {
    /// Goes on to the next row; `false` at the end.
    fn advance(&mut self, runs: &Runs<'_>) -> Result<bool, StoreError> {
        match &mut self.source {
            Source::Memory { first, entries, rests, next } => {
                let Some(entry) = entries.get(*next) else { return Ok(false) };
                *next += 1;
                self.prefix = entry.prefix;
                self.row = *first + u64::from(entry.row);
                self.rest.clear();
                if entry.rest != WHOLE {
                    self.rest.extend_from_slice(rest(rests, entry.rest));
                }
                Ok(true)
            }
            Source::File { rests, .. } => {
                let header = if *rests { 20 } else { 16 };
                let Some(bytes) = self.source.take(header, runs)? else { return Ok(false) };
                let number = |at: usize| bytes[at..].first_chunk::<8>().map_or(0, |it| u64::from_le_bytes(*it));
                (self.prefix, self.row) = (number(0), number(8));
                self.rest.clear();
                let length =
                    bytes.get(16..).and_then(|it| it.first_chunk::<4>()).map_or(0, |it| u32::from_le_bytes(*it));
                if length > 0 {
                    let Some(rest) = self.source.take(length as usize, runs)? else { return Ok(false) };
                    self.rest.extend_from_slice(rest);
                }
                Ok(true)
            }
        }
    }
}

impl Source {
    /// The next so many bytes of a run in the file; `None` at its end.
    fn take(&mut self, count: usize, runs: &Runs<'_>) -> Result<Option<&[u8]>, StoreError> {
        let Self::File { at, left, block, next, size, .. } = self else { return Ok(None) };
        if block.len() - *next < count {
            block.drain(..*next);
            *next = 0;
            let more = u64::min(*left, (*size).max(count) as u64);
            let filled = block.len();
            // At most a block, or what one key needs.
            block.resize(filled + more as usize, 0);
            let read = runs.scratch()?.read(&mut block[filled..], *at);
            read.map_err(|source| runs.store.read_error(source))?;
            *at += more;
            *left -= more;
            if block.is_empty() {
                return Ok(None);
            }
            if block.len() < count {
                return Err(runs.store.read_error(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        let bytes = &block[*next..*next + count];
        *next += count;
        Ok(Some(bytes))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let forward =
            self.prefix.cmp(&other.prefix).then_with(|| self.rest.cmp(&other.rest)).then(self.row.cmp(&other.row));
        forward.reverse()
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}
