//! Rows into a file that is complete or absent.
//!
//! [`file::Part`] is the file while it is written. Rows come from a kept result through [`Rows`], or from a session as
//! they arrive; either way they pass an [`Encoder`](crate::format::Encoder), and memory does not grow with them.

pub mod file;
mod kept;

pub use kept::{Rows, WholeResult, scan, write};

use crate::format::WriteError;
use crate::store::StoreError;

/// Why kept rows are not in a file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The kept rows cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rows cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Somebody stopped it.
    #[error("stopped")]
    Stopped,
}
