//! The file of the history.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, ToSql, named_params, params};

use super::{
    Forget, HistoryEntry, HistoryPage, HistoryQuery, MAX_BYTES, MAX_ENTRIES, MAX_SQL, Outcome, PAGE, SHOWN,
    search::Words,
};
use crate::{clock, engine::lock, error::Error, home::Home, lease::lives, login::Login};

/// The shape of the tables. A file with a greater number was written by a newer Postern and is left alone.
const SHAPE: i64 = 1;

/// How long another process of the same home may hold the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// `totals` is kept by triggers, so that no run has to count a hundred thousand entries to know whether there is room.
/// `sql` stands last: what stands in front of a long text is read without it.
const TABLES: &str = "
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        pid INTEGER NOT NULL,
        user TEXT NOT NULL,
        database TEXT NOT NULL,
        db_user TEXT NOT NULL,
        db_name TEXT NOT NULL,
        statements INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        elapsed_ms INTEGER,
        rows INTEGER,
        tag TEXT,
        sqlstate TEXT,
        message TEXT,
        bytes INTEGER NOT NULL,
        size INTEGER NOT NULL,
        sql TEXT NOT NULL
    ) STRICT;
    CREATE TABLE totals (entries INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
    INSERT INTO totals VALUES (0, 0);
    CREATE TRIGGER added AFTER INSERT ON runs BEGIN
        UPDATE totals SET entries = entries + 1, bytes = bytes + new.size;
    END;
    CREATE TRIGGER removed AFTER DELETE ON runs BEGIN
        UPDATE totals SET entries = entries - 1, bytes = bytes - old.size;
    END;
";

const COLUMNS: &str = "id, at, pid, user, database, db_user, db_name, statements, outcome, elapsed_ms, rows, tag, \
                       sqlstate, message, bytes, size, sql";

/// A run that has just begun.
#[derive(Clone, Debug)]
pub(crate) struct Begun<'a> {
    pub(crate) at: u64,
    pub(crate) user: &'a str,
    pub(crate) login: &'a Login,
    pub(crate) sql: &'a str,
    pub(crate) statements: u64,
}

/// How it ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) elapsed_ms: u64,
    pub(crate) rows: Option<u64>,
    pub(crate) tag: Option<String>,
    pub(crate) sqlstate: Option<String>,
    pub(crate) message: Option<String>,
}

/// The history of a home. The file is opened by the first who asks, so that a command that runs nothing makes none.
#[derive(Debug)]
pub(crate) struct History {
    path: PathBuf,
    limits: (u64, u64),
    /// When this process began to keep it, in milliseconds since 1970.
    since: u64,
    open: Mutex<Option<Connection>>,
    trouble: Mutex<Option<String>>,
}

impl History {
    pub(crate) fn of(home: &Home) -> Self {
        Self::at(home.state().join("history.db"), (MAX_ENTRIES, MAX_BYTES))
    }

    fn at(path: PathBuf, limits: (u64, u64)) -> Self {
        let since = clock::millis(clock::now());
        Self { path, limits, since, open: Mutex::default(), trouble: Mutex::default() }
    }

    /// Notes a run that has begun, and makes room for it. Gives its number.
    pub(crate) fn begin(&self, begun: &Begun<'_>) -> Result<i64, Error> {
        let kept = &begun.sql[..begun.sql.floor_char_boundary(MAX_SQL)];
        self.with(|connection| {
            let change = connection.transaction()?;
            change.prepare(
                "INSERT INTO runs (at, pid, user, database, db_user, db_name, statements, outcome, bytes, size, sql) \
                 VALUES (:at, :pid, :user, :database, :db_user, :db_name, :statements, 'running', :bytes, :size, :sql)",
            )?
            .execute(named_params! {
                ":at": number(begun.at),
                ":pid": std::process::id(),
                ":user": begun.user,
                ":database": begun.login.database,
                ":db_user": begun.login.db_user,
                ":db_name": begun.login.db_name,
                ":statements": number(begun.statements),
                ":bytes": number(begun.sql.len() as u64),
                ":size": number(kept.len() as u64),
                ":sql": kept,
            })?;
            let id = change.last_insert_rowid();
            trim(&change, self.limits)?;
            change.commit()?;
            Ok(id)
        })
    }

    /// Notes how a run ended. One that was forgotten meanwhile stays so.
    pub(crate) fn end(&self, id: i64, ended: &Ended) -> Result<(), Error> {
        self.with(|connection| {
            connection
                .prepare(
                    "UPDATE runs SET outcome = :outcome, elapsed_ms = :elapsed_ms, rows = :rows, tag = :tag, \
                     sqlstate = :sqlstate, message = :message WHERE id = :id",
                )?
                .execute(named_params! {
                    ":id": id,
                    ":outcome": word(ended.outcome),
                    ":elapsed_ms": number(ended.elapsed_ms),
                    ":rows": ended.rows.map(number),
                    ":tag": ended.tag,
                    ":sqlstate": ended.sqlstate,
                    ":message": ended.message,
                })
        })
        .map(drop)
    }

