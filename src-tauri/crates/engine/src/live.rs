//! The sessions of a gate as a person sees them: what the proxy knows, what went through in the last minute, and which
//! program of this machine the client is.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
};

use postern_proxy::{Origin, SessionId, SessionInfo, Totals};
use tokio::time::Instant;

use crate::{
    sockets::{self, Holder},
    traffic::{Samples, Traffic},
};

/// A live session.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// Who it is and what it does.
    pub info: SessionInfo,
    /// The client's program and user, as soon as they are known and where the system tells.
    pub client: Holder,
    /// What went through it.
    pub traffic: Samples,
}

/// What is written down of a gate between two looks.
#[derive(Debug)]
pub(crate) struct Watched {
    total: Traffic,
    sessions: BTreeMap<SessionId, Seen>,
}

#[derive(Debug)]
struct Seen {
    traffic: Traffic,
    /// Absent until somebody has looked.
    client: Option<Holder>,
}

impl Watched {
    pub(crate) fn new() -> Self {
        Self { total: Traffic::new(Instant::now()), sessions: BTreeMap::new() }
    }

    /// Writes down one more second. Says whether anything flowed.
    pub(crate) fn take(&mut self, now: Instant, totals: Totals, sessions: &[SessionInfo]) -> bool {
        self.sessions.retain(|id, _| sessions.iter().any(|session| session.facts.id == *id));
        for session in sessions {
            let began = || Seen { traffic: Traffic::new(now), client: None };
            let seen = self.sessions.entry(session.facts.id).or_insert_with(began);
            seen.traffic.take(now, session.bytes_up + session.bytes_down);
        }
        self.total.take(now, totals.bytes_up + totals.bytes_down)
    }

    /// There was nothing to look at for a while.
    pub(crate) fn rested(&mut self, now: Instant) {
        self.total.rested(now);
    }

    /// What went through the gate, ended sessions included.
    pub(crate) fn samples(&self) -> Samples {
        self.total.samples()
    }

    /// The sessions as they are, with what is known of each.
    pub(crate) fn live(&self, sessions: Vec<SessionInfo>) -> Vec<LiveSession> {
        let seen = |info: &SessionInfo| self.sessions.get(&info.facts.id);
        let live = |info: SessionInfo| LiveSession {
            client: seen(&info).and_then(|seen| seen.client.clone()).unwrap_or_default(),
            traffic: seen(&info).map_or_else(|| Traffic::new(Instant::now()).samples(), |seen| seen.traffic.samples()),
            info,
        };
        sessions.into_iter().map(live).collect()
    }

    /// Sessions over TCP whose client nobody has looked for yet, with the client's address.
    pub(crate) fn unknown_clients(&self, sessions: &[SessionInfo]) -> Vec<(SessionId, SocketAddr)> {
        let address = |session: &SessionInfo| match session.facts.origin {
            Origin::Tcp(address) => Some((session.facts.id, address)),
            Origin::Unix | Origin::Internal => None,
        };
        let unknown = |id: &SessionId| self.sessions.get(id).is_some_and(|seen| seen.client.is_none());
        sessions.iter().filter_map(address).filter(|(id, _)| unknown(id)).collect()
    }

    /// Remembers what was found, and that nothing was.
    pub(crate) fn found(&mut self, asked: &[(SessionId, SocketAddr)], found: &HashMap<SocketAddr, Holder>) {
        for (id, address) in asked {
            if let Some(seen) = self.sessions.get_mut(id) {
                seen.client = Some(found.get(address).cloned().unwrap_or_default());
            }
        }
    }
}

/// Looks up which programs the clients of a port are.
pub(crate) async fn find_clients(asked: &[(SessionId, SocketAddr)], port: u16) -> HashMap<SocketAddr, Holder> {
    let peers: Vec<SocketAddr> = asked.iter().map(|(_, address)| *address).collect();
    // It reads many small files. A lookup that is lost with the program leaves sessions without a name.
    tokio::task::spawn_blocking(move || sockets::clients(&peers, port)).await.unwrap_or_default()
}
