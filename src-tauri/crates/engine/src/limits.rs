//! The limits that roles set on sessions: `client_idle_timeout`, and `disconnect_expired_cert` with `max_session_ttl`.
//! A session that reaches one is told why and ends. On the way, whoever shows connections is told of bytes that flowed.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use postern_proxy::{SessionId, SessionInfo, SessionState, StopReason};
use tokio::time::Instant;

use crate::{
    engine::{Change, Reading, Shared},
    gate::Gate,
};

/// How exactly limits are kept.
const TICK: Duration = Duration::from_secs(1);

/// What is known of a session's last sign of life.
struct Seen {
    bytes_up: u64,
    at: Instant,
}

/// Watches the sessions of a gate for as long as the gate is used.
pub(crate) async fn enforce(engine: Weak<Shared>, gate: Weak<Gate>) {
    let (mut seen, mut flowed) = (HashMap::new(), None);
    loop {
        tokio::time::sleep(TICK).await;
        let (Some(engine), Some(gate)) = (engine.upgrade(), gate.upgrade()) else { return };
        let sessions = gate.sessions();
        seen.retain(|id, _| sessions.iter().any(|session| session.facts.id == *id));
        if !sessions.is_empty() {
            check(&engine, &gate, &sessions, &mut seen);
        }
        let totals = Some(gate.totals());
        if flowed != totals {
            flowed = totals;
            engine.tell(Change::Connections);
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
    for session in sessions {
        let idle = idle_for(session, seen);
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
fn idle_for(session: &SessionInfo, seen: &mut HashMap<SessionId, Seen>) -> Duration {
    let now = Instant::now();
    let last = seen.entry(session.facts.id).or_insert(Seen { bytes_up: session.bytes_up, at: now });
    if last.bytes_up != session.bytes_up || session.state == SessionState::Running {
        *last = Seen { bytes_up: session.bytes_up, at: now };
    }
    now - last.at
}
