//! A gate: the proxy of one login. Everything that speaks to a database as that login goes through it, whether from a
//! port, a Unix socket, the console or the activity panel.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use postern_proxy::{
    Admission, DialError, Freshness, ListenError, ListenOptions, Listening, Proxy, ProxyOptions, QueryMark, SessionId,
    SessionInfo, StopReason, Totals,
};
use secrecy::SecretString;
use tokio::io::DuplexStream;

use crate::{
    auth::{self, Auth},
    cancel::{self, Pursuits},
    certificate::{self, LocalTls},
    clock,
    engine::{Change, Engine, Shared, lock},
    error::Error,
    lease::{self, Held, Lease},
    limits,
    live::{self, LiveSession, Watched},
    login::Login,
    memory::KeptProxy,
    monitor::Monitor,
    ports::{self, FIRST_PORT},
    recorder::AuditRecorder,
    relay_thread::RelayThread,
    strings::{Address, Security, Strings, TlsCheck, strings},
    traffic::Samples,
    upstream::{self, DatabaseUpstream},
};

/// Longest path of a Unix socket that every platform takes (`sun_path` is 104 bytes on macOS, 108 on Linux).
const LONGEST_SOCKET_PATH: usize = 100;

/// How often a proxy looks whether it is asked to stop, in place of a file watcher.
const LEASE_CHECK: Duration = Duration::from_millis(500);

/// Start a local proxy.
#[derive(Clone, Debug)]
pub struct OpenConnection {
    /// To where.
    pub login: Login,
    /// A port; 0 for any free one; the one this login keeps when absent.
    pub port: Option<u16>,
    /// Who may use it. When absent: [`Auth::default`], or whatever a proxy has that runs for this login already.
    pub auth: Option<Auth>,
    /// Offer TLS, for clients that insist on it.
    pub tls: bool,
    /// One address to listen on in place of 127.0.0.1 and ::1.
    pub address: Option<IpAddr>,
    /// The address may be one that other machines can reach. Asks for a password.
    pub anywhere: bool,
    /// Clients may only read: what is not known to only read is refused here. See [`postern_proxy::ListenOptions::read_only`].
    pub read_only: bool,
}

impl OpenConnection {
    /// As most people want it: on the port this login keeps, for nobody else.
    #[must_use]
    pub fn new(login: Login) -> Self {
        Self { login, port: None, auth: None, tls: false, address: None, anywhere: false, read_only: false }
    }
}

/// A running local proxy.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Names it.
    pub id: String,
    /// To where.
    pub login: Login,
    /// Value of the database's label `env`.
    pub env: Option<String>,
    /// What clients on this machine connect to: `127.0.0.1`, unless another address was asked for.
    pub host: String,
    /// Local port.
    pub port: u16,
    /// Who may use it.
    pub auth: Auth,
    /// PEM file to verify its certificate with, where it offers TLS.
    pub ca_file: Option<PathBuf>,
    /// Other machines can reach it.
    pub beyond_loopback: bool,
    /// Its clients may only read.
    pub read_only: bool,
    /// The Unix socket beside it.
    pub unix_socket: Option<PathBuf>,
    /// When it was opened.
    pub opened_at: SystemTime,
    /// Live sessions, those of the console and the activity panel among them.
    pub sessions: Vec<LiveSession>,
    /// Client to server, ended sessions included.
    pub bytes_up: u64,
    /// Server to client.
    pub bytes_down: u64,
    /// What went through in the last minute, ended sessions included.
    pub traffic: Samples,
}

impl Connection {
    /// Its port, for a client on this machine.
    #[must_use]
    pub fn address(&self) -> Address<'_> {
        Address::Tcp { host: &self.host, port: self.port }
    }

    /// Its Unix socket, where there is one.
    #[must_use]
    pub fn unix_address(&self) -> Option<Address<'_>> {
        let folder = self.unix_socket.as_deref()?.parent()?;
        Some(Address::Unix { folder, port: self.port })
    }

    /// Ready-made strings for a client, with or without its password.
    #[must_use]
    pub fn strings(&self, address: Address<'_>, password: Option<&SecretString>) -> Strings {
        let tls = self.ca_file.as_deref().map(|ca_file| TlsCheck { ca_file, name_fits: !self.beyond_loopback });
        strings(address, &self.login, Security { password, tls })
    }
}

