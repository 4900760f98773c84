//! What the console has run, the tabs that outlive the app, and their files. The page names no path: where a file is opened
//! from or saved to is asked by the shell, as for exports.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{console::ConsoleTab, databases::Target};

/// What is asked of the history.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct HistoryRequest {
    /// Words that all have to be in the SQL, or in the name of the database, its user or its name.
    pub words: String,
    /// Only of this database.
    pub database: Option<String>,
    /// Only what failed.
    pub failed: bool,
    /// Only what is older than this entry: the page behind the one that ended with it.
    #[ts(type = "number | null")]
    pub before: Option<i64>,
    /// Entries at most; 500 are the most that are given.
    pub limit: u32,
}

/// A page of the history, newest first.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct HistoryPage {
    /// With the beginning of their SQL.
    pub entries: Vec<HistoryEntry>,
    /// There are more behind.
    pub more: bool,
    /// Entries that are kept in all,
    #[ts(type = "number")]
    pub kept: u64,
    /// with so many bytes of SQL,
    #[ts(type = "number")]
    pub bytes: u64,
    /// of so many entries
    #[ts(type = "number")]
    pub most: u64,
    /// and bytes at most.
    #[ts(type = "number")]
    pub most_bytes: u64,
    /// What went wrong since the app began, in the words of the system.
    pub trouble: Option<String>,
}

/// One run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct HistoryEntry {
    /// Names it.
    #[ts(type = "number")]
    pub id: i64,
    /// When it began, in milliseconds since 1970.
    #[ts(type = "number")]
    pub at: u64,
    /// Where.
    pub target: Target,
    /// The SQL, or its beginning.
    pub sql: String,
    /// `sql` is not all of it.
    pub cut: bool,
    /// It was so long that the whole was not kept: it cannot be run from here.
    pub partial: bool,
    /// How many statements it has.
    pub statements: u32,
    /// How it ended,
    pub outcome: HistoryOutcome,
    /// and after how long.
    #[ts(type = "number | null")]
    pub elapsed_ms: Option<u64>,
    /// Rows it returned; where it returned none, rows it changed.
    #[ts(type = "number | null")]
    pub rows: Option<u64>,
    /// Command tag of its last statement.
    pub tag: Option<String>,
    /// SQLSTATE of the statement that was refused.
    pub sqlstate: Option<String>,
    /// Why it failed, as it was said.
    pub message: Option<String>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum HistoryOutcome {
    /// It goes on.
    Running,
    /// Done.
    Done,
    /// Refused, or the session or the disk failed.
    Failed,
    /// Canceled.
    Canceled,
    /// The app ended before it did.
    Unknown,
}

/// What is to be forgotten.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum ForgetHistory {
    /// One entry.
    Entry {
        /// Which.
        #[ts(type = "number")]
        id: i64,
    },
    /// All of a database.
    Database {
        /// Which.
        name: String,
    },
    /// All.
    Everything,
}

/// What the console may keep on the disk.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
pub struct Remembering {
    /// What was run.
    pub history: bool,
    /// What stands in the tabs.
    pub tabs: bool,
}

/// The tabs of the console, with those that were open when the app last ended. None of these is connected.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct RestoredTabs {
    /// In their order.
    pub tabs: Vec<RestoredTab>,
    /// Files that should hold a tab and cannot be read. They stay where they are.
    pub unreadable: Vec<String>,
}

/// A tab with what stands in it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct RestoredTab {
    /// The tab.
    pub tab: ConsoleTab,
    /// What stands in it; nothing when nothing was kept yet.
    pub draft: Option<Draft>,
    /// The file it belongs to.
    pub file: Option<SqlFile>,
    /// Its file's lines ended in different ways, and will all end in the same.
    pub mixed: bool,
}

/// What stands in a tab.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Draft {
    /// For people: Untitled 1, 2, …; 0 when it has no number yet.
    pub number: u32,
    /// Its place among the tabs.
    pub place: u32,
    /// All of it, with line feeds alone.
    pub text: String,
    /// UTF-16 offset of the cursor, or of one end of the selection.
    pub from: u32,
    /// UTF-16 offset of the other end.
    pub to: u32,
    /// It differs from its file's.
    pub unsaved: bool,
}

/// A file of SQL, as far as it is shown.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct SqlFile {
    /// Its name.
    pub name: String,
    /// Where it is, to be shown.
    pub path: String,
}

/// What stands in a tab, to be kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct SaveDraft {
    /// Which tab.
    pub tab: String,
    /// What.
    pub draft: Draft,
}

/// What stands in a tab, to be saved to its file; to one that the shell asks for, when it has none.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct SaveSql {
    /// Which tab.
    pub tab: String,
    /// What.
    pub draft: Draft,
    /// Ask for another file in any case.
    pub elsewhere: bool,
    /// Replace the file even where it has changed since it was read.
    pub replace: bool,
    /// Name to propose for a new file, without its ending.
    pub name: String,
}

/// Another login for a tab.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct RetargetTab {
    /// Which tab.
    pub tab: String,
    /// Where it goes from now on.
    pub target: Target,
    /// The new session only reads.
    #[serde(default)]
    pub read_only: bool,
}
