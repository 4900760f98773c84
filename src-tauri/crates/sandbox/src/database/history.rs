//! The log of queries and sessions behind SYS_QUERY_HISTORY.
//!
//! The front sees every statement begin and end and notes both here. A writer brings the notes into a table of every
//! database, one row per query, updated in place: the same query is never there twice, nor missing while it ends. Rows
//! reach the table within [`INTERVAL`]; a statement that reads the log waits until they have, so that whoever asks
//! sees everything that happened before.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};
use tokio_postgres::Client;

use super::admission::Phase;
use super::cluster::Cluster;

/// Pause between two writes, so that a thousand queries a second do not become a thousand transactions.
const INTERVAL: Duration = Duration::from_millis(25);

/// How often the server is asked who waits for a lock.
const LOCK_LOOK: Duration = Duration::from_millis(100);

/// How many queries are remembered; Redshift keeps seven days.
const REMEMBERED: usize = 10_000;

/// How long a reader waits for the log at most: a database that is being killed must not hold it for ever.
const FLUSH_PATIENCE: Duration = Duration::from_secs(2);

/// Number of a query, unique in its workgroup.
pub(crate) type QueryId = i64;

/// Who runs a query, and where.
#[derive(Clone, Debug)]
pub(crate) struct SessionIdentity {
    pub(crate) session_id: i32,
    pub(crate) user_id: u32,
    pub(crate) username: String,
    pub(crate) database: String,
    /// What the client said at start-up, in its order.
    pub(crate) startup: Vec<(String, String)>,
}

/// How a query ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It did what it should.
    Success,
    /// The server's message.
    Failed(String),
    /// Somebody canceled it; the server's message.
    Canceled(String),
}

/// What a query gave back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Returned {
    pub(crate) rows: i64,
    pub(crate) bytes: i64,
}

/// Queries and sessions of one workgroup.
#[derive(Debug, Default)]
pub(crate) struct History {
    notes: Mutex<Notes>,
    /// Databases whose tables are kept up.
    targets: AsyncMutex<HashMap<String, Client>>,
    settings: Mutex<Settings>,
    changed: Notify,
    hurry: Notify,
    written: watch::Sender<u64>,
}

/// What the views and functions of catalog.sql read in `pg_internal.setting`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Settings {
    clock_ahead_us: i64,
    ignores_cancel: bool,
}

#[derive(Debug, Default)]
struct Notes {
    queries: BTreeMap<QueryId, QueryRow>,
    sessions: BTreeMap<(i32, i64), SessionRow>,
    dirty_queries: BTreeSet<QueryId>,
    dirty_sessions: BTreeSet<(i32, i64)>,
    /// Those that have not ended.
    live: BTreeSet<QueryId>,
    looked_at_locks_us: i64,
    /// What the owner of a session's query is told when that is canceled, by session.
    cancel_messages: HashMap<i32, (QueryId, String)>,
    last_query: QueryId,
    last_transaction: i64,
    /// Counts changes, so that a reader can wait for those made before it.
    version: u64,
}

/// A row of `pg_internal.query_log`.
#[derive(Clone, Debug, Serialize)]
struct QueryRow {
    query_id: QueryId,
    user_id: u32,
    username: String,
    transaction_id: i64,
    session_id: i32,
    database_name: String,
    query_type: &'static str,
    status: &'static str,
    start_us: i64,
    end_us: Option<i64>,
    /// When it came into the phase it is in.
    phase_us: i64,
    planning_us: i64,
    compile_us: i64,
    queue_us: i64,
    /// As far as it was looked at.
    lock_us: i64,
    error_message: String,
    returned_rows: i64,
    returned_bytes: i64,
    query_text: String,
    #[serde(skip)]
    lock_wait: LockWait,
}

/// The wait for a lock that a query is in.
#[derive(Clone, Copy, Debug, Default)]
struct LockWait {
    since_us: i64,
    /// What it had waited before.
    before_us: i64,
}

/// A row of `pg_internal.session_log`.
#[derive(Clone, Debug, Serialize)]
struct SessionRow {
    session_id: i32,
    start_us: i64,
    end_us: Option<i64>,
    user_id: u32,
    username: String,
    database_name: String,
    startup: Vec<(String, String)>,
}

/// What is to be written at once.
struct Batch {
    version: u64,
    queries: Vec<QueryRow>,
    sessions: Vec<SessionRow>,
    /// Older queries are forgotten.
    oldest: QueryId,
}

const WRITE_QUERIES: &str = "
    INSERT INTO pg_internal.query_log
    SELECT * FROM json_populate_recordset(NULL::pg_internal.query_log, $1::text::json)
    ON CONFLICT (query_id) DO UPDATE SET status = excluded.status, end_us = excluded.end_us,
        phase_us = excluded.phase_us, planning_us = excluded.planning_us, compile_us = excluded.compile_us,
        queue_us = excluded.queue_us, lock_us = excluded.lock_us,
        error_message = excluded.error_message, returned_rows = excluded.returned_rows,
        returned_bytes = excluded.returned_bytes";

