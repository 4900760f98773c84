//! How much went through a session or a proxy in each of the last seconds, for a small plot.
//!
//! Whoever keeps limits looks at the counters once a second anyway, and writes down the difference here. While nothing
//! flows nobody is told anything: [`Samples::at`] says when the last second ended, and whoever draws adds the still ones.

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use crate::clock;

/// How many seconds are kept.
pub(crate) const KEPT: usize = 60;

/// Bytes of the last seconds, both ways together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Samples {
    /// Bytes of each second, the latest last; 60 at most, and fewer for what is younger.
    pub per_second: Vec<u64>,
    /// When the last of them ended.
    pub at: SystemTime,
}

/// The seconds as they are written down.
#[derive(Debug)]
pub(crate) struct Traffic {
    seconds: VecDeque<u64>,
    total: u64,
    last: Instant,
    at: SystemTime,
}

impl Traffic {
    /// Of something that has just begun.
    pub(crate) fn new(now: Instant) -> Self {
        Self { seconds: VecDeque::with_capacity(KEPT), total: 0, last: now, at: clock::now() }
    }

    /// Takes what has gone through so far in all, and says whether that has grown.
    pub(crate) fn take(&mut self, now: Instant, total: u64) -> bool {
        let bytes = total.saturating_sub(self.total);
        let passed = whole_seconds(now.saturating_duration_since(self.last)).max(1);
        // A look that came late covers several seconds; what flowed in them is spread, so that no rate is claimed that never was.
        let (each, rest) = (bytes / passed, bytes % passed);
        for _ in 1..passed.min(KEPT as u64) {
            self.push(each);
        }
        self.push(each + rest);
        (self.total, self.last, self.at) = (total, now, clock::now());
        bytes > 0
    }

    /// Nobody has looked for a while because nothing was there that could flow.
    pub(crate) fn rested(&mut self, now: Instant) {
        for _ in 0..whole_seconds(now.saturating_duration_since(self.last)).min(KEPT as u64) {
            self.push(0);
        }
        (self.last, self.at) = (now, clock::now());
    }

    pub(crate) fn samples(&self) -> Samples {
        Samples { per_second: self.seconds.iter().copied().collect(), at: self.at }
    }

    fn push(&mut self, bytes: u64) {
        if self.seconds.len() == KEPT {
            self.seconds.pop_front();
        }
        self.seconds.push_back(bytes);
    }
}

/// To the nearest second: a look is never late by an exact number of them.
fn whole_seconds(passed: Duration) -> u64 {
    (passed + Duration::from_millis(500)).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_second_has_what_flowed_in_it() {
        let began = Instant::now();
        let mut traffic = Traffic::new(began);
        assert!(traffic.take(began + SECOND, 100));
        assert!(traffic.take(began + SECOND * 2, 350));
        assert!(!traffic.take(began + SECOND * 3, 350));
        assert_eq!(traffic.samples().per_second, [100, 250, 0]);
    }

    #[test]
    fn a_late_look_spreads_what_it_finds_and_loses_nothing() {
        let began = Instant::now();
        let mut traffic = Traffic::new(began);
        traffic.take(began + SECOND * 3 + Duration::from_millis(80), 10);
        assert_eq!(traffic.samples().per_second, [3, 3, 4]);
    }

    #[test]
    fn a_rest_is_seconds_of_nothing_and_what_follows_is_not_spread_over_it() {
        let began = Instant::now();
        let mut traffic = Traffic::new(began);
        traffic.take(began + SECOND, 100);
        traffic.rested(began + SECOND * 4);
        traffic.take(began + SECOND * 5, 130);
        assert_eq!(traffic.samples().per_second, [100, 0, 0, 0, 30]);
    }

    #[test]
    fn a_minute_is_kept_and_no_more() {
        let began = Instant::now();
        let mut traffic = Traffic::new(began);
        for second in 1..100 {
            traffic.take(began + SECOND * second, u64::from(second));
        }
        traffic.rested(began + Duration::from_secs(100_000));
        assert_eq!(traffic.samples().per_second, [0; KEPT]);
    }
}
