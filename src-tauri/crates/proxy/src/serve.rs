//! Takes connections in and runs each as a task with a span of its own, from its first byte to its last.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use postern_wire::backend::{Authentication, BackendKeyData, NegotiateProtocolVersion, ReadyForQuery};
use postern_wire::frontend::Empty;
use postern_wire::startup::{PROTOCOL_3_0, StartupMessage};
use postern_wire::{CancelKey, EncodeError, ErrorResponse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::audit::{CancelledBy, Event, Unrecorded};
use crate::dial::{self, ServerStream};
use crate::listener::{Asks, Sockets, Terms};
use crate::login::{self, Greeting, LoginError};
use crate::password::{self, LoginFailure};
use crate::peer::{self, Verdict};
use crate::proxy::{Shared, shutting_down};
use crate::relay::{Down, Relay, Up};
use crate::session::{EndReason, Session, SessionFacts, SessionId, StopReason, UpstreamKey};
use crate::startup::{self, Opening};
use crate::stream::ClientStream;
use crate::throttle::Penalty;
use crate::upstream::{Claim, Dial, Endpoint, Freshness, Grant, Origin, Refusal};

/// How long a client has to take what it is told at the end, and to hang up itself.
const FAREWELL: Duration = Duration::from_millis(250);

/// The longest pause after a failed accept. Running out of file descriptors is the usual cause, and a session that ends cures it.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Bytes a client may send ahead while its session is being made.
const EARLY_LIMIT: usize = 64 * 1024;

/// Somebody who has just come in.
pub(crate) struct Arrival {
    pub(crate) stream: ClientStream,
    pub(crate) origin: Origin,
    /// Name of the part of this program, for in-memory sessions.
    pub(crate) program: Option<String>,
    /// It may only read.
    pub(crate) read_only: bool,
    /// Of the listener; none for in-memory sessions, which are ours.
    pub(crate) terms: Option<Arc<Terms>>,
}

/// Accepts on all sockets until `stop`. They are closed when this returns.
pub(crate) async fn accept(shared: Arc<Shared>, sockets: Sockets, terms: Arc<Terms>, stop: CancellationToken) {
    let mut changes = shared.changes();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = next_arrival(&sockets) => accepted,
        };
        match accepted {
            Ok((stream, origin)) => {
                let terms = Arc::clone(&terms);
                spawn(
                    &shared,
                    Arrival { stream, origin, program: None, read_only: terms.read_only, terms: Some(terms) },
                );
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = changes.changed() => {}
                    () = sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
}

async fn next_arrival(sockets: &Sockets) -> std::io::Result<(ClientStream, Origin)> {
    let tcp6 = async {
        match &sockets.tcp6 {
            Some(listener) => listener.accept().await,
            None => std::future::pending().await,
        }
    };
    #[cfg(unix)]
    let unix = async {
        match &sockets.unix {
            Some(socket) => {
                socket.listener.accept().await.map(|(stream, _)| (ClientStream::Unix(stream), Origin::Unix))
            }
            None => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let unix = std::future::pending();
    tokio::select! {
        accepted = sockets.tcp.accept() => accepted.map(tcp_arrival),
        accepted = tcp6 => accepted.map(tcp_arrival),
        accepted = unix => accepted,
    }
}

fn tcp_arrival((stream, from): (tokio::net::TcpStream, std::net::SocketAddr)) -> (ClientStream, Origin) {
    // Small messages must not wait for each other. A socket that cannot do this works all the same.
    let _ = stream.set_nodelay(true);
    (ClientStream::Tcp(stream), Origin::Tcp(from))
}

/// Serves somebody in a task with a span of its own.
pub(crate) fn spawn(shared: &Arc<Shared>, arrival: Arrival) {
    let visit = Visit { shared: Arc::clone(shared), id: SessionId::next(), arrival, received: BytesMut::new() };
    let kill = shared.kill.clone();
    let span = tracing::info_span!("session", proxy = %shared.name, id = visit.id.0, origin = %visit.arrival.origin);
    let task = async move {
        tokio::select! {
            () = kill.cancelled() => {}
            () = visit.run() => {}
        }
    };
    shared.tasks.spawn_on(task.instrument(span), &shared.runtime());
}

/// One connection from a client.
struct Visit {
    shared: Arc<Shared>,
    id: SessionId,
    arrival: Arrival,
    /// Received and not yet used.
    received: BytesMut,
}

/// Why a visit ends before there is a session, or before the server has let it in.
enum Turned {
    /// The client is told.
    Away(Refusal),
    /// The client is told in the server's own words.
    AwayByServer(ErrorResponse, Refusal),
    /// The client is told once it has waited for what it did.
    AwayLater(Refusal, Penalty),
    /// There is nobody to tell.
    Gone,
}

impl From<Refusal> for Turned {
    fn from(refusal: Refusal) -> Self {
        Self::Away(refusal)
    }
}

impl Visit {
    async fn run(mut self) {
        match self.open().await {
            Some(Opening::Cancel(key)) => self.cancel(key).await,
            Some(Opening::Startup(message)) => self.begin(message).await,
            None => {}
        }
    }

    /// Reads what the client wants. A shutdown does not wait for those who have not said it.
    async fn open(&mut self) -> Option<Opening> {
        let shared = Arc::clone(&self.shared);
        let terms = self.arrival.terms.clone();
        let tls = terms.as_ref().and_then(|terms| terms.tls.as_ref());
        let opening =
            startup::open(&mut self.arrival.stream, &mut self.received, tls, self.shared.options.startup_limit);
        let opened = tokio::select! {
            biased;
            () = shared.draining.cancelled() => {
                self.tell(&shutting_down().to_response()).await;
                return None;
            }
            opened = opening => opened,
        };
        match opened {
            Ok(opening) => Some(opening),
            Err(error) => {
                tracing::debug!(error = %Chain(&error), "no session");
                if let Some(refusal) = error.to_refusal() {
                    let event = Event::Malformed { detail: error.to_string().into() };
                    note(self.shared.recorder.record(&self.facts("", ""), &[event]));
                    self.tell(&refusal.to_response()).await;
                }
                None
            }
        }
    }

    /// Asks who the client is once it has sent something: those who come and go cost nothing, and an answer is understood.
    async fn judge(&self) -> Verdict {
        match self.arrival.terms.as_ref().map(|terms| &terms.asks) {
            None | Some(Asks::Nothing | Asks::Password { .. }) => Verdict::Admitted,
            Some(Asks::SameUser) => self.judge_owner().await,
        }
    }

    async fn judge_owner(&self) -> Verdict {
        match &self.arrival.stream {
            ClientStream::Internal(_) => Verdict::Admitted,
            #[cfg(unix)]
            ClientStream::Unix(stream) => peer::judge_unix(stream),
            ClientStream::Tcp(stream) => peer::judge_tcp(stream).await,
            ClientStream::Tls(stream) => peer::judge_tcp(stream.get_ref().0).await,
            ClientStream::Closed => Verdict::closed(),
        }
    }

    /// Asks for the password, where the listener has one.
    async fn authenticate(&mut self, user: &str) -> Result<(), Turned> {
        let Some(terms) = self.arrival.terms.clone() else { return Ok(()) };
        let Asks::Password { asker, throttle } = &terms.asks else { return Ok(()) };
        let limit = self.shared.options.startup_limit;
        let turned = |failure: LoginFailure| failure.to_refusal(user).map_or(Turned::Gone, Turned::Away);
        let answer = asker.ask(&mut self.arrival.stream, &mut self.received, user, limit).await.map_err(turned)?;
        let turn = match throttle.free_turn() {
            Some(turn) => turn,
            None if matches!(self.judge_owner().await, Verdict::Admitted) => throttle.owners_turn(),
            None => timeout(limit, throttle.turn()).await.map_err(|_| turned(LoginFailure::Crowded))?,
        };
        match answer.check() {
            Ok(None) => Ok(()),
            Ok(Some(message)) => password::confirm(&mut self.arrival.stream, &message).await.map_err(turned),
            Err(failure @ LoginFailure::Wrong) => {
                let penalty = throttle.failed(turn);
                Err(failure.to_refusal(user).map_or(Turned::Gone, |refusal| Turned::AwayLater(refusal, penalty)))
            }
            Err(failure) => Err(turned(failure)),
        }
    }

    /// Passes a CancelRequest on. Whatever comes of it, the client is told nothing: that is the protocol, and an unknown key learns nothing.
    async fn cancel(mut self, key: CancelKey) {
        self.pass_on(key).await;
        // Over TLS a client takes an end without a goodbye for an attack, and its cancel for failed.
        let _ = timeout(FAREWELL, self.arrival.stream.shutdown()).await;
    }

    async fn pass_on(&self, key: CancelKey) {
        if let Err(refusal) = self.judge().await.for_cancel() {
            tracing::warn!(error = %Chain(&refusal), "a cancel request was refused");
            note(self.shared.recorder.record(&self.facts("", ""), &[Event::SessionRefused { refusal: &refusal }]));
            return;
        }
        match self.shared.by_key(&key) {
            Some(session) => {
                let (outcome, meant) = self.shared.cancel(&session, None, CancelledBy::Client).await;
                tracing::debug!(target_session = %session.id, ?outcome, "cancel requested");
                if let Some(query) = meant {
                    self.shared.upstream.cancel_requested(query, &outcome);
                }
            }
            None => tracing::debug!("a cancel request with an unknown key was ignored"),
        }
    }

    async fn begin(mut self, message: StartupMessage) {
        let user = message.parameter("user").unwrap_or_default().to_owned();
        let database = message.parameter("database").map(str::to_owned);
        let mut facts = self.facts(&user, database.as_deref().unwrap_or_default());
        if let Some(program) = message.parameter("application_name").filter(|_| self.arrival.program.is_none()) {
            facts.program = program.to_owned();
        }
        let claim = Claim { user, database, application_name: facts.program.clone(), origin: self.arrival.origin };
        let shared = Arc::clone(&self.shared);
        match self.authorize(&message, claim).await {
            Ok(grant) => {
                facts.db_user.clone_from(&grant.db_user);
                facts.db_name.clone_from(&grant.db_name);
                match shared.open(facts.clone()) {
                    Ok(session) => {
                        let _listed = Listed { shared: &shared, session: &session };
                        self.connect_and_relay(&session, &grant, &message).await;
                    }
                    Err(refusal) => self.turn(Turned::Away(refusal), &facts).await,
                }
            }
            Err(turned) => self.turn(turned, &facts).await,
        }
    }

    async fn authorize(&mut self, message: &StartupMessage, claim: Claim) -> Result<Grant, Turned> {
        if message.major() != 3 {
            let version = format!("{}.{}", message.major(), message.minor());
            return Err(
                Refusal::new("0A000", format!("unsupported frontend protocol {version}: server supports 3.0")).into()
            );
        }
        if let Some(unrecognized) = startup::unrecognized(message) {
            self.negotiate(unrecognized).await;
        }
        self.judge().await.for_session()?;
        if self.arrival.terms.as_ref().is_some_and(|terms| terms.needs_tls) && !self.arrival.stream.is_encrypted() {
            return Err(Refusal::new("28000", "this local proxy takes sessions from other machines over TLS only")
                .hint("Connect with sslmode=verify-ca or sslmode=require.")
                .into());
        }
        self.authenticate(&claim.user).await?;
        let upstream = Arc::clone(&self.shared.upstream);
        let draining = self.shared.draining.clone();
        tokio::select! {
            () = draining.cancelled() => Err(shutting_down().into()),
            () = self.client_left() => Err(Turned::Gone),
            decision = upstream.authorize(claim) => Ok(decision?),
        }
    }

    /// Tells the client that it gets less than it asked for, before anything else, as PostgreSQL does.
    async fn negotiate(&mut self, unrecognized: Vec<String>) {
        let mut out = BytesMut::new();
        NegotiateProtocolVersion { version: PROTOCOL_3_0, unrecognized }
            .encode(&mut out)
            .expect("names that came as strings hold no zero byte");
        // A client that is gone is noticed at the next question.
        let _ = self.arrival.stream.write_all(&out).await;
        let _ = self.arrival.stream.flush().await;
    }

    /// From the granted session to its end.
    async fn connect_and_relay(mut self, session: &Session, grant: &Grant, message: &StartupMessage) {
        let shared = Arc::clone(&self.shared);
        let read_only = self.arrival.read_only;
        let connected = tokio::select! {
            reason = session.stopped() => Err(Turned::AwayByServer(reason.to_response(), refusal_of(&reason))),
            () = self.client_left() => Err(Turned::Gone),
            connected = connect(&shared, grant, message, read_only) => connected,
        };
        match connected {
            Ok(connected) => self.relay(session, connected).await,
            Err(turned) => self.turn(turned, &session.facts()).await,
        }
    }

    /// Lets the client in and copies until the end.
    async fn relay(self, session: &Session, connected: Connected) {
        let Self { shared, arrival, received, .. } = self;
        let mut client = arrival.stream;
        let Connected { stream: server, greeting, endpoint } = connected;
        let Greeting { before_key, key, status, rest } = greeting;
        let key_for_client = key.is_some();
        session.connected(key.map(|key| UpstreamKey { endpoint, key }));
        session.activity.ready(status);
        shared.connected();
        let facts = session.facts();
        if let Err(error) = shared.recorder.record(&facts, &[Event::SessionStarted]) {
            let response = unrecorded_response(&error);
            say(&mut client, &response).await;
            return;
        }
        tracing::info!(program = %facts.program, db_user = %facts.db_user, db_name = %facts.db_name, "session started");

        let welcome = welcome(&before_key, key_for_client.then_some(&session.local_key), ReadyForQuery { status })
            .expect("our own messages hold no zero byte");
        drop(before_key);
        let welcomed = async {
            client.write_all(&welcome).await?;
            client.flush().await
        };
        let welcomed = welcomed.await;
        // A session may last for days: it keeps nothing of its beginning.
        drop(welcome);
        let end = match welcomed {
            Err(_) => EndReason::ClientVanished,
            Ok(()) => {
                let (client_read, client_write) = tokio::io::split(client);
                let (server_read, server_write) = tokio::io::split(server);
                let mut relay = Relay {
                    up: Up::new(&shared, session, &facts, client_read, server_write, received),
                    down: Down::new(&shared, session, server_read, client_write, rest),
                };
                let end = relay.run(session, shared.options.linger).await;
                let Relay { up, down } = relay;
                finish(up, down, &end).await;
                end
            }
        };
        tracing::info!(reason = %end, "session ended");
        let event = Event::SessionEnded {
            reason: &end,
            bytes_up: session.activity.bytes_up(),
            bytes_down: session.activity.bytes_down(),
            elapsed: session.elapsed(),
        };
        note(shared.recorder.record(&facts, &[event]));
    }

    /// Records that it was turned away, and tells it.
    async fn turn(mut self, turned: Turned, facts: &SessionFacts) {
        let (response, refusal, penalty) = match turned {
            Turned::Gone => {
                tracing::debug!("the client left before it was let in");
                return;
            }
            Turned::Away(refusal) => (refusal.to_response(), refusal, None),
            Turned::AwayByServer(response, refusal) => (response, refusal, None),
            Turned::AwayLater(refusal, penalty) => (refusal.to_response(), refusal, Some(penalty)),
        };
        tracing::info!(sqlstate = %refusal.sqlstate, error = %Chain(&refusal), "session refused");
        self.shared.failed(facts.id, &refusal);
        note(self.shared.recorder.record(facts, &[Event::SessionRefused { refusal: &refusal }]));
        if let Some(penalty) = penalty {
            let draining = self.shared.draining.clone();
            draining.run_until_cancelled(penalty.serve()).await;
        }
        self.tell(&response).await;
    }

    /// Waits until the client is gone. What it sends meanwhile is kept, up to a limit; beyond that it is not read until it is needed.
    async fn client_left(&mut self) {
        while self.received.len() < EARLY_LIMIT {
            match self.arrival.stream.read_buf(&mut self.received).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        std::future::pending().await
    }

    async fn tell(&mut self, response: &ErrorResponse) {
        say(&mut self.arrival.stream, response).await;
    }

    fn facts(&self, user: &str, database: &str) -> SessionFacts {
        SessionFacts {
            id: self.id,
            proxy: Arc::clone(&self.shared.name),
            origin: self.arrival.origin,
            program: self.arrival.program.clone().unwrap_or_default(),
            db_user: user.to_owned(),
            db_name: database.to_owned(),
            read_only: self.arrival.read_only,
            backend_pid: None,
        }
    }
}

/// Keeps a session listed for as long as it lives, however its task ends.
struct Listed<'a> {
    shared: &'a Shared,
    session: &'a Session,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.shared.close(self.session);
    }
}

/// A server that has let us in.
struct Connected {
    stream: ServerStream,
    greeting: Greeting,
    endpoint: Endpoint,
}

/// Dials and logs in; once more with a fresh password when the server says that the first has expired.
async fn connect(
    shared: &Shared,
    grant: &Grant,
    message: &StartupMessage,
    read_only: bool,
) -> Result<Connected, Turned> {
    let mut freshness = Freshness::Cached;
    loop {
        let dial = shared.upstream.dial_plan(grant, freshness).await?;
        let mut stream = dial::open(&dial.endpoint, shared.options.connect_limit)
            .await
            .map_err(|error| Arc::new(error).to_refusal())?;
        let startup = startup::for_server(message, &dial, read_only);
        match log_in(shared, &mut stream, &dial, &startup).await {
            Ok(greeting) => return Ok(Connected { stream, greeting, endpoint: dial.endpoint }),
            Err(error) if error.is_password_expired() && freshness == Freshness::Cached => {
                tracing::info!("the cached password has expired; asking for a fresh one");
                freshness = Freshness::Fresh;
            }
            Err(error) => {
                let error = Arc::new(error);
                let refusal = error.to_refusal();
                return Err(match &*error {
                    LoginError::Refused { response } => Turned::AwayByServer(response.clone(), refusal),
                    _ => Turned::Away(refusal),
                });
            }
        }
    }
}

async fn log_in(
    shared: &Shared,
    stream: &mut ServerStream,
    dial: &Dial,
    startup: &StartupMessage,
) -> Result<Greeting, LoginError> {
    let encrypted = stream.is_encrypted();
    login::log_in(stream, encrypted, dial, startup, shared.options.login_limit).await
}

/// All that a client gets once the server has let it in, in one piece. No key when the server gave none: clients take an empty one ill.
fn welcome(before_key: &[u8], key: Option<&CancelKey>, ready: ReadyForQuery) -> Result<BytesMut, EncodeError> {
    let mut out = BytesMut::new();
    Authentication::Ok.encode(&mut out)?;
    out.extend_from_slice(before_key);
    if let Some(key) = key {
        BackendKeyData { key: key.clone() }.encode(&mut out)?;
    }
    ready.encode(&mut out);
    Ok(out)
}

/// Tells both sides that it is over, as far as they can still be told.
async fn finish<CR, CW, SR, SW>(mut up: Up<'_, CR, SW>, mut down: Down<'_, SR, CW>, end: &EndReason)
where
    CR: tokio::io::AsyncRead + Unpin,
    CW: tokio::io::AsyncWrite + Unpin,
    SR: tokio::io::AsyncRead + Unpin,
    SW: tokio::io::AsyncWrite + Unpin,
{
    let response = last_response(end);
    // A message in the middle of another would be taken for its content.
    let can_tell = response.is_some() && !down.said_goodbye() && down.finish_message().await;
    let mut goodbye = BytesMut::new();
    if up.can_terminate() {
        Empty::Terminate.encode(&mut goodbye);
    }
    let tell_server = async {
        up.to.write_all(&goodbye).await?;
        up.to.shutdown().await
    };
    let mut last = BytesMut::new();
    if let Some(response) = response.filter(|_| can_tell) {
        response.encode(&mut last);
    }
    let tell_client = async {
        down.to.write_all(&last).await?;
        down.to.shutdown().await
    };
    // Either may be gone; then there is nothing to be done about it.
    let _ = tokio::join!(timeout(FAREWELL, tell_server), timeout(FAREWELL, tell_client));
    if can_tell {
        // Closing with bytes unread would reset the connection and could take our last words with it.
        let _ = timeout(FAREWELL, tokio::io::copy(&mut up.from, &mut tokio::io::sink())).await;
    }
}

/// What the client is told at the end, where it has not been told by the server and has not left itself.
fn last_response(end: &EndReason) -> Option<ErrorResponse> {
    let lost = "the connection to the database was lost";
    match end {
        EndReason::ClientTerminated | EndReason::ClientVanished | EndReason::UpstreamClosed(Some(_)) => None,
        EndReason::UpstreamClosed(None) => Some(
            ErrorResponse::fatal("08006", lost)
                .detail("The server closed the connection without saying why.")
                .hint("Connect again. Statements that were running may or may not have taken effect."),
        ),
        EndReason::UpstreamLost(error) => Some(
            ErrorResponse::fatal("08006", lost)
                .detail(&error.to_string())
                .hint("Connect again. Statements that were running may or may not have taken effect."),
        ),
        EndReason::UpstreamMalformed(error) => Some(
            ErrorResponse::fatal("08P01", "the database broke the protocol; the session was closed")
                .detail(&error.to_string()),
        ),
        EndReason::ClientMalformed(error) => {
            Some(ErrorResponse::fatal("08P01", "invalid message from the client").detail(&error.to_string()))
        }
        EndReason::AuditUnavailable(error) => Some(unrecorded_response(error)),
        EndReason::Stopped(reason) => Some(reason.to_response()),
    }
}

fn unrecorded_response(error: &Unrecorded) -> ErrorResponse {
    ErrorResponse::fatal("58030", "the statement was not sent because it could not be recorded in the audit log")
        .detail(&error.reason)
        .hint("Make room on the disk or mend the audit directory, then connect again.")
}

fn refusal_of(reason: &StopReason) -> Refusal {
    let response = reason.to_response();
    Refusal::new(response.sqlstate().to_owned(), response.message())
}

/// Sends a last message to a client and lets it hang up.
async fn say(stream: &mut ClientStream, response: &ErrorResponse) {
    let mut out = BytesMut::new();
    response.encode(&mut out);
    let telling = async {
        stream.write_all(&out).await?;
        stream.shutdown().await?;
        // Closing with bytes unread would reset the connection and could take our last words with it.
        tokio::io::copy(stream, &mut tokio::io::sink()).await
    };
    // A client that is gone has nothing to be told.
    let _ = timeout(FAREWELL, telling).await;
}

/// Of events after which nothing can be held back any more.
fn note(recorded: Result<(), Unrecorded>) {
    if let Err(error) = recorded {
        tracing::error!(%error, "an event is missing from the audit log");
    }
}

/// An error with its causes on one line, for the log.
struct Chain<'a>(&'a (dyn std::error::Error + 'a));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
