//! Console tabs: each has a session of its own through the gate of its login. The runs and results are `postern-console`'s.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicI32, AtomicU64, Ordering},
    },
    time::Duration,
};

use postern_console::{
    analysis::{ColumnStats, FindSpec, Found, Plan, Plot, PlotChoices, PlotSpec, View, ViewSpec, ViewWindow},
    session::{Login as ConsoleLogin, SessionError},
    split::utf16_to_byte,
    store::{CellText, ResultId, ResultStore, StoreError, StoreOptions, Window},
    tab::{
        Check, CloseRefused, Connector, EndRefused, KeptResult, RunFailure, RunRefused, RunRequest, RunSnapshot,
        Stream, Tab, TabOptions, TabState,
    },
};
use postern_proxy::BoxFuture;
use postern_wire::CancelKey;
use tokio::sync::watch;

use crate::{
    clock,
    engine::{Change, Engine, Shared, lock},
    error::Error,
    gate::Gate,
    history::Recording,
    login::Login,
    objects,
    sql::{server_failure, session_failure},
};

/// `application_name` of the console's sessions.
const PROGRAM: &str = "Postern console";

/// Rows that one window holds at most.
const WINDOW: usize = 1_000;

/// Pause after a step of a run was told, for each of its statements.
const STEP_PAUSE: Duration = Duration::from_micros(100);

/// That pause at most.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How often a session with an open transaction is looked at while it rests: one that ends takes the transaction with it.
const LOOK: Duration = Duration::from_secs(2);

/// Values of the label `env` that stand for production; `ui/src/lib/env.ts` shows the same in its colour.
const PRODUCTION: [&str; 2] = ["prod", "production"];

/// Bytes of a cell that are given at most.
const CELL: usize = 1_000_000;

/// Names a tab.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TabId(u64);

#[cfg(test)]
impl TabId {
    pub(crate) fn test(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for TabId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tab-{}", self.0)
    }
}

/// A tab as it is shown.
#[derive(Clone, Debug)]
pub struct ConsoleTab {
    /// Names it.
    pub id: TabId,
    /// Where its session goes.
    pub login: Login,
    /// Value of the database's label `env`.
    pub env: Option<String>,
    /// Its session forwards only what is known to only read.
    pub read_only: bool,
    /// What its session is in.
    pub state: TabState,
}

/// The last run of a tab.
pub type Run = RunSnapshot<Error>;

/// The open tabs.
#[derive(Debug, Default)]
pub(crate) struct Tabs {
    last: AtomicU64,
    open: Mutex<BTreeMap<TabId, Arc<Open>>>,
}

#[derive(Debug)]
struct Open {
    tab: Tab<GateConnector>,
    door: Arc<Door>,
    env: Option<String>,
    read_only: bool,
    /// The run that the history waits for. Held while a run begins, so that the one before it is settled first.
    recording: Mutex<Option<Recording>>,
}

impl Open {
    fn shown(&self, id: TabId) -> ConsoleTab {
        ConsoleTab {
            id,
            login: self.door.login.clone(),
            env: self.env.clone(),
            read_only: self.read_only,
            state: self.tab.watch_state().borrow().clone(),
        }
    }

    /// A slip costs more here than a question.
    fn is_production(&self) -> bool {
        self.env.as_ref().is_some_and(|env| PRODUCTION.iter().any(|known| env.eq_ignore_ascii_case(known)))
    }

    /// Whether a person is asked before this runs something dangerous. A session that only reads does none of it, and neither
    /// does a plan.
    fn guards(&self, request: &RunRequest) -> bool {
        self.is_production() && !self.read_only && !request.explain
    }

    /// Refuses what a person is asked about first.
    fn check_confirmed(&self, request: &RunRequest) -> Result<(), Error> {
        if !self.guards(request) {
            return Ok(());
        }
        let Some(first) = self.tab.check(request).dangers.into_iter().next() else { return Ok(()) };
        let (from, to) = (utf16_to_byte(&request.text, first.from), utf16_to_byte(&request.text, first.to));
        let statement = request.text[from..to].chars().take(100).collect();
        Err(Error::ConfirmationNeeded { database: self.door.login.database.clone(), statement })
    }
}

/// Gives a tab its stream: a session of the gate.
#[derive(Debug)]
struct GateConnector {
    door: Arc<Door>,
    read_only: bool,
}

