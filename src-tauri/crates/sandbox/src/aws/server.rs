//! The listener: accepts HTTP on loopback and hands whole requests to the API.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::SecretString;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::api::Api;
use super::faults::Faults;
use super::sessions::NewSession;
use crate::clock::Clock;
use crate::ledger::PasswordLedger;
use crate::world::World;

/// Largest request body read; those of the services here are a few hundred bytes.
const BODY_LIMIT: usize = 1 << 20;

/// How long a request in hand may take once the server is stopping.
const DRAIN: Duration = Duration::from_secs(1);

/// A running AWS. Dropping it stops it; [`AwsServer::stop`] also waits until it has.
#[derive(Debug)]
pub struct AwsServer {
    address: SocketAddr,
    api: Arc<Api>,
    tasks: TaskTracker,
    shutdown: DropGuard,
}

/// Temporary credentials. They do not say when they end, as those in a credentials file do not.
#[derive(Clone, Debug)]
pub struct PortalCredentials {
    /// `ASIA…`.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: SecretString,
    /// What tells AWS which session it is.
    pub session_token: SecretString,
}

impl AwsServer {
    /// Listens on a free loopback port. Passwords it issues go to `ledger`.
    ///
    /// Must be called within a tokio runtime. It takes connections as soon as it returns.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(world: Arc<World>, ledger: PasswordLedger, clock: Clock) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let api = Arc::new(Api::new(world, ledger, clock));
        let tasks = TaskTracker::new();
        let shutdown = CancellationToken::new();
        tasks.spawn(accept(listener, Arc::clone(&api), tasks.clone(), shutdown.clone()));
        tracing::debug!(%address, "AWS is listening");
        Ok(Self { address, api, tasks, shutdown: shutdown.drop_guard() })
    }

    /// What to set as the endpoint of every service.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The switches for faults.
    pub fn faults(&self) -> Faults {
        self.api.faults.clone()
    }

    /// Ends every session of every role now: the next call with its credentials gets `ExpiredToken`.
    pub fn expire_sessions(&self) {
        self.api.sessions.expire_all(self.api.clock.now());
    }

    /// Temporary credentials of a role for an hour, as a person copies them from the access portal.
    ///
    /// Gives `None` for a role that does not exist.
    #[must_use]
    pub fn portal_credentials(&self, role_arn: &str) -> Option<PortalCredentials> {
        let new = NewSession {
            role_arn: self.api.world.role(role_arn)?.arn(),
            name: "portal".to_owned(),
            source_identity: None,
            policy: None,
            lasts: time::Duration::hours(1),
        };
        let session = self.api.sessions.start(new, self.api.clock.now());
        Some(PortalCredentials {
            access_key_id: session.access_key_id.clone(),
            secret_access_key: session.secret.clone(),
            session_token: session.token.clone(),
        })
    }

    /// Ends the session with this access key now.
    pub fn expire_session(&self, access_key_id: &str) {
        self.api.sessions.expire(access_key_id, self.api.clock.now());
    }

    /// Stops listening, gives requests in hand a second to finish, and returns when nothing is left of it.
    pub async fn stop(self) {
        drop(self.shutdown);
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn accept(listener: TcpListener, api: Arc<Api>, tasks: TaskTracker, shutdown: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let span = tracing::debug_span!("aws", %peer);
                tasks.spawn(serve(stream, Arc::clone(&api), shutdown.clone()).instrument(span));
            }
            Err(error) => {
                // Out of descriptors, or a peer gone before it was accepted: others may still get through.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, api: Arc<Api>, shutdown: CancellationToken) {
    if api.faults.is_refusing() {
        return;
    }
    let service = service_fn(|request| answer(request, Arc::clone(&api)));
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let Ok(ended) = tokio::time::timeout(DRAIN, connection).await else { return };
            ended
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// An error closes the connection without an answer, which is what the fault "refuse" looks like.
async fn answer(request: Request<Incoming>, api: Arc<Api>) -> Result<Response<Full<Bytes>>, Refused> {
    let (parts, body) = request.into_parts();
    let delay = api.faults.current_delay();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if api.faults.is_refusing() {
        return Err(Refused);
    }
    let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| Refused)?.to_bytes();
    Ok(api.answer(&parts, &body))
}

/// Why no answer is given.
#[derive(Debug, thiserror::Error)]
#[error("refused by a fault, or too large")]
struct Refused;
