//! An open session: bytes in both directions, and what they mean to the log of queries.
//!
//! A client that goes away does not stop its query: the server works on, as Redshift does, until it has an answer for
//! nobody. Only a cancel stops it.

use std::io;
use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_rustls::server::TlsStream;

use super::cancel;
use super::faults::{Cut, FaultState};
use super::front;
use super::metadata::Metadata;
use super::tracker::{Answered, Tracker};
use super::wire::{self, Cutter, Piece};
use super::workgroup::{Awake, Workgroup};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// A session that is ready for its first query.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) client: TlsStream<TcpStream>,
    pub(crate) server: UnixStream,
    /// What the client is to be told first: everything up to ReadyForQuery.
    pub(crate) greeting: BytesMut,
    /// What the server has sent since.
    pub(crate) unread: BytesMut,
    pub(crate) session_id: i32,
    pub(crate) tracker: Tracker,
    /// Set when the client has asked for Redshift's longer row descriptions.
    pub(crate) metadata: Option<Metadata>,
    /// Keeps the cluster up while somebody is connected to it.
    pub(crate) awake: Arc<Awake>,
}

/// Relays until the server has closed its side, or a fault cuts the session.
pub(crate) async fn run(session: Established, workgroup: &Workgroup) -> io::Result<()> {
    let Established { mut client, mut server, greeting, unread, session_id, tracker, metadata, awake } = session;
    let _noted = NotedEnd { tracker: &tracker, workgroup, session_id };
    // Before the client knows that it is in, so that no cut is missed.
    let mut cuts = workgroup.faults.cuts();
    client.write_all(&greeting).await?;
    client.flush().await?;
    let (mut client_reads, mut client_writes) = tokio::io::split(client);
    let (mut server_reads, mut server_writes) = server.split();
    let watch = Watch { tracker: &tracker, metadata: metadata.as_ref(), workgroup };
    let cut = tokio::select! {
        ended = answer(&mut server_reads, &mut client_writes, unread, &watch) => Err(ended),
        never = ask_to_the_end(&mut client_reads, &mut server_writes, &tracker, &workgroup.faults) => match never {},
        cut = next_cut(&mut cuts) => Ok(cut),
    };
    let mut client = client_reads.unsplit(client_writes);
    let ended = match cut {
        Err(ended) => ended.and(client.shutdown().await),
        Ok(Cut::Reset) => front::reset(client.get_ref().0),
        Ok(Cut::HalfClose) => half_close(client).await,
    };
    drop(awake);
    ended
}

/// Tells everybody that a session is over, however it ends.
struct NotedEnd<'a> {
    tracker: &'a Tracker,
    workgroup: &'a Workgroup,
    session_id: i32,
}

impl Drop for NotedEnd<'_> {
    fn drop(&mut self) {
        self.workgroup.keys.revoke(self.session_id);
        self.tracker.ended();
    }
}

/// Passes on what the client asks. When it stops asking the server is told, and only the answers matter from then on.
async fn ask_to_the_end(
    client: &mut (impl AsyncRead + Unpin),
    server: &mut (impl AsyncWrite + Unpin),
    tracker: &Tracker,
    faults: &FaultState,
) -> std::convert::Infallible {
    if let Err(error) = ask(client, server, tracker, faults).await {
        tracing::debug!(%error, "a client stopped asking");
    }
    // Fails only when the server has gone too.
    let _ = server.shutdown().await;
    std::future::pending().await
}

async fn ask(
    client: &mut (impl AsyncRead + Unpin),
    server: &mut (impl AsyncWrite + Unpin),
    tracker: &Tracker,
    faults: &FaultState,
) -> io::Result<()> {
    let (mut cutter, mut input, mut output) = (Cutter::default(), BytesMut::with_capacity(CHUNK), BytesMut::new());
    // What is left of a long message whose beginning did not go on.
    let mut dropped = false;
    while client.read_buf(&mut input).await? > 0 {
        while let Some((piece, length)) = cutter.next(&input)? {
            match piece {
                Piece::More(_) if dropped => {}
                Piece::More(bytes) => output.put_slice(bytes),
                Piece::Message { tag, total, body, bytes } => {
                    dropped = false;
                    let mut asked = tracker.asked(tag, body);
                    if asked.signals {
                        tokio::time::sleep(faults.signal_delay()).await;
                    }
                    if asked.mixes_nodes && faults.keeps_nodes_apart() {
                        asked.rewritten = Some("SELECT pg_catalog.pg_internal_leader_only()".to_owned());
                    }
                    if asked.reads_history {
                        tracker.history().flush().await;
                    }
                    if let Some(held) = asked.held {
                        server.write_all(&output).await?;
                        output.clear();
                        if !tracker.pass(held).await {
                            put_failing(&mut output, tag);
                            dropped = true;
                            let _ = input.split_to(length);
                            continue;
                        }
                    }
                    match asked.rewritten {
                        // What is cut short cannot be rewritten.
                        Some(text) if total == bytes.len() => put_with_text(&mut output, tag, body, &text),
                        _ => output.put_slice(bytes),
                    }
                }
            }
            let _ = input.split_to(length);
        }
        server.write_all(&output).await?;
        output.clear();
        input.reserve(CHUNK);
    }
    Ok(())
}