/// The proxy of one login.
pub(crate) struct Gate {
    login: Login,
    env: Option<String>,
    proxy: Proxy,
    /// Runs the proxy; ends after it.
    _relay: RelayThread,
    engine: std::sync::Weak<Shared>,
    open: Mutex<Option<Open>>,
    watched: Mutex<Watched>,
    monitor: tokio::sync::Mutex<Option<Arc<Monitor>>>,
    /// Cancels that clients have asked for.
    pub(crate) pursuits: Pursuits,
}

/// What there is while it listens.
struct Open {
    listening: Listening,
    admission: Admission,
    ca_file: Option<PathBuf>,
    read_only: bool,
    at: SystemTime,
    lease: Held,
}

impl Open {
    fn id(&self) -> String {
        self.listening.tcp.port().to_string()
    }

    /// The address that a client on this machine can use.
    fn host(&self) -> String {
        match self.listening.tcp.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.to_string(),
            ip => ip.to_string(),
        }
    }

    /// Whether it is what is asked for, as far as that says anything.
    fn check(&self, request: &OpenConnection) -> Result<(), Error> {
        let port = self.listening.tcp.port();
        let differs = |field: &str, what: &str| Error::InvalidValue {
            field: field.to_owned(),
            problem: format!("a local proxy for this login runs on port {port} {what}; stop it first"),
        };
        if request.auth.is_some_and(|auth| auth != Auth::of(&self.admission)) {
            return Err(differs("auth", "with another kind of admission"));
        }
        // Neither is ever given for the other: who asks for a read-only one relies on it.
        if request.read_only != self.read_only {
            return Err(differs("read_only", if self.read_only { "for reading only" } else { "that may write" }));
        }
        if request.tls && self.ca_file.is_none() {
            return Err(differs("tls", "without TLS"));
        }
        if request.address.is_some_and(|address| address != self.listening.tcp.ip()) {
            return Err(differs("listen", &format!("at {}", self.listening.tcp.ip())));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("login", &self.login).finish_non_exhaustive()
    }
}

impl Engine {
    /// The gate of a login, made when it is first asked for.
    pub(crate) fn gate(&self, login: &Login) -> Result<Arc<Gate>, Error> {
        // Checked anew each time: roles change while the app runs.
        let (resources, identity) = self.shared.check(login)?;
        if let Some(gate) = lock(&self.shared.gates).get(login) {
            return Ok(Arc::clone(gate));
        }
        let database = resources.database(&login.database)?;
        let recorder = AuditRecorder::new(
            Arc::clone(&self.shared.audit),
            self.shared.changes.clone(),
            identity.sign_in.user,
            database.name.clone(),
            format!("{}:{}", database.host, database.port),
        );
        let upstream = DatabaseUpstream::new(&self.shared, login.clone());
        let relay = RelayThread::start().map_err(|error| Error::Internal { detail: format!("no thread: {error}") })?;
        let options = ProxyOptions { runtime: Some(relay.handle()), ..ProxyOptions::default() };
        let proxy = Proxy::new(database.name.as_str(), Arc::new(upstream), Arc::new(recorder), options);
        let gate = Arc::new(Gate {
            login: login.clone(),
            env: database.labels.get("env").cloned(),
            proxy,
            _relay: relay,
            engine: Arc::downgrade(&self.shared),
            open: Mutex::default(),
            watched: Mutex::new(Watched::new()),
            monitor: tokio::sync::Mutex::default(),
            pursuits: Pursuits::default(),
        });
        let kept = Arc::clone(lock(&self.shared.gates).entry(login.clone()).or_insert_with(|| Arc::clone(&gate)));
        if Arc::ptr_eq(&kept, &gate) {
            tokio::spawn(limits::enforce(Arc::downgrade(&self.shared), Arc::downgrade(&gate)));
        }
        Ok(kept)
    }

    fn all_gates(&self) -> Vec<Arc<Gate>> {
        lock(&self.shared.gates).values().map(Arc::clone).collect()
    }

    /// The gate through which the session with this PID at the server of a database runs, when it is one of ours.
    pub(crate) fn gate_of_backend(&self, database: &str, backend_pid: i32) -> Option<Arc<Gate>> {
        self.gates_of(database).into_iter().find(|gate| gate.by_backend(backend_pid).is_some())
    }

