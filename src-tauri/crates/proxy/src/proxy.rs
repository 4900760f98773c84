//! A proxy from outside: listen, attach, look at its sessions, stop them, shut it down.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postern_wire::CancelKey;
use tokio::io::DuplexStream;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::audit::{CancelledBy, Event, Recorder};
use crate::cancel::{self, CancelOutcome};
use crate::dial::CONNECT_LIMIT;
use crate::keys;
use crate::listener::{ListenError, ListenOptions, Listening, Sockets, Terms};
use crate::serve::{self, Arrival};
use crate::session::{QueryMark, Session, SessionFacts, SessionId, SessionInfo, SessionState, StopReason};
use crate::stream::ClientStream;
use crate::throttle::LoginDelay;
use crate::upstream::{Origin, Refusal, Upstream};

/// Bytes an in-memory session holds in each direction before the writer has to wait.
const INTERNAL_BUFFER: usize = 256 * 1024;

/// How long sessions have to say goodbye once they are told to end.
const GOODBYE: Duration = Duration::from_secs(2);

/// Limits of a proxy. The defaults suit people; tests shorten them.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// A client that has not said who it is by then is closed.
    pub startup_limit: Duration,
    /// For the server's name, TCP and TLS together.
    pub connect_limit: Duration,
    /// For logging in. Generous: a Redshift workgroup that sleeps takes its time to wake.
    pub login_limit: Duration,
    /// How long a server's answer is still passed on after the client has closed its sending side.
    pub linger: Duration,
    /// Where listener and sessions run; where [`Proxy::listen`] or [`Proxy::attach`] is called when absent. A runtime of one thread
    /// suits a relay best: between two reads of a socket there is nothing worth waking another core for.
    pub runtime: Option<Handle>,
    /// The longest beginning of a statement, with its parameters, that is kept for the audit. It is also the most memory one session
    /// takes for it.
    pub statement_limit: usize,
    /// How long answers to wrong passwords are withheld.
    pub login_delay: LoginDelay,
}

impl Default for ProxyOptions {
    fn default() -> Self {
        Self {
            startup_limit: Duration::from_secs(30),
            connect_limit: CONNECT_LIMIT,
            login_limit: Duration::from_secs(120),
            linger: Duration::from_secs(10),
            runtime: None,
            statement_limit: 1024 * 1024,
            login_delay: LoginDelay::default(),
        }
    }
}

/// One local proxy: a way to one database as one user, for any number of clients.
///
/// Clones are handles to the same proxy. When the last is dropped, its listener and sessions end at once; [`Proxy::shutdown`] is the
/// polite way.
#[derive(Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
    _ends_with_last_handle: Arc<DropGuard>,
}

/// Everything that went through a proxy so far, sessions that are over included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Sessions that were let in.
    pub sessions: u64,
    /// Bytes client to server.
    pub bytes_up: u64,
    /// Bytes server to client.
    pub bytes_down: u64,
}

/// Why the last session that failed to connect failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which.
    pub session: SessionId,
    /// What its client was told; `source` is the typed error, such as [`crate::DialError`] or [`crate::LoginError`].
    pub refusal: Refusal,
}

/// What a shutdown did.
#[derive(Clone, Debug, Default)]
pub struct ShutdownReport {
    /// Sessions that ended between two queries.
    pub drained: usize,
    /// Sessions that were still at work, or in a transaction, when the limit was reached.
    pub cut: Vec<SessionInfo>,
}

