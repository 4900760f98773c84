//! The first step of a cancel: a CancelRequest to the server, over the same transport as the session.
//!
//! The request names a session, not a query, and nothing tells the sender whether it arrived in time. On its own it may therefore meet
//! the query after the one that was meant. Here it does not: the session is held (see [`crate::hold`]) while the request is on its way,
//! it is sent only if the query that was meant still runs, and a key reaches exactly the session it was given for, never one that is
//! over, as its key is forgotten first. What remains is a server that neither answers nor hangs up within [`HANG_UP_LIMIT`]: then the
//! session goes on although nobody knows whether the request is still on its way.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use postern_wire::startup::StartupPacket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::dial::{self, DialError};
use crate::session::{QueryMark, Session, UpstreamKey};

/// How long the server may take to hang up after a CancelRequest.
const HANG_UP_LIMIT: Duration = Duration::from_secs(5);

/// What became of a CancelRequest.
#[derive(Clone, Debug)]
pub enum CancelOutcome {
    /// The server took it. Whether the query stops is seen in the session.
    Sent,
    /// The session runs nothing, or what it ran ended before the request could be sent: nothing was sent.
    NothingRuns,
    /// There is no such session, or no longer.
    NoSession,
    /// The server gave the session no key, or has not let it in yet.
    NoKey,
    /// The server could not be reached for it.
    Failed(Arc<DialError>),
}

/// Sends the request over a connection of its own and waits until the server hangs up, which it does once the signal is on its way.
/// Says which query was meant: `meant`, or else the one that ran when this was called, when there was one.
pub(crate) async fn request(
    session: &Session,
    meant: Option<QueryMark>,
    connect_limit: Duration,
) -> (CancelOutcome, Option<QueryMark>) {
    let Some(upstream) = session.upstream() else { return (CancelOutcome::NoKey, meant) };
    let now = async {
        let _held = session.hold.begin().await;
        session.running()
    };
    let meant = if meant.is_some() { meant } else { now.await };
    let Some(meant) = meant else { return (CancelOutcome::NothingRuns, None) };
    let sent = async {
        let mut stream = dial::open(&upstream.endpoint, connect_limit).await?;
        let _held = session.hold.begin().await;
        if !session.still_runs(meant) {
            return Ok(CancelOutcome::NothingRuns);
        }
        send(&mut stream, upstream).await.map(|()| CancelOutcome::Sent)
    };
    (sent.await.unwrap_or_else(|error| CancelOutcome::Failed(Arc::new(error))), Some(meant))
}

async fn send(stream: &mut dial::ServerStream, upstream: &UpstreamKey) -> Result<(), DialError> {
    let mut request = BytesMut::new();
    StartupPacket::CancelRequest(upstream.key.clone())
        .encode(&mut request)
        .expect("a key has no field that could fail");
    let sent = async {
        stream.write_all(&request).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| DialError::Closed {
        host: upstream.endpoint.host.clone(),
        port: upstream.endpoint.port,
        source: Some(error),
    })?;
    // An answer, an end or a reset all mean that it was read; a server that holds on has it too.
    let _ = timeout(HANG_UP_LIMIT, stream.read(&mut [0; 16])).await;
    Ok(())
}