    /// All gates of a database.
    pub(crate) fn gates_of(&self, database: &str) -> Vec<Arc<Gate>> {
        self.all_gates().into_iter().filter(|gate| gate.login.database == database).collect()
    }

    fn gate_of_connection(&self, id: &str) -> Result<Arc<Gate>, Error> {
        self.all_gates()
            .into_iter()
            .find(|gate| gate.id().as_deref() == Some(id))
            .ok_or_else(|| Error::NotFound { kind: "connection", name: id.to_owned() })
    }

    /// Starts a local proxy, or gives the one that runs for this login already.
    ///
    /// # Errors
    /// [`Error::AccessDenied`], [`Error::PortInUse`] naming the owner and a free port, [`Error::InvalidValue`]
    /// when the one that runs is not what is asked for or an address is beyond loopback without leave or password;
    /// otherwise as reading the resources.
    pub async fn open_connection(&self, request: &OpenConnection) -> Result<Connection, Error> {
        let gate = self.gate(&request.login)?;
        let runs = lock(&gate.open).as_ref().map(|open| open.check(request)).transpose()?.is_some();
        if !runs {
            gate.listen(&self.shared, request).await?;
            self.shared.tell(Change::Connections);
            tokio::spawn(Arc::clone(&gate).obey_lease());
        }
        gate.connection().ok_or(Error::Canceled)
    }

    /// A running local proxy.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn connection(&self, id: &str) -> Result<Connection, Error> {
        let gone = || Error::NotFound { kind: "connection", name: id.to_owned() };
        self.gate_of_connection(id)?.connection().ok_or_else(gone)
    }

    /// The password of a running local proxy; none when it asks for none.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn connection_password(&self, id: &str) -> Result<Option<SecretString>, Error> {
        let gate = self.gate_of_connection(id)?;
        let open = lock(&gate.open);
        Ok(open.as_ref().and_then(|open| auth::password(&open.admission)).cloned())
    }

    /// Asks roles and AWS whether a session could be opened, without opening one.
    ///
    /// # Errors
    /// [`Error::AccessDenied`], [`Error::Aws`]; otherwise as reading the resources.
    pub async fn preflight(&self, login: &Login) -> Result<(), Error> {
        self.gate(login)?.preflight().await
    }

    /// The running local proxies.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.all_gates().iter().filter_map(|gate| gate.connection()).collect()
    }

    /// Stops a local proxy: its port is free afterwards, its clients are told. Sessions of the console live on.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn stop_connection(&self, id: &str) -> Result<(), Error> {
        self.gate_of_connection(id)?.unlisten(StopReason::Disconnected).await;
        self.shared.tell(Change::Connections);
        Ok(())
    }

    /// Ends one session.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn stop_session(&self, session: u64) -> Result<(), Error> {
        let gates = self.all_gates();
        if gates.iter().any(|gate| gate.proxy.stop_session(SessionId(session), StopReason::Disconnected)) {
            return Ok(());
        }
        Err(Error::NotFound { kind: "session", name: session.to_string() })
    }

    /// Waits until a connection no longer listens.
    pub async fn stopped(&self, id: &str) {
        let mut changes = self.changes();
        while self.gate_of_connection(id).is_ok() {
            if let Err(tokio::sync::broadcast::error::RecvError::Closed) = changes.recv().await {
                return;
            }
        }
    }

    /// `db logout`: closes all sessions of a database, or of all, here and in every other process of this home, and
    /// forgets their credentials. Gives the proxies that were closed.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn disconnect(&self, database: Option<&str>) -> Result<Vec<Lease>, Error> {
        let closed = lease::revoke(&self.shared.home, database)?;
        self.shared.exports.stop_of(database).await;
        self.shared.close_tabs(database).await;
        self.shared.catalogues.forget(database);
        let gates: Vec<_> = {
            let mut gates = lock(&self.shared.gates);
            let logins: Vec<Login> =
                gates.keys().filter(|login| database.is_none_or(|name| name == login.database)).cloned().collect();
            logins.iter().filter_map(|login| gates.remove(login)).collect()
        };
        join_all(gates.iter().map(|gate| {
            gate.forget_credentials(&self.shared);
            gate.close(Duration::from_secs(1))
        }))
        .await;
        self.shared.tell(Change::Connections);
        Ok(closed)
    }
}

