//! What the databases hold, for completion and the schema tree: read once per login, kept in memory, read again when
//! somebody asks or has changed something.
//!
//! Reading costs, since it wakes a paused workgroup: nothing is read before a console of that login wants it. It goes
//! through the proxy in a session of its own ([`read`]), tells how far it is, and can be stopped. What was read before
//! stays until the next is whole.

mod definition;
mod read;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use postern_console::{
    complete::{Completion, complete},
    objects::Objects,
    split::{self, Strings},
    tab::{RunState, StatementRun},
};
use tokio::sync::watch;

use crate::{
    clock,
    console::Run,
    engine::{Change, Engine, Shared, lock},
    error::Error,
    login::Login,
};

/// `application_name` of the sessions that read.
pub(crate) const PROGRAM: &str = "Postern schema";

/// Every statement of theirs begins so, and is left out of what people are shown.
pub(crate) const MARK: &str = "/* postern schema */";

/// How often progress is told.
const TICK: Duration = Duration::from_millis(250);

/// Catalogues that are kept; a large one takes some twenty megabytes.
const KEPT: usize = 8;

/// One that took longer than this is not read again unasked.
const QUICK: Duration = Duration::from_secs(10);

/// Where the catalogue of a login is.
#[derive(Clone, Debug)]
pub struct ObjectsState {
    /// Whose.
    pub login: Login,
    /// What is going on.
    pub phase: ObjectsPhase,
    /// Tables so far while it is read, or in all.
    pub tables: usize,
    /// Columns, likewise.
    pub columns: usize,
    /// When what there is was read; `None` when there is nothing.
    pub as_of: Option<SystemTime>,
    /// How long that took.
    pub took: Duration,
    /// Something was changed since from here, and it was not read again.
    pub changed: bool,
    /// Parts that the server would not tell.
    pub missing: Vec<MissingPart>,
    /// Why the last reading failed.
    pub failure: Option<Arc<Error>>,
}

/// See [`ObjectsState`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MissingPart {
    /// Which.
    pub part: ObjectsPart,
    /// In the server's words.
    pub reason: String,
}

/// Parts of a catalogue that it is of use without.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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

/// The catalogues of all logins.
#[derive(Debug, Default)]
pub(crate) struct Catalogues {
    shelves: Mutex<HashMap<Login, Shelf>>,
}

/// The catalogue of one login.
#[derive(Debug)]
struct Shelf {
    known: Option<Known>,
    reading: Option<Arc<Reading>>,
    failure: Option<Arc<Error>>,
    stopped: bool,
    changed: bool,
    used: Instant,
}

#[derive(Clone, Debug)]
struct Known {
    objects: Arc<Objects>,
    missing: Vec<MissingPart>,
    as_of: SystemTime,
    took: Duration,
}

/// One reading.
#[derive(Debug)]
struct Reading {
    stop: watch::Sender<bool>,
    tables: AtomicUsize,
    columns: AtomicUsize,
    began: Instant,
}

impl Engine {
    /// Where the catalogue of a login is.
    #[must_use]
    pub fn objects_state(&self, login: &Login) -> ObjectsState {
        self.shared.catalogues.state(login)
    }

    /// Those of all logins that anybody asked about.
    #[must_use]
    pub fn objects_states(&self) -> Vec<ObjectsState> {
        let logins: Vec<Login> = lock(&self.shared.catalogues.shelves).keys().cloned().collect();
        logins.iter().map(|login| self.objects_state(login)).collect()
    }

    /// Has the catalogue of a login read unless it is there or on its way; `again` reads it anew.
    ///
    /// What goes wrong is told by the state, since reading goes on behind the caller's back.
    pub fn objects_read(&self, login: &Login, again: bool) -> ObjectsState {
        if let Some(reading) = self.shared.catalogues.begin(login, again) {
            let (engine, login) = (self.clone(), login.clone());
            self.shared.tell(Change::Objects(self.objects_state(&login)));
            tokio::spawn(async move { engine.read_objects(&login, &reading).await });
        }
        self.objects_state(login)
    }

    /// Stops reading; nothing when nothing is read.
    pub fn objects_stop(&self, login: &Login) {
        self.shared.catalogues.stop(login);
    }

    /// The catalogue of a login, if it was read.
    #[must_use]
    pub fn objects(&self, login: &Login) -> Option<Arc<Objects>> {
        self.shared.catalogues.known(login)
    }

    /// What can be written at a UTF-16 offset of `text`, as this login sees the database. Without a catalogue, names
    /// that the text itself gives.
    #[must_use]
    pub fn complete(&self, login: &Login, text: &str, at: u32) -> Completion {
        let objects = self.objects(login);
        // Redshift's literals escape with a backslash; those of a plain PostgreSQL do not.
        let redshift = objects.as_ref().is_none_or(|objects| objects.redshift());
        let strings = if redshift { Strings::Escaped } else { Strings::Standard };
        complete(text, split::utf16_to_byte(text, at), objects.as_deref(), strings)
    }

