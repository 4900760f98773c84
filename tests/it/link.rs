//! A network that fails on demand: a relay on loopback between a proxy and its server. Each connection has its own
//! faults, so that others through the same relay can be seen to go on.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::AbortHandle,
};

use crate::support::{block_on, spawn};

/// A record of TLS begins with its kind, version and length.
const TLS_HEADER: usize = 5;

/// How bytes travel in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    Clear,
    /// Nothing is taken any more, and nothing lost.
    Stalled,
    /// One byte in each packet.
    Trickling,
    /// One bit of the next TLS record arrives wrong.
    Corrupt,
    /// The connection ends in the middle of the next TLS record.
    CutShort,
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cut {
    /// Both ends are closed in order, as by a process that ends.
    Closed,
    /// Both ends are reset.
    Reset,
    /// The server's side is closed, the client's stays.
    HalfClosed,
}

/// The relay. Dropping it cuts everything.
pub(crate) struct Link {
    pub(crate) port: u16,
    lines: Lines,
    refused: watch::Sender<bool>,
    /// Follows `refused`.
    listens: watch::Receiver<bool>,
    accepting: AbortHandle,
}

/// One connection through it.
#[derive(Clone)]
pub(crate) struct Line {
    up: watch::Sender<Way>,
    down: watch::Sender<Way>,
    cut: watch::Sender<Option<Cut>>,
}

type Lines = Arc<Mutex<Vec<Line>>>;

impl Link {
    /// To a port on loopback.
    pub(crate) fn to(target: u16) -> Self {
        let listener = block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (lines, refused) = (Lines::default(), watch::Sender::new(false));
        let (listening, listens) = watch::channel(true);
        let door = Door { port, refused: refused.subscribe(), listening };
        let accepting = spawn(accept(listener, door, target, Arc::clone(&lines))).abort_handle();
        Self { port, lines, refused, listens, accepting }
    }

    /// Whether new connections are refused, as by a host where nobody listens.
    pub(crate) fn refuse(&self, on: bool) {
        self.refused.send_replace(on);
        block_on(self.listens.clone().wait_for(|listens| *listens != on)).expect("the relay runs");
    }

    /// The newest connection.
    pub(crate) fn newest(&self) -> Line {
        lock(&self.lines).last().expect("somebody has connected").clone()
    }

    /// Connections that are open now.
    pub(crate) fn count(&self) -> usize {
        lock(&self.lines).len()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
        for line in lock(&self.lines).iter() {
            line.cut(Cut::Reset);
        }
    }
}

impl Line {
    /// What happens to bytes for the server.
    pub(crate) fn up(&self, way: Way) {
        self.up.send_replace(way);
    }

    /// What happens to bytes from the server.
    pub(crate) fn down(&self, way: Way) {
        self.down.send_replace(way);
    }

    pub(crate) fn cut(&self, cut: Cut) {
        self.cut.send_replace(Some(cut));
    }
}

/// Whether the relay listens.
struct Door {
    port: u16,
    refused: watch::Receiver<bool>,
    listening: watch::Sender<bool>,
}

async fn accept(listener: TcpListener, mut door: Door, target: u16, lines: Lines) -> std::io::Result<()> {
    let mut listener = Some(listener);
    loop {
        let near = tokio::select! {
            _ = door.refused.changed() => {
                let refused = *door.refused.borrow_and_update();
                // Only a port where nobody listens refuses.
                listener = None;
                if !refused {
                    listener = Some(TcpListener::bind((Ipv4Addr::LOCALHOST, door.port)).await?);
                }
                door.listening.send_replace(!refused);
                continue;
            }
            accepted = next(listener.as_ref()) => accepted?,
        };
        let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { continue };
        let line = Line {
            up: watch::Sender::new(Way::Clear),
            down: watch::Sender::new(Way::Clear),
            cut: watch::Sender::new(None),
        };
        lock(&lines).push(line.clone());
        let lines = Arc::clone(&lines);
        tokio::spawn(async move {
            carry(&line, near, far).await;
            lock(&lines).retain(|other| !other.cut.same_channel(&line.cut));
        });
    }
}

async fn next(listener: Option<&TcpListener>) -> std::io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

/// Until both sides have closed, or the connection is cut.
async fn carry(line: &Line, near: TcpStream, far: TcpStream) {
    for stream in [&near, &far] {
        let _ = stream.set_nodelay(true);
    }
    let (mut near_reads, mut near_writes) = near.into_split();
    let (mut far_reads, mut far_writes) = far.into_split();
    let mut cut = line.cut.subscribe();
    let how = tokio::select! {
        (up, down) = async { tokio::join!(
            one_way(&mut near_reads, &mut far_writes, &line.up),
            one_way(&mut far_reads, &mut near_writes, &line.down),
        ) } => if up && down { Cut::Closed } else { Cut::Reset },
        how = wanted(&mut cut) => how,
    };
    match how {
        Cut::Closed => {}
        Cut::Reset => {
            let (near, far) = (near_reads.reunite(near_writes), far_reads.reunite(far_writes));
            for stream in [near.expect("its halves"), far.expect("its halves")] {
                let _ = stream.set_zero_linger();
            }
        }
        Cut::HalfClosed => {
            let _ = near_writes.shutdown().await;
            // What the proxy still sends goes nowhere, and its end is waited for.
            let _ = tokio::io::copy(&mut near_reads, &mut tokio::io::sink()).await;
        }
    }
}

async fn wanted(cut: &mut watch::Receiver<Option<Cut>>) -> Cut {
    match cut.wait_for(Option::is_some).await.map(|cut| *cut) {
        Ok(Some(how)) => how,
        _ => std::future::pending().await,
    }
}

/// Carries until the sender closes; `false` when the connection broke, or has to break.
async fn one_way(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, way: &watch::Sender<Way>) -> bool {
    let (mut ways, mut buffer) = (way.subscribe(), vec![0; 64 * 1024]);
    loop {
        let now = *ways.borrow_and_update();
        let read = tokio::select! {
            biased;
            _ = ways.changed() => continue,
            read = from.read(&mut buffer), if now != Way::Stalled => read,
        };
        let bytes = match read {
            Ok(0) => return to.shutdown().await.is_ok(),
            Ok(length) => &mut buffer[..length],
            Err(_) => return false,
        };
        let written = match now {
            Way::Clear | Way::Stalled => to.write_all(bytes).await,
            Way::Trickling => trickle(to, bytes).await,
            // Nothing else is on its way when a test asks for these, so a record begins here.
            Way::Corrupt => {
                bytes[TLS_HEADER] ^= 1;
                way.send_replace(Way::Clear);
                to.write_all(bytes).await
            }
            Way::CutShort => {
                let _ = to.write_all(&bytes[..bytes.len() - 1]).await;
                // An end in order: a reset could overtake the bytes.
                let _ = to.shutdown().await;
                return true;
            }
        };
        if written.is_err() {
            return false;
        }
    }
}

async fn trickle(to: &mut OwnedWriteHalf, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        to.write_all(std::slice::from_ref(byte)).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
