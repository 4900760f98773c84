//! What a statement passes before PostgreSQL gets it: planning and compiling, when a test asks for them, then a queue.
//!
//! PostgreSQL plans in no time and runs whatever comes. A data warehouse plans, compiles, and lets a few statements run
//! at once (<https://docs.aws.amazon.com/redshift/latest/dg/cm-c-implementing-workload-management.html>). Here the
//! front holds a statement back for as long as it would plan or queue; what is held back is not at the server yet, so
//! that a cancel of it is the front's own affair. A statement that only the leader node runs is not held back.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Who may go on, and who waits, of one workgroup.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    state: Mutex<State>,
    /// A slot has become free, or what is asked of statements is another.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    planning: Duration,
    compiling: Duration,
    /// How many run at once; None for any number.
    limit: Option<usize>,
    running: usize,
    /// First come, first served.
    queue: BTreeSet<u64>,
    last_ticket: u64,
    /// By session: what ends the wait of its statement.
    held: HashMap<i32, CancellationToken>,
}

/// Where a statement is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The leader node makes a plan.
    Planning,
    /// The plan is compiled.
    Compiling,
    /// As many as may run do.
    Queued,
    /// PostgreSQL has it.
    Running,
}

/// A statement that came.
#[derive(Debug)]
pub(crate) enum Entered {
    /// It may run.
    Admitted(Slot),
    /// It waits.
    Held(Held),
}

/// A statement that waits. Dropping it gives the wait up.
#[derive(Debug)]
pub(crate) struct Held {
    admission: Arc<Admission>,
    session_id: i32,
    ticket: Option<u64>,
    canceled: CancellationToken,
}

/// One of the statements that run. Dropping it lets the next one go on.
#[derive(Debug)]
pub(crate) struct Slot(Arc<Admission>);

impl Phase {
    /// How the log of queries calls it. Not yet the word of SYS_QUERY_HISTORY, which has none for compiling.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Compiling => "compiling",
            Self::Queued => "queued",
            Self::Running => "running",
        }
    }
}

impl Admission {
    /// Statements that come from now on take this long before they may queue; those under way heed a shorter time.
    pub(crate) fn hold_in_planning(&self, planning: Duration, compiling: Duration) {
        self.change(|state| (state.planning, state.compiling) = (planning, compiling));
    }

    /// So many statements run at once from now on.
    pub(crate) fn limit(&self, limit: Option<usize>) {
        self.change(|state| state.limit = limit);
    }

    /// Takes a statement of a session in.
    pub(crate) fn enter(self: &Arc<Self>, session_id: i32) -> Entered {
        let mut state = self.lock();
        if state.planning.is_zero() && state.compiling.is_zero() && state.queue.is_empty() && state.has_room() {
            state.running += 1;
            return Entered::Admitted(Slot(self.clone()));
        }
        let canceled = CancellationToken::new();
        state.held.insert(session_id, canceled.clone());
        let ticket = (state.planning.is_zero() && state.compiling.is_zero()).then(|| state.next_ticket());
        Entered::Held(Held { admission: self.clone(), session_id, ticket, canceled })
    }

    /// Cancels the statement of a session that is held back; whether there was one.
    pub(crate) fn cancel(&self, session_id: i32) -> bool {
        self.lock().held.get(&session_id).inspect(|canceled| canceled.cancel()).is_some()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is made in one go.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once as much time has passed as is asked of statements.
    async fn stay(&self, asked: impl Fn(&State) -> Duration) {
        let began = Instant::now();
        loop {
            let changed = self.changed.notified();
            let left = asked(&self.lock()).saturating_sub(began.elapsed());
            if left.is_zero() {
                return;
            }
            // Either way the time is looked at again.
            let _ = tokio::time::timeout(left, changed).await;
        }
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.limit.is_none_or(|limit| self.running < limit)
    }

    fn next_ticket(&mut self) -> u64 {
        self.last_ticket += 1;
        self.queue.insert(self.last_ticket);
        self.last_ticket
    }
}

impl Held {
    /// Where it is at first.
    pub(crate) fn phase(&self) -> Phase {
        if self.ticket.is_some() { Phase::Queued } else { Phase::Planning }
    }