impl Gate {
    pub(crate) fn login(&self) -> &Login {
        &self.login
    }

    pub(crate) fn env(&self) -> Option<&str> {
        self.env.as_deref()
    }

    /// Names the connection while it listens.
    fn id(&self) -> Option<String> {
        lock(&self.open).as_ref().map(Open::id)
    }

    fn connection(&self) -> Option<Connection> {
        let open = lock(&self.open);
        let open = open.as_ref()?;
        let totals = self.proxy.totals();
        let (sessions, traffic) = {
            let watched = lock(&self.watched);
            (watched.live(self.proxy.sessions()), watched.samples())
        };
        Some(Connection {
            id: open.id(),
            login: self.login.clone(),
            env: self.env.clone(),
            host: open.host(),
            port: open.listening.tcp.port(),
            auth: Auth::of(&open.admission),
            ca_file: open.ca_file.clone(),
            beyond_loopback: open.listening.is_beyond_loopback(),
            read_only: open.read_only,
            unix_socket: open.listening.unix.clone(),
            opened_at: open.at,
            sessions,
            bytes_up: totals.bytes_up,
            bytes_down: totals.bytes_down,
            traffic,
        })
    }

    /// What is written down of its traffic and its clients.
    pub(crate) fn watched(&self) -> MutexGuard<'_, Watched> {
        lock(&self.watched)
    }

    /// Finds out which programs the new clients of its port are. Says whether there were any.
    pub(crate) async fn find_clients(&self, sessions: &[SessionInfo]) -> bool {
        let Some(port) = lock(&self.open).as_ref().map(|open| open.listening.tcp.port()) else { return false };
        let asked = lock(&self.watched).unknown_clients(sessions);
        if asked.is_empty() {
            return false;
        }
        let found = live::find_clients(&asked, port).await;
        lock(&self.watched).found(&asked, &found);
        true
    }

    /// Tells of sessions that open and close.
    pub(crate) fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.proxy.changes()
    }

    /// What went through so far.
    pub(crate) fn totals(&self) -> Totals {
        self.proxy.totals()
    }

    /// Live sessions.
    pub(crate) fn sessions(&self) -> Vec<SessionInfo> {
        self.proxy.sessions()
    }

    /// Asks roles and AWS what every session is asked, so that a refusal comes typed and before a server is dialled.
    pub(crate) async fn preflight(&self) -> Result<(), Error> {
        let engine = self.engine.upgrade().ok_or(Error::Canceled)?;
        engine.check(&self.login)?;
        upstream::dial_plan(&engine, &self.login, Freshness::Cached).await.map(drop)
    }

    /// A session through memory.
    pub(crate) async fn attach(&self, program: &str) -> Result<DuplexStream, Error> {
        self.preflight().await?;
        Ok(self.proxy.attach(program))
    }

    /// The same, in which only what is known to only read goes on.
    pub(crate) async fn attach_read_only(&self, program: &str) -> Result<DuplexStream, Error> {
        self.preflight().await?;
        Ok(self.proxy.attach_read_only(program))
    }

    /// Cancels what the session with this local key's PID runs, as a client's CancelRequest would. In a task of its own: it is not
    /// slowed by a caller that is busy with rows, nor left half done by one that gives up waiting. Says whether anything ran.
    pub(crate) async fn cancel_local(self: &Arc<Self>, local_pid: i32) -> bool {
        let gate = Arc::clone(self);
        let cancel = tokio::spawn(async move {
            let Some(session) = gate.proxy.sessions().into_iter().find(|session| session.local_pid == local_pid) else {
                return false;
            };
            let (outcome, query) = gate.proxy.cancel_session(session.facts.id).await;
            tracing::debug!(?outcome, session = %session.facts.id, "cancel");
            if let (Some(query), Some(shared)) = (query, gate.engine.upgrade()) {
                tokio::spawn(cancel::pursue(Engine { shared }, gate, query, outcome));
            }
            query.is_some()
        });
        cancel.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a cancel came to an untimely end");
            false
        })
    }

    /// The typed error behind a failed login through memory; `told` when the proxy knows of none.
    pub(crate) fn login_failure(&self, told: Error) -> Error {
        let Some(failure) = self.proxy.last_failure() else { return told };
        let refusal = failure.refusal;
        let database = self.login.database.clone();
        match refusal.source {
            Some(source) if source.downcast_ref::<DialError>().is_some() => {
                Error::Dial { database, source, hint: refusal.hint }
            }
            _ => Error::LoginRefused {
                database,
                db_user: self.login.db_user.clone(),
                sqlstate: refusal.sqlstate.into_owned(),
                message: refusal.message,
            },
        }
    }

    /// The monitoring session, opened when there is none that lives.
    pub(crate) async fn monitor(self: &Arc<Self>) -> Result<Arc<Monitor>, Error> {
        self.monitor_but(|_| false).await
    }

    /// Another one for one that is lost, unless somebody has opened it already.
    pub(crate) async fn monitor_in_place_of(self: &Arc<Self>, lost: &Arc<Monitor>) -> Result<Arc<Monitor>, Error> {
        self.monitor_but(|monitor| Arc::ptr_eq(monitor, lost)).await
    }

    async fn monitor_but(self: &Arc<Self>, lost: impl Fn(&Arc<Monitor>) -> bool) -> Result<Arc<Monitor>, Error> {
        let mut monitor = self.monitor.lock().await;
        if let Some(monitor) = monitor.as_ref().filter(|monitor| monitor.lives() && !lost(monitor)) {
            return Ok(Arc::clone(monitor));
        }
        let opened = Arc::new(Monitor::open(self).await?);
        *monitor = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// The proxy that its sessions run through.
    pub(crate) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// What the session with this PID at the server runs; `None` when it runs nothing or is none of ours.
    pub(crate) fn running(&self, backend_pid: i32) -> Option<QueryMark> {
        self.proxy.running(self.by_backend(backend_pid)?.facts.id)
    }

    fn by_backend(&self, backend_pid: i32) -> Option<SessionInfo> {
        self.proxy.sessions().into_iter().find(|session| session.facts.backend_pid == Some(backend_pid))
    }

    /// Binds the port asked for, else the one this login keeps, else the first free one that no other keeps. The login
    /// keeps what it got, unless any port would do (0).
    async fn listen(&self, engine: &Shared, request: &OpenConnection) -> Result<(), Error> {
        let kept = engine.memory.proxies()?;
        let mine = kept.port_of(&self.login);
        let tls = request.tls.then(|| certificate::local_tls(&engine.home)).transpose()?;
        let options = listen_options(engine, request, tls.as_ref())?;
        let bound = match request.port.or(mine) {
            Some(port) => self.bind(&options, port).await,
            None => {
                let ports = kept.ports();
                let mut free = (FIRST_PORT..=u16::MAX).filter(|port| !ports.contains(port)).peekable();
                loop {
                    let port = free.next().unwrap_or(FIRST_PORT);
                    match self.bind(&options, port).await {
                        Err(ListenError::PortInUse { .. }) if free.peek().is_some() => {}
                        other => break other,
                    }
                }
            }
        };
        let listening = match bound {
            Err(ListenError::PortInUse { port }) => {
                return Err(ports::in_use(engine, &kept, port, request.address).await);
            }
            bound => bound.map_err(cannot_listen)?,
        };
        let port = listening.tcp.port();
        let at = clock::now();
        let kept = KeptProxy {
            login: self.login.clone(),
            port,
            auth: Auth::of(&options.admission),
            tls: request.tls,
            address: request.address,
            read_only: request.read_only,
            opened_at: clock::millis(at),
            stopped_at: None,
        };
        let lease = Held::take(&engine.home, &self.login.database, port).and_then(|lease| {
            if request.port != Some(0) {
                engine.memory.keep_proxy(kept)?;
            }
            Ok(lease)
        });
        let lease = match lease {
            Ok(lease) => lease,
            Err(error) => {
                self.proxy.unlisten().await;
                return Err(error);
            }
        };
        let ca_file = tls.map(|tls| tls.ca_file);
        *lock(&self.open) =
            Some(Open { listening, admission: options.admission, ca_file, read_only: options.read_only, at, lease });
        Ok(())
    }

    async fn bind(&self, options: &ListenOptions, port: u16) -> Result<Listening, ListenError> {
        self.proxy.listen(ListenOptions { port: Some(port), ..options.clone() }).await
    }

    /// Takes back that it listens, and remembers when.
    fn take_open(&self) {
        if lock(&self.open).take().is_none() {
            return;
        }
        let Some(engine) = self.engine.upgrade() else { return };
        if let Err(error) = engine.memory.proxy_stopped(&self.login, clock::millis(clock::now())) {
            // The proxy is stopped all the same; only the list of recent ones does not say when.
            tracing::warn!(%error, database = %self.login.database, "the end of a proxy was not remembered");
        }
    }

    /// Ends one session and tells its client why.
    pub(crate) fn stop_session(&self, session: SessionId, reason: StopReason) {
        self.proxy.stop_session(session, reason);
    }

    /// Stops listening; clients of the port are told, sessions through memory live on.
    pub(crate) async fn unlisten(&self, reason: StopReason) {
        self.take_open();
        self.proxy.unlisten().await;
        for session in self.proxy.sessions() {
            if session.facts.origin != postern_proxy::Origin::Internal {
                self.proxy.stop_session(session.facts.id, reason.clone());
            }
        }
    }

    /// Ends everything. Clients are told and given `limit` to go. Gives the sessions that were still at work then.
    pub(crate) async fn close(&self, limit: Duration) -> Vec<SessionInfo> {
        self.take_open();
        *self.monitor.lock().await = None;
        let cut = self.proxy.shutdown(limit).await.cut;
        for session in &cut {
            tracing::info!(database = %self.login.database, session = %session.facts.id, "a session was cut at work");
        }
        cut
    }

    fn forget_credentials(&self, engine: &Shared) {
        // Whatever cannot be read any more has nothing cached either.
        let Ok(resources) = engine.catalogue.load() else { return };
        let Ok(database) = resources.database(&self.login.database) else { return };
        if let (Ok(request), Ok(aws)) = (upstream::credentials_request(database, &self.login), engine.aws()) {
            aws.forget_database(&request);
        }
    }

    /// Stops when somebody has taken the lease away.
    async fn obey_lease(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LEASE_CHECK).await;
            let stands = lock(&self.open).as_ref().map(|open| open.lease.stands());
            match stands {
                Some(true) => {}
                Some(false) => {
                    self.unlisten(StopReason::Disconnected).await;
                    if let Some(engine) = self.engine.upgrade() {
                        self.forget_credentials(&engine);
                        engine.tell(Change::Connections);
                    }
                    return;
                }
                None => return,
            }
        }
    }
}