/// In place of a statement that was canceled before the server had it: one that is certain to fail there, so that what
/// follows it, and the transaction it is in, are what they are after any failure.
fn put_failing(output: &mut BytesMut, tag: u8) {
    wire::put_message(output, tag, |out| {
        if tag == b'E' {
            wire::put_text(out, "a portal that was never opened");
            out.put_i32(0);
        } else {
            wire::put_text(out, "canceled");
        }
    });
}

/// A Query or Parse message with another text; of a Parse the name and the types stay.
fn put_with_text(output: &mut BytesMut, tag: u8, mut body: &[u8], text: &str) {
    wire::put_message(output, tag, |out| {
        if tag == b'P' {
            let name = wire::take_text(&mut body).unwrap_or_default();
            wire::put_text(out, &name);
        }
        let _ = wire::take_text(&mut body);
        wire::put_text(out, text);
        out.put_slice(body);
    });
}

/// What is made of the server's answers on their way.
struct Watch<'a> {
    tracker: &'a Tracker,
    metadata: Option<&'a Metadata>,
    workgroup: &'a Workgroup,
}

/// Passes on what the server answers until it closes. A client that no longer listens does not keep it from ending.
async fn answer(
    server: &mut (impl AsyncRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
    mut input: BytesMut,
    watch: &Watch<'_>,
) -> io::Result<()> {
    let Watch { tracker, metadata, workgroup } = *watch;
    let (mut cutter, mut output) = (Cutter::default(), BytesMut::with_capacity(CHUNK));
    // The client is not told any more: a fault says so, or it is gone.
    let (mut hangs, mut gone) = (false, false);
    loop {
        while let Some((piece, length)) = cutter.next(&input)? {
            match piece {
                Piece::More(bytes) => output.put_slice(bytes),
                Piece::Message { tag: b'D', total, bytes, .. } => {
                    tracker.returned(1, total.try_into().unwrap_or(i64::MAX));
                    output.put_slice(bytes);
                }
                Piece::Message { tag: b'd', total, bytes, .. } => {
                    // COPY: how many rows it was is told at the end.
                    tracker.returned(0, total.try_into().unwrap_or(i64::MAX));
                    output.put_slice(bytes);
                }
                Piece::Message { tag: b'N', body, .. } if cancel::meant_for_the_front(body).is_some() => {
                    if let Some(session_id) = cancel::meant_for_the_front(body) {
                        workgroup.admission.cancel(session_id);
                    }
                }
                Piece::Message { tag, body, bytes, .. } => match (tag, metadata) {
                    (b'T', Some(metadata)) => metadata.put_description(body, &mut output).await?,
                    _ => match tracker.answered(tag, body) {
                        Answered::AsItIs => output.put_slice(bytes),
                        Answered::Canceled(_) if workgroup.faults.hangs_after_cancel() => hangs = true,
                        Answered::Canceled(error) => output.put_slice(&error),
                    },
                },
            }
            let _ = input.split_to(length);
        }
        if !hangs && !gone && !output.is_empty() {
            gone = client.write_all(&output).await.and(client.flush().await).is_err();
        }
        output.clear();
        input.reserve(CHUNK);
        if server.read_buf(&mut input).await? == 0 {
            break;
        }
    }
    if hangs {
        // As it was seen on Redshift Serverless: the query is canceled and the connection stays, silent.
        std::future::pending::<()>().await;
    }
    Ok(())
}

async fn half_close(mut client: TlsStream<TcpStream>) -> io::Result<()> {
    client.shutdown().await?;
    let mut ignored = vec![0; CHUNK];
    while client.read(&mut ignored).await? > 0 {}
    Ok(())
}

async fn next_cut(cuts: &mut broadcast::Receiver<Cut>) -> Cut {
    loop {
        match cuts.recv().await {
            Ok(cut) => return cut,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