    /// Waits until it may run; None when it was canceled. Says where it is whenever that changes.
    pub(crate) async fn pass(mut self, on_phase: impl Fn(Phase)) -> Option<Slot> {
        let canceled = self.canceled.clone();
        let slot = canceled.run_until_cancelled(self.wait(on_phase)).await;
        drop(self);
        // Whoever found it held until now has canceled it.
        slot.filter(|_| !canceled.is_cancelled())
    }

    async fn wait(&mut self, on_phase: impl Fn(Phase)) -> Slot {
        let admission = self.admission.clone();
        if self.ticket.is_none() {
            admission.stay(|state| state.planning).await;
            if !admission.lock().compiling.is_zero() {
                on_phase(Phase::Compiling);
                admission.stay(|state| state.compiling).await;
            }
        }
        loop {
            let changed = admission.changed.notified();
            {
                let mut state = admission.lock();
                let first = match self.ticket {
                    Some(ticket) => state.queue.first() == Some(&ticket),
                    None => state.queue.is_empty(),
                };
                if first && state.has_room() {
                    if let Some(ticket) = self.ticket.take() {
                        state.queue.remove(&ticket);
                    }
                    state.running += 1;
                    return Slot(admission.clone());
                }
                if self.ticket.is_none() {
                    self.ticket = Some(state.next_ticket());
                    on_phase(Phase::Queued);
                }
            }
            changed.await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        state.held.remove(&self.session_id);
        if let Some(ticket) = self.ticket {
            state.queue.remove(&ticket);
            drop(state);
            // Whoever stood behind may be first now.
            self.admission.changed.notify_waiters();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.change(|state| state.running -= 1);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn held(admission: &Arc<Admission>, session: i32) -> Held {
        match admission.enter(session) {
            Entered::Held(held) => held,
            Entered::Admitted(_) => panic!("session {session} had not to wait"),
        }
    }

    fn admitted(admission: &Arc<Admission>, session: i32) -> Slot {
        match admission.enter(session) {
            Entered::Admitted(slot) => slot,
            Entered::Held(_) => panic!("session {session} had to wait"),
        }
    }

    #[tokio::test]
    async fn those_who_wait_go_on_in_the_order_in_which_they_came() {
        let admission = Arc::<Admission>::default();
        admission.limit(Some(1));
        let running = admitted(&admission, 1);
        let (second, third) = (held(&admission, 2), held(&admission, 3));
        assert_eq!(second.phase(), Phase::Queued);
        let third = tokio::spawn(third.pass(|_| {}));
        let second = tokio::spawn(second.pass(|_| {}));
        tokio::task::yield_now().await;
        drop(running);
        let second = second.await.unwrap().unwrap();
        assert!(!third.is_finished(), "two ran at once");
        drop(second);
        assert!(third.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn one_who_waits_can_be_canceled_and_nobody_behind_it_is_kept() {
        let admission = Arc::<Admission>::default();
        admission.limit(Some(1));
        let running = admitted(&admission, 1);
        let (second, third) = (held(&admission, 2), held(&admission, 3));
        assert!(!admission.cancel(1), "a statement that runs is the server's to cancel");
        assert!(admission.cancel(2));
        assert!(second.pass(|_| {}).await.is_none());
        assert!(!admission.cancel(2));
        drop(running);
        assert!(third.pass(|_| {}).await.is_some());
    }

    #[tokio::test]
    async fn planning_comes_before_the_queue_and_ends_when_it_is_no_longer_asked_for() {
        let admission = Arc::<Admission>::default();
        admission.hold_in_planning(Duration::from_secs(3600), Duration::from_millis(1));
        let first = held(&admission, 1);
        assert_eq!(first.phase(), Phase::Planning);
        let phases = Arc::new(Mutex::new(Vec::new()));
        let noted = phases.clone();
        let first = tokio::spawn(first.pass(move |phase| noted.lock().unwrap().push(phase)));
        tokio::task::yield_now().await;
        admission.limit(Some(0));
        admission.hold_in_planning(Duration::ZERO, Duration::from_millis(1));
        while !phases.lock().unwrap().contains(&Phase::Queued) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(*phases.lock().unwrap(), [Phase::Compiling, Phase::Queued]);
        admission.limit(None);
        assert!(first.await.unwrap().is_some());
    }
}
