//! Exports: rows into files in the background. The page says what and how; where to is asked by the shell, so that the
//! page never names a path.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{databases::Target, error::Failure};

/// What to export. The shell asks for the file; the answer is null when none was chosen.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct StartExport {
    /// Where the rows come from.
    pub source: ExportSource,
    /// How they are laid out.
    pub format: ExportFormat,
    /// For CSV.
    pub csv: CsvOptions,
    /// Table of the INSERT statements, for SQL: `orders`, `sales.orders`.
    pub table: String,
    /// Which columns, counted from 0, in this order.
    pub columns: Vec<u32>,
    /// Name to propose for the file, without its ending.
    pub name: String,
}

/// Where rows come from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum ExportSource {
    /// The rows a kept result has at this moment.
    Result {
        /// Which.
        result: String,
    },
    /// A statement, run again in a session of its own. Its rows go into the file and nowhere else.
    Statement {
        /// As the login of which tab.
        tab: String,
        /// The statement.
        sql: String,
    },
}

/// A format of files.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Text with a delimiter.
    Csv,
    /// An array of objects.
    Json,
    /// An object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// An Arrow IPC file.
    Arrow,
    /// A spreadsheet.
    Xlsx,
    /// INSERT statements.
    Sql,
}

/// What can be chosen about CSV.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct CsvOptions {
    /// One ASCII character.
    pub delimiter: String,
    /// Put every value in quotes, not only those that need it.
    pub quote_all: bool,
    /// Column names in the first line.
    pub header: bool,
    /// A byte order mark, for Excel.
    pub bom: bool,
    /// What stands for NULL.
    pub null: String,
}

/// Where an export is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum ExportState {
    /// Opens its session, or waits for the first row.
    Starting,
    /// Looks at all values to settle the types of the columns.
    Looking,
    /// Writes rows.
    Writing,
    /// Was told to stop.
    Stopping,
    /// The file is complete.
    Done,
    /// There is no file.
    Failed,
    /// Was stopped. There is no file.
    Stopped,
}

/// An export. All of them are sent as the event `exports_changed`, at most four times a second for each that runs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Export {
    /// Names it in commands.
    pub id: String,
    /// Name of the file.
    pub file: String,
    /// Its folder.
    pub folder: String,
    /// Its format.
    pub format: ExportFormat,
    /// As whom the rows are read.
    pub target: Target,
    /// It runs a statement of its own.
    pub from_server: bool,
    /// Where it is.
    pub state: ExportState,
    /// Rows so far.
    #[ts(type = "number")]
    pub rows: u64,
    /// Rows there will be, when that is known.
    #[ts(type = "number | null")]
    pub total: Option<u64>,
    /// Bytes of the file so far.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Since its start, and final once it ended.
    #[ts(type = "number")]
    pub elapsed_ms: u64,
    /// Columns that became text because of one of their values.
    pub as_text: Vec<TextColumn>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// A column that is text in the file though it has another type.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct TextColumn {
    /// Its name.
    pub column: String,
    /// The row of the value that its type could not hold, from 1.
    #[ts(type = "number")]
    pub row: u64,
    /// That value, or its beginning.
    pub value: String,
}
