//! A session of our own beside the people's, one for each login: reads what runs and asks the server to cancel. It goes through the
//! proxy's in-memory stream, so it is authorised, recorded and renewed as any other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage, error::SqlState};

use crate::{
    activity::Server,
    error::{Error, SqlFailure},
    gate::Gate,
};

/// `application_name` of these sessions.
pub(crate) const PROGRAM: &str = "Postern activity";

/// Every statement of these sessions begins so, in every process and on every machine, and is left out of what people
/// are shown.
pub(crate) const MARK: &str = "/* postern activity */";

/// Waking a paused workgroup takes a while; an answer later than this will not come.
const LIMIT: Duration = Duration::from_secs(120);

/// A session that never idles in a transaction: it speaks single statements only.
#[derive(Debug)]
pub(crate) struct Monitor {
    database: String,
    client: Client,
    /// An answer is overdue: what is asked next would wait behind it.
    overdue: AtomicBool,
    /// What the server says that it is.
    server: OnceCell<Server>,
}

/// Does something through the monitoring session of a login. One that was lost since it was last used, for whatever reason, is replaced
/// once; one that gives no answer is not.
pub(crate) async fn with<T, W>(gate: &Arc<Gate>, work: impl Fn(Arc<Monitor>) -> W) -> Result<T, Error>
where
    W: Future<Output = Result<T, Error>>,
{
    let monitor = gate.monitor().await?;
    match work(Arc::clone(&monitor)).await {
        Err(error) if monitor.client.is_closed() || is_shutdown(&error) => {
            tracing::debug!(%error, database = gate.login().database, "the monitoring session was lost; another is opened");
            let another = gate.monitor_in_place_of(&monitor).await?;
            work(another).await
        }
        other => other,
    }
}

/// The server has ended the session itself, and said so as its last word.
fn is_shutdown(error: &Error) -> bool {
    let states = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN];
    matches!(error, Error::Sql(failure) if states.iter().any(|state| state.code() == failure.sqlstate))
}

impl Monitor {
    /// Opens one.
    pub(crate) async fn open(gate: &Arc<Gate>) -> Result<Self, Error> {
        let stream = gate.attach(PROGRAM).await?;
        let login = gate.login();
        let connecting = tokio_postgres::Config::new()
            .user(&login.db_user)
            .dbname(&login.db_name)
            .application_name(PROGRAM)
            .connect_raw(stream, NoTls)
            .await;
        let (client, connection) = connecting.map_err(|error| gate.login_failure(failure(&login.database, error)))?;
        // It ends when the client is dropped or the proxy closes the stream; its error reaches the query that waits.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the monitoring session ended");
            }
        });
        Ok(Self { database: login.database.clone(), client, overdue: AtomicBool::new(false), server: OnceCell::new() })
    }

    /// It can still be used.
    pub(crate) fn lives(&self) -> bool {
        !self.client.is_closed() && !self.overdue.load(Ordering::Relaxed)
    }

    /// What the server is, asked when it is first wanted.
    ///
    /// # Errors
    /// As [`Server::ask`].
    pub(crate) async fn server(&self) -> Result<&Server, Error> {
        self.server.get_or_try_init(|| Server::ask(self)).await
    }

    /// Runs one statement.
    pub(crate) async fn query(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        self.query_within(sql, LIMIT).await
    }

    /// Runs one statement whose answer is of no use after `limit`.
    pub(crate) async fn query_within(&self, sql: &str, limit: Duration) -> Result<Vec<SimpleQueryMessage>, Error> {
        let sql = format!("{MARK} {sql}");
        match tokio::time::timeout(limit, self.client.simple_query(&sql)).await {
            Ok(answer) => answer.map_err(|error| failure(&self.database, error)),
            Err(_) => {
                self.overdue.store(true, Ordering::Relaxed);
                Err(Error::ConnectionLost {
                    database: self.database.clone(),
                    reason: format!("no answer within {} s", limit.as_secs()),
                })
            }
        }
    }
}

/// The server's refusal, or a lost connection.
fn failure(database: &str, error: tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(refusal) => Error::Sql(Box::new(SqlFailure {
            severity: refusal.severity().to_owned(),
            sqlstate: refusal.code().code().to_owned(),
            message: refusal.message().to_owned(),
            detail: refusal.detail().map(str::to_owned),
            hint: refusal.hint().map(str::to_owned),
        })),
        None => Error::ConnectionLost {
            database: database.to_owned(),
            reason: std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
        },
    }
}
