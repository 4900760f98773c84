//! SQL sessions for whoever runs statements itself: `postern db exec`, the tests.

use std::{fmt::Debug, sync::Arc, time::Duration};

use postern_console::session::{Login as ConsoleLogin, Session, SessionError};
use postern_wire::CancelKey;
use tokio::io::DuplexStream;

use crate::{
    engine::Engine,
    error::{Error, SqlFailure},
    gate::Gate,
    login::Login,
};

/// How long a server may take to end a canceled statement before its session is left: longer than all steps of a cancel.
const CANCEL_LIMIT: Duration = Duration::from_secs(20);

/// How long after a cancel that found nothing to cancel the next is tried.
const CANCEL_AGAIN: Duration = Duration::from_millis(50);

impl Engine {
    /// Opens a session through the gate of a login. `program` is shown in the Connections view and on the server.
    ///
    /// # Errors
    /// [`Error::AccessDenied`], [`Error::Aws`], [`Error::Dial`], [`Error::LoginRefused`].
    pub async fn sql_session(&self, login: &Login, program: &str) -> Result<Session<DuplexStream>, Error> {
        start(&*self.gate(login)?, program, false).await
    }

    /// The same for a session in which only what is known to only read goes on.
    ///
    /// # Errors
    /// As [`Self::sql_session`].
    pub async fn read_only_session(&self, login: &Login, program: &str) -> Result<Session<DuplexStream>, Error> {
        start(&*self.gate(login)?, program, true).await
    }

    /// Cancels what the session with this key runs, as a client's CancelRequest would.
    pub async fn interrupt(&self, login: &Login, key: Option<&CancelKey>) {
        if let (Ok(gate), Some(key)) = (self.gate(login), key) {
            gate.cancel_local(key.pid).await;
        }
    }
}

/// Starts a session through a gate.
pub(crate) async fn start(gate: &Gate, program: &str, read_only: bool) -> Result<Session<DuplexStream>, Error> {
    let stream = match read_only {
        true => gate.attach_read_only(program).await?,
        false => gate.attach(program).await?,
    };
    let login = gate.login();
    let who = ConsoleLogin {
        user: login.db_user.clone(),
        database: login.db_name.clone(),
        application_name: program.to_owned(),
    };
    Session::start(stream, &who).await.map_err(|error| gate.login_failure(session_failure(&login.database, &error)))
}

/// Has the server end what a session runs. `rest` takes what it still sends until then: a server that waits to be rid of a row hears
/// of no cancel, and one whose client leaves may run on for nobody, as Redshift does.
pub(crate) async fn cancel<T: Debug>(gate: &Arc<Gate>, key: Option<CancelKey>, rest: impl Future<Output = T>) {
    let gate = Arc::clone(gate);
    let asked = tokio::spawn(async move {
        // The statement may still be on its way to the server.
        while let Some(key) = &key
            && !gate.cancel_local(key.pid).await
        {
            tokio::time::sleep(CANCEL_AGAIN).await;
        }
    });
    let ended = tokio::time::timeout(CANCEL_LIMIT, rest).await;
    asked.abort();
    match ended {
        Ok(ended) => tracing::debug!(?ended, "a statement of ours was canceled"),
        Err(_) => tracing::warn!("the server did not end a statement of ours; its session is closed"),
    }
}

/// What ended a session, or kept it from beginning.
#[must_use]
pub fn session_failure(database: &str, error: &SessionError) -> Error {
    let lost = |reason: String| Error::ConnectionLost { database: database.to_owned(), reason };
    match error {
        SessionError::Refused(refusal) => Error::Sql(Box::new(server_failure(refusal))),
        SessionError::Lost { server: Some(last), .. } => lost(last.message().to_owned()),
        SessionError::Lost { source: Some(source), .. } => lost(source.to_string()),
        other => lost(other.to_string()),
    }
}

/// The server's words.
#[must_use]
pub fn server_failure(response: &postern_wire::ErrorResponse) -> SqlFailure {
    SqlFailure {
        severity: response.field(b'S').unwrap_or("ERROR").to_owned(),
        sqlstate: response.sqlstate().to_owned(),
        message: response.message().to_owned(),
        detail: response.field(b'D').map(str::to_owned),
        hint: response.field(b'H').map(str::to_owned),
    }
}