const WRITE_SESSIONS: &str = "
    INSERT INTO pg_internal.session_log
    SELECT * FROM json_populate_recordset(NULL::pg_internal.session_log, $1::text::json)
    ON CONFLICT (session_id, start_us) DO UPDATE SET end_us = excluded.end_us";

const WRITE_SETTINGS: &str = "UPDATE pg_internal.setting SET clock_ahead_us = $1, ignores_cancel = $2";

/// Session, since when it waits, and now.
const LOCK_WAITS: &str = "
    SELECT pid + 1073741824, (extract(epoch FROM waitstart) * 1000000)::bigint, pg_catalog.pg_internal_now_us()
    FROM pg_catalog.pg_locks WHERE NOT granted AND waitstart IS NOT NULL";

impl History {
    /// A log whose writer runs as long as somebody holds the log.
    pub(crate) fn new() -> Arc<Self> {
        let history = Arc::new(Self::default());
        // Redshift counts from the birth of a workgroup; a small number would hide a client that keeps 32 bits.
        history.lock().last_query = 4_294_967_296;
        history.lock().last_transaction = 10_000;
        tokio::spawn(write_while_held(Arc::downgrade(&history)));
        history
    }

    /// Keeps the table in `database` up from now on, beginning with all that is remembered.
    pub(crate) async fn attach(&self, cluster: &Cluster, database: &str) -> Result<()> {
        let mut targets = self.targets.lock().await;
        if targets.get(database).is_some_and(|client| !client.is_closed()) {
            return Ok(());
        }
        let client = cluster.connect(database).await?;
        let everything = self.lock().everything();
        let written = async {
            write_settings(&client, self.settings()).await?;
            write(&client, &everything).await
        };
        written.await.with_context(|| format!("cannot write the query log of `{database}`"))?;
        targets.insert(database.to_owned(), client);
        Ok(())
    }

    /// Forgets the connections to a server that is gone.
    pub(crate) async fn detach(&self) {
        self.targets.lock().await.clear();
    }

    /// Sets the server's clock ahead of the machine's, or behind.
    pub(crate) async fn set_clock_ahead(&self, ahead: time::Duration) {
        let ahead = i64::try_from(ahead.whole_microseconds()).unwrap_or(i64::MAX);
        self.change_settings(|settings| settings.clock_ahead_us = ahead).await;
    }

    /// The functions that cancel do nothing while this is on.
    pub(crate) async fn ignore_cancel_functions(&self, on: bool) {
        self.change_settings(|settings| settings.ignores_cancel = on).await;
    }

