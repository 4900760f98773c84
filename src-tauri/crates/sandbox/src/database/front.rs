//! What a client meets on a workgroup's port: TLS, the first packet, and then a session or a cancel.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::wire::{self, CancelKey, Startup};
use super::workgroup::Workgroup;
use super::{login, relay};

/// How long a client may take to say who it is.
const LOGIN_PATIENCE: Duration = Duration::from_secs(60);

/// Clients of one workgroup.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    workgroup: Arc<Workgroup>,
    tls: Arc<ServerConfig>,
    /// Stops the listener and every session.
    stop: CancellationToken,
    sessions: TaskTracker,
}

/// A connection that begins in plaintext and may turn to TLS.
type TlsStream = tokio_rustls::server::TlsStream<TcpStream>;

impl Front {
    /// Listens on a free loopback port, which is returned, until `stop`.
    pub(crate) async fn open(
        workgroup: Arc<Workgroup>,
        tls: Arc<ServerConfig>,
        stop: CancellationToken,
        sessions: TaskTracker,
    ) -> Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on loopback")?;
        let address = listener.local_addr().context("a listener has no address")?;
        let front = Self { workgroup, tls, stop, sessions };
        front.sessions.clone().spawn(front.serve(listener, address));
        Ok(address)
    }

    async fn serve(self, listener: TcpListener, address: SocketAddr) {
        let mut refused = self.workgroup.faults.refused();
        let mut listener = Some(listener);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = refused.changed() => {
                    let refuse = *refused.borrow_and_update();
                    listener = self.listen_unless(refuse, listener, address).await;
                }
                accepted = accept(listener.as_ref()) => match accepted {
                    Ok(stream) => self.spawn_session(stream),
                    Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
                },
            }
        }
    }

    /// A port that nobody listens on is the only one that refuses connections; it is taken again afterwards.
    async fn listen_unless(
        &self,
        refuse: bool,
        listener: Option<TcpListener>,
        address: SocketAddr,
    ) -> Option<TcpListener> {
        match (refuse, listener) {
            (true, _) => None,
            (false, Some(listener)) => Some(listener),
            (false, None) => match TcpListener::bind(address).await {
                Ok(listener) => Some(listener),
                Err(error) => {
                    tracing::error!(%error, %address, "the port was taken while connections to it were refused");
                    None
                }
            },
        }
    }

    fn spawn_session(&self, stream: TcpStream) {
        let front = self.clone();
        self.sessions.spawn(async move {
            let stop = front.stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                ended = front.session(stream) => if let Err(error) = ended {
                    tracing::debug!(%error, "a client went away");
                },
            }
        });
    }

    async fn session(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        if self.workgroup.faults.resets_new() {
            return reset(&stream);
        }
        tokio::time::sleep(self.workgroup.faults.login_delay()).await;
        match tokio::time::timeout(LOGIN_PATIENCE, self.greet(stream)).await {
            Ok(Ok(Some(established))) => relay::run(established, &self.workgroup).await,
            Ok(Ok(None)) => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Everything up to the first ReadyForQuery. None when the client wanted something else, or was refused.
    async fn greet(&self, stream: TcpStream) -> io::Result<Option<relay::Established>> {
        let Some(mut stream) = self.negotiate_tls(stream).await? else { return Ok(None) };
        loop {
            match wire::read_startup(&mut stream).await? {
                Startup::Cancel(key) => {
                    self.cancel(key).await;
                    // An end without TLS's own goodbye is an error to libpq 17's PQcancelBlocking.
                    stream.shutdown().await?;
                    return Ok(None);
                }
                Startup::Login(request) => return login::log_in(stream, request, &self.workgroup).await,
                Startup::SslRequest | Startup::GssEncRequest => stream.write_all(b"N").await?,
            }
        }
    }

    /// None when the client never asked for TLS: then it was refused, or has canceled in plaintext as libpq does.
    async fn negotiate_tls(&self, mut stream: TcpStream) -> io::Result<Option<TlsStream>> {
        loop {
            match wire::read_startup(&mut stream).await? {
                Startup::SslRequest => {
                    stream.write_all(b"S").await?;
                    return TlsAcceptor::from(self.tls.clone()).accept(stream).await.map(Some);
                }
                Startup::GssEncRequest => stream.write_all(b"N").await?,
                Startup::Cancel(key) => {
                    self.cancel(key).await;
                    return Ok(None);
                }
                Startup::Login(request) => {
                    stream.write_all(&require_ssl(&stream, &request)).await?;
                    return Ok(None);
                }
            }
        }
    }

    /// Passes a cancel on to PostgreSQL and waits until it has it. A key that was made up is ignored in silence.
    async fn cancel(&self, key: CancelKey) {
        let Some(real) = self.workgroup.keys.real(key) else { return };
        if self.workgroup.faults.ignores_cancel_requests() {
            return;
        }
        if self.workgroup.admission.cancel(key.pid) {
            return;
        }
        let sent = async {
            let awake = self.workgroup.wake().await?;
            let mut stream = awake.cluster.dial().await?;
            stream.write_all(&real.request()).await?;
            // PostgreSQL closes without a word once it has signalled the session.
            stream.read_to_end(&mut Vec::new()).await?;
            anyhow::Ok(())
        };
        if let Err(error) = sent.await {
            tracing::warn!(%error, "a cancel could not be passed on");
        }
    }
}

/// Ends a connection so that the other side sees a reset rather than an orderly end.
pub(crate) fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

/// What a workgroup with `require_ssl` says to a login in plaintext.
fn require_ssl(stream: &TcpStream, request: &wire::Login) -> bytes::BytesMut {
    let host = stream.peer_addr().map_or_else(|_| "unknown".to_owned(), |peer| format!("::ffff:{}", peer.ip()));
    let user = request.parameter("user").unwrap_or_default();
    let database = request.parameter("database").unwrap_or(user);
    let message =
        format!("no pg_hba.conf entry for host \"{host}\", user \"{user}\", database \"{database}\", SSL off");
    wire::error_response("FATAL", "28000", &message)
}

/// Waits for ever when nobody listens.
async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}
