//! The file for rows beyond the memory budget: chunks one after the other, each its rows and then the ends of them.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::chunk::Chunk;

/// A file without a name, readable by its owner only.
#[derive(Debug)]
pub(super) struct SpillFile {
    file: File,
    /// Where the next chunk goes.
    end: AtomicU64,
}

/// Where a chunk is in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spilled {
    offset: u64,
    data: u32,
    rows: u32,
}

impl SpillFile {
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        // On Unix it never has a name or loses it at once, with mode 0600; on Windows it is deleted on close.
        Ok(Self { file: tempfile::tempfile_in(directory)?, end: AtomicU64::new(0) })
    }

    /// Appends a chunk. One that fails leaves a hole, and its place is never told to anyone.
    pub(super) fn write(&self, chunk: &Chunk) -> io::Result<Spilled> {
        let data = u32::try_from(chunk.data().len()).map_err(io::Error::other)?;
        let rows = u32::try_from(chunk.rows()).map_err(io::Error::other)?;
        let ends: Vec<u8> = chunk.ends().iter().flat_map(|end| end.to_le_bytes()).collect();
        let offset = self.end.fetch_add(u64::from(data) + ends.len() as u64, Ordering::Relaxed);
        write_all_at(&self.file, chunk.data(), offset)?;
        write_all_at(&self.file, &ends, offset + u64::from(data))?;
        Ok(Spilled { offset, data, rows })
    }

    /// Gives the disk back what a chunk took, where the system can. Nothing is lost when it cannot: the file goes some day.
    pub(super) fn release(&self, chunk: Spilled) {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            let length = u64::from(chunk.data) + u64::from(chunk.rows) * size_of::<u32>() as u64;
            let _ = fallocate(&self.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, chunk.offset, length);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = chunk;
    }

    /// Bytes on the disk.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn allocated(&self) -> u64 {
        use std::os::unix::fs::MetadataExt as _;
        self.file.metadata().map_or(0, |data| data.blocks() * 512)
    }

    /// Where in a chunk's data the given rows begin and end: one more number than rows.
    pub(super) fn bounds(&self, chunk: Spilled, rows: Range<usize>) -> io::Result<Vec<usize>> {
        let skipped = rows.start.saturating_sub(1);
        let mut ends = vec![0; (rows.end - skipped) * size_of::<u32>()];
        let start = chunk.offset + u64::from(chunk.data) + (skipped * size_of::<u32>()) as u64;
        read_exact_at(&self.file, &mut ends, start)?;
        let first = (rows.start == 0).then_some(0);
        let ends = ends.as_chunks::<4>().0.iter().map(|end| u32::from_le_bytes(*end) as usize);
        let bounds: Vec<usize> = first.into_iter().chain(ends).collect();
        // Slices are cut by these, and a damaged file must not become a panic.
        if bounds.is_sorted() && bounds.last().is_some_and(|&end| end <= chunk.bytes()) {
            Ok(bounds)
        } else {
            Err(damaged())
        }
    }

    /// A whole chunk in one read: its data, and behind them the ends of its rows.
    pub(super) fn read_whole(&self, chunk: Spilled, buffer: &mut Vec<u8>, ends: &mut Vec<u32>) -> io::Result<()> {
        buffer.resize(chunk.bytes() + chunk.rows() * size_of::<u32>(), 0);
        read_exact_at(&self.file, buffer, chunk.offset)?;
        ends.clear();
        ends.extend(buffer[chunk.bytes()..].as_chunks::<4>().0.iter().map(|end| u32::from_le_bytes(*end)));
        buffer.truncate(chunk.bytes());
        if ends.is_sorted() && ends.last().is_none_or(|&end| end as usize == chunk.bytes()) {
            Ok(())
        } else {
            Err(damaged())
        }
    }

    /// Bytes of a chunk's data.
    pub(super) fn read(&self, chunk: Spilled, range: Range<usize>) -> io::Result<Vec<u8>> {
        let mut data = vec![0; range.len()];
        read_exact_at(&self.file, &mut data, chunk.offset + range.start as u64)?;
        Ok(data)
    }
}

impl Spilled {
    pub(super) fn rows(self) -> usize {
        self.rows as usize
    }

    pub(super) fn bytes(self) -> usize {
        self.data as usize
    }
}

pub(crate) fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the file is not as it was written")
}

#[cfg(unix)]
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(unix)]
pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        (bytes, offset) = (&bytes[written..], offset + written as u64);
    }
    Ok(())
}

#[cfg(windows)]
pub(crate) fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (bytes, offset) = (&mut bytes[read..], offset + read as u64);
    }
    Ok(())
}
