//! The first step of a cancel: a CancelRequest to the server, over the same transport as the session.
//!
//! Cancelling is racy by nature: the request names a session, not a query, and nothing tells the sender whether it arrived in time. If
//! the query ended and the client has already sent another, the server cancels that one. What can be kept is kept here: a key reaches
//! exactly the session it was given for, and never one that is over, as its key is forgotten first.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use postern_wire::startup::StartupPacket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::dial::{self, DialError};
use crate::session::UpstreamKey;

/// How long the server may take to hang up after a CancelRequest.
const HANG_UP_LIMIT: Duration = Duration::from_secs(5);

/// What became of a CancelRequest.
#[derive(Clone, Debug)]
pub enum CancelOutcome {
    /// The server took it. Whether the query stops is seen in the session.
    Sent,
    /// There is no such session, or no longer.
    NoSession,
    /// The server gave the session no key, or has not let it in yet.
    NoKey,
    /// The server could not be reached for it.
    Failed(Arc<DialError>),
}

/// Sends the request over a connection of its own and waits until the server hangs up, which it does once the signal is on its way.
pub(crate) async fn send(upstream: &UpstreamKey, connect_limit: Duration) -> CancelOutcome {
    match try_send(upstream, connect_limit).await {
        Ok(()) => CancelOutcome::Sent,
        Err(error) => CancelOutcome::Failed(Arc::new(error)),
    }
}

async fn try_send(upstream: &UpstreamKey, connect_limit: Duration) -> Result<(), DialError> {
    let endpoint = &upstream.endpoint;
    let mut stream = dial::open(endpoint, connect_limit).await?;
    let mut request = BytesMut::new();
    StartupPacket::CancelRequest(upstream.key.clone())
        .encode(&mut request)
        .expect("a key has no field that could fail");
    let sent = async {
        stream.write_all(&request).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| DialError::Closed {
        host: endpoint.host.clone(),
        port: endpoint.port,
        source: Some(error),
    })?;
    // An answer, an end or a reset all mean that it was read; a server that holds on has it too.
    let _ = timeout(HANG_UP_LIMIT, stream.read(&mut [0; 16])).await;
    Ok(())
}
