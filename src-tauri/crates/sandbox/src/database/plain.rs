//! A PostgreSQL of which nothing is changed, for what is not about Redshift. It has no port of its own: the one here takes TLS off and
//! passes on what is within.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::Client;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cluster::Cluster;
use super::wire::{self, Startup};

/// A running one.
#[derive(Debug)]
pub struct PlainPostgres {
    host: String,
    address: SocketAddr,
    cluster: Arc<Cluster>,
}

impl PlainPostgres {
    pub(crate) async fn open(
        host: String,
        cluster: Cluster,
        tls: Arc<ServerConfig>,
        stop: CancellationToken,
        sessions: TaskTracker,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on loopback")?;
        let address = listener.local_addr().context("a listener has no address")?;
        let cluster = Arc::new(cluster);
        let (tracker, server) = (sessions.clone(), Arc::clone(&cluster));
        sessions.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                match accepted {
                    Ok((stream, _)) => {
                        let (stop, tls, server) = (stop.clone(), tls.clone(), Arc::clone(&server));
                        tracker.spawn(async move {
                            let _ = stop.run_until_cancelled(session(stream, tls, &server)).await;
                        });
                    }
                    Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
                }
            }
        });
        Ok(Self { host, address, cluster })
    }

    /// The name in its certificate.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Where it listens: TLS only.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// A session of its superuser, past everything.
    ///
    /// # Errors
    /// When there is no such database.
    pub async fn superuser(&self, database: &str) -> Result<Client> {
        self.cluster.connect(database).await
    }
}

async fn session(mut stream: TcpStream, tls: Arc<ServerConfig>, server: &Cluster) -> io::Result<()> {
    loop {
        match wire::read_startup(&mut stream).await? {
            Startup::SslRequest => break stream.write_all(b"S").await?,
            Startup::GssEncRequest => stream.write_all(b"N").await?,
            Startup::Cancel(_) | Startup::Login(_) => {
                let refusal = wire::error_response("FATAL", "28000", "this server speaks TLS only");
                return stream.write_all(&refusal).await;
            }
        }
    }
    let mut client = TlsAcceptor::from(tls).accept(stream).await?;
    let mut server = server.dial().await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}
