//! Sorting, filtering, searching and counting over a whole result, however large it is.
//!
//! All of it reads the rows as they are kept, on as many threads as there are cores, and compares values through
//! [`key`]: bytes that stand in the same order as the values they were made of. What does not fit a fixed budget of
//! memory goes to files without names, as the rows themselves do. Every piece of work is a [`Job`], which can be stopped
//! and says how far it is. None of it is async: call it where waiting stops nobody.

mod filter;
mod find;
mod job;
mod key;
mod moment;
mod order;
mod pass;
mod sort;
mod stats;
mod view;

pub use filter::{Filter, FilterTest};
pub use find::{CellPlace, FindSpec, Found};
pub use job::Job;
pub use sort::SortColumn;
pub use stats::{Bucket, ColumnStats, TopValue};
pub(crate) use view::Views;
pub use view::{View, ViewId, ViewSpec, ViewWindow};

use crate::store::StoreError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// The job was stopped, or its result is gone.
    #[error("stopped")]
    Stopped,
    /// A question that makes no sense.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which part of it: `column`, `value`, `text`.
        field: &'static str,
        /// Why.
        problem: String,
    },
    /// Rows could not be read, or what was made of them could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AnalysisError {
    fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
