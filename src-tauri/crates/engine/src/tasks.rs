//! Long work on a result: on threads of its own, a little at a time of it, with progress, and stopped when asked.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use postern_console::analysis::{AnalysisError, Job};
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{
    engine::{Change, Engine, lock},
    error::Error,
};

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// Tasks that work at a time: each uses all cores and some twenty megabytes. The others wait.
const AT_ONCE: usize = 2;

/// How far a task is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Progress {
    /// As whoever asked for it named it.
    pub task: String,
    /// Rows done,
    pub done: u64,
    /// and rows to do, all passes counted.
    pub of: u64,
}

/// The tasks that go on, by name.
#[derive(Debug)]
pub(crate) struct Tasks {
    running: Mutex<HashMap<String, Arc<Job>>>,
    turns: Arc<Semaphore>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { running: Mutex::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// Ends a task with whoever waits for it.
struct Running<'a> {
    tasks: &'a Tasks,
    name: &'a str,
    job: Arc<Job>,
}

impl Tasks {
    /// One of the same name that still goes on is stopped.
    fn begin<'a>(&'a self, name: &'a str) -> Running<'a> {
        let job = Arc::new(Job::default());
        if let Some(former) = lock(&self.running).insert(name.to_owned(), Arc::clone(&job)) {
            former.stop();
        }
        Running { tasks: self, name, job }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.job.stop();
        let mut running = lock(&self.tasks.running);
        if running.get(self.name).is_some_and(|job| Arc::ptr_eq(job, &self.job)) {
            running.remove(self.name);
        }
    }
}

impl Engine {
    /// Stops a task; nothing when it has ended, which may have been just now.
    pub fn stop_task(&self, name: &str) {
        if let Some(job) = lock(&self.shared.tasks.running).get(name) {
            job.stop();
        }
    }

    /// Does work on a thread where it stops nobody, and tells how far it is.
    pub(crate) async fn task<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Job) -> Result<T, AnalysisError> + Send + 'static,
    ) -> Result<T, Error> {
        let task = self.shared.tasks.begin(name);
        // The semaphore is never closed.
        let turn = Arc::clone(&self.shared.tasks.turns).acquire_owned().await;
        let job = Arc::clone(&task.job);
        let mut working = tokio::task::spawn_blocking(move || {
            let done = work(&job);
            drop(turn);
            done
        });
        let mut told = 0;
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let done = loop {
            tokio::select! {
                biased;
                done = &mut working => break done,
                _ = ticks.tick() => {
                    let (done, of) = task.job.progress();
                    if done != told {
                        told = done;
                        self.shared.tell(Change::Progress(Progress { task: name.to_owned(), done, of }));
                    }
                }
            }
        };
        match done {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(AnalysisError::Stopped)) => Err(Error::Canceled),
            Ok(Err(AnalysisError::Invalid { field, problem })) => Err(Error::InvalidQuestion { field, problem }),
            Ok(Err(AnalysisError::Store(error))) => Err(self.storage(&error)),
            Err(panicked) => Err(Error::Internal { detail: panicked.to_string() }),
        }
    }
}
