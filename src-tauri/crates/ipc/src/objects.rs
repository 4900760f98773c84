//! What a database holds: the schema tree, its search, and completion. The catalogue stays in Rust; the UI asks for the
//! rows it shows and for what fits at the cursor.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{databases::Target, error::Failure};

/// Whose catalogue to read.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ReadObjects {
    /// Whose.
    pub target: Target,
    /// Also when it was read already, or reading it has failed.
    pub again: bool,
}

/// Where the catalogue of a login is. Sent as the event `objects_changed` while it is read, and whenever it changes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ObjectsState {
    /// Whose.
    pub target: Target,
    /// What is going on.
    pub phase: ObjectsPhase,
    /// Tables so far while it is read, or in all.
    pub tables: u32,
    /// Columns, likewise.
    pub columns: u32,
    /// When what there is was read, in milliseconds since 1970; absent when there is nothing.
    #[ts(type = "number | null")]
    pub as_of: Option<u64>,
    /// How long that took.
    #[ts(type = "number")]
    pub took_ms: u64,
    /// Something was changed since from here, and it was not read again.
    pub changed: bool,
    /// Parts that the server would not tell.
    pub missing: Vec<MissingPart>,
    /// Why the last reading failed.
    pub failure: Option<Failure>,
}

/// See [`ObjectsState`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum ObjectsPhase {
    /// Nobody has asked for it.
    Absent,
    /// It is read.
    Reading,
    /// It is there.
    Ready,
    /// The last reading failed; what was there before still is.
    Failed,
    /// The last reading was stopped; likewise.
    Stopped,
}

/// A part of a catalogue that the server would not tell.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct MissingPart {
    /// Which.
    pub part: ObjectsPart,
    /// In the server's words.
    pub reason: String,
}

/// Parts of a catalogue that it is of use without.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ObjectsPart {
    /// The other databases of the server.
    Databases,
    /// Columns of late-binding views.
    LateBindingViews,
    /// Columns of external tables.
    ExternalColumns,
    /// Functions and procedures.
    Functions,
    /// Primary keys.
    Keys,
    /// Numbers of rows.
    RowCounts,
}

/// Which rows of the tree, or which hits of a search.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ObjectRowsRequest {
    /// Whose catalogue.
    pub target: Target,
    /// What is open in the tree; of no meaning to a search.
    pub open: OpenObjects,
    /// A part of a name, or of several with points between; `null` for the tree.
    pub search: Option<String>,
    /// Number of the first row.
    pub first: u32,
    /// Rows at most.
    pub count: u32,
}

/// What is open. All that is not named is closed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, TS)]
pub struct OpenObjects {
    /// The database itself is closed.
    pub database_closed: bool,
    /// Schemas.
    pub schemas: Vec<String>,
    /// Schemas whose functions are shown.
    pub functions: Vec<String>,
    /// Tables.
    pub tables: Vec<ObjectName>,
}

/// Names a table.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ObjectName {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
}

/// Rows of a tree or a search.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ObjectRows {
    /// How many there are in all.
    pub total: u32,
    /// Those asked for.
    pub rows: Vec<ObjectRow>,
}

/// A row.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ObjectRow {
    /// What it shows.
    pub kind: ObjectKind,
    /// How deep it lies; a database, and a hit of a search, have zero.
    pub depth: u32,
    /// Name of what it shows; empty for the group of functions.
    pub name: String,
    /// Its name as SQL writes it: in quotes where those are wanted, a table's and a function's with the schema.
    pub sql: String,
    /// The schema it is in.
    pub schema: Option<String>,
    /// The table it is in.
    pub table: Option<String>,
    /// A column's type, what a function takes and gives.
    pub detail: String,
    /// What somebody said about it.
    pub remarks: Option<String>,
    /// Tables of a schema, rows of a table, functions.
    #[ts(type = "number | null")]
    pub count: Option<u64>,
    /// Whether it is open; `null` when there is nothing to open.
    pub open: Option<bool>,
    /// Facts of a column.
    pub column: Option<ColumnFacts>,
    /// Number of the row it lies under.
    pub parent: Option<u32>,
    /// Its place among its siblings, from 1.
    pub place: u32,
    /// How many those are.
    pub of: u32,
}

/// What a row shows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// The database of the login.
    Database,
    /// Another database of the server.
    OtherDatabase,
    /// A schema of the database.
    Schema,
    /// A schema of a data lake or another server.
    ExternalSchema,
    /// A schema of another warehouse.
    SharedSchema,
    /// A table.
    Table,
    /// A view.
    View,
    /// A view that keeps its rows.
    MaterializedView,
    /// A view that looks its tables up when it is used.
    LateBindingView,
    /// A table whose rows are elsewhere.
    ExternalTable,
    /// A table of another warehouse.
    SharedTable,
    /// A column.
    Column,
    /// The functions of a schema.
    Functions,
    /// A function.
    Function,
    /// A procedure.
    Procedure,
    /// A common table expression.
    Cte,
    /// A name that the statement gives: an alias, an output column.
    Alias,
}

/// What is known of a column.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ColumnFacts {
    /// It holds no NULL.
    pub not_null: bool,
    /// Part of the primary key.
    pub primary: bool,
    /// The distribution key.
    pub distribution: bool,
    /// A key that the files of an external table are parted by.
    pub partition: bool,
    /// Its place in the sort key, from 1; negative where the key is interleaved, zero where it is not in it.
    pub sort: i32,
    /// How it is compressed.
    pub encoding: Option<String>,
}

/// Names a table of a login's catalogue.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ObjectRequest {
    /// Whose catalogue.
    pub target: Target,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
}

/// A table in SQL.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ObjectSql {
    /// Its name with the schema, in quotes where SQL wants them.
    pub name: String,
    /// A SELECT of all its columns by name.
    pub select: String,
    /// A look at its first rows.
    pub preview: String,
}

/// Where to complete what.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct CompleteRequest {
    /// Whose catalogue.
    pub target: Target,
    /// A statement, or several.
    pub text: String,
    /// The cursor, a UTF-16 offset into it.
    pub at: u32,
}

/// What fits there.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Completion {
    /// Where the name begins that is being written, a UTF-16 offset.
    pub from: u32,
    /// Best first, at most 200.
    pub offers: Vec<Offer>,
    /// Which words of the language may go there.
    pub words: CompletionWords,
}

/// See [`Completion`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum CompletionWords {
    /// None.
    None,
    /// Types.
    Types,
    /// Any.
    All,
}

/// One of them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Offer {
    /// What it is.
    pub kind: ObjectKind,
    /// The name, as it is.
    pub name: String,
    /// What is written, in quotes where SQL wants them.
    pub insert: String,
    /// A column's type, a table's schema, what a function takes and gives.
    pub detail: String,
    /// It begins with what is written, or is it.
    pub close: bool,
}
