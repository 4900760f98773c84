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
    /// The proxy forwards only what is known to only read.
    pub read_only: bool,
    /// A statement begins a transaction where none is open, and only the person ends it.
    pub manual: bool,
    /// The transaction that is open, as the server says.
    pub transaction: Option<Transaction>,
    /// The session ended with its transaction: why, in the words of whoever ended it. Until the next run.
    pub lost: Option<String>,
}

/// An open transaction.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Transaction {
    /// It has failed: nothing more is done in it, and it can only be rolled back.
    pub failed: bool,
    /// When it began, in milliseconds since 1970.
    #[ts(type = "number")]
    pub since: u64,
    /// Statements it has run.
    pub statements: u32,
    /// Since when nothing runs in it, in milliseconds since 1970; null while something does.
    #[ts(type = "number | null")]
    pub idle_since: Option<u64>,
}

/// Opens a tab.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct OpenConsole {
    /// Where its session goes.
    pub target: Target,
    /// Forward only what is known to only read.
    #[serde(default)]
    pub read_only: bool,
}

/// Which transactions a tab has.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct SetManual {
    /// Which tab.
    pub tab: String,
    /// Statements begin a transaction where none is open. One that is open stays open either way.
    pub manual: bool,
}

/// Ends the open transaction of a tab.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct EndTransaction {
    /// Which tab.
    pub tab: String,
    /// Commit; roll back otherwise.
    pub commit: bool,
}

/// How a transaction ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct EndedTransaction {
    /// The server rolls back one that has failed, whatever it is asked.
    pub committed: bool,
}

/// What is to be known of a run before it begins.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct RunCheck {
    /// `:name`s of its statements, in order of appearance: each needs a value.
    pub parameters: Vec<String>,
    /// Statements to confirm first, in order. Told where the database's label says production.
    pub dangers: Vec<DangerousStatement>,
}

/// A statement that changes or removes more than may be meant.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct DangerousStatement {
    /// What it would do.
    pub danger: Danger,
    /// UTF-16 offset of its first character in the text.
    pub from: u32,
    /// End.
    pub to: u32,
}

/// What a statement would do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Danger {
    /// Change every row: no WHERE, or one that is the same for each.
    UpdateAll,
    /// Delete every row, likewise.
    DeleteAll,
    /// TRUNCATE
    Truncate,
    /// DROP TABLE
    DropTable,
    /// DROP SCHEMA
    DropSchema,
    /// DROP DATABASE
    DropDatabase,
}

/// A value for a `:name`. It is sent apart from the text, so nothing in it is read as SQL.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Parameter {
    /// Without the colon.
    pub name: String,
    /// What it is.
    pub kind: ParameterKind,
    /// As typed; nothing for `null`.
    pub value: String,
}

/// What a value is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// Whatever the server takes it for where it stands.
    Any,
    /// Text, as it is.
    Text,
    /// `int8` or `numeric`.
    Number,
    /// A day.
    Date,
    /// A day and a time.
    Timestamp,
    /// `true` or `false`.
    Boolean,
    /// NULL
    Null,
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
    /// Ask for the plan of each statement in place of running it.
    pub explain: bool,
    /// Values for the `:name`s of its statements.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// The person has read what `console_check` says of it, and means it.
    #[serde(default)]
    pub confirmed: bool,
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

/// A result that its tab keeps: one of the last run, or one that was pinned.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct KeptResult {
    /// What it holds.
    pub result: ResultInfo,
    /// The run that made it.
    pub run: String,
    /// Its statement; the first 1,000 characters.
    pub sql: String,
    /// The next run leaves it.
    pub pinned: bool,
    /// Rows may still come.
    pub growing: bool,
}

/// Has the next run leave a result, or no longer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct PinResult {
    /// Which.
    pub result: String,
    /// Whether it stays.
    pub pinned: bool,
}

/// Rows to show.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct WindowRequest {
    /// Which result.
    pub result: String,
    /// In the order of this view of it, and only its rows. Without one: all, as they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub view: Option<String>,
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
    /// Which row of the result each of `rows` is, from 0. Only for a view: without one that is `first` and onward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "Array<number>")]
    pub numbers: Option<Vec<u64>>,
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

/// Rows of a result in another order, or fewer of them. It answers once the view is there, `canceled` once its task was
/// stopped; until then `result_progress` tells how far it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ViewRequest {
    /// Of which result. What is still to come of it is not in the view.
    pub result: String,
    /// The window's own name for this work, for `result_progress` and `result_cancel`. Work of the same name that still
    /// goes on is stopped first.
    pub task: String,
    /// By the first column, among equals by the next; rows that are equal in all stay as they came. None: as they came.
    pub sort: Vec<SortColumn>,
    /// All of them hold for a row of the view.
    pub filters: Vec<Filter>,
}

