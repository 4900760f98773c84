//! A proxy between the test and its fake server, with an upstream that grants and a recorder that remembers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postern_proxy::{
    BoxFuture, CancelOutcome, Claim, Dial, Endpoint, Event, Freshness, Grant, ListenOptions, Listening, Proxy,
    ProxyOptions, QueryMark, Recorder, Refusal, SessionFacts, SessionInfo, Transport, Unrecorded, Upstream,
};
use postern_wire::ErrorResponse;
use rustls_pki_types::ServerName;
use secrecy::SecretString;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::client::{Client, PATIENCE};
use crate::server::{NAME, PASSWORD, Script, Server};

/// The user every test claims to be unless it is about that.
pub(crate) const ME: &[(&str, &str)] = &[("user", "analyst"), ("database", "dev")];

pub(crate) struct World {
    pub(crate) proxy: Proxy,
    pub(crate) server: Server,
    pub(crate) upstream: Arc<Plan>,
    pub(crate) audit: Arc<Audit>,
}

/// Short enough for tests, long enough for a busy machine.
pub(crate) fn options() -> ProxyOptions {
    ProxyOptions {
        startup_limit: Duration::from_secs(5),
        linger: Duration::from_millis(300),
        ..ProxyOptions::default()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Script::default(), options(), |_| {}).await
    }

    pub(crate) async fn with_script(script: Script) -> Self {
        Self::with(script, options(), |_| {}).await
    }

    /// With a plan of one's own to reach the server.
    pub(crate) async fn with(script: Script, options: ProxyOptions, change: impl FnOnce(&mut Endpoint)) -> Self {
        let server = Server::start(script).await;
        let name = ServerName::try_from(NAME).unwrap();
        let transport = Transport::Tls { config: Arc::clone(&server.client_config), name };
        let mut endpoint = Endpoint { host: "127.0.0.1".into(), port: server.port, transport };
        change(&mut endpoint);
        let upstream = Arc::new(Plan { endpoint, asked: Mutex::default(), cancels: Mutex::default() });
        let audit = Arc::new(Audit::default());
        let proxy = Proxy::new("test", Arc::clone(&upstream) as _, Arc::clone(&audit) as _, options);
        Self { proxy, server, upstream, audit }
    }

    pub(crate) async fn client(&self) -> Client {
        self.log_in(ME).await.unwrap()
    }

    pub(crate) async fn log_in(&self, parameters: &[(&str, &str)]) -> Result<Client, ErrorResponse> {
        Client::log_in(self.proxy.attach("test"), parameters).await
    }

    pub(crate) async fn listen(&self) -> Listening {
        self.proxy.listen(ListenOptions::default()).await.unwrap()
    }

    pub(crate) async fn tcp(&self, listening: &Listening) -> TcpStream {
        TcpStream::connect(listening.tcp).await.unwrap()
    }

    /// Waits until the sessions are as wanted.
    pub(crate) async fn sessions_where(&self, wanted: impl Fn(&[SessionInfo]) -> bool) -> Vec<SessionInfo> {
        // State changes within a session do not bump `changes`, so look again now and then.
        let look = async {
            loop {
                let sessions = self.proxy.sessions();
                if wanted(&sessions) {
                    return sessions;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, look).await.expect("the sessions never became as wanted")
    }

    pub(crate) async fn no_sessions(&self) {
        self.sessions_where(<[_]>::is_empty).await;
    }
}

/// Grants everybody but `denied` and remembers how fresh a password was wanted.
pub(crate) struct Plan {
    endpoint: Endpoint,
    pub(crate) asked: Mutex<Vec<Freshness>>,
    /// Cancels by clients.
    pub(crate) cancels: Mutex<Vec<(QueryMark, CancelOutcome)>>,
}

impl Upstream for Plan {
    fn authorize(&self, claim: Claim) -> BoxFuture<'_, Result<Grant, Refusal>> {
        Box::pin(async move {
            if claim.user == "denied" {
                let refusal = Refusal::new("28000", "access to db denied for \"denied\"");
                return Err(refusal.detail("no role allows db_users: denied").hint("ask for another role"));
            }
            Ok(Grant { db_user: claim.user, db_name: claim.database.unwrap_or_else(|| "dev".into()) })
        })
    }

    fn dial_plan<'a>(&'a self, grant: &'a Grant, freshness: Freshness) -> BoxFuture<'a, Result<Dial, Refusal>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(freshness);
            Ok(Dial {
                knows_read_only: false,
                endpoint: self.endpoint.clone(),
                user: format!("IAMR:{}", grant.db_user),
                database: grant.db_name.clone(),
                password: SecretString::from(PASSWORD),
            })
        })
    }

    fn cancel_requested(&self, query: QueryMark, outcome: &CancelOutcome) {
        self.cancels.lock().unwrap().push((query, outcome.clone()));
    }
}

/// Remembers each event as one line.
#[derive(Default)]
pub(crate) struct Audit {
    lines: watch::Sender<Vec<String>>,
    pub(crate) full: AtomicBool,
}

impl Recorder for Audit {
    fn record(&self, session: &SessionFacts, events: &[Event<'_>]) -> Result<(), Unrecorded> {
        if self.full.load(Ordering::SeqCst) {
            return Err(Unrecorded { reason: "no space left on device".into() });
        }
        let new = events.iter().map(|event| format!("{}@{}: {event:?}", session.db_user, session.db_name));
        self.lines.send_modify(|lines| lines.extend(new));
        Ok(())
    }
}

impl Audit {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// Waits for a line with all of these words.
    pub(crate) async fn line(&self, words: &[&str]) -> String {
        let has = |lines: &Vec<String>| lines.iter().find(|line| words.iter().all(|word| line.contains(word))).cloned();
        let mut lines = self.lines.subscribe();
        let found = timeout(PATIENCE, lines.wait_for(|lines| has(lines).is_some())).await;
        match found {
            Ok(lines) => has(&lines.unwrap()).unwrap(),
            Err(_) => panic!("no line with {words:?} in {:#?}", self.lines()),
        }
    }
}
