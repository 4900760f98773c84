//! A watch at work: looks at the server, tells what meets a rule, cancels where the rule says so.

use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use tokio::task::AbortHandle;

use crate::{
    cancel::{By, CancelRequest},
    clock,
    engine::{Change, Engine, Shared, lock},
    error::Error,
    monitor, objects,
};

use super::{
    QueryAlert, Watch, WatchState, WatchWhen,
    judge::{Met, Told, judge},
    read::look,
};

/// How often it is seen whether something of ours runs, or somebody is signed in: a look at our own memory.
const LOCAL_LOOK: Duration = Duration::from_millis(500);

/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A watch that is on. It ends with this value, in the middle of a question too; a cancel that it has begun goes on.
#[derive(Debug)]
pub(super) struct Running {
    task: AbortHandle,
    state: Arc<Mutex<WatchState>>,
}

impl Running {
    pub(super) fn start(shared: &Arc<Shared>, watch: Watch) -> Self {
        let state = Arc::new(Mutex::new(WatchState::Looking { last_look: None }));
        let looker = Looker {
            watch,
            shared: Arc::downgrade(shared),
            state: Arc::clone(&state),
            told: Told::default(),
            failures: 0,
            last_look: None,
            ours_ran: false,
        };
        Self { task: tokio::spawn(looker.run()).abort_handle(), state }
    }

    pub(super) fn state(&self) -> WatchState {
        lock(&self.state).clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Looker {
    watch: Watch,
    shared: Weak<Shared>,
    state: Arc<Mutex<WatchState>>,
    told: Told,
    failures: u32,
    last_look: Option<std::time::SystemTime>,
    /// Something of ours ran at the last look: how that ended is worth one more.
    ours_ran: bool,
}

impl Looker {
    async fn run(mut self) {
        while let Some(shared) = self.shared.upgrade() {
            let engine = Engine { shared };
            let pause = self.step(&engine).await;
            drop(engine);
            tokio::time::sleep(pause).await;
        }
    }

    /// Looks if it may, and says when to come back.
    async fn step(&mut self, engine: &Engine) -> Duration {
        if !matches!(engine.shared.memory.sign_in(), Ok(Some(_))) {
            self.is(engine, WatchState::SignedOut);
            return LOCAL_LOOK;
        }
        let ours_run = self.ours_run(engine);
        let ours_ran = std::mem::replace(&mut self.ours_ran, ours_run);
        if self.watch.when == WatchWhen::WhileOursRun && !ours_run && !ours_ran {
            self.is(engine, WatchState::Resting { last_look: self.last_look });
            return LOCAL_LOOK;
        }
        match self.look(engine).await {
            Ok(met) => {
                self.failures = 0;
                self.last_look = Some(clock::now());
                self.is(engine, WatchState::Looking { last_look: self.last_look });
                for met in met {
                    tokio::spawn(act(engine.clone(), self.watch.clone(), met));
                }
                self.interval()
            }
            Err(Error::NotSignedIn | Error::SignInExpired { .. }) => {
                self.is(engine, WatchState::SignedOut);
                self.interval()
            }
            Err(error) => {
                self.failures += 1;
                let pause = pause_after(self.failures, self.interval());
                tracing::debug!(%error, database = %self.watch.login.database, "a watch could not look");
                let next_look = clock::now() + pause;
                self.is(engine, WatchState::Failing { error: Arc::new(error), next_look });
                pause
            }
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(self.watch.every_seconds)
    }

    async fn look(&mut self, engine: &Engine) -> Result<Vec<Met>, Error> {
        let seen = look(engine, &self.watch, &self.told.live()).await?;
        Ok(judge(&seen, &self.watch.rules, &mut self.told))
    }

    /// A session of a person or a program runs something as the database user who is watched.
    fn ours_run(&self, engine: &Engine) -> bool {
        let Watch { login, .. } = &self.watch;
        let gates = engine.gates_of(&login.database);
        gates.iter().filter(|gate| gate.login().db_user == login.db_user).any(|gate| {
            gate.sessions().iter().any(|session| {
                ![monitor::PROGRAM, objects::PROGRAM].contains(&session.facts.program.as_str())
                    && gate.proxy().running(session.facts.id).is_some()
            })
        })
    }

    /// Notes how it goes, and tells when that is news.
    fn is(&self, engine: &Engine, now: WatchState) {
        let before = std::mem::replace(&mut *lock(&self.state), now);
        let same = match (&before, &*lock(&self.state)) {
            (WatchState::Resting { last_look: before }, WatchState::Resting { last_look: now }) => before == now,
            (WatchState::SignedOut, WatchState::SignedOut) => true,
            _ => false,
        };
        if !same {
            engine.shared.tell(Change::Watches);
        }
    }
}

/// Twice as long after each failure.
fn pause_after(failures: u32, interval: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(failures.min(16));
    interval.saturating_mul(factor).min(LONGEST_PAUSE.max(interval))
}

/// Cancels if the rule says so, with every check of a cancel that a person asks for, and tells.
async fn act(engine: Engine, watch: Watch, met: Met) {
    let cancels = met.cancels();
    let Met { rule, value, query } = met;
    let mut alert = QueryAlert {
        login: watch.login,
        rule,
        value,
        live: query.lives(),
        query_id: query.query_id,
        session_id: query.session_id,
        text: query.text,
        canceled: None,
    };
    if cancels {
        alert.canceled = Some(engine.cancel(&cancel_request(&alert)).await.map_err(Arc::new));
    }
    engine.shared.tell(Change::QueryAlert(Box::new(alert)));
}

/// The query that met the rule and no other: a session that has gone on is left alone.
fn cancel_request(alert: &QueryAlert) -> CancelRequest {
    let request = CancelRequest::new(By::Rule, alert.login.clone(), alert.session_id, Some(alert.query_id));
    CancelRequest { why: Some(alert.rule.sentence()), ..request }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_met_with_patience() {
        let second = Duration::from_secs(1);
        let pauses: Vec<u64> = [1, 2, 3, 30].map(|failures| pause_after(failures, second).as_secs()).to_vec();
        assert_eq!(pauses, [2, 4, 8, 300]);
        assert_eq!(pause_after(5, Duration::from_secs(3600)).as_secs(), 3600);
    }
}