    async fn read_objects(&self, login: &Login, reading: &Arc<Reading>) {
        let shared = &self.shared;
        let work = read::read(self, login, reading);
        tokio::pin!(work);
        let mut tick = tokio::time::interval(TICK);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = tick.tick() => shared.tell(Change::Objects(shared.catalogues.state(login))),
            }
        };
        shared.catalogues.end(login, reading, done);
        shared.tell(Change::Objects(shared.catalogues.state(login)));
    }
}

impl Catalogues {
    fn state(&self, login: &Login) -> ObjectsState {
        let shelves = lock(&self.shelves);
        let mut state = ObjectsState {
            login: login.clone(),
            phase: ObjectsPhase::Absent,
            tables: 0,
            columns: 0,
            as_of: None,
            took: Duration::ZERO,
            changed: false,
            missing: Vec::new(),
            failure: None,
        };
        let Some(shelf) = shelves.get(login) else { return state };
        if let Some(known) = &shelf.known {
            (state.tables, state.columns) = known.objects.counts();
            (state.as_of, state.took) = (Some(known.as_of), known.took);
            state.missing.clone_from(&known.missing);
        }
        state.changed = shelf.changed;
        state.failure.clone_from(&shelf.failure);
        state.phase = match (&shelf.reading, &shelf.failure, shelf.stopped, &shelf.known) {
            (Some(reading), ..) => {
                state.tables = reading.tables.load(Ordering::Relaxed);
                state.columns = reading.columns.load(Ordering::Relaxed);
                ObjectsPhase::Reading
            }
            (None, Some(_), ..) => ObjectsPhase::Failed,
            (None, None, true, _) => ObjectsPhase::Stopped,
            (None, None, false, Some(_)) => ObjectsPhase::Ready,
            (None, None, false, None) => ObjectsPhase::Absent,
        };
        state
    }

    fn known(&self, login: &Login) -> Option<Arc<Objects>> {
        let mut shelves = lock(&self.shelves);
        let shelf = shelves.get_mut(login)?;
        shelf.used = Instant::now();
        shelf.known.as_ref().map(|known| Arc::clone(&known.objects))
    }

    /// A reading to be done, unless there is one, or no need.
    fn begin(&self, login: &Login, again: bool) -> Option<Arc<Reading>> {
        let mut shelves = lock(&self.shelves);
        while shelves.len() >= KEPT && !shelves.contains_key(login) {
            let idle = shelves.iter().filter(|(_, shelf)| shelf.reading.is_none());
            let oldest = idle.min_by_key(|(_, shelf)| shelf.used).map(|(login, _)| login.clone());
            let Some(oldest) = oldest else { break };
            shelves.remove(&oldest);
        }
        let shelf = shelves.entry(login.clone()).or_insert_with(Shelf::new);
        shelf.used = Instant::now();
        if shelf.reading.is_some() || (!again && (shelf.known.is_some() || shelf.failure.is_some() || shelf.stopped)) {
            return None;
        }
        let reading = Arc::new(Reading {
            stop: watch::Sender::new(false),
            tables: AtomicUsize::new(0),
            columns: AtomicUsize::new(0),
            began: Instant::now(),
        });
        (shelf.reading, shelf.failure, shelf.stopped) = (Some(Arc::clone(&reading)), None, false);
        // What changes from now on is not in it.
        shelf.changed = false;
        Some(reading)
    }

    fn stop(&self, login: &Login) {
        if let Some(reading) = lock(&self.shelves).get(login).and_then(|shelf| shelf.reading.as_ref()) {
            reading.stop.send_replace(true);
        }
    }

    fn end(&self, login: &Login, reading: &Arc<Reading>, done: Result<(Objects, Vec<MissingPart>), Error>) {
        let mut shelves = lock(&self.shelves);
        // Forgotten, and perhaps read by somebody else, meanwhile: then this is nobody's.
        let ours = |shelf: &&mut Shelf| shelf.reading.as_ref().is_some_and(|other| Arc::ptr_eq(other, reading));
        let Some(shelf) = shelves.get_mut(login).filter(ours) else { return };
        shelf.reading = None;
        match done {
            Ok((objects, missing)) => {
                let took = reading.began.elapsed();
                shelf.known = Some(Known { objects: Arc::new(objects), missing, as_of: clock::now(), took });
            }
            Err(Error::Canceled) => shelf.stopped = true,
            Err(error) => shelf.failure = Some(Arc::new(error)),
        }
    }

