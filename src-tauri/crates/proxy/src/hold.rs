//! Holds back what a client sends next, for the moment in which something is done that names its session but means the query that the
//! session runs now.
//!
//! A CancelRequest, and `pg_cancel_backend` too, name a session. Sent on their own they race with the end of the query: whatever the
//! client sends next may be cancelled in its place. The relay closes that gap. Before it rests it forwards everything that its client
//! had sent until then, so that a cancel never overtakes the query it is meant for; while it rests, the query that runs can end, but no
//! other can begin; and it goes on once the server has taken the cancel. PostgreSQL drops a cancel that finds its session between two
//! queries (`ProcessInterrupts` in `tcop/postgres.c`), so nothing is left behind that could meet the next.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Notify};
use tokio::time::timeout;

/// How long a relay may take to forward what it has read. One that is stuck in a write reads nothing new meanwhile, which does as well.
const CATCH_UP: Duration = Duration::from_millis(250);

/// Where whoever acts on a session and the session's relay meet. One acts at a time.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    one: Mutex<()>,
    wanted: AtomicBool,
    resting: AtomicBool,
    to_relay: Notify,
    to_holder: Notify,
}

/// Keeps what the client sends from the server, until it is dropped.
pub(crate) struct Held<'a> {
    hold: &'a Hold,
    _alone: MutexGuard<'a, ()>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.hold.wanted.store(false, Ordering::SeqCst);
        self.hold.to_relay.notify_one();
    }
}

impl Hold {
    /// Waits until nothing new can reach the server.
    pub(crate) async fn begin(&self) -> Held<'_> {
        let held = Held { _alone: self.one.lock().await, hold: self };
        self.wanted.store(true, Ordering::SeqCst);
        self.to_relay.notify_one();
        let resting = async {
            while !self.resting.load(Ordering::SeqCst) {
                self.to_holder.notified().await;
            }
        };
        if timeout(CATCH_UP, resting).await.is_err() {
            tracing::debug!("the relay is in the middle of something; it reads nothing new until it is released");
        }
        held
    }

    /// Whether the relay should rest once it has forwarded what is there.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    /// Waits until the relay should rest.
    pub(crate) async fn until_wanted(&self) {
        // A permit of an earlier hold may still be there: look again.
        while !self.is_wanted() {
            self.to_relay.notified().await;
        }
    }

    /// Rests until nobody wants it any more.
    pub(crate) async fn rest(&self) {
        self.resting.store(true, Ordering::SeqCst);
        self.to_holder.notify_one();
        while self.is_wanted() {
            self.to_relay.notified().await;
        }
        self.resting.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_relay_rests_until_it_is_released_and_one_holds_at_a_time() {
        let hold = Arc::new(Hold::default());
        let relay = tokio::spawn({
            let hold = Arc::clone(&hold);
            async move {
                for _ in 0..2 {
                    hold.until_wanted().await;
                    hold.rest().await;
                }
            }
        });
        let first = hold.begin().await;
        assert!(hold.resting.load(Ordering::SeqCst));
        let second = tokio::spawn({
            let hold = Arc::clone(&hold);
            async move { drop(hold.begin().await) }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap();
        relay.await.unwrap();
    }

    #[tokio::test]
    async fn a_relay_that_is_stuck_is_not_waited_for() {
        let hold = Hold::default();
        let held = hold.begin().await;
        assert!(hold.is_wanted() && !hold.resting.load(Ordering::SeqCst));
        drop(held);
        assert!(!hold.is_wanted());
    }

    #[tokio::test]
    async fn whoever_gives_up_while_it_waits_holds_nobody() {
        let hold = Hold::default();
        assert!(timeout(CATCH_UP / 2, hold.begin()).await.is_err());
        assert!(!hold.is_wanted());
    }
}