/// The way to a gate, which is there once somebody has gone it: a restored tab asks neither roles nor AWS before it runs
/// something, and is there even where it may not.
#[derive(Debug)]
struct Door {
    engine: Weak<Shared>,
    login: Login,
    gate: OnceLock<Arc<Gate>>,
    /// The PID that its last session was given in place of the server's; 0 before the first.
    local_pid: AtomicI32,
}

impl Door {
    fn gate(&self) -> Result<Arc<Gate>, Error> {
        if let Some(gate) = self.gate.get() {
            return Ok(Arc::clone(gate));
        }
        let shared = self.engine.upgrade().ok_or(Error::Canceled)?;
        let gate = Engine { shared }.gate(&self.login)?;
        Ok(Arc::clone(self.gate.get_or_init(|| gate)))
    }
}

impl Connector for GateConnector {
    type Error = Error;

    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Stream>, Error>> {
        Box::pin(async move {
            let gate = self.door.gate()?;
            let stream = match self.read_only {
                true => gate.attach_read_only(PROGRAM).await?,
                false => gate.attach(PROGRAM).await?,
            };
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }

    fn cancel(&self, key: CancelKey) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Without a gate nothing runs.
            if let Some(gate) = self.door.gate.get() {
                gate.cancel_local(key.pid).await;
            }
        })
    }

    fn runs_on(&self, key: Option<&CancelKey>) {
        self.door.local_pid.store(key.map_or(0, |key| key.pid), Ordering::Relaxed);
    }
}

impl Engine {
    /// Opens a tab. Its session begins with its first run; what roles or AWS refuse is said now.
    ///
    /// # Errors
    /// [`Error::AccessDenied`], [`Error::Aws`]; otherwise as reading the resources.
    pub async fn console_open(&self, login: &Login, read_only: bool) -> Result<ConsoleTab, Error> {
        let gate = self.gate(login)?;
        gate.preflight().await?;
        let env = gate.env().map(str::to_owned);
        Ok(self.open_tab(login, OnceLock::from(gate), env, read_only))
    }

    /// Opens a tab without asking anybody; what roles or AWS refuse is said when it first runs something.
    pub(crate) fn console_reopen(&self, login: &Login, read_only: bool) -> ConsoleTab {
        let resources = self.shared.catalogue.load().ok();
        let database = resources.as_ref().and_then(|resources| resources.database(&login.database).ok());
        let env = database.and_then(|database| database.labels.get("env").cloned());
        self.open_tab(login, OnceLock::new(), env, read_only)
    }

    fn open_tab(&self, login: &Login, gate: OnceLock<Arc<Gate>>, env: Option<String>, read_only: bool) -> ConsoleTab {
        let options = TabOptions {
            login: ConsoleLogin {
                user: login.db_user.clone(),
                database: login.db_name.clone(),
                application_name: PROGRAM.to_owned(),
            },
            store: StoreOptions::new(self.home().spill()),
            clock: clock::now,
        };
        let door = Arc::new(Door {
            engine: Arc::downgrade(&self.shared),
            login: login.clone(),
            gate,
            local_pid: AtomicI32::new(0),
        });
        let tab = Tab::new(GateConnector { door: Arc::clone(&door), read_only }, options);
        let id = TabId(self.shared.tabs.last.fetch_add(1, Ordering::Relaxed) + 1);
        self.tell_runs(id, &tab, objects::Changes::of(self, login));
        let open = Arc::new(Open { tab, door, env, read_only, recording: Mutex::default() });
        self.tell_state(id, &open);
        let shown = open.shown(id);
        lock(&self.shared.tabs.open).insert(id, open);
        shown
    }

    /// The open tabs, oldest first.
    #[must_use]
    pub fn console_tabs(&self) -> Vec<ConsoleTab> {
        lock(&self.shared.tabs.open).iter().map(|(id, open)| open.shown(*id)).collect()
    }

    /// The tab that runs something on the session of this login with this local PID.
    pub(crate) fn tab_of_session(&self, login: &Login, local_pid: i32) -> Option<TabId> {
        let is_it = |open: &Open| open.door.login == *login && open.door.local_pid.load(Ordering::Relaxed) == local_pid;
        lock(&self.shared.tabs.open).iter().find(|(_, open)| is_it(open)).map(|(id, _)| *id)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn console_tab(&self, id: &str) -> Result<ConsoleTab, Error> {
        self.tab(id).map(|(id, open)| open.shown(id))
    }

    /// What is to be known of a run before it begins. Dangers are told for production only: elsewhere a question at every turn would
    /// teach to answer without reading.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn console_check(&self, id: &str, request: &RunRequest) -> Result<Check, Error> {
        let open = self.tab(id)?.1;
        let mut check = open.tab.check(request);
        if !open.guards(request) {
            check.dangers.clear();
        }
        Ok(check)
    }

