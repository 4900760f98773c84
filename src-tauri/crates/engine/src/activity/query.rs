//! A query as a server lists it, the same for every kind of server.

use crate::{cancel::Pursued, console::TabId, sockets::Process};

/// A query that runs or ran. Times are the server's own clock, in UTC.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// `query_id` of SYS_QUERY_HISTORY. Other lists number nothing: there it is the microsecond in which it began, which names it within
    /// its session.
    pub query_id: i64,
    /// The PID for pg_cancel_backend; -1 where the server no longer says.
    pub session_id: i32,
    /// Who runs it.
    pub user: String,
    /// In which database of the server.
    pub db_name: String,
    /// As SYS_QUERY_HISTORY spells it: planning, queued, running, returning, failed, canceled, success. `done` of a server that does not
    /// say how it ended.
    pub status: String,
    /// SELECT, INSERT, …; empty where the server does not say.
    pub query_type: String,
    /// Milliseconds since 1970.
    pub start_time: u64,
    /// Milliseconds since 1970; absent while it lives, although Redshift moves it on then.
    pub end_time: Option<u64>,
    /// Microseconds, as all times below.
    pub elapsed_us: u64,
    /// In a queue.
    pub queue_us: u64,
    /// Waiting for locks.
    pub lock_wait_us: u64,
    /// Planning.
    pub planning_us: u64,
    /// Compiling.
    pub compile_us: u64,
    /// Executing.
    pub execution_us: u64,
    /// It waits for a lock this instant.
    pub waits_for_lock: bool,
    /// Rows given back; 0 where the server does not count them ([`super::Source::counts`]).
    pub rows: u64,
    /// Bytes given back; likewise.
    pub bytes: u64,
    /// Answered from the cache of results.
    pub cache_hit: bool,
    /// The same for queries that differ in their literals only (`generic_query_hash`), where the server tells one.
    pub hash: Option<String>,
    /// The server's message.
    pub error: Option<String>,
    /// The beginning of its text.
    pub text: String,
    /// It is of the user that asks: cancelling it needs no confirmation.
    pub own: bool,
    /// The session of ours behind it.
    pub ours: Option<OurSession>,
}

/// A session of this app behind a query.
#[derive(Clone, Debug)]
pub struct OurSession {
    /// `application_name` of the client.
    pub program: String,
    /// Its number.
    pub session: u64,
    /// The client's program on this machine, where the system tells.
    pub client: Option<Process>,
    /// The console tab whose session it is.
    pub tab: Option<TabId>,
    /// What became of a cancel that its client asked for, where it was this query that was meant.
    pub cancel: Option<Pursued>,
}

impl Query {
    /// It has not ended.
    #[must_use]
    pub fn lives(&self) -> bool {
        is_live(&self.status)
    }
}

impl OurSession {
    /// Itself as one of its queries shows it.
    pub(super) fn of(&self, query: &Query) -> Self {
        let mut ours = self.clone();
        // Until the server is asked, a cancel means what the session runs now.
        ours.cancel = ours.cancel.filter(|cancel| cancel.query_id.map_or(query.lives(), |id| id == query.query_id));
        ours
    }
}

/// Not ended: the guide's `status = 'running'` misses the other three.
pub(crate) fn is_live(status: &str) -> bool {
    matches!(status, "planning" | "queued" | "running" | "returning")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_states_are_alive() {
        let alive = ["planning", "queued", "running", "returning"];
        assert!(alive.iter().all(|status| is_live(status)));
        assert!(!["failed", "canceled", "success", "done", ""].iter().any(|status| is_live(status)));
    }
}
