//! SQL tabs, runs and windows over results. Results stay in Rust; the UI asks for the rows it shows.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{databases::Target, error::Failure};

/// A tab with a session of its own.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ConsoleTab {
    /// Names it in commands.
    pub id: String,
    /// Where its session goes.
    pub target: Target,
    /// Value of the label `env`.
    pub env: Option<String>,
}

/// What to run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ConsoleRun {
    /// In which tab.
    pub tab: String,
    /// The whole text of the editor.
    pub text: String,
    /// Selection or cursor, UTF-16 offsets. Equal when nothing is selected: the statement under the cursor runs.
    pub from: u32,
    /// End of the selection.
    pub to: u32,
    /// Run all statements of the text, whatever is selected.
    pub all: bool,
}

/// The state of a run. Sent as the event `run_changed` at most every 100 ms, and always at its end.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Run {
    /// Names it.
    pub id: String,
    /// Its tab.
    pub tab: String,
    /// Where it is.
    pub state: RunState,
    /// Every statement of it, in order.
    pub statements: Vec<StatementRun>,
    /// Notices of the server, in order; the last thousand.
    pub notices: Vec<Notice>,
    /// Since the start, and final once it ended.
    #[ts(type = "number")]
    pub elapsed_ms: u64,
    /// Why it failed, unless the server refused a statement (see that statement then).
    pub failure: Option<Failure>,
}

/// Where a run or a statement is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Not begun: an earlier statement runs, or the session is being opened.
    Waiting,
    /// Sent, and not at its end.
    Running,
    /// The server has been asked to cancel.
    Canceling,
    /// Done.
    Done,
    /// Refused by the server, or the connection failed.
    Failed,
    /// Canceled; rows so far are kept.
    Canceled,
}

/// One statement of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct StatementRun {
    /// UTF-16 offset of its first character in the text.
    pub from: u32,
    /// End.
    pub to: u32,
    /// Where it is.
    pub state: RunState,
    /// The server's command tag, `SELECT 5`.
    pub tag: Option<String>,
    /// Its rows, when it has any columns.
    pub result: Option<ResultInfo>,
    /// Why the server refused it.
    pub failure: Option<Failure>,
    /// Time it took.
    #[ts(type = "number")]
    pub elapsed_ms: u64,
}

/// A kept result.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ResultInfo {
    /// Names it in commands.
    pub id: String,
    /// In order.
    pub columns: Vec<Column>,
    /// So far.
    #[ts(type = "number")]
    pub rows: u64,
    /// Bytes of all cells so far.
    #[ts(type = "number")]
    pub bytes: u64,
    /// All rows the server had are here.
    pub complete: bool,
}

/// A column of a result.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Column {
    /// As the server named it.
    pub name: String,
    /// `int8`, `varchar`, `super`, or the OID when unknown.
    pub type_name: String,
    /// Shown right-aligned.
    pub numeric: bool,
}

/// Something the server said on the side.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`, …
    pub severity: String,
    /// Its words.
    pub message: String,
}

/// Rows to show.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct WindowRequest {
    /// Which result.
    pub result: String,
    /// First row, from 0.
    #[ts(type = "number")]
    pub first: u64,
    /// How many; at most 1,000 are given.
    pub count: u32,
}

/// Rows of a result. Cells longer than 1,000 characters are cut and listed in `cut`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct RowWindow {
    /// First row, from 0.
    #[ts(type = "number")]
    pub first: u64,
    /// Text of each cell; null is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Cells that were cut.
    pub cut: Vec<CutCell>,
}

/// A cell too long for the grid.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct CutCell {
    /// Row of the result, from 0.
    #[ts(type = "number")]
    pub row: u64,
    /// Column, from 0.
    pub column: u32,
    /// Its real size.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// One cell, for the cell viewer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct CellRequest {
    /// Which result.
    pub result: String,
    /// Row, from 0.
    #[ts(type = "number")]
    pub row: u64,
    /// Column, from 0.
    pub column: u32,
}

/// The text of one cell, at most its first 1,000,000 bytes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Cell {
    /// Null is NULL.
    pub text: Option<String>,
    /// Size of the whole.
    #[ts(type = "number")]
    pub bytes: u64,
    /// More of it exists.
    pub cut: bool,
}
