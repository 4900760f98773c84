//! Rules that watch, for whoever has asked for them: when a query of one's own runs too long, waits too long or gives back too
//! much, that is told, and the query canceled where the rule says so.
//!
//! A look at the server is a statement there: it keeps a Serverless workgroup awake, and is billed. So nothing is asked unless
//! rules are on and, if not told otherwise, something of ours runs; and nothing once they are off.
//!
//! - `settings`: what is watched for, and its checks.
//! - `read`: one look at the server; `judge`: what it means under the rules.
//! - `task`: looks again and again, tells, cancels.

mod judge;
mod read;
mod settings;
mod task;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use crate::{
    cancel::CancelReport,
    engine::{Change, Engine, lock},
    error::Error,
    login::Login,
};

pub(crate) use settings::check_all;
pub use settings::{RuleKind, Watch, WatchRule, WatchWhen};
use task::Running;

/// What is watched, and how that goes.
#[derive(Clone, Debug)]
pub struct Watching {
    /// As it was set.
    pub watch: Watch,
    /// How it goes.
    pub state: WatchState,
}

/// How a watch goes.
#[derive(Clone, Debug)]
pub enum WatchState {
    /// It is off.
    Off,
    /// Nothing of ours runs, so nothing is asked.
    Resting {
        /// When the server was last asked, if ever.
        last_look: Option<SystemTime>,
    },
    /// Nobody is signed in.
    SignedOut,
    /// It looks.
    Looking {
        /// When the server last answered; absent before the first answer.
        last_look: Option<SystemTime>,
    },
    /// The server could not be asked, and will be again.
    Failing {
        /// Why.
        error: Arc<Error>,
        /// When.
        next_look: SystemTime,
    },
}

/// A query that meets a rule, told once for each of both.
#[derive(Clone, Debug)]
pub struct QueryAlert {
    /// Through which login it was seen, and can be canceled.
    pub login: Login,
    /// The rule.
    pub rule: WatchRule,
    /// What was measured: seconds or bytes.
    pub value: u64,
    /// The query.
    pub query_id: i64,
    /// Its session's PID.
    pub session_id: i32,
    /// The start of its text.
    pub text: String,
    /// It has not ended, as far as is known.
    pub live: bool,
    /// What became of the cancel that the rule asks for.
    pub canceled: Option<Result<CancelReport, Arc<Error>>>,
}

/// The watches that are on, by database.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    running: Mutex<HashMap<String, Running>>,
    /// The settings change one at a time.
    changing: Mutex<()>,
}

impl Watches {
    /// Nothing is asked any more.
    pub(crate) fn stop(&self) {
        lock(&self.running).clear();
    }
}

impl Engine {
    /// What is watched in each database, on or off.
    ///
    /// # Errors
    /// [`Error::Storage`] when what was set cannot be read or has a mistake.
    pub fn watches(&self) -> Result<Vec<Watching>, Error> {
        let watches = self.shared.memory.watches()?;
        let running = lock(&self.shared.watches.running);
        let state = |watch: &Watch| running.get(&watch.login.database).map_or(WatchState::Off, Running::state);
        Ok(watches.into_iter().map(|watch| Watching { state: state(&watch), watch }).collect())
    }

    /// Sets what is watched in a database. A watch that is turned off asks nothing more.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for what could not be meant, [`Error::NotFound`] for a database that is none; otherwise as
    /// [`Self::watches`].
    pub fn set_watch(&self, watch: Watch) -> Result<(), Error> {
        watch.check()?;
        self.catalogue().load()?.database(&watch.login.database)?;
        let _changing = lock(&self.shared.watches.changing);
        let mut watches = self.shared.memory.watches()?;
        watches.retain(|other| other.login.database != watch.login.database);
        watches.push(watch.clone());
        watches.sort_by(|one, other| one.login.cmp(&other.login));
        self.shared.memory.set_watches(&watches)?;
        self.start_or_stop(watch);
        self.shared.tell(Change::Watches);
        Ok(())
    }

    /// Goes on with what was watched before the app was last closed. A file with a mistake is told wherever what is watched is
    /// shown; nothing is watched then. Has to be called within a tokio runtime.
    pub fn resume_watches(&self) {
        let _changing = lock(&self.shared.watches.changing);
        match self.shared.memory.watches() {
            Ok(watches) => watches.into_iter().for_each(|watch| self.start_or_stop(watch)),
            Err(error) => tracing::warn!(%error, "nothing is watched"),
        }
        self.shared.tell(Change::Watches);
    }

    fn start_or_stop(&self, watch: Watch) {
        let mut running = lock(&self.shared.watches.running);
        // One that runs under other rules ends with this.
        running.remove(&watch.login.database);
        if watch.on {
            let database = watch.login.database.clone();
            running.insert(database, Running::start(&self.shared, watch));
        }
    }
}