    /// Has statements of a tab begin transactions by themselves, or no longer.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn console_set_manual(&self, id: &str, manual: bool) -> Result<ConsoleTab, Error> {
        let (id, open) = self.tab(id)?;
        open.tab.set_manual(manual);
        Ok(open.shown(id))
    }

    /// Commits the open transaction of a tab, or rolls it back. Says whether it was committed: the server rolls one back that
    /// has failed.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::InvalidValue`] when none is open or the tab is busy; [`Error::Sql`] when the server
    /// refused it; [`Error::ConnectionLost`] when nobody knows any more.
    pub async fn console_end_transaction(&self, id: &str, commit: bool) -> Result<bool, Error> {
        let open = self.tab(id)?.1;
        open.tab.end_transaction(commit).await.map_err(|refused| match refused {
            EndRefused::Run(RunRefused::Closed) => Error::NotFound { kind: "tab", name: id.to_owned() },
            EndRefused::Server(error) => Error::Sql(Box::new(server_failure(&error))),
            EndRefused::Session(error) => transaction_lost(&open.door.login.database, &error),
            other => Error::InvalidValue { field: "transaction".to_owned(), problem: other.to_string() },
        })
    }

    /// Closes a tab: what it runs is canceled, its session and results go, and so does what stands in it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn console_close(&self, id: &str) -> Result<(), Error> {
        let (tab, open) = self.tab(id)?;
        lock(&self.shared.tabs.open).remove(&tab);
        self.shared.close_tab(&open).await;
        self.shared.drafts.forget(tab)
    }

    /// Begins a run in a tab, and gives the tab's name for [`Self::run_of`].
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotRun`] when there is nothing to run or the tab is busy;
    /// [`Error::ConfirmationNeeded`] when [`Self::console_check`] names dangers and nobody has confirmed them.
    pub fn console_run(&self, id: &str, request: RunRequest, confirmed: bool) -> Result<TabId, Error> {
        let (tab, open) = self.tab(id)?;
        if !confirmed {
            open.check_confirmed(&request)?;
        }
        let mut recording = lock(&open.recording);
        // Where it has ended and nobody has noted that yet, this is the last time it can be seen.
        let before = recording.is_some().then(|| open.tab.watch().borrow().clone()).flatten();
        open.tab.run(request.clone()).map_err(|refused| match refused {
            RunRefused::Closed => Error::NotFound { kind: "tab", name: id.to_owned() },
            refused => Error::NotRun(refused),
        })?;
        if let (Some(unsettled), Some(before)) = (recording.take(), before) {
            self.shared.record_end(&open, unsettled, &before);
        }
        let begun = open.tab.watch().borrow().clone();
        *recording = begun.and_then(|run| Recording::begin(&self.shared, &open.door.login, &request, &run));
        if let Some(recording) = *recording {
            let watch = open.tab.watch();
            tokio::spawn(record(Arc::clone(&self.shared), recording, Arc::downgrade(&open), watch));
        }
        Ok(tab)
    }

    /// Cancels what a tab runs.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn console_cancel(&self, id: &str) -> Result<(), Error> {
        self.tab(id)?.1.tab.cancel();
        Ok(())
    }

    /// The last run of a tab.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such tab, or it has run nothing.
    pub fn run_of(&self, tab: TabId) -> Result<Run, Error> {
        let missing = || Error::NotFound { kind: "run", name: tab.to_string() };
        let open = lock(&self.shared.tabs.open).get(&tab).cloned().ok_or_else(missing)?;
        let run = open.tab.watch().borrow().clone();
        run.ok_or_else(missing)
    }

    /// Why a run failed, as an engine error. The words and data are those of the gate's login.
    #[must_use]
    pub fn run_failure(&self, tab: TabId, failure: &RunFailure<Error>) -> Option<Arc<Error>> {
        let open = lock(&self.shared.tabs.open).get(&tab).cloned()?;
        Some(self.failure_of(&open.door, failure))
    }

    fn failure_of(&self, door: &Door, failure: &RunFailure<Error>) -> Arc<Error> {
        match failure {
            RunFailure::Connect(error) => Arc::clone(error),
            RunFailure::Session(error) => {
                let refused = matches!(**error, postern_console::session::SessionError::Refused(_));
                let problem = session_failure(&door.login.database, error);
                Arc::new(match door.gate.get() {
                    Some(gate) if refused => gate.login_failure(problem),
                    _ => problem,
                })
            }
            RunFailure::Storage(error) => Arc::new(self.storage(error)),
        }
    }

    /// The results that a tab keeps, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn console_results(&self, id: &str) -> Result<Vec<KeptResult>, Error> {
        Ok(self.tab(id)?.1.tab.results())
    }

    /// Has the next run of its tab leave a result, or no longer.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn pin_result(&self, result: &str, pinned: bool) -> Result<(), Error> {
        let (open, store) = self.kept(result)?;
        if open.tab.pin(store.id(), pinned) { Ok(()) } else { Err(no_result(result)) }
    }

    /// Lets go of a result.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::InvalidValue`] while its rows still come.
    pub fn close_result(&self, result: &str) -> Result<(), Error> {
        let (open, store) = self.kept(result)?;
        open.tab.close_result(store.id()).map_err(|refused| match refused {
            CloseRefused::Missing => no_result(result),
            CloseRefused::Growing => Error::InvalidValue { field: "result".to_owned(), problem: refused.to_string() },
        })
    }

    /// Rows of a result; at most a thousand.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the tab has moved on; [`Error::Storage`] when the spill file cannot be read.
    pub async fn result_window(&self, result: &str, first: u64, count: usize) -> Result<Window, Error> {
        let store = self.result(result)?;
        self.read(move || store.window(first, count.min(WINDOW))).await
    }

    /// Rows of a view; at most a thousand.
    ///
    /// # Errors
    /// As [`Self::result_window`].
    pub async fn view_window(&self, result: &str, view: &str, first: u64, count: usize) -> Result<ViewWindow, Error> {
        let store = self.result(result)?;
        let view = view_of(&store, view)?;
        self.read(move || store.view_window(&view, first, count.min(WINDOW))).await
    }

    /// One cell of a result; at most a megabyte of it.
    ///
    /// # Errors
    /// As [`Self::result_window`].
    pub async fn result_cell(&self, result: &str, row: u64, column: usize) -> Result<CellText, Error> {
        let store = self.result(result)?;
        self.read(move || store.cell(row, column, CELL)).await
    }

    /// Sorts and filters a result, as the task of this name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Canceled`], [`Error::Storage`]; [`Error::InvalidValue`] for a column that does not
    /// exist or a value that is none of its type.
    pub async fn result_view(&self, result: &str, task: &str, spec: ViewSpec) -> Result<Arc<View>, Error> {
        let store = self.result(result)?;
        self.task(task, move |job| store.make_view(&spec, job)).await
    }

    /// Lets go of a view; nothing when it has gone already.
    pub fn close_view(&self, view: &str) {
        let tabs: Vec<_> = lock(&self.shared.tabs.open).values().map(Arc::clone).collect();
        let results = tabs.iter().flat_map(|open| open.tab.results());
        for result in results {
            if self.result(&result.info.id.to_string()).is_ok_and(|store| store.close_view(view)) {
                return;
            }
        }
    }

    /// Finds the next cell of a result, or of a view of it, that holds a text, as the task of this name.
    ///
    /// # Errors
    /// As [`Self::result_view`].
    pub async fn result_find(
        &self,
        result: &str,
        view: Option<&str>,
        task: &str,
        spec: FindSpec,
    ) -> Result<Option<Found>, Error> {
        let store = self.result(result)?;
        let view = view.map(|view| view_of(&store, view)).transpose()?;
        self.task(task, move |job| store.find(view.as_deref(), &spec, job)).await
    }

    /// Counts and measures a column of a result, or of a view of it, as the task of this name.
    ///
    /// # Errors
    /// As [`Self::result_view`].
    pub async fn result_stats(
        &self,
        result: &str,
        view: Option<&str>,
        task: &str,
        column: usize,
    ) -> Result<ColumnStats, Error> {
        let store = self.result(result)?;
        let view = view.map(|view| view_of(&store, view)).transpose()?;
        self.task(task, move |job| store.stats(view.as_deref(), column, job)).await
    }

    /// What can be drawn of a result, and what to begin with.
    ///
    /// # Errors
    /// As [`Self::result_window`].
    pub async fn plot_choices(&self, result: &str, task: &str) -> Result<PlotChoices, Error> {
        let store = self.result(result)?;
        self.task(task, move |_| store.plot_choices()).await
    }

    /// Makes a plot of a result, or of a view of it, as the task of this name.
    ///
    /// # Errors
    /// As [`Self::result_view`].
    pub async fn result_plot(
        &self,
        result: &str,
        view: Option<&str>,
        task: &str,
        spec: PlotSpec,
    ) -> Result<Plot, Error> {
        let store = self.result(result)?;
        let view = view.map(|view| view_of(&store, view)).transpose()?;
        self.task(task, move |job| store.plot(view.as_deref(), &spec, job)).await
    }

    /// Reads the plan in a result that EXPLAIN brought.
    ///
    /// # Errors
    /// [`Error::InvalidQuestion`] for another result; otherwise as [`Self::result_window`].
    pub async fn result_plan(&self, result: &str, task: &str) -> Result<Plan, Error> {
        let store = self.result(result)?;
        self.task(task, move |_| store.plan()).await
    }

    /// Reads from a result where waiting for a disk stops nobody.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        match tokio::task::spawn_blocking(read).await {
            Ok(read) => read.map_err(|error| self.storage(&error)),
            Err(panicked) => Err(Error::Internal { detail: panicked.to_string() }),
        }
    }

    /// With the system's own reason, "No space left on device", where there is one.
    pub(crate) fn storage(&self, error: &StoreError) -> Error {
        let reason =
            std::error::Error::source(error).map_or_else(|| error.to_string(), |why| format!("{error}: {why}"));
        Error::Storage { path: self.home().spill().to_owned(), source: std::io::Error::other(reason) }
    }

    fn result(&self, id: &str) -> Result<Arc<ResultStore>, Error> {
        Ok(self.kept(id)?.1)
    }

    /// As whom a statement of a tab is exported, and whether its session only reads. One that would ask first in the tab is
    /// refused: an export is for reading.
    pub(crate) fn exported_as(&self, id: &str, sql: &str) -> Result<(Login, bool), Error> {
        let open = self.tab(id)?.1;
        open.check_confirmed(&RunRequest::all(sql))?;
        Ok((open.door.login.clone(), open.read_only))
    }

    /// A result, and as whom it was read.
    pub(crate) fn result_of(&self, id: &str) -> Result<(Login, Arc<ResultStore>), Error> {
        self.kept(id).map(|(open, store)| (open.door.login.clone(), store))
    }

    /// A result and the tab that keeps it.
    fn kept(&self, id: &str) -> Result<(Arc<Open>, Arc<ResultStore>), Error> {
        let known = ResultId::parse(id).ok_or_else(|| no_result(id))?;
        let tabs = lock(&self.shared.tabs.open);
        let found = tabs.values().find_map(|open| Some((Arc::clone(open), open.tab.result(known)?)));
        found.ok_or_else(|| no_result(id))
    }

    fn tab(&self, id: &str) -> Result<(TabId, Arc<Open>), Error> {
        lock(&self.shared.tabs.open)
            .iter()
            .find(|(known, _)| known.to_string() == id)
            .map(|(known, open)| (*known, Arc::clone(open)))
            .ok_or_else(|| Error::NotFound { kind: "tab", name: id.to_owned() })
    }

    /// Passes the steps of a tab's runs on, until the tab is dropped. The more statements a run has, the more there is to
    /// tell at each step, and the longer the pause in between; its end waits for nothing.
    fn tell_runs(&self, id: TabId, tab: &Tab<GateConnector>, mut objects: objects::Changes) {
        let mut watch = tab.watch();
        let changes = self.shared.changes.clone();
        tokio::spawn(async move {
            while watch.changed().await.is_ok() {
                let (statements, ended) = match &*watch.borrow_and_update() {
                    Some(run) => {
                        if run.state.ended() {
                            objects.look(run);
                        }
                        (run.statements.len() as u64, run.state.ended())
                    }
                    None => (0, true),
                };
                // Nobody listening is fine.
                let _ = changes.send(Change::Run(id));
                if !ended {
                    let pause = (STEP_PAUSE * u32::try_from(statements).unwrap_or(u32::MAX)).min(LONGEST_PAUSE);
                    // Another watch, so that this one still has what changes meanwhile before it.
                    let mut other = watch.clone();
                    let over = other.wait_for(|run| run.as_ref().is_none_or(|run| run.state.ended()));
                    // A run that is over ends the pause, and so does a tab that is gone.
                    let _ = tokio::time::timeout(pause, over).await;
                }
            }
        });
    }
}

