//! Work on a whole result: how far it is, and whether somebody wants it stopped.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::AnalysisError;

/// One piece of work, as seen by the one who does it and by whoever waits for it.
#[derive(Debug, Default)]
pub struct Job {
    stopped: AtomicBool,
    done: AtomicU64,
    of: AtomicU64,
}

impl Job {
    /// Stops the work soon.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Rows done and rows to do, all passes counted.
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed))
    }

    /// So many rows are to be done.
    pub(super) fn expect(&self, rows: u64) {
        self.of.store(rows, Ordering::Relaxed);
    }

    /// So many more are done.
    pub(super) fn advance(&self, rows: u64) {
        self.done.fetch_add(rows, Ordering::Relaxed);
    }

    /// Asked every few thousand rows.
    pub(super) fn check(&self) -> Result<(), AnalysisError> {
        if self.stopped.load(Ordering::Relaxed) { Err(AnalysisError::Stopped) } else { Ok(()) }
    }
}
