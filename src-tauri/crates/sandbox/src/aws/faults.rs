//! Faults on demand: what a client must survive that a healthy AWS rarely shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Switches for the AWS side. Clones share them; all are off at first.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    switches: Arc<Switches>,
}

#[derive(Debug, Default)]
struct Switches {
    throttled: AtomicU32,
    delay_ms: AtomicU64,
    refusing: AtomicBool,
}

impl Faults {
    /// Answers the next `requests` with "Rate exceeded". SDKs try again: the default is three attempts in all.
    pub fn throttle(&self, requests: u32) {
        self.switches.throttled.store(requests, Ordering::Relaxed);
    }

    /// Waits this long before each answer; zero ends it.
    pub fn delay(&self, by: Duration) {
        let milliseconds = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.switches.delay_ms.store(milliseconds, Ordering::Relaxed);
    }

    /// While set, connections are closed without an answer, the ones already open included.
    pub fn refuse(&self, refusing: bool) {
        self.switches.refusing.store(refusing, Ordering::Relaxed);
    }

    /// Ends every fault.
    pub fn clear(&self) {
        self.throttle(0);
        self.delay(Duration::ZERO);
        self.refuse(false);
    }

    /// Whether this request is one to throttle; counts it if so.
    pub(crate) fn takes_throttle(&self) -> bool {
        let throttled = &self.switches.throttled;
        throttled.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    pub(crate) fn current_delay(&self) -> Duration {
        Duration::from_millis(self.switches.delay_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn is_refusing(&self) -> bool {
        self.switches.refusing.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_lasts_for_as_many_requests_as_asked() {
        let faults = Faults::default();
        assert!(!faults.takes_throttle());
        faults.throttle(2);
        assert_eq!([(); 3].map(|()| faults.takes_throttle()), [true, true, false]);
    }
}