    /// Entries that match, newest first.
    pub(crate) fn page(&self, query: &HistoryQuery) -> Result<HistoryPage, Error> {
        let words = Words::new(&query.words)?;
        let limit = query.limit.clamp(1, PAGE);
        let mut page = self.with(|connection| {
            let (kept, bytes) = totals(connection)?;
            let mut select = connection.prepare(&format!(
                "SELECT {COLUMNS} FROM runs WHERE (:before IS NULL OR id < :before) \
                 AND (:database IS NULL OR database = :database) AND (:failed = 0 OR outcome = 'failed') \
                 ORDER BY id DESC"
            ))?;
            let mut rows = select.query(named_params! {
                ":before": query.before, ":database": query.database, ":failed": query.failed,
            })?;
            let mut page = HistoryPage { kept, bytes, ..HistoryPage::default() };
            while let Some(row) = rows.next()? {
                let text = |name| row.get_ref(name).map(|value| value.as_str().unwrap_or_default());
                if !words.are_in(&[text("sql")?, text("database")?, text("db_user")?, text("db_name")?]) {
                    continue;
                }
                if page.entries.len() == limit {
                    page.more = true;
                    break;
                }
                page.entries.push(self.entry(row)?);
            }
            Ok(page)
        })?;
        page.trouble.clone_from(&lock(&self.trouble));
        Ok(page)
    }

    /// The SQL of an entry, as far as it was kept; nothing when there is no such entry.
    pub(crate) fn sql(&self, id: i64) -> Result<Option<String>, Error> {
        self.with(|connection| {
            connection.query_row("SELECT sql FROM runs WHERE id = ?1", [id], |row| row.get(0)).optional()
        })
    }

    /// Forgets entries, and says how many. What they held is overwritten in the file.
    pub(crate) fn forget(&self, what: &Forget) -> Result<u64, Error> {
        let everything = *what == Forget::Everything;
        self.with(|connection| {
            let remove = |condition: &str, value: &[&dyn ToSql]| {
                connection.execute(&format!("DELETE FROM runs WHERE {condition}"), value)
            };
            let removed = match what {
                Forget::Entry(id) => remove("id = ?1", &[id]),
                Forget::Database(name) => remove("database = ?1", &[name]),
                // Not without a condition: SQLite would skip the trigger's row by row.
                Forget::Everything => remove("id >= ?1", &[&0]),
            }?;
            if everything {
                // The disk has its space back.
                connection.execute_batch("VACUUM")?;
            }
            Ok(removed as u64)
        })
    }

    /// A run that could not be noted is told with the next page: it must not stop the run itself.
    pub(crate) fn note_trouble(&self, error: &Error) {
        let reason = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        tracing::warn!(reason, "a run is not in the history");
        *lock(&self.trouble) = Some(reason);
    }

    fn entry(&self, row: &Row<'_>) -> rusqlite::Result<HistoryEntry> {
        let sql = row.get_ref("sql")?.as_str().unwrap_or_default();
        let outcome: String = row.get("outcome")?;
        let (at, pid) = (unsigned(row.get("at")?), row.get("pid")?);
        // A number of a process may come again: what began before we did is not ours.
        let goes_on = if pid == std::process::id() { at >= self.since } else { lives(pid) };
        let count = |name| row.get::<_, Option<i64>>(name).map(|number| number.map(unsigned));
        Ok(HistoryEntry {
            id: row.get("id")?,
            at,
            user: row.get("user")?,
            login: Login { database: row.get("database")?, db_user: row.get("db_user")?, db_name: row.get("db_name")? },
            sql: sql[..sql.floor_char_boundary(SHOWN)].to_owned(),
            bytes: unsigned(row.get("bytes")?),
            partial: row.get_ref("bytes")? != row.get_ref("size")?,
            statements: unsigned(row.get("statements")?),
            outcome: match outcome.as_str() {
                "running" if goes_on => Outcome::Running,
                "done" => Outcome::Done,
                "failed" => Outcome::Failed,
                "canceled" => Outcome::Canceled,
                _ => Outcome::Unknown,
            },
            elapsed_ms: count("elapsed_ms")?,
            rows: count("rows")?,
            tag: row.get("tag")?,
            sqlstate: row.get("sqlstate")?,
            message: row.get("message")?,
        })
    }

    fn with<T>(&self, work: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let mut open = lock(&self.open);
        if open.is_none() {
            *open = Some(self.connect()?);
        }
        let Some(connection) = open.as_mut() else { return Err(self.failed("it was closed")) };
        match work(connection) {
            Err(error) if is_damage(&error) => {
                *open = None;
                let mut fresh = self.connect_anew(&error)?;
                let done = work(&mut fresh).map_err(|error| self.failed(&error.to_string()));
                *open = Some(fresh);
                done
            }
            done => done.map_err(|error| self.failed(&error.to_string())),
        }
    }