impl Proxy {
    /// A proxy that does not listen yet. `name` is for logs and the audit.
    pub fn new(
        name: impl Into<Arc<str>>,
        upstream: Arc<dyn Upstream>,
        recorder: Arc<dyn Recorder>,
        options: ProxyOptions,
    ) -> Self {
        let kill = CancellationToken::new();
        let shared = Shared {
            name: name.into(),
            upstream,
            recorder,
            options,
            sessions: Mutex::default(),
            ended: EndedTotals::default(),
            changes: watch::Sender::new(0),
            last_failure: Mutex::default(),
            listener: tokio::sync::Mutex::default(),
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            kill: kill.clone(),
        };
        Self { shared: Arc::new(shared), _ends_with_last_handle: Arc::new(kill.drop_guard()) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What its sessions have in common, for running parts of one alone.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Binds everything that `options` asks for, or nothing, and begins to take clients in.
    ///
    /// # Errors
    /// [`ListenError`]; the proxy is then as it was.
    pub async fn listen(&self, options: ListenOptions) -> Result<Listening, ListenError> {
        let mut listener = self.shared.listener.lock().await;
        if self.shared.draining.is_cancelled() {
            return Err(ListenError::ShutDown);
        }
        if let Some(running) = &*listener {
            return Err(ListenError::AlreadyListening { port: running.listening.tcp.port() });
        }
        let terms = Arc::new(Terms::new(&options, self.shared.options.login_delay)?);
        // Bound where they are polled: a socket belongs to the runtime it was made in.
        let runtime = self.shared.runtime();
        let binding = runtime.spawn(async move { Sockets::bind(&options).await });
        let sockets = binding.await.map_err(|_| ListenError::ShutDown)??;
        let listening = sockets.listening.clone();
        if listening.is_beyond_loopback() {
            tracing::warn!(proxy = %self.shared.name, address = %listening.tcp, "other machines can reach this proxy");
        }
        let stop = self.shared.kill.child_token();
        let accepting = serve::accept(Arc::clone(&self.shared), sockets, terms, stop.clone());
        let span = tracing::info_span!("listener", proxy = %self.shared.name, port = listening.tcp.port());
        let task = self.shared.tasks.spawn_on(accepting.instrument(span), &runtime);
        *listener = Some(Listener { listening: listening.clone(), stop, task });
        Ok(listening)
    }

    /// Where it listens, if it does.
    pub async fn listening(&self) -> Option<Listening> {
        self.shared.listener.lock().await.as_ref().map(|running| running.listening.clone())
    }

    /// Closes port and socket. Sessions go on. Returns once the port is free.
    pub async fn unlisten(&self) {
        let Some(running) = self.shared.listener.lock().await.take() else { return };
        running.stop.cancel();
        // A task that panicked has let go of its sockets too.
        let _ = running.task.await;
    }

    /// Opens a session through memory, for a part of this program called `program`. It is a client like any other: it sends a start-up
    /// message first and gets an ErrorResponse when something fails. Dropping the stream ends it.
    ///
    /// Has to be called within a tokio runtime unless [`ProxyOptions::runtime`] names one.
    pub fn attach(&self, program: &str) -> DuplexStream {
        self.attach_as(program, false)
    }

    /// The same for a session in which only what is known to only read is forwarded.
    pub fn attach_read_only(&self, program: &str) -> DuplexStream {
        self.attach_as(program, true)
    }

    fn attach_as(&self, program: &str, read_only: bool) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(INTERNAL_BUFFER);
        let arrival = Arrival {
            stream: ClientStream::Internal(theirs),
            origin: Origin::Internal,
            program: Some(program.to_owned()),
            read_only,
            terms: None,
        };
        serve::spawn(&self.shared, arrival);
        ours
    }

    /// Its live sessions, oldest first.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.shared.sessions().values().map(|session| session.info()).collect()
    }

    /// One live session.
    pub fn session(&self, id: SessionId) -> Option<SessionInfo> {
        self.shared.sessions().get(&id).map(|session| session.info())
    }

    /// What went through it so far.
    pub fn totals(&self) -> Totals {
        // The lock keeps a session from moving from the live to the ended ones in between.
        let sessions = self.shared.sessions();
        let mut totals = self.shared.ended.read();
        for session in sessions.values() {
            totals.bytes_up += session.activity.bytes_up();
            totals.bytes_down += session.activity.bytes_down();
        }
        totals
    }

    /// A number that grows whenever a session opens, is let in, or closes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Why the last session that failed to connect failed: the typed form of what its client was told.
    pub fn last_failure(&self) -> Option<Failure> {
        lock(&self.shared.last_failure).clone()
    }

    /// Ends a session and tells its client why; `false` when there is no such session. Returns at once: [`Proxy::changes`] tells when it
    /// is gone.
    pub fn stop_session(&self, id: SessionId, reason: StopReason) -> bool {
        match self.shared.sessions().get(&id) {
            Some(session) => {
                session.stop(reason);
                true
            }
            None => false,
        }
    }

    /// Sends the server a CancelRequest for what the session is running, and says which query that was. What the client sends next waits
    /// until the server has taken the request, so that no other query is met.
    pub async fn cancel_session(&self, id: SessionId) -> (CancelOutcome, Option<QueryMark>) {
        match self.shared.session(id) {
            Some(session) => self.shared.cancel(&session, None, CancelledBy::Owner).await,
            None => (CancelOutcome::NoSession, None),
        }
    }

    /// The same for one query: nothing is sent when its session has gone on to something else.
    pub async fn cancel_query(&self, query: QueryMark) -> CancelOutcome {
        match self.shared.session(query.session) {
            Some(session) => self.shared.cancel(&session, Some(query), CancelledBy::Owner).await.0,
            None => CancelOutcome::NoSession,
        }
    }

    /// What a session runs now; `None` when it runs nothing or is gone.
    pub fn running(&self, id: SessionId) -> Option<QueryMark> {
        self.shared.session(id)?.running()
    }

    /// Whether a session still runs the query it ran then.
    pub fn still_runs(&self, query: QueryMark) -> bool {
        self.shared.session(query.session).is_some_and(|session| session.still_runs(query))
    }