/// What the person has to know of a transaction whose end was lost on the way.
fn transaction_lost(database: &str, error: &SessionError) -> Error {
    match session_failure(database, error) {
        Error::ConnectionLost { database, reason } => Error::ConnectionLost {
            database,
            reason: format!("{reason}. The transaction may or may not have been committed: look before you repeat it"),
        },
        other => other,
    }
}

fn no_result(id: &str) -> Error {
    Error::NotFound { kind: "result", name: id.to_owned() }
}

fn view_of(store: &ResultStore, id: &str) -> Result<Arc<View>, Error> {
    store.view(id).ok_or_else(|| Error::NotFound { kind: "view", name: id.to_owned() })
}

/// Waits for the end of the run that has just begun in a tab, and notes it. Keeps no tab alive that nobody else has.
async fn record(shared: Arc<Shared>, recording: Recording, tab: Weak<Open>, mut watch: watch::Receiver<Option<Run>>) {
    let over = |run: &Option<Run>| run.as_ref().is_none_or(|run| run.id != recording.run || run.state.ended());
    let ended = watch.wait_for(over).await.map(|run| run.clone());
    let (Ok(Some(ended)), Some(open)) = (ended, tab.upgrade()) else { return };
    shared.settle_apart(open, ended).await;
}

impl Engine {
    /// Passes on what a tab's session is in, until the tab is dropped.
    fn tell_state(&self, id: TabId, open: &Arc<Open>) {
        let mut watch = open.tab.watch_state();
        let changes = self.shared.changes.clone();
        let open = Arc::downgrade(open);
        tokio::spawn(async move {
            loop {
                let rests = watch.borrow_and_update().transaction.is_some_and(|open| open.idle_since.is_some());
                let looked = async {
                    if !rests {
                        std::future::pending::<()>().await;
                    }
                    tokio::time::sleep(LOOK).await;
                };
                tokio::select! {
                    changed = watch.changed() => match changed {
                        Ok(()) => drop(changes.send(Change::Tab(id))),
                        Err(_) => return,
                    },
                    () = looked => match open.upgrade() {
                        Some(open) => open.tab.look(),
                        None => return,
                    },
                }
            }
        });
    }
}

