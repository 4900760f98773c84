//! All of one query's text, and the facts of its session, for whoever looks at it.

use std::sync::Arc;

use crate::{
    engine::Engine,
    error::Error,
    login::Login,
    monitor::{self, Monitor},
};

use super::{
    STARTED_US,
    answer::{rows, with_line_ends},
    source::Source,
};

/// The clock of a server may tick while a session begins its first query.
const SAME_MOMENT_MS: u64 = 1000;

/// Which query.
#[derive(Clone, Copy, Debug)]
pub struct QueryName {
    /// Its session.
    pub session_id: i32,
    /// Its number, as [`super::Query::query_id`].
    pub query_id: i64,
    /// When it began, by the server's clock: a PID names one session after another.
    pub start_time: u64,
}

/// More of a query than a list shows.
#[derive(Clone, Debug, Default)]
pub struct QueryDetails {
    /// Its text; none when the server has forgotten it, or does not show it.
    pub text: Option<String>,
    /// That is all of it.
    pub whole: bool,
    /// The session it runs or ran in; none when the server does not say.
    pub session: Option<SessionFacts>,
}

/// A session at the server. Times are the server's, milliseconds since 1970.
#[derive(Clone, Debug, Default)]
pub struct SessionFacts {
    /// Since when it is open.
    pub since: u64,
    /// When it ended.
    pub until: Option<u64>,
    /// As the server spells it.
    pub status: String,
    /// `application_name`, where the server tells.
    pub program: Option<String>,
    /// Address of its client, where the server tells.
    pub client: Option<String>,
    /// Since when its transaction is open, where the server tells.
    pub transaction_since: Option<u64>,
}

impl Engine {
    /// All of one query's text, and its session.
    ///
    /// # Errors
    /// As [`Engine::activity`].
    pub async fn query_details(&self, login: &Login, query: QueryName) -> Result<QueryDetails, Error> {
        let gate = self.gate(login)?;
        monitor::with(&gate, |monitor| details(monitor, query)).await
    }
}

async fn details(monitor: Arc<Monitor>, query: QueryName) -> Result<QueryDetails, Error> {
    match monitor.server().await?.source {
        Source::History => history(&monitor, query).await,
        Source::Cluster => cluster(&monitor, query).await,
        Source::StatActivity => stat_activity(&monitor, query).await,
    }
}

/// <https://docs.aws.amazon.com/redshift/latest/dg/SYS_QUERY_TEXT.html> and
/// <https://docs.aws.amazon.com/redshift/latest/dg/SYS_SESSION_HISTORY.html>.
async fn history(monitor: &Monitor, query: QueryName) -> Result<QueryDetails, Error> {
    let QueryName { session_id, query_id, start_time } = query;
    let sql = format!("SELECT sequence, text FROM sys_query_text WHERE query_id = {query_id} ORDER BY sequence");
    let messages = monitor.query(&sql).await?;
    let pieces: Vec<(usize, &str)> =
        rows(&messages).filter_map(|row| Some((row.text("sequence").parse().ok()?, row.raw("text")?))).collect();
    let whole = !pieces.is_empty() && pieces.iter().enumerate().all(|(place, (sequence, _))| place == *sequence);
    let text = (!pieces.is_empty()).then(|| joined(pieces.iter().map(|(_, text)| *text)));

    let sql = format!(
        "SELECT status, start_time, end_time FROM sys_session_history WHERE session_id = {session_id} \
         ORDER BY start_time DESC LIMIT 20"
    );
    let messages = monitor.query(&sql).await?;
    let session = rows(&messages).find_map(|row| {
        let since = row.time("start_time")?;
        (since <= start_time + SAME_MOMENT_MS).then(|| SessionFacts {
            since,
            until: row.time("end_time"),
            status: row.text("status").to_owned(),
            ..SessionFacts::default()
        })
    });
    Ok(QueryDetails { text, whole, session })
}

/// One text of its pieces. Every piece but the last is full, so the blanks at its end are of the text; and an end of a line may be written
/// across two of them.
fn joined<'a>(pieces: impl Iterator<Item = &'a str>) -> String {
    let text: String = pieces.collect();
    with_line_ends(text.trim_end())
}

/// STV_RECENTS keeps 600 characters; STV_SESSIONS knows live sessions only
/// (<https://docs.aws.amazon.com/redshift/latest/dg/r_STV_SESSIONS.html>).
async fn cluster(monitor: &Monitor, query: QueryName) -> Result<QueryDetails, Error> {
    let QueryName { session_id, query_id, start_time } = query;
    let sql = format!("SELECT r.query FROM stv_recents AS r WHERE {STARTED_US} = {query_id}");
    let messages = monitor.query(&sql).await?;
    let mut details = QueryDetails::default();
    if let Some(row) = rows(&messages).next() {
        details.text = Some(with_line_ends(row.text("query")));
        details.whole = row.text("query").chars().count() < 600;
    }
    let sql = format!("SELECT starttime FROM stv_sessions WHERE process = {session_id}");
    let messages = monitor.query(&sql).await?;
    details.session = rows(&messages).find_map(|row| {
        let since = row.time("starttime")?;
        (since <= start_time + SAME_MOMENT_MS).then(|| SessionFacts {
            since,
            status: "active".to_owned(),
            ..SessionFacts::default()
        })
    });
    Ok(details)
}

/// PostgreSQL keeps `track_activity_query_size` bytes of a text.
async fn stat_activity(monitor: &Monitor, query: QueryName) -> Result<QueryDetails, Error> {
    let QueryName { session_id, query_id, .. } = query;
    let sql = format!(
        "SELECT query, \
           octet_length(query) < (SELECT setting::int - 1 FROM pg_settings WHERE name = 'track_activity_query_size') AS whole, \
           (extract(epoch FROM query_start) * 1000000)::bigint = {query_id} AS same, \
           (extract(epoch FROM backend_start) * 1000)::bigint AS since, (extract(epoch FROM xact_start) * 1000)::bigint AS transaction_since, \
           state, application_name, client_addr \
         FROM pg_stat_activity WHERE pid = {session_id} AND (extract(epoch FROM backend_start) * 1000000)::bigint <= {query_id}"
    );
    let messages = monitor.query(&sql).await?;
    let Some(row) = rows(&messages).next() else { return Ok(QueryDetails::default()) };
    // The session may run another query now: its facts stay true, its text does not.
    let same = row.is_true("same");
    Ok(QueryDetails {
        text: same.then(|| row.text("query").to_owned()),
        whole: same && row.is_true("whole"),
        session: Some(SessionFacts {
            since: row.count("since").unwrap_or_default(),
            until: None,
            status: row.text("state").to_owned(),
            program: row.said("application_name"),
            client: row.said("client_addr"),
            transaction_since: row.count("transaction_since"),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_text_become_one_whatever_lies_at_their_seams() {
        assert_eq!(joined(["select ", "1\\", "n from a    "].into_iter()), "select 1\n from a");
        assert_eq!(joined(["  x  "].into_iter()), "  x");
    }
}