    /// Whether a session's client has been told since then that a query was cancelled (SQLSTATE 57014); `None` when the session is gone.
    pub fn was_told(&self, query: QueryMark) -> Option<bool> {
        Some(self.shared.session(query.session)?.was_told(query))
    }

    /// Does something about a query while its session can begin no other: what the client sends next waits. Nothing is done, and `None`
    /// comes back, when the session has gone on to something else.
    pub async fn while_it_runs<T>(&self, query: QueryMark, act: impl Future<Output = T>) -> Option<T> {
        let session = self.shared.session(query.session)?;
        let _held = session.hold.begin().await;
        if session.still_runs(query) { Some(act.await) } else { None }
    }

    /// Stops listening, ends idle sessions at once and the others as soon as they are idle, all of them after `limit`; tells each
    /// client. The proxy cannot be used again.
    pub async fn shutdown(&self, limit: Duration) -> ShutdownReport {
        let deadline = Instant::now() + limit;
        self.shared.draining.cancel();
        self.unlisten().await;
        let before = self.shared.sessions().len();
        let cut = match timeout_at(deadline, self.drain()).await {
            Ok(()) => Vec::new(),
            Err(_) => self.shared.cut_off(),
        };
        self.shared.tasks.close();
        if timeout_at(Instant::now() + GOODBYE, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!(proxy = %self.shared.name, "some clients did not take their goodbye in time");
            self.shared.kill.cancel();
            self.shared.tasks.wait().await;
        }
        ShutdownReport { drained: before.saturating_sub(cut.len()), cut }
    }

    /// Ends each session once it is idle; returns when none is left. A session that becomes idle while draining bumps `changes`.
    async fn drain(&self) {
        let mut changes = self.shared.changes.subscribe();
        loop {
            changes.mark_unchanged();
            let sessions: Vec<_> = self.shared.sessions().values().cloned().collect();
            if sessions.is_empty() {
                return;
            }
            for session in sessions {
                if matches!(session.activity.state(), SessionState::Idle | SessionState::Connecting) {
                    session.stop(StopReason::ShuttingDown);
                }
            }
            // The sender lives in `shared`, which outlives this.
            let _ = changes.changed().await;
        }
    }
}

/// A running accept loop.
struct Listener {
    listening: Listening,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

/// What the handles and the tasks of a proxy have in common.
pub(crate) struct Shared {
    pub(crate) name: Arc<str>,
    pub(crate) upstream: Arc<dyn Upstream>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) options: ProxyOptions,
    /// From being granted to being over.
    sessions: Mutex<BTreeMap<SessionId, Arc<Session>>>,
    ended: EndedTotals,
    changes: watch::Sender<u64>,
    last_failure: Mutex<Option<Failure>>,
    listener: tokio::sync::Mutex<Option<Listener>>,
    pub(crate) tasks: TaskTracker,
    /// A shutdown has begun: nobody new is let in.
    pub(crate) draining: CancellationToken,
    /// Everything ends at once.
    pub(crate) kill: CancellationToken,
}

impl Shared {
    /// Where its tasks run.
    pub(crate) fn runtime(&self) -> Handle {
        self.options.runtime.clone().unwrap_or_else(Handle::current)
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<SessionId, Arc<Session>>> {
        lock(&self.sessions)
    }

    fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        self.sessions().get(&id).cloned()
    }

    /// Takes a granted session into the list and gives it a key of our own.
    pub(crate) fn open(&self, facts: SessionFacts) -> Result<Arc<Session>, Refusal> {
        let mut sessions = self.sessions();
        // Under the lock: a shutdown that has begun has not looked at the list yet, or will find this session refused.
        if self.draining.is_cancelled() {
            return Err(shutting_down());
        }
        let taken = |pid| sessions.values().any(|session| session.local_key.pid == pid);
        let no_random = |error| Refusal::new("58000", "the system gave no random numbers for a session").source(error);
        let key = keys::fresh(taken).map_err(no_random)?;
        let session = Arc::new(Session::new(facts, key).map_err(no_random)?);
        sessions.insert(session.id, Arc::clone(&session));
        drop(sessions);
        self.changed();
        Ok(session)
    }

    /// Takes a session off the list. Its key is worth nothing from here on.
    pub(crate) fn close(&self, session: &Session) {
        let mut sessions = self.sessions();
        sessions.remove(&session.id);
        self.ended.add(session);
        drop(sessions);
        self.changed();
    }

    /// The server has let a session in.
    pub(crate) fn connected(&self) {
        self.ended.sessions.fetch_add(1, Ordering::Relaxed);
        self.changed();
    }

    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn failed(&self, session: SessionId, refusal: &Refusal) {
        *lock(&self.last_failure) = Some(Failure { session, refusal: refusal.clone() });
    }

