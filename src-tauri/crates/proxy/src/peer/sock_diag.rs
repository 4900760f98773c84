//! Asks the kernel about one TCP socket by its two ends, over netlink (sock_diag(7)).
//!
//! The answer takes microseconds however many connections there are, so that ten thousand that come and go cost nothing. Numbers are
//! in the machine's own byte order, but for ports and addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const IPPROTO_TCP: u8 = 6;
const TCP_ESTABLISHED: u8 = 1;
const ENOENT: i32 = 2;

/// `struct nlmsghdr`
const HEADER: usize = 16;
/// `struct inet_diag_sockid`
const ID: usize = 48;
/// Offsets in `struct inet_diag_msg`.
const STATE_AT: usize = 1;
const ID_AT: usize = 4;
const UID_AT: usize = 64;

/// User id of the socket whose own end is `own` and whose other end is `other`; `None` when there is no such connection.
pub(super) fn owner(own: SocketAddr, other: SocketAddr) -> io::Result<Option<u32>> {
    let socket =
        socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG))?;
    send(&socket, &request(own, other), SendFlags::empty())?;
    let mut answer = [0; 1024];
    // The kernel has answered by the time send returns; without an answer this says WouldBlock instead of waiting for ever.
    let (received, _) = recv(&socket, &mut answer, RecvFlags::DONTWAIT)?;
    read_answer(answer.get(..received).unwrap_or_default(), own, other)
}

/// A `struct nlmsghdr` and a `struct inet_diag_req_v2` for exactly one socket.
fn request(own: SocketAddr, other: SocketAddr) -> Vec<u8> {
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    let length = HEADER + 8 + ID;
    let mut out = Vec::with_capacity(length);
    out.extend(u32::try_from(length).expect("it is 72").to_ne_bytes());
    out.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    out.extend(NLM_F_REQUEST.to_ne_bytes());
    out.extend([0; 8]);
    out.extend([if own.is_ipv4() { AF_INET } else { AF_INET6 }, IPPROTO_TCP, 0, 0]);
    out.extend(u32::MAX.to_ne_bytes());
    out.extend(id(own, other));
    out
}

/// `struct inet_diag_sockid`, of any interface and without a cookie.
fn id(own: SocketAddr, other: SocketAddr) -> Vec<u8> {
    let mut out = ends(own, other);
    out.extend(0_u32.to_ne_bytes());
    out.extend([0xff; 8]);
    out
}

/// The part of it that tells one connection from another.
fn ends(own: SocketAddr, other: SocketAddr) -> Vec<u8> {
    let mut out = Vec::with_capacity(ID);
    out.extend(own.port().to_be_bytes());
    out.extend(other.port().to_be_bytes());
    for end in [own, other] {
        match end.ip() {
            IpAddr::V4(address) => {
                out.extend(address.octets());
                out.extend([0; 12]);
            }
            IpAddr::V6(address) => out.extend(address.octets()),
        }
    }
    out
}

/// An address of version 4 as a socket of version 6 writes it.
fn mapped(end: SocketAddr) -> SocketAddr {
    match end.ip() {
        IpAddr::V4(address) => SocketAddr::new(address.to_ipv6_mapped().into(), end.port()),
        IpAddr::V6(_) => end,
    }
}

fn read_answer(answer: &[u8], own: SocketAddr, other: SocketAddr) -> io::Result<Option<u32>> {
    let short = || io::Error::new(io::ErrorKind::InvalidData, "the answer of sock_diag is too short");
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes).ok_or_else(short)?;
    let body = answer.get(HEADER..).ok_or_else(short)?;
    let number_at = |at: usize| {
        body.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes).ok_or_else(short)
    };
    match kind {
        NLMSG_ERROR => match number_at(0)?.cast_signed().wrapping_neg() {
            ENOENT => Ok(None),
            errno => Err(io::Error::from_raw_os_error(errno)),
        },
        SOCK_DIAG_BY_FAMILY => {
            // The kernel finds a socket of version 6 that speaks version 4 too, and shows its ends as such a socket has them.
            let wanted = [ends(own, other), ends(mapped(own), mapped(other))];
            // Where there is no such connection the kernel may answer with the listener of that port instead.
            let found = body.get(STATE_AT) == Some(&TCP_ESTABLISHED)
                && wanted.iter().any(|wanted| body.get(ID_AT..ID_AT + wanted.len()) == Some(&wanted[..]));
            let owner = number_at(UID_AT)?;
            Ok(found.then_some(owner))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "sock_diag answered something else")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn connected(address: &str) -> Option<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind(address).ok()?;
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        Some((client, server))
    }

    #[test]
    fn the_owner_of_a_live_connection_is_this_user_and_proc_says_the_same() {
        let own_uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Some((_client, server)) = connected(address) else { continue };
            let (own, other) = (server.peer_addr().unwrap(), server.local_addr().unwrap());
            assert_eq!(owner(own, other).unwrap(), Some(own_uid));
            assert_eq!(super::super::proc_net::owner(own, other).unwrap(), Some(own_uid));
        }
    }

    /// As every JVM does, and with it DBeaver and DataGrip: one kind of socket for both versions.
    #[test]
    fn the_owner_is_told_of_a_client_that_speaks_ipv4_through_an_ipv6_socket() {
        let own_uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mapped = format!("[::ffff:127.0.0.1]:{}", listener.local_addr().unwrap().port());
        // Where the machine has no version 6 there is no such socket.
        let Ok(_client) = TcpStream::connect(mapped) else { return };
        let (server, peer) = listener.accept().unwrap();
        assert!(peer.is_ipv4());
        assert_eq!(owner(peer, server.local_addr().unwrap()).unwrap(), Some(own_uid));
    }

    #[test]
    fn a_connection_that_is_not_there_has_no_owner() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listening = listener.local_addr().unwrap();
        assert_eq!(owner(listening, "127.0.0.1:1".parse().unwrap()).unwrap(), None);
    }

    #[test]
    fn short_or_strange_answers_are_errors() {
        let end = "127.0.0.1:1".parse().unwrap();
        for answer in [&[][..], &[0; 16], &[0; 40]] {
            assert!(read_answer(answer, end, end).is_err());
        }
    }
}
