//! The limits that roles set on sessions: `client_idle_timeout`, and `disconnect_expired_cert` with `max_session_ttl`.
//! A session that reaches one is told why and ends. On the way, what flowed is written down for the plots, and whoever
//! shows connections is told of it.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};

use postern_proxy::{SessionId, SessionInfo, SessionState, StopReason};
use tokio::time::Instant;

use crate::{
    clock,
    engine::{Change, Reading, Shared},
    gate::Gate,
};

/// How exactly limits are kept.
const TICK: Duration = Duration::from_secs(1);

/// What is known of a session's last sign of life.
struct Seen {
    bytes_up: u64,
    at: Moment,
}

/// A moment by two clocks. The steady one stands still while the machine sleeps, so that a session left open for a night
/// would have been idle for minutes; the other may be set back. Whichever says more counts.
#[derive(Clone, Copy)]
struct Moment {
    steady: Instant,
    of_day: SystemTime,
}

impl Moment {
    fn now() -> Self {
        Self { steady: Instant::now(), of_day: clock::now() }
    }

    fn since(self, earlier: Self) -> Duration {
        let of_day = self.of_day.duration_since(earlier.of_day).unwrap_or_default();
        of_day.max(self.steady.saturating_duration_since(earlier.steady))
    }
}

/// Watches the sessions of a gate for as long as the gate is used. A gate without sessions is left in peace until one comes.
pub(crate) async fn enforce(engine: Weak<Shared>, gate: Weak<Gate>) {
    let Some(mut changes) = gate.upgrade().map(|gate| gate.changes()) else { return };
    let (mut seen, mut flowed) = (HashMap::new(), true);
    loop {
        tokio::time::sleep(TICK).await;
        let (Some(shared), Some(watched)) = (engine.upgrade(), gate.upgrade()) else { return };
        changes.mark_unchanged();
        let sessions = watched.sessions();
        seen.retain(|id, _| sessions.iter().any(|session| session.facts.id == *id));
        if !sessions.is_empty() {
            check(&shared, &watched, &sessions, &mut seen);
        }
        let flows = watched.watched().take(Instant::now(), watched.totals(), &sessions);
        let named = watched.find_clients(&sessions).await;
        // The first still second is told too: a rate that has fallen to nothing is news.
        if flows || flowed || named {
            shared.tell(Change::Connections);
        }
        flowed = flows;
        drop((shared, watched));
        if sessions.is_empty() && !flows {
            if changes.changed().await.is_err() {
                return;
            }
            let Some(watched) = gate.upgrade() else { return };
            watched.watched().rested(Instant::now());
        }
    }
}

fn check(engine: &Arc<Shared>, gate: &Gate, sessions: &[SessionInfo], seen: &mut HashMap<SessionId, Seen>) {
    // Resources that cannot be read stop new sessions and leave those that run.
    let Ok(Reading { limits, expired, .. }) = engine.read() else { return };
    if expired {
        engine.sign_in_has_ended();
    }
    let expired = limits.disconnect_expired_cert && expired;
    let now = Moment::now();
    for session in sessions {
        let idle = idle_for(session, seen, now);
        let reason = if expired {
            StopReason::Expired
        } else if limits.client_idle_timeout.is_some_and(|limit| idle >= limit) {
            StopReason::Idle
        } else {
            continue;
        };
        gate.stop_session(session.facts.id, reason);
    }
}

/// Since when the client has sent nothing. While the server works for it, it is not idle.
fn idle_for(session: &SessionInfo, seen: &mut HashMap<SessionId, Seen>, now: Moment) -> Duration {
    let last = seen.entry(session.facts.id).or_insert(Seen { bytes_up: session.bytes_up, at: now });
    if last.bytes_up != session.bytes_up || session.state == SessionState::Running {
        *last = Seen { bytes_up: session.bytes_up, at: now };
    }
    now.since(last.at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use postern_proxy::{Origin, SessionFacts};

    use super::*;

    fn session(state: SessionState) -> SessionInfo {
        let facts = SessionFacts {
            read_only: false,
            id: SessionId(1),
            proxy: "analytics-dev".into(),
            origin: Origin::Unix,
            program: "psql".to_owned(),
            db_user: "analyst".to_owned(),
            db_name: "dev".to_owned(),
            backend_pid: None,
        };
        let started_at = SystemTime::UNIX_EPOCH;
        SessionInfo { facts, local_pid: 1, started_at, bytes_up: 10, bytes_down: 0, state, statements: 1 }
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_night_asleep_counts_as_idle_though_the_steady_clock_stood_still() {
        let (mut seen, evening) = (HashMap::new(), Moment::now());
        assert_eq!(idle_for(&session(SessionState::Idle), &mut seen, evening), Duration::ZERO);
        let morning = Moment { steady: evening.steady + MINUTE, of_day: evening.of_day + 480 * MINUTE };
        assert_eq!(idle_for(&session(SessionState::Idle), &mut seen, morning), 480 * MINUTE);
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_idle_for_longer() {
        let (mut seen, before) = (HashMap::new(), Moment::now());
        idle_for(&session(SessionState::InTransaction), &mut seen, before);
        let after = Moment { steady: before.steady + 5 * MINUTE, of_day: before.of_day - 60 * MINUTE };
        assert_eq!(idle_for(&session(SessionState::InTransaction), &mut seen, after), 5 * MINUTE);
    }

    #[test]
    fn a_session_at_work_is_not_idle_and_one_that_sent_something_is_not_either() {
        let (mut seen, before) = (HashMap::new(), Moment::now());
        idle_for(&session(SessionState::Idle), &mut seen, before);
        let later = Moment { steady: before.steady + MINUTE, of_day: before.of_day + MINUTE };
        assert_eq!(idle_for(&session(SessionState::Running), &mut seen, later), Duration::ZERO);
        let latest = Moment { steady: later.steady + MINUTE, of_day: later.of_day + MINUTE };
        let sent = SessionInfo { bytes_up: 11, ..session(SessionState::Idle) };
        assert_eq!(idle_for(&sent, &mut seen, latest), Duration::ZERO);
    }
}
