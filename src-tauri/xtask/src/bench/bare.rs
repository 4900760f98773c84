//! The physical limit: a relay that reads one socket and writes the other and does nothing else. No TLS of its own, no
//! look at what it carries, one thread, no allocation: nothing that does more can be faster over the same two sockets.

use std::{
    collections::HashMap,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::fd::{AsFd, OwnedFd},
};

use anyhow::{Context as _, Result};
use rustix::{buffer::spare_capacity, event::epoll};

/// As much as one read takes.
const STEP: usize = 256 * 1024;

/// What epoll calls the listener. Sockets are counted from it, for the number of a closed one is soon another's.
const LISTENER: u64 = 0;

/// Relays between a port and another until it is ended.
pub(super) fn relay(port: u16, to: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("port {port}"))?;
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    watch(&poll, &listener, LISTENER)?;
    let mut last = LISTENER;
    let mut pairs: HashMap<u64, (TcpStream, u64)> = HashMap::new();
    let mut buffer = vec![0; STEP];
    let mut events = Vec::with_capacity(256);
    loop {
        events.clear();
        epoll::wait(&poll, spare_capacity(&mut events), None)?;
        for event in &events {
            let id = event.data.u64();
            if id == LISTENER {
                let (client, _) = listener.accept()?;
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
                client.set_nodelay(true)?;
                server.set_nodelay(true)?;
                let ids = (last + 1, last + 2);
                last += 2;
                watch(&poll, &client, ids.0)?;
                watch(&poll, &server, ids.1)?;
                pairs.insert(ids.0, (client, ids.1));
                pairs.insert(ids.1, (server, ids.0));
            } else if !carry(&pairs, id, &mut buffer)
                && let Some((_, other)) = pairs.remove(&id)
            {
                pairs.remove(&other);
            }
        }
    }
}

fn watch(poll: &OwnedFd, socket: impl AsFd, id: u64) -> Result<()> {
    Ok(epoll::add(poll, socket, epoll::EventData::new_u64(id), epoll::EventFlags::IN)?)
}

/// Carries what is there; `false` when one side is gone.
fn carry(pairs: &HashMap<u64, (TcpStream, u64)>, id: u64, buffer: &mut [u8]) -> bool {
    // Gone already: the other side of this pair was closed in the same turn.
    let Some((from, other)) = pairs.get(&id) else { return true };
    let Some((to, _)) = pairs.get(other) else { return false };
    let (mut from, mut to) = (from, to);
    match from.read(buffer) {
        Ok(0) => false,
        Ok(count) => to.write_all(&buffer[..count]).is_ok(),
        Err(error) => error.kind() == ErrorKind::Interrupted,
    }
}