    /// Opens the file under a lock, so that of two processes one makes the tables.
    fn connect(&self) -> Result<Connection, Error> {
        let _locked = self.locked()?;
        match self.open_file() {
            Err(Opened::Unusable(error)) if is_damage(&error) => self.set_aside(&error),
            Err(Opened::Unusable(error)) => Err(self.failed(&error.to_string())),
            Err(Opened::Newer(shape)) => {
                Err(self.failed(&format!("it was written by a newer version of Postern (shape {shape}, not {SHAPE})")))
            }
            Err(Opened::Storage(error)) => Err(error),
            Ok(connection) => Ok(connection),
        }
    }

    /// The file was found damaged in the middle of work. Another process may have set it aside already.
    fn connect_anew(&self, why: &rusqlite::Error) -> Result<Connection, Error> {
        let _locked = self.locked()?;
        match self.open_file() {
            Ok(connection) if is_whole(&connection) => Ok(connection),
            _ => self.set_aside(why),
        }
    }

    fn locked(&self) -> Result<File, Error> {
        let path = self.path.with_extension("lock");
        let locked = private().append(true).open(&path).and_then(|file| file.lock().map(|()| file));
        locked.map_err(|source| Error::Storage { path, source })
    }

    fn open_file(&self) -> Result<Connection, Opened> {
        let exists = private().append(true).open(&self.path);
        exists.map_err(|source| Opened::Storage(Error::Storage { path: self.path.clone(), source }))?;
        let mut connection = Connection::open(&self.path).map_err(Opened::Unusable)?;
        let shape = prepare(&mut connection).map_err(Opened::Unusable)?;
        if shape > SHAPE { Err(Opened::Newer(shape)) } else { Ok(connection) }
    }

    /// Nothing is thrown away: a damaged file keeps what can be read of it under another name, and a new one begins.
    fn set_aside(&self, why: &rusqlite::Error) -> Result<Connection, Error> {
        let moved = beside(&self.path, &format!(".damaged-{}", clock::millis(clock::now())));
        let failed = |source| Error::Storage { path: self.path.clone(), source };
        std::fs::rename(&self.path, &moved).map_err(failed)?;
        // A journal belongs to its file: left here it would be played back into the new one.
        let journal = beside(&self.path, "-journal");
        match std::fs::rename(&journal, beside(&moved, "-journal")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let told = format!("the file was damaged ({why}) and is now {}", moved.display());
        tracing::warn!(told, "a new history begins");
        *lock(&self.trouble) = Some(told);
        self.open_file().map_err(|opened| match opened {
            Opened::Storage(error) => error,
            Opened::Unusable(error) => self.failed(&error.to_string()),
            Opened::Newer(shape) => self.failed(&format!("it has shape {shape}")),
        })
    }

    fn failed(&self, reason: &str) -> Error {
        Error::Storage { path: self.path.clone(), source: std::io::Error::other(reason.to_owned()) }
    }
}

/// Why a file is not open.
enum Opened {
    Storage(Error),
    Unusable(rusqlite::Error),
    Newer(i64),
}

/// Settles how the file is used, makes the tables of a new one, and gives its shape.
fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.busy_timeout(PATIENCE)?;
    // What is forgotten is overwritten, and nothing of it is put into files elsewhere. A journal rather than a write-ahead
    // log: runs are few, and a home folder may be on a network.
    connection.execute_batch(
        "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_mode = DELETE; \
         PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;",
    )?;
    let shape = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if shape != 0 {
        return Ok(shape);
    }
    let change = connection.transaction()?;
    change.execute_batch(TABLES)?;
    change.pragma_update(None, "user_version", SHAPE)?;
    change.commit()?;
    Ok(SHAPE)
}

/// The oldest go until all is within the limits.
fn trim(connection: &Connection, (most_entries, most_bytes): (u64, u64)) -> rusqlite::Result<()> {
    let (entries, bytes) = totals(connection)?;
    let (mut surplus, mut excess) = (entries.saturating_sub(most_entries), bytes.saturating_sub(most_bytes));
    if surplus == 0 && excess == 0 {
        return Ok(());
    }
    let mut last = None;
    let mut select = connection.prepare("SELECT id, size FROM runs ORDER BY id")?;
    let mut rows = select.query([])?;
    while surplus > 0 || excess > 0 {
        let Some(row) = rows.next()? else { break };
        last = Some(row.get::<_, i64>(0)?);
        surplus = surplus.saturating_sub(1);
        excess = excess.saturating_sub(unsigned(row.get(1)?));
    }
    drop(rows);
    connection.execute("DELETE FROM runs WHERE id <= ?1", params![last]).map(drop)
}

fn totals(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    connection
        .query_row("SELECT entries, bytes FROM totals", [], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "running",
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Canceled => "canceled",
        Outcome::Unknown => "unknown",
    }
}

/// Whether the file itself is broken, rather than out of reach.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn is_whole(connection: &Connection) -> bool {
    connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)).is_ok_and(|said| said == "ok")
}

/// SQLite's numbers have a sign.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Makes a file for its owner only; SQLite gives its journal the same mode.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
#[path = "tests.rs"]
mod tests;
