//! Which rows a view shows.

use regex::bytes::{Regex, RegexBuilder};

use super::key::{self, Kind, Part};
use super::{AnalysisError, Problem, ValueKind};
use crate::row::Row;
use crate::store::ResultStore;

/// Memory that a regular expression may take.
const REGEX_BYTES: usize = 4 << 20;

/// A condition for a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Filter {
    /// From 0; `None` for some cell of the row.
    pub column: Option<usize>,
    /// What has to hold.
    pub test: FilterTest,
    /// With what; nothing for NULL.
    pub value: Option<String>,
    /// Upper and lower case differ. For tests of text.
    pub match_case: bool,
}

/// What a filter asks. NULL passes [`Self::Null`] only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FilterTest {
    /// By value.
    Equal,
    /// By value.
    NotEqual,
    /// By value.
    Less,
    /// By value.
    LessOrEqual,
    /// By value.
    Greater,
    /// By value.
    GreaterOrEqual,
    /// The text is somewhere in the cell.
    Contains,
    /// It is nowhere in it.
    NotContains,
    /// The cell begins with it.
    StartsWith,
    /// The cell ends with it.
    EndsWith,
    /// A regular expression matches somewhere in the cell.
    Matches,
    /// NULL.
    Null,
    /// Anything else.
    NotNull,
}

/// A filter that is ready to use.
#[derive(Debug)]
pub(super) struct Check {
    column: Option<usize>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Compare {
        kind: Kind,
        with: Vec<u8>,
        test: FilterTest,
    },
    /// With `anywhere` a match within a cell is one within the row too, so that the row may be asked first.
    Text {
        pattern: Regex,
        wanted: bool,
        anywhere: bool,
    },
    Null {
        wanted: bool,
    },
}

impl Check {
    pub(super) fn new(filter: &Filter, store: &ResultStore) -> Result<Self, AnalysisError> {
        let kind = match filter.column {
            None => None,
            Some(column) => {
                let column = store.columns().get(column);
                Some(Kind::of(column.ok_or_else(AnalysisError::no_column)?))
            }
        };
        let value =
            || filter.value.as_deref().ok_or(AnalysisError::Invalid { field: "value", problem: Problem::ValueNeeded });
        let anywhere = matches!(filter.test, FilterTest::Contains | FilterTest::NotContains);
        let text = |pattern: String, wanted| {
            regex(&pattern, filter.match_case).map(|pattern| Test::Text { pattern, wanted, anywhere })
        };
        let escaped = || value().map(regex::escape);
        let test = match filter.test {
            FilterTest::Null => Test::Null { wanted: true },
            FilterTest::NotNull => Test::Null { wanted: false },
            FilterTest::Contains => text(escaped()?, true)?,
            FilterTest::NotContains => text(escaped()?, false)?,
            FilterTest::StartsWith => text(format!(r"\A(?:{})", escaped()?), true)?,
            FilterTest::EndsWith => text(format!(r"(?:{})\z", escaped()?), true)?,
            FilterTest::Matches => text(value()?.to_owned(), true)?,
            test => {
                let kind = kind.ok_or(AnalysisError::Invalid { field: "column", problem: Problem::ColumnNeeded })?;
                let mut with = Vec::new();
                if key::push(kind, Some(value()?.trim_matches(blanks_of(kind)).as_bytes()), false, &mut with)
                    != Part::Value
                {
                    let problem = Problem::NotOfType { value: value()?.to_owned(), wanted: wanted(kind) };
                    return Err(AnalysisError::Invalid { field: "value", problem });
                }
                Test::Compare { kind, with, test }
            }
        };
        Ok(Self { column: filter.column, test })
    }

    /// Whether it has to see all of a large cell.
    pub(super) fn needs_all(&self) -> bool {
        matches!(self.test, Test::Text { .. })
    }

    /// `key` is memory to use.
    pub(super) fn passes(&self, row: Row<'_>, key: &mut Vec<u8>) -> bool {
        match self.column {
            Some(column) => self.cell_passes(row.cells().nth(column).flatten(), key),
            None => match &self.test {
                Test::Text { pattern, wanted, anywhere } => {
                    let may = !anywhere || pattern.is_match(row.raw());
                    let found = may && row.cells().flatten().any(|cell| pattern.is_match(cell));
                    // Nowhere in the row, rather than not in some cell of it.
                    found == *wanted
                }
                _ => row.cells().any(|cell| self.cell_passes(cell, key)),
            },
        }
    }

    fn cell_passes(&self, cell: Option<&[u8]>, key: &mut Vec<u8>) -> bool {
        match &self.test {
            Test::Null { wanted } => cell.is_none() == *wanted,
            Test::Text { pattern, wanted, .. } => cell.is_some_and(|cell| pattern.is_match(cell) == *wanted),
            Test::Compare { kind, with, test } => {
                key.clear();
                // What is not as its type has it differs from every value, and is neither less nor more.
                match key::push(*kind, cell, false, key) {
                    Part::Null => false,
                    Part::AsText => *test == FilterTest::NotEqual,
                    Part::Value => {
                        let order = key.as_slice().cmp(with);
                        match test {
                            FilterTest::Equal => order.is_eq(),
                            FilterTest::NotEqual => order.is_ne(),
                            FilterTest::Less => order.is_lt(),
                            FilterTest::LessOrEqual => order.is_le(),
                            FilterTest::Greater => order.is_gt(),
                            _ => order.is_ge(),
                        }
                    }
                }
            }
        }
    }
}

/// A pattern over bytes, in which text is UTF-8.
pub(super) fn regex(pattern: &str, match_case: bool) -> Result<Regex, AnalysisError> {
    let built = RegexBuilder::new(pattern).case_insensitive(!match_case).size_limit(REGEX_BYTES).build();
    built.map_err(|error| AnalysisError::Invalid { field: "value", problem: Problem::Pattern(error.to_string()) })
}

/// Blanks around a number are a slip; in a text they may be meant.
fn blanks_of(kind: Kind) -> &'static [char] {
    if matches!(kind, Kind::Text | Kind::Padded) { &[] } else { &[' ', '\t', '\n'] }
}

fn wanted(kind: Kind) -> ValueKind {
    match kind {
        Kind::Integer => ValueKind::Integer,
        Kind::Decimal | Kind::Float => ValueKind::Number,
        Kind::Date => ValueKind::Date,
        Kind::Time => ValueKind::Time,
        Kind::TimeTz => ValueKind::TimeTz,
        Kind::Timestamp => ValueKind::Timestamp,
        Kind::Interval => ValueKind::Interval,
        Kind::Padded | Kind::Text => ValueKind::Text,
    }
}