/// Orders by a column: numbers and times by value, text by its bytes as Redshift does. NULL is last in both directions.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct SortColumn {
    /// From 0.
    pub column: u32,
    /// The largest first.
    pub descending: bool,
}

/// A condition for a row.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Filter {
    /// From 0. Null: some cell of the row; not for comparisons.
    pub column: Option<u32>,
    /// What has to hold.
    pub test: FilterTest,
    /// With what. Left out for `null` and `not_null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub value: Option<String>,
    /// Upper and lower case differ. Only for tests of text, from `contains` on; comparisons are exact.
    #[serde(default)]
    pub match_case: bool,
}

/// What a filter asks. NULL passes `null` only. Comparisons are by value, as sorting is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FilterTest {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// The text is somewhere in the cell.
    Contains,
    /// It is nowhere in it.
    NotContains,
    /// The cell begins with it.
    StartsWith,
    /// The cell ends with it.
    EndsWith,
    /// The regular expression matches somewhere in the cell.
    Matches,
    /// NULL.
    Null,
    /// Anything else.
    NotNull,
}

/// A view of a result. A result keeps its four newest; they go with it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct View {
    /// Names it in commands.
    pub id: String,
    /// Of which result.
    pub result: String,
    /// How many it shows.
    #[ts(type = "number")]
    pub rows: u64,
    /// How many the result had when it was made. With more by now, ask for a new one.
    #[ts(type = "number")]
    pub of: u64,
    /// Values that were not as their type has them, and so were compared as text behind all others.
    #[ts(type = "number")]
    pub as_text: u64,
}

/// Looks for a text from a cell on, row by row and in a row from left to right, and past the end from the start again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct FindRequest {
    /// In which result.
    pub result: String,
    /// In the order of this view of it, and only in its rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub view: Option<String>,
    /// As of a view.
    pub task: String,
    /// What to look for; never empty.
    pub text: String,
    /// It is a regular expression.
    pub regex: bool,
    /// Upper and lower case differ.
    pub match_case: bool,
    /// Only in this column; null: in all.
    pub column: Option<u32>,
    /// The cell to begin behind, or in front of when going backwards. Null: begin with the first cell, or the last.
    pub from: Option<CellPlace>,
    /// The previous match instead of the next.
    pub backwards: bool,
}

/// A cell's place in the grid.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
pub struct CellPlace {
    /// Row of the view, or of the result without one, from 0.
    #[ts(type = "number")]
    pub row: u64,
    /// Column, from 0.
    pub column: u32,
}

/// A cell in which the text is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
pub struct Found {
    /// Where it is in the grid.
    pub place: CellPlace,
    /// Its row in the result, from 0, for `result_cell`.
    #[ts(type = "number")]
    pub number: u64,
    /// It was found past the end, from the start on (backwards: the other way around).
    pub wrapped: bool,
}

/// Counts and measures a column.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct StatsRequest {
    /// Of which result.
    pub result: String,
    /// Only rows of this view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub view: Option<String>,
    /// As of a view.
    pub task: String,
    /// From 0.
    pub column: u32,
}

/// What is in a column.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ColumnStats {
    /// Rows that were looked at.
    #[ts(type = "number")]
    pub rows: u64,
    /// NULL among them.
    #[ts(type = "number")]
    pub nulls: u64,
    /// Empty texts among them.
    #[ts(type = "number")]
    pub empty: u64,
    /// Different values, NULL not among them.
    #[ts(type = "number")]
    pub distinct: u64,
    /// Whether `distinct` was counted; else it is estimated, to about two percent.
    pub distinct_exact: bool,
    /// The smallest by value, as the server sent it, at most 1,000 characters of it; null when all are NULL.
    pub min: Option<String>,
    /// The largest.
    pub max: Option<String>,
    /// For numbers and times: at most 32 ranges of equal width from `min` to `max`. NaN and infinity are in none.
    pub histogram: Vec<Bucket>,
    /// The most frequent values, at most ten, most frequent first. None when there are too many different ones.
    pub top: Vec<TopValue>,
    /// Values that were not as their type has them, and so were compared as text behind all others.
    #[ts(type = "number")]
    pub as_text: u64,
}

/// A range of values.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Bucket {
    /// Its smallest value, rounded for reading.
    pub from: String,
    /// The smallest behind it; in the last one the largest value.
    pub to: String,
    /// How many rows have one of it.
    #[ts(type = "number")]
    pub rows: u64,
}

/// A value and how often it is there.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct TopValue {
    /// At most 1,000 characters.
    pub text: String,
    /// In so many rows.
    #[ts(type = "number")]
    pub rows: u64,
}

/// How far the work on a result is. Sent as the event `result_progress` at most every 100 ms, never after its answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ResultProgress {
    /// The name that the window gave it.
    pub task: String,
    /// Rows done.
    #[ts(type = "number")]
    pub done: u64,
    /// Rows to do, all passes counted.
    #[ts(type = "number")]
    pub of: u64,
}