impl Shared {
    /// Closes those of a database, or all. What stands in them waits for another tab.
    pub(crate) async fn close_tabs(self: &Arc<Self>, database: Option<&str>) {
        let closing: Vec<_> = {
            let mut open = lock(&self.tabs.open);
            let ids: Vec<TabId> = open
                .iter()
                .filter(|(_, tab)| database.is_none_or(|name| tab.door.login.database == name))
                .map(|(id, _)| *id)
                .collect();
            ids.iter().filter_map(|id| Some((*id, open.remove(id)?))).collect()
        };
        for (id, open) in closing {
            self.close_tab(&open).await;
            self.drafts.unsettle(id);
        }
    }

    /// Closes a tab politely, and notes how what it ran has ended.
    async fn close_tab(self: &Arc<Self>, open: &Arc<Open>) {
        open.tab.close().await;
        let run = open.tab.watch().borrow().clone();
        if let Some(run) = run {
            self.settle_apart(Arc::clone(open), run).await;
        }
    }

    /// [`Self::settle`] where waiting for the disk stops nobody.
    async fn settle_apart(self: &Arc<Self>, open: Arc<Open>, run: Run) {
        let shared = Arc::clone(self);
        let noted = tokio::task::spawn_blocking(move || shared.settle(&open, &run)).await;
        if let Err(panicked) = noted {
            tracing::error!(%panicked, "the end of a run is not in the history");
        }
    }

    /// Notes how a run has ended, unless that is done already. Waits for the disk.
    fn settle(self: &Arc<Self>, open: &Open, run: &Run) {
        let mut recording = lock(&open.recording);
        if let Some(ours) = recording.take_if(|recording| recording.run == run.id) {
            self.record_end(open, ours, run);
        }
    }

    fn record_end(self: &Arc<Self>, open: &Open, recording: Recording, run: &Run) {
        let engine = Engine { shared: Arc::clone(self) };
        let failure = run.failure.as_ref().map(|failure| engine.failure_of(&open.door, failure));
        recording.end(self, run, failure.as_deref());
    }
}
