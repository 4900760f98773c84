//! What runs on a server, as a login may see it. One list for three kinds of server, each of which is asked what it is.
//!
//! - `source`: which list a server has. `history`, `cluster` and `stat_activity` read each of them.
//! - `query`: a query as all of them show it. `details`: its whole text and its session, for the one somebody looks at.
//! - `scope`: whose queries a login may see, and what would show it the others.

mod answer;
mod cluster;
mod details;
mod history;
mod query;
mod scope;
mod source;
mod stat_activity;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    clock,
    engine::Engine,
    error::Error,
    gate::Gate,
    live::LiveSession,
    login::Login,
    monitor::{self, Monitor},
    objects,
};

pub(crate) use answer::{Fields, rows};
pub(crate) use cluster::STARTED_US;
pub use details::{QueryDetails, QueryName, SessionFacts};
pub(crate) use query::is_live;
pub use query::{OurSession, Query};
pub use scope::Scope;
pub(crate) use source::Server;
pub use source::Source;

/// The queries of a server at one moment.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Where the server told it.
    pub source: Source,
    /// Whose queries these are.
    pub scope: Scope,
    /// The login's own name at the server; empty when the server does not say.
    pub me: String,
    /// The statement by which an administrator shows this login everybody's, when it sees its own only.
    pub grant: Option<String>,
    /// Sessions of others whose work the server does not show to this login.
    pub hidden: u64,
    /// When it was read, by our clock.
    pub as_of: SystemTime,
    /// What the server's clock said then, milliseconds since 1970. All times of the queries are by that clock.
    pub server_now: u64,
    /// More queries had ended in the wanted time than were wanted: the oldest are left out.
    pub cut: bool,
    /// Live ones first, then newest first.
    pub queries: Vec<Query>,
}

/// How much to read. All that lives is always read.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// At most so many that have ended.
    pub finished: u32,
    /// Of those, only what ended within this time before now.
    pub last: Option<Duration>,
    /// So many characters of each text.
    pub text: u32,
}

impl From<u32> for Wanted {
    /// That many, with as much of their text as the list of the server holds.
    fn from(finished: u32) -> Self {
        Self { finished, last: None, text: 4000 }
    }
}

impl Engine {
    /// The queries of a server as a login sees them.
    ///
    /// # Errors
    /// As opening a session: [`Error::AccessDenied`], [`Error::Aws`], [`Error::Dial`], [`Error::LoginRefused`]; [`Error::Sql`] when the
    /// server has no list of queries or refuses it; [`Error::ConnectionLost`].
    pub async fn activity(&self, login: &Login, wanted: impl Into<Wanted>) -> Result<Activity, Error> {
        let wanted = wanted.into();
        let gate = self.gate(login)?;
        let mut activity = monitor::with(&gate, |monitor| read(monitor, wanted)).await?;
        let ours = our_sessions(self, &self.gates_of(&login.database));
        for query in &mut activity.queries {
            query.ours = ours.get(&query.session_id).map(|ours| ours.of(query));
            query.own = !activity.me.is_empty() && query.user == activity.me;
        }
        Ok(activity)
    }
}

async fn read(monitor: Arc<Monitor>, wanted: Wanted) -> Result<Activity, Error> {
    let (monitor, wanted) = (&*monitor, &wanted);
    let server = monitor.server().await?;
    let read = match server.source {
        Source::History => history::read(monitor, server, wanted).await?,
        Source::Cluster => cluster::read(monitor, wanted).await?,
        Source::StatActivity => stat_activity::read(monitor, server, wanted).await?,
    };
    let as_of = clock::now();
    let visible = scope::ask(monitor, server, &read.queries).await?;
    let mut queries = read.queries;
    // The sort is stable: newest first stays so within each half.
    queries.sort_by_key(|query| !query.lives());
    Ok(Activity {
        source: server.source,
        scope: visible.scope,
        me: visible.me,
        grant: visible.grant,
        hidden: visible.hidden,
        as_of,
        server_now: read.server_now.unwrap_or_else(|| clock::millis(as_of)),
        cut: read.cut,
        queries,
    })
}

/// What one look at a list gave.
struct Read {
    /// Newest first.
    queries: Vec<Query>,
    /// What the server's clock said meanwhile; none when there was no row to say it.
    server_now: Option<u64>,
    /// More had ended than were wanted.
    cut: bool,
}

impl Read {
    /// All that live, and as many of the others as are wanted, of rows that come newest first.
    fn of(mut queries: Vec<Query>, server_now: Option<u64>, wanted: &Wanted) -> Self {
        let (mut left, all) = (wanted.finished, queries.len());
        queries.retain(|query| {
            let fits = query.lives() || left > 0;
            if fits && !query.lives() {
                left -= 1;
            }
            fits
        });
        Self { cut: queries.len() < all, queries, server_now }
    }
}

/// A condition that leaves out what Postern itself asks servers, in every process and on every machine.
fn own_statements(text: &str) -> String {
    format!("{text} NOT LIKE '{}%' AND {text} NOT LIKE '{}%'", monitor::MARK, objects::MARK)
}

/// Our sessions by the server's PID.
fn our_sessions(engine: &Engine, gates: &[Arc<Gate>]) -> BTreeMap<i32, OurSession> {
    let of_gate = |gate: &Arc<Gate>| {
        let gate = Arc::clone(gate);
        let live = gate.watched().live(gate.sessions());
        live.into_iter().filter_map(move |LiveSession { info, client, .. }| {
            let id = info.facts.id;
            let cancel = gate
                .pursuits
                .of(id)
                .filter(|cancel| cancel.query_id.is_some() || gate.proxy().still_runs(cancel.query));
            let tab = engine.tab_of_session(gate.login(), info.local_pid);
            let program = info.facts.program;
            Some((info.facts.backend_pid?, OurSession { program, session: id.0, client: client.process, tab, cancel }))
        })
    };
    gates.iter().flat_map(of_gate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(status: &str) -> Query {
        Query { status: status.to_owned(), ..Query::default() }
    }

    #[test]
    fn all_that_lives_is_kept_and_of_the_rest_what_is_wanted() {
        let rows = || ["running", "success", "failed", "queued", "canceled"].map(query).to_vec();
        let of = |finished| Read::of(rows(), None, &Wanted::from(finished));
        assert_eq!((of(3).queries.len(), of(3).cut), (5, false));
        let two = of(2);
        assert!(two.cut);
        let kept: Vec<&str> = two.queries.iter().map(|query| &*query.status).collect();
        assert_eq!(kept, ["running", "success", "failed", "queued"]);
    }
}