    /// Something was changed; says whether it is to be read again.
    fn change(&self, login: &Login) -> bool {
        let mut shelves = lock(&self.shelves);
        let Some(shelf) = shelves.get_mut(login) else { return false };
        shelf.changed = true;
        shelf.known.as_ref().is_some_and(|known| known.took < QUICK)
    }

    /// Forgets those of a database, or all: another user sees other things.
    pub(crate) fn forget(&self, database: Option<&str>) {
        lock(&self.shelves).retain(|login, shelf| {
            let stays = database.is_some_and(|name| login.database != name);
            if let (false, Some(reading)) = (stays, &shelf.reading) {
                reading.stop.send_replace(true);
            }
            stays
        });
    }
}

impl Shelf {
    fn new() -> Self {
        Self { known: None, reading: None, failure: None, stopped: false, changed: false, used: Instant::now() }
    }
}

/// Watches the runs of a tab for statements that change what there is.
#[derive(Debug)]
pub(crate) struct Changes {
    shared: Weak<Shared>,
    login: Login,
    seen: Option<String>,
    /// Changed within a transaction that may still be open: nobody else sees it before its end.
    uncommitted: bool,
}

impl Changes {
    pub(crate) fn of(engine: &Engine, login: &Login) -> Self {
        Self { shared: Arc::downgrade(&engine.shared), login: login.clone(), seen: None, uncommitted: false }
    }

    /// Looks at a run that has ended.
    pub(crate) fn look(&mut self, run: &Run) {
        let id = run.id.to_string();
        if self.seen.replace(id.clone()) == Some(id) {
            return;
        }
        let changed = run.statements.iter().any(changes_objects);
        let committed = self.uncommitted && run.statements.iter().any(commits);
        self.uncommitted = changed || (self.uncommitted && !committed);
        let Some(shared) = self.shared.upgrade().filter(|_| changed || committed) else { return };
        let engine = Engine { shared };
        if engine.shared.catalogues.change(&self.login) {
            engine.objects_read(&self.login, true);
        } else {
            let state = engine.objects_state(&self.login);
            engine.shared.tell(Change::Objects(state));
        }
    }
}

/// By the server's tag. What makes a table of a query has the tag of one, but no columns.
fn changes_objects(statement: &StatementRun) -> bool {
    let Some(tag) = statement.tag.as_deref().filter(|_| statement.state == RunState::Done) else { return false };
    let word = tag.split(' ').next().unwrap_or_default();
    matches!(word, "CREATE" | "ALTER" | "DROP" | "COMMENT") || (word == "SELECT" && statement.result.is_none())
}

fn commits(statement: &StatementRun) -> bool {
    statement.tag.as_deref().is_some_and(|tag| matches!(tag, "COMMIT" | "END"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn login(name: &str) -> Login {
        Login { database: name.into(), db_user: "u".into(), db_name: "dev".into() }
    }

    fn objects() -> (Objects, Vec<MissingPart>) {
        (postern_console::objects::ObjectsBuilder::default().finish("dev", true), Vec::new())
    }

    #[test]
    fn one_reading_is_done_at_a_time_and_its_end_is_kept() {
        let catalogues = Catalogues::default();
        let first = catalogues.begin(&login("a"), false).unwrap();
        assert!(catalogues.begin(&login("a"), true).is_none(), "it is on its way");
        assert_eq!(catalogues.state(&login("a")).phase, ObjectsPhase::Reading);
        catalogues.end(&login("a"), &first, Ok(objects()));
        assert_eq!(catalogues.state(&login("a")).phase, ObjectsPhase::Ready);
        assert!(catalogues.begin(&login("a"), false).is_none(), "it is there");
        let second = catalogues.begin(&login("a"), true).unwrap();
        catalogues.end(&login("a"), &second, Err(Error::NotSignedIn));
        let state = catalogues.state(&login("a"));
        assert!(state.phase == ObjectsPhase::Failed && state.as_of.is_some(), "what was there stays");
        assert!(catalogues.known(&login("a")).is_some());
        assert!(catalogues.begin(&login("a"), false).is_none(), "a failure is not tried again unasked");
    }

    #[test]
    fn what_is_forgotten_meanwhile_stays_so() {
        let catalogues = Catalogues::default();
        let reading = catalogues.begin(&login("a"), false).unwrap();
        catalogues.forget(None);
        assert!(*reading.stop.borrow());
        catalogues.end(&login("a"), &reading, Ok(objects()));
        assert!(catalogues.known(&login("a")).is_none());
    }

    #[test]
    fn the_one_used_longest_ago_makes_room() {
        let catalogues = Catalogues::default();
        for number in 0..=KEPT {
            let reading = catalogues.begin(&login(&number.to_string()), false).unwrap();
            catalogues.end(&login(&number.to_string()), &reading, Ok(objects()));
        }
        assert!(catalogues.known(&login("0")).is_none());
        assert!(catalogues.known(&login("1")).is_some());
    }
}