    async fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings.lock().unwrap_or_else(PoisonError::into_inner));
        let targets = self.targets.lock().await;
        for (database, client) in &*targets {
            if let Err(error) = write_settings(client, self.settings()).await {
                tracing::debug!(%error, database, "cannot write the settings; they are written anew at the next login");
            }
        }
    }

    fn settings(&self) -> Settings {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a session began; the answer names it to [`Self::end_session`].
    pub(crate) fn begin_session(&self, who: &SessionIdentity) -> i64 {
        let start_us = now_us();
        let row = SessionRow {
            session_id: who.session_id,
            start_us,
            end_us: None,
            user_id: who.user_id,
            username: who.username.clone(),
            database_name: who.database.clone(),
            startup: who.startup.clone(),
        };
        let mut notes = self.lock();
        notes.sessions.insert((who.session_id, start_us), row);
        notes.dirty_sessions.insert((who.session_id, start_us));
        self.note_change(notes);
        start_us
    }

    /// Notes that a session ended.
    pub(crate) fn end_session(&self, who: &SessionIdentity, begun: i64) {
        let mut notes = self.lock();
        let key = (who.session_id, begun);
        if let Some(row) = notes.sessions.get_mut(&key) {
            row.end_us = Some(now_us());
            notes.dirty_sessions.insert(key);
        }
        self.note_change(notes);
    }

    /// Numbers a transaction.
    pub(crate) fn next_transaction(&self) -> i64 {
        let mut notes = self.lock();
        notes.last_transaction += 1;
        notes.last_transaction
    }

    /// Notes that a query begins, in the phase it is in at first.
    pub(crate) fn begin(&self, who: &SessionIdentity, transaction_id: i64, text: &str, phase: Phase) -> QueryId {
        let now = now_us();
        let mut notes = self.lock();
        notes.last_query += 1;
        let query_id = notes.last_query;
        let row = QueryRow {
            query_id,
            user_id: who.user_id,
            username: who.username.clone(),
            transaction_id,
            session_id: who.session_id,
            database_name: who.database.clone(),
            query_type: super::statements::query_type(text),
            status: phase.word(),
            start_us: now,
            end_us: None,
            phase_us: now,
            planning_us: 0,
            compile_us: 0,
            queue_us: 0,
            lock_us: 0,
            error_message: String::new(),
            returned_rows: 0,
            returned_bytes: 0,
            query_text: text.to_owned(),
            lock_wait: LockWait::default(),
        };
        notes.queries.insert(query_id, row);
        notes.dirty_queries.insert(query_id);
        notes.live.insert(query_id);
        if notes.queries.len() > REMEMBERED
            && let Some((forgotten, _)) = notes.queries.pop_first()
        {
            notes.live.remove(&forgotten);
        }
        self.note_change(notes);
        query_id
    }

    /// Notes that a query has come into another phase.
    pub(crate) fn set_phase(&self, query_id: QueryId, phase: Phase) {
        let mut notes = self.lock();
        let Some(row) = notes.queries.get_mut(&query_id) else { return };
        row.end_phase(now_us());
        row.status = phase.word();
        notes.dirty_queries.insert(query_id);
        self.note_change(notes);
    }

    /// Notes what a query has given back so far.
    pub(crate) fn returned(&self, query_id: QueryId, returned: Returned) {
        let mut notes = self.lock();
        let Some(row) = notes.queries.get_mut(&query_id) else { return };
        (row.returned_rows, row.returned_bytes) = (returned.rows, returned.bytes);
        notes.dirty_queries.insert(query_id);
        self.note_change(notes);
    }

    /// Notes how a query ended.
    pub(crate) fn finish(&self, query_id: QueryId, ending: Ending, returned: Returned) {
        let mut notes = self.lock();
        notes.live.remove(&query_id);
        let Some(row) = notes.queries.get_mut(&query_id) else { return };
        let now = now_us().max(row.start_us);
        row.end_phase(now);
        row.end_us = Some(now);
        row.returned_rows = returned.rows;
        row.returned_bytes = returned.bytes;
        (row.status, row.error_message) = match ending {
            Ending::Success => ("success", String::new()),
            Ending::Failed(message) => ("failed", message),
            Ending::Canceled(message) => ("canceled", message),
        };
        notes.dirty_queries.insert(query_id);
        self.note_change(notes);
    }

    /// Keeps what the owner of the query that a session runs is told when it is canceled.
    pub(crate) fn leave_message(&self, session_id: i32, message: String) {
        let mut notes = self.lock();
        let Notes { queries, live, cancel_messages, .. } = &mut *notes;
        let running = live.iter().rev().find(|id| queries.get(id).is_some_and(|row| row.session_id == session_id));
        if let Some(query_id) = running {
            cancel_messages.insert(session_id, (*query_id, message));
        }
    }

    /// Takes such a message back.
    pub(crate) fn forget_message(&self, session_id: i32) {
        self.lock().cancel_messages.remove(&session_id);
    }

    /// What was left for the owner of this query.
    pub(crate) fn take_message(&self, session_id: i32, query_id: QueryId) -> Option<String> {
        let (meant, message) = self.lock().cancel_messages.remove(&session_id)?;
        (meant == query_id).then_some(message)
    }

    /// Waits until everything noted so far can be read with SQL.
    pub(crate) async fn flush(&self) {
        let wanted = self.lock().version;
        let mut written = self.written.subscribe();
        self.hurry.notify_one();
        let caught_up = written.wait_for(|version| *version >= wanted);
        if tokio::time::timeout(FLUSH_PATIENCE, caught_up).await.is_err() {
            tracing::warn!("the query log was read before it was written");
        }
    }

    /// Whether a query lives so long that it may wait for a lock, and when that was last looked at is long enough ago.
    fn wants_a_look_at_locks(&self) -> bool {
        let notes = self.lock();
        let before = now_us() - i64::try_from(LOCK_LOOK.as_micros()).unwrap_or(i64::MAX);
        let started_before = |id| notes.queries.get(id).is_some_and(|row| row.start_us < before);
        notes.looked_at_locks_us < before && notes.live.iter().any(started_before)
    }

    /// Adds up how long queries wait for locks, which the server knows only while they do.
    async fn look_at_locks(&self) {
        self.lock().looked_at_locks_us = now_us();
        let targets = self.targets.lock().await;
        // pg_locks is of the whole cluster.
        let Some(client) = targets.values().find(|client| !client.is_closed()) else { return };
        let Ok(waits) = client.query(LOCK_WAITS, &[]).await else { return };
        let mut notes = self.lock();
        for wait in waits {
            notes.note_lock_wait(wait.get(0), wait.get(1), wait.get(2));
        }
        self.note_change(notes);
    }

    async fn write_once(&self) {
        let mut targets = self.targets.lock().await;
        let batch = self.lock().take_batch();
        let mut lost = Vec::new();
        for (database, client) in &*targets {
            if let Err(error) = write(client, &batch).await {
                tracing::debug!(%error, database, "cannot write the query log; it is written anew at the next login");
                lost.push(database.clone());
            }
        }
        lost.iter().for_each(|database| {
            targets.remove(database);
        });
        self.written.send_replace(batch.version);
    }

    fn note_change(&self, mut notes: MutexGuard<'_, Notes>) {
        notes.version += 1;
        drop(notes);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        // Every change is made in one go, so notes left by a thread that panicked are still whole.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueryRow {
    /// Counts the phase that it was in until `now`.
    fn end_phase(&mut self, now: i64) {
        let lasted = (now - self.phase_us).max(0);
        match self.status {
            "planning" => self.planning_us += lasted,
            "compiling" => self.compile_us += lasted,
            "queued" => self.queue_us += lasted,
            _ => {}
        }
        self.phase_us = now;
    }
}

impl Notes {
    /// The last query that a session has begun waits for a lock.
    fn note_lock_wait(&mut self, session_id: i32, since_us: i64, now_us: i64) {
        let Self { queries, live, dirty_queries, .. } = self;
        let last = live.iter().rev().find(|id| queries.get(id).is_some_and(|row| row.session_id == session_id));
        let Some((id, row)) = last.and_then(|id| queries.get_mut(id).map(|row| (*id, row))) else { return };
        if row.lock_wait.since_us != since_us {
            row.lock_wait = LockWait { since_us, before_us: row.lock_us };
        }
        row.lock_us = row.lock_wait.before_us + (now_us - since_us).max(0);
        dirty_queries.insert(id);
    }

    fn take_batch(&mut self) -> Batch {
        let queries = std::mem::take(&mut self.dirty_queries);
        let sessions = std::mem::take(&mut self.dirty_sessions);
        Batch {
            version: self.version,
            queries: queries.iter().filter_map(|id| self.queries.get(id).cloned()).collect(),
            sessions: sessions.iter().filter_map(|key| self.sessions.get(key).cloned()).collect(),
            oldest: self.oldest(),
        }
    }

    fn everything(&self) -> Batch {
        Batch {
            version: self.version,
            queries: self.queries.values().cloned().collect(),
            sessions: self.sessions.values().cloned().collect(),
            oldest: self.oldest(),
        }
    }

    fn oldest(&self) -> QueryId {
        self.queries.first_key_value().map_or(0, |(id, _)| *id)
    }
}

async fn write_while_held(history: std::sync::Weak<History>) {
    while let Some(history) = history.upgrade() {
        // A timeout lets go of the log now and then, so that one that nobody else holds can go.
        let pause = if history.lock().live.is_empty() { Duration::from_secs(1) } else { LOCK_LOOK };
        let changed = tokio::time::timeout(pause, async {
            tokio::select! {
                () = history.hurry.notified() => {}
                () = history.changed.notified() => {
                    let _ = tokio::time::timeout(INTERVAL, history.hurry.notified()).await;
                }
            }
        });
        let changed = changed.await.is_ok();
        let looks = history.wants_a_look_at_locks();
        if looks {
            history.look_at_locks().await;
        }
        if changed || looks {
            history.write_once().await;
        }
    }
}

async fn write_settings(client: &Client, settings: Settings) -> Result<()> {
    client.execute(WRITE_SETTINGS, &[&settings.clock_ahead_us, &settings.ignores_cancel]).await?;
    Ok(())
}

async fn write(client: &Client, batch: &Batch) -> Result<()> {
    if !batch.sessions.is_empty() {
        client.execute(WRITE_SESSIONS, &[&serde_json::to_string(&batch.sessions)?]).await?;
    }
    if !batch.queries.is_empty() {
        client.execute(WRITE_QUERIES, &[&serde_json::to_string(&batch.queries)?]).await?;
    }
    // Now and then is enough: what is kept too long is only a little more to read.
    if batch.queries.iter().any(|row| row.query_id % 1000 == 0) {
        client.execute("DELETE FROM pg_internal.query_log WHERE query_id < $1", &[&batch.oldest]).await?;
    }
    Ok(())
}

/// The machine's time, not the sandbox's clock: PostgreSQL compares it with its own.
fn now_us() -> i64 {
    // Fits until the year 294247.
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
impl History {
    /// Text, status and rows of every query, oldest first.
    pub(crate) fn summary(&self) -> Vec<(String, &'static str, i64)> {
        let notes = self.lock();
        notes.queries.values().map(|row| (row.query_text.clone(), row.status, row.returned_rows)).collect()
    }
}
