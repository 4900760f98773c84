//! Makes guessing the password of a listener slow, without letting a stranger lock the owner out.
//!
//! A wrong password's answer is withheld, longer with each failure up to a limit. Withholding alone would slow nobody who hangs up and
//! comes again: who knows the password is let in at once, so silence is an answer too. Therefore a failure also takes one of a few
//! places, and keeps it until its time is up, whether or not its client waits for that. While all places are taken, a further login waits
//! for one *before* its proof is looked at. So at most `PLACES` guesses can be made in the longest delay, however many connections are
//! opened.
//!
//! Whoever logs in rightly never takes a place, and waits only while all are taken. On Linux the owner does not even then: a client that
//! is certainly of the same OS user goes past the queue, so a flood by somebody else cannot keep the owner out. Where the system does
//! not tell, or when the owner's own clients come from a container, a flood makes them wait or fail for as long as it lasts, and no
//! longer: failures are forgotten after a quiet minute.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Failures whose answers are withheld at the same time.
const PLACES: usize = 16;

/// Without a failure for so long, all are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// How long answers to wrong passwords are withheld.
#[derive(Clone, Copy, Debug)]
pub struct LoginDelay {
    /// After the first; doubled with each further one.
    pub first: Duration,
    /// But never longer than this.
    pub longest: Duration,
}

impl Default for LoginDelay {
    fn default() -> Self {
        Self { first: Duration::from_millis(250), longest: Duration::from_secs(5) }
    }
}

impl LoginDelay {
    /// The delay of the failure with this number, counting from 1.
    fn of(self, failure: u32) -> Duration {
        let doublings = failure.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// What a listener remembers of failed logins.
#[derive(Debug)]
pub(crate) struct Throttle {
    delay: LoginDelay,
    places: Arc<Semaphore>,
    failures: Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    last: Option<Instant>,
}

/// A place, kept until the answer may be given.
#[derive(Debug)]
pub(crate) struct Penalty {
    delay: Duration,
    _place: Option<OwnedSemaphorePermit>,
}

/// A turn to have one's password looked at.
#[derive(Debug)]
pub(crate) struct Turn(Option<OwnedSemaphorePermit>);

impl Throttle {
    pub(crate) fn new(delay: LoginDelay) -> Self {
        Self { delay, places: Arc::new(Semaphore::new(PLACES)), failures: Mutex::default() }
    }

    /// A turn at once, while there is a free place.
    pub(crate) fn free_turn(&self) -> Option<Turn> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(|place| Turn(Some(place)))
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) -> Turn {
        // The semaphore is never closed.
        Turn(Arc::clone(&self.places).acquire_owned().await.ok())
    }

    /// The turn of somebody who need not wait.
    pub(crate) fn owners_turn(&self) -> Turn {
        Turn(None)
    }

    /// Takes note of a wrong password.
    pub(crate) fn failed(&self, turn: Turn) -> Penalty {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if failures.last.is_some_and(|last| now - last > FORGOTTEN_AFTER) {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = Some(now);
        Penalty { delay: self.delay.of(failures.count), _place: turn.0 }
    }
}

impl Penalty {
    /// Waits until the answer may be given.
    pub(crate) async fn serve(self) {
        tokio::time::sleep(self.delay).await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_its_limit() {
        let delay = LoginDelay { first: Duration::from_millis(250), longest: Duration::from_secs(5) };
        let millis: Vec<_> = (1..=7).map(|failure| delay.of(failure).as_millis()).collect();
        assert_eq!(millis, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(delay.of(u32::MAX), Duration::from_secs(5));
    }

    #[tokio::test]
    async fn guesses_wait_once_all_places_are_taken_and_the_owner_does_not() {
        let throttle = Throttle::new(LoginDelay::default());
        let mut penalties = Vec::new();
        for _ in 0..PLACES {
            penalties.push(throttle.failed(throttle.free_turn().unwrap()));
        }
        assert!(throttle.free_turn().is_none());
        let waiting = tokio::time::timeout(Duration::from_millis(20), throttle.turn()).await;
        assert!(waiting.is_err(), "a guess was looked at while all places were taken");
        // The owner's turn comes at once, and a failure of the owner is still delayed.
        assert_eq!(throttle.failed(throttle.owners_turn()).delay, Duration::from_secs(5));
        drop(penalties.pop());
        assert!(throttle.turn().await.0.is_some());
    }
}