/// What a proxy is asked for, but for the port.
fn listen_options(engine: &Shared, request: &OpenConnection, tls: Option<&LocalTls>) -> Result<ListenOptions, Error> {
    let sockets = engine.home.sockets();
    let fits = sockets.join(".s.PGSQL.65535").as_os_str().len() <= LONGEST_SOCKET_PATH;
    if !fits {
        tracing::warn!(folder = %sockets.display(), "no Unix socket: the path of its folder is too long");
    }
    Ok(ListenOptions {
        port: None,
        address: request.address,
        allow_any_interface: request.anywhere,
        unix_dir: fits.then(|| sockets.to_owned()),
        admission: request.auth.unwrap_or_default().admission()?,
        read_only: request.read_only,
        tls: tls.map(|tls| Arc::clone(&tls.config)),
    })
}

/// Why a proxy does not listen, in the words of whoever asked it to.
fn cannot_listen(error: ListenError) -> Error {
    match error {
        ListenError::Port { port, source } => {
            Error::InvalidValue { field: "port".to_owned(), problem: format!("{port} cannot be used: {source}") }
        }
        ListenError::BeyondLoopback { .. } => Error::InvalidValue {
            field: "listen".to_owned(),
            problem: format!("{error}; that has to be allowed in so many words (--insecure-listen-anywhere)"),
        },
        ListenError::NeedsPassword { .. } => {
            Error::InvalidValue { field: "auth".to_owned(), problem: format!("{error} (--auth password)") }
        }
        ListenError::NeedsTls { .. } => {
            Error::InvalidValue { field: "tls".to_owned(), problem: format!("{error} (--tls)") }
        }
        ListenError::Socket { path, source } => Error::Storage { path, source },
        other => Error::Internal { detail: other.to_string() },
    }
}
