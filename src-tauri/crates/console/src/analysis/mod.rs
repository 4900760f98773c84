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
mod plan;
mod plot;
mod sort;
mod stats;
mod view;

pub use filter::{Filter, FilterTest};
pub use find::{CellPlace, FindSpec, Found};
pub use job::Job;
pub use plan::{Plan, PlanDetail, PlanNode, PlanWarning};
pub use plot::{
    Bar, Density, Group, LeftOut, LinePoint, Measure, Plot, PlotChoices, PlotRole, PlotScale, PlotShape, PlotSpec,
    Range, Series,
};
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
        problem: Problem,
    },
    /// Rows could not be read, or what was made of them could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a question makes no sense. Whoever shows it may have words of their own: [`Self::code`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The result has no such column.
    #[error("there is no such column")]
    NoColumn,
    /// A comparison says of which column.
    #[error("a comparison needs a column")]
    ColumnNeeded,
    /// The test compares with a value, and there is none.
    #[error("this test needs a value")]
    ValueNeeded,
    /// The value is none of the column's type.
    #[error("{value:?} is no {}", .wanted.example())]
    NotOfType {
        /// What was given.
        value: String,
        /// What the column holds.
        wanted: ValueKind,
    },
    /// The regular expression is none; in the words of the library.
    #[error("{0}")]
    Pattern(String),
    /// There is nothing to look for.
    #[error("there is nothing to look for")]
    NothingToFind,
    /// The column has no numbers or times.
    #[error("the column holds neither numbers nor times")]
    NotMeasured,
    /// Values so far apart that there are no ranges between them.
    #[error("the values are too far apart")]
    TooWide,
    /// The result is no plan of a query.
    #[error("the result is no plan of a query")]
    NoPlan,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValueKind {
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Days.
    Date,
    /// Times of day.
    Time,
    /// Times of day with their zone.
    TimeTz,
    /// Moments.
    Timestamp,
    /// Durations.
    Interval,
    /// Text.
    Text,
}

impl ValueKind {
    fn example(self) -> &'static str {
        match self {
            Self::Integer => "whole number",
            Self::Number => "number",
            Self::Date => "date such as 2026-01-31",
            Self::Time => "time such as 12:30:00",
            Self::TimeTz => "time with a zone such as 12:30:00+09",
            Self::Timestamp => "timestamp such as 2026-01-31 12:30:00",
            Self::Interval => "interval such as 1 day 02:00:00",
            Self::Text => "text",
        }
    }
}

impl Problem {
    /// Names it for a translation.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoColumn => "no_column",
            Self::ColumnNeeded => "column_needed",
            Self::ValueNeeded => "value_needed",
            Self::NotOfType { wanted, .. } => match wanted {
                ValueKind::Integer => "no_integer",
                ValueKind::Number => "no_number",
                ValueKind::Date => "no_date",
                ValueKind::Time => "no_time",
                ValueKind::TimeTz => "no_time_tz",
                ValueKind::Timestamp => "no_timestamp",
                ValueKind::Interval => "no_interval",
                ValueKind::Text => "no_text",
            },
            Self::Pattern(_) => "pattern",
            Self::NothingToFind => "nothing_to_find",
            Self::NotMeasured => "not_measured",
            Self::TooWide => "too_wide",
            Self::NoPlan => "no_plan",
        }
    }

    /// The value it is about.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::NotOfType { value, .. } => Some(value),
            Self::Pattern(words) => Some(words),
            _ => None,
        }
    }
}

impl AnalysisError {
    fn no_column() -> Self {
        Self::Invalid { field: "column", problem: Problem::NoColumn }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
