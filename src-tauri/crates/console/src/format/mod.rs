//! Writes rows as they come, for files and for `postern db exec`: nothing is kept but what a layout needs to go on.
//!
//! Values are written exactly: what the server sent is what can be read back, number by number. What a format cannot
//! hold ends the writing with the row and the column named ([`Misfit`]); nothing is rounded, cut or replaced in silence.
//! Only the table, which is for eyes, replaces what would confuse a terminal.

mod arrow;
mod csv;
mod encoder;
mod ipc;
mod json;
mod kind;
mod names;
mod parquet;
mod sql;
mod table;
mod value;
mod writer;
mod xlsx;

use std::fmt;
use std::io;
use std::str::FromStr;

pub use csv::{CsvStyle, Quote};
pub use encoder::Encoder;
pub use kind::{ColumnPlan, Kind, Scan};
pub use sql::TableName;
pub use value::Reason;
pub use writer::{Remark, RowWriter};

use crate::types::Column;

/// How rows are laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Aligned columns for a terminal, as psql shows them.
    Table,
    /// RFC 4180 with a header line, as COPY writes it: NULL is nothing, an empty text is `""`.
    Csv,
    /// An array of objects. Numbers are written digit by digit; what JSON has no number for is text.
    Json,
    /// An object per line.
    Ndjson,
    /// Apache Parquet with real types, compressed with Zstandard.
    Parquet,
    /// An Arrow IPC file (Feather version 2) with real types, not compressed.
    Arrow,
    /// A spreadsheet, with another sheet where one is full.
    Xlsx,
    /// INSERT statements that Redshift and PostgreSQL read.
    Sql,
}

impl Format {
    /// All of them, for a list of choices.
    pub const ALL: [Self; 8] =
        [Self::Table, Self::Csv, Self::Json, Self::Ndjson, Self::Parquet, Self::Arrow, Self::Xlsx, Self::Sql];

    /// Its name, which is also the usual ending of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Xlsx => "xlsx",
            Self::Sql => "sql",
        }
    }

    /// Whether it is made of bytes that a terminal would choke on.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow | Self::Xlsx)
    }

    /// Whether its columns have types that must be known before the first row.
    pub fn has_types(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// A name that is no format's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no format: table, csv, json, ndjson, parquet, arrow, xlsx and sql are")]
pub struct UnknownFormat(String);

/// A format with all that can be chosen about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Style {
    /// The format.
    pub format: Format,
    /// For CSV.
    pub csv: CsvStyle,
    /// Into which table the INSERT statements of SQL go.
    pub table: TableName,
    /// Which columns, counted from 0, in this order; all when nothing is said.
    pub columns: Option<Vec<usize>>,
    /// For formats with types, what each chosen column is; by its own type when nothing is said.
    pub plan: Option<Vec<ColumnPlan>>,
}

impl From<Format> for Style {
    fn from(format: Format) -> Self {
        Self { format, csv: CsvStyle::default(), table: TableName::default(), columns: None, plan: None }
    }
}

/// A cell of a row as the server sent it; `None` is NULL.
pub type Cell<'a> = Option<&'a [u8]>;

/// A value that a format cannot hold as it is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("row {row}, column {column:?}: {value} {reason}")]
pub struct Misfit {
    /// Counted from 1.
    pub row: u64,
    /// Name of the column.
    pub column: String,
    /// The value, or its beginning.
    pub value: String,
    /// Ends a sentence that begins with the value.
    pub reason: Reason,
}

impl Misfit {
    /// Characters of a value that an error shows.
    const SHOWN: usize = 60;

    fn new(row: u64, column: &str, cell: &[u8], reason: Reason) -> Self {
        let text = String::from_utf8_lossy(&cell[..cell.len().min(4 * Self::SHOWN)]);
        let mut value: String = text.chars().take(Self::SHOWN).collect();
        if value.len() < cell.len() && text.chars().count() >= Self::SHOWN {
            value.push('…');
        }
        Self { row, column: column.to_owned(), value, reason }
    }
}

/// Why rows could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk is full, the reader has gone, or the like.
    #[error("could not write the rows")]
    Io(#[source] io::Error),
    /// A value does not fit the format.
    #[error("{0}")]
    Misfit(Box<Misfit>),
    /// A file of this format holds one result.
    #[error("a file of the format {0} holds one result, and there is a second")]
    SecondResult(Format),
    /// No statement brought rows.
    #[error("a file of the format {0} holds a result, and there is none")]
    NoResult(Format),
    /// More columns than the format has room for.
    #[error("a file of the format {format} has at most {limit} columns, and the result has {columns}")]
    TooManyColumns {
        /// Which format.
        format: Format,
        /// What fits.
        limit: usize,
        /// What there is.
        columns: usize,
    },
    /// There is nothing to write in a format that needs columns.
    #[error("a file of the format {0} needs at least one column")]
    NoColumns(Format),
    /// A column that was chosen is not there.
    #[error("the result has no column number {0}")]
    NoSuchColumn(usize),
    /// The kept rows cannot be read as they were written.
    #[error("row {0} of the result is damaged")]
    Damaged(u64),
    /// The library that writes the format failed.
    #[error("could not write the format {format}: {reason}")]
    Library {
        /// Which format.
        format: Format,
        /// In its words.
        reason: String,
    },
}

impl WriteError {
    /// What the system said, when it was the system.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// What a layout cannot do with a row.
enum LayoutError {
    /// The value in this column, counted among the chosen ones.
    Misfit(usize, Reason),
    Write(WriteError),
}

impl From<WriteError> for LayoutError {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

/// Turns results into bytes, one after the other. What it puts into `out` is taken from there by and by.
trait Layout: Send {
    fn begin(&mut self, columns: &[&Column], out: &mut Vec<u8>) -> Result<(), WriteError>;

    fn row(&mut self, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), LayoutError>;

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), LayoutError>;

    /// No more rows of this result will come, though it has more.
    fn break_off(&mut self, _out: &mut Vec<u8>) {}
}

/// The layout of a style.
fn layout(style: &Style) -> Box<dyn Layout> {
    match style.format {
        Format::Table => Box::<table::Table>::default(),
        Format::Csv => Box::new(csv::Csv::new(style.csv.clone())),
        Format::Json => Box::new(json::Json::array()),
        Format::Ndjson => Box::new(json::Json::lines()),
        Format::Parquet => Box::new(parquet::Parquet::new(style.plan.clone())),
        Format::Arrow => Box::new(ipc::Ipc::new(style.plan.clone())),
        Format::Xlsx => Box::<xlsx::Xlsx>::default(),
        Format::Sql => Box::new(sql::Sql::new(style.table.clone())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