    /// The session that was given this key. All are compared, each in constant time, so that the answer's timing tells nothing.
    pub(crate) fn by_key(&self, key: &CancelKey) -> Option<Arc<Session>> {
        let sessions = self.sessions();
        sessions
            .values()
            .fold(None, |found, session| if session.local_key == *key { Some(Arc::clone(session)) } else { found })
    }

    /// Sends the first step of a cancel and records it.
    pub(crate) async fn cancel(
        &self,
        session: &Session,
        meant: Option<QueryMark>,
        by: CancelledBy,
    ) -> (CancelOutcome, Option<QueryMark>) {
        let (outcome, meant) = cancel::request(session, meant, self.options.connect_limit).await;
        let event = Event::CancelRequested { by, outcome: &outcome };
        if let Err(error) = self.recorder.record(&session.facts(), &[event]) {
            // The cancel is under way and does no harm; it is not worth ending a session for.
            tracing::warn!(session = %session.id, %error, "a cancel was not recorded");
        }
        (outcome, meant)
    }

    /// Ends the sessions that have not been asked to end yet, and says which they were.
    fn cut_off(&self) -> Vec<SessionInfo> {
        let left: Vec<_> = self.sessions().values().filter(|session| !session.is_stopping()).cloned().collect();
        left.iter()
            .map(|session| {
                session.stop(StopReason::ShuttingDown);
                session.info()
            })
            .collect()
    }
}

/// What a client is told that comes when a shutdown has begun.
pub(crate) fn shutting_down() -> Refusal {
    Refusal::new("57P03", "the local proxy is shutting down")
}

/// Sums over sessions that are over; `sessions` counts live ones too.
#[derive(Debug, Default)]
struct EndedTotals {
    sessions: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
}

impl EndedTotals {
    fn add(&self, session: &Session) {
        self.bytes_up.fetch_add(session.activity.bytes_up(), Ordering::Relaxed);
        self.bytes_down.fetch_add(session.activity.bytes_down(), Ordering::Relaxed);
    }

    fn read(&self) -> Totals {
        Totals {
            sessions: self.sessions.load(Ordering::Relaxed),
            bytes_up: self.bytes_up.load(Ordering::Relaxed),
            bytes_down: self.bytes_down.load(Ordering::Relaxed),
        }
    }
}

/// No code here panics while it holds a lock, and if it did, the lists are still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use bytes::BytesMut;
    use postern_wire::ErrorResponse;
    use postern_wire::startup::{StartupMessage, StartupPacket};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::audit::Unrecorded;
    use crate::listener::Asks;
    use crate::upstream::{BoxFuture, Claim, Dial, Freshness, Grant};

    /// Lets nobody as far as to be asked about.
    struct Unasked;

    impl Upstream for Unasked {
        fn authorize(&self, claim: Claim) -> BoxFuture<'_, Result<Grant, Refusal>> {
            panic!("{claim:?} got this far")
        }

        fn dial_plan<'a>(&'a self, grant: &'a Grant, _: Freshness) -> BoxFuture<'a, Result<Dial, Refusal>> {
            panic!("{grant:?} got this far")
        }

        fn cancel_requested(&self, query: QueryMark, _: &CancelOutcome) {
            panic!("{query:?} got this far")
        }
    }

    impl Recorder for Unasked {
        fn record(&self, _: &SessionFacts, _: &[Event<'_>]) -> Result<(), Unrecorded> {
            Ok(())
        }
    }

    /// With the terms of a listener beyond loopback, on loopback: a test has no business on other interfaces.
    #[tokio::test]
    async fn a_session_in_the_clear_is_refused_where_tls_is_needed() {
        let proxy = Proxy::new("test", Arc::new(Unasked), Arc::new(Unasked), ProxyOptions::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, from) = listener.accept().await.unwrap();
        let terms = Some(Arc::new(Terms { asks: Asks::Nothing, tls: None, needs_tls: true, read_only: false }));
        let stream = ClientStream::Tcp(stream);
        serve::spawn(
            &proxy.shared,
            Arrival { stream, origin: Origin::Tcp(from), program: None, read_only: false, terms },
        );

        let mut out = BytesMut::new();
        StartupPacket::Startup(StartupMessage::new([("user", "analyst")])).encode(&mut out).unwrap();
        client.write_all(&out).await.unwrap();
        let mut answer = BytesMut::new();
        while client.read_buf(&mut answer).await.unwrap() > 0 {}
        let frame = postern_wire::take_frame(&mut answer, 10_000).unwrap().unwrap();
        let error = ErrorResponse::decode(&frame.body).unwrap();
        assert_eq!(error.sqlstate(), "28000");
        assert!(error.message().contains("over TLS only"), "{error}");
    }
}
