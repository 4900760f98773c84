//! A plain loopback port to the PostgreSQL behind a workgroup, for its superuser alone.
//!
//! Tests and developers look behind the front with it. PostgreSQL itself asks for the password (SCRAM); every other
//! user is turned away here, since the socket trusts them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::template::SUPERUSER;
use super::wire::{self, Login, Startup};
use super::workgroup::Workgroup;

/// Listens on a free loopback port, which is returned, until `stop`.
pub(crate) async fn open(
    workgroup: Arc<Workgroup>,
    stop: CancellationToken,
    sessions: TaskTracker,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on loopback")?;
    let address = listener.local_addr().context("a listener has no address")?;
    let tracker = sessions.clone();
    sessions.spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (workgroup, stop) = (workgroup.clone(), stop.clone());
                    tracker.spawn(async move {
                        let _ = stop.run_until_cancelled(session(stream, &workgroup)).await;
                    });
                }
                Err(error) => tracing::warn!(%error, "a superuser's connection could not be accepted"),
            }
        }
    });
    Ok(address)
}

async fn session(mut client: TcpStream, workgroup: &Workgroup) -> io::Result<()> {
    loop {
        match wire::read_startup(&mut client).await? {
            Startup::SslRequest | Startup::GssEncRequest => client.write_all(b"N").await?,
            Startup::Cancel(key) => {
                let awake = workgroup.wake().await.map_err(io::Error::other)?;
                return awake.cluster.dial().await?.write_all(&key.request()).await;
            }
            Startup::Login(login) if login.parameter("user") == Some(SUPERUSER) => {
                return relay(client, &login, workgroup).await;
            }
            Startup::Login(_) => {
                let message = format!("only \"{SUPERUSER}\" logs in here");
                return client.write_all(&wire::error_response("FATAL", "28000", &message)).await;
            }
        }
    }
}

async fn relay(mut client: TcpStream, login: &Login, workgroup: &Workgroup) -> io::Result<()> {
    let awake = workgroup.wake().await.map_err(io::Error::other)?;
    let mut server = awake.cluster.dial().await?;
    let parameters = login.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    server.write_all(&wire::startup_message(parameters)).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}
