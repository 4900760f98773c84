//! Admission: which users of this machine may use a proxy.
//!
//! Whoever gets through acts with the owner's AWS rights, and any program of any user can reach a loopback port. On Linux the kernel
//! tells who owns the other end of a connection, so the owner needs no password and everybody else is refused:
//! - TCP: the peer's line in `/proc/net/tcp` or `tcp6` has its user id.
//! - Unix socket: SO_PEERCRED, which also works on macOS.
//!
//! On other systems the owner of a TCP peer is not told in such a way: [`Admission::SameUser`] refuses TCP there, and the Unix socket
//! remains. Root is refused like anybody else, although nothing could keep root from other ways in.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::upstream::Refusal;

/// Who may use a proxy.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Admission {
    /// Programs of the same OS user only.
    #[default]
    SameUser,
    /// Every program of every user on this machine. An explicit choice for systems that cannot tell users apart.
    AnyLocalUser,
}

/// The user id this process acts with.
#[cfg(unix)]
pub(crate) fn own_uid() -> io::Result<u32> {
    let (one, _other) = tokio::net::UnixStream::pair()?;
    Ok(one.peer_cred()?.uid())
}

/// Refuses a TCP peer that another user owns.
pub(crate) async fn admit_tcp(admission: Admission, peer: SocketAddr, local: SocketAddr) -> Result<(), Refusal> {
    match admission {
        Admission::AnyLocalUser => Ok(()),
        Admission::SameUser => decide(tcp_owner(peer, local).await),
    }
}

/// Refuses a Unix peer that another user owns.
#[cfg(unix)]
pub(crate) fn admit_unix(admission: Admission, stream: &tokio::net::UnixStream) -> Result<(), Refusal> {
    match admission {
        Admission::AnyLocalUser => Ok(()),
        Admission::SameUser => decide(stream.peer_cred().map(|peer| Some(peer.uid()))),
    }
}

#[cfg(unix)]
fn decide(owner: io::Result<Option<u32>>) -> Result<(), Refusal> {
    decide_between(owner, own_uid())
}

#[cfg(not(unix))]
fn decide(owner: io::Result<Option<u32>>) -> Result<(), Refusal> {
    decide_between(owner, Err(io::ErrorKind::Unsupported.into()))
}

/// Everything that is not certainly the same user is refused.
fn decide_between(owner: io::Result<Option<u32>>, own: io::Result<u32>) -> Result<(), Refusal> {
    let refusal = Refusal::new("28000", "this local proxy serves only the user who started it");
    match (owner, own) {
        (Ok(Some(owner)), Ok(own)) if owner == own => Ok(()),
        (Ok(Some(owner)), Ok(own)) => {
            Err(refusal.detail(format!("The connection comes from user id {owner}, the proxy belongs to {own}.")))
        }
        (Ok(None), _) => Err(refusal.detail("The system does not tell which user the connection comes from.")),
        (Err(error), _) | (_, Err(error)) => {
            Err(refusal.detail("The system could not be asked which user the connection comes from.").source(error))
        }
    }
}

#[cfg(target_os = "linux")]
async fn tcp_owner(peer: SocketAddr, local: SocketAddr) -> io::Result<Option<u32>> {
    let table = if peer.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    if let Some(owner) = owner_in(&tokio::fs::read_to_string(table).await?, peer, local) {
        return Ok(Some(owner));
    }
    // A program that speaks IPv4 through an IPv6 socket is in the other table.
    let other = tokio::fs::read_to_string("/proc/net/tcp6").await.unwrap_or_default();
    Ok(owner_in(&other, peer, local))
}

#[cfg(not(target_os = "linux"))]
async fn tcp_owner(_peer: SocketAddr, _local: SocketAddr) -> io::Result<Option<u32>> {
    Ok(None)
}

/// User id of the socket whose own end is `peer` and whose other end is `local`, in the text of `/proc/net/tcp` or `tcp6`.
///
/// Both ends are compared: the port alone could belong to another connection of another user. Only a connection that is established
/// counts: one that was closed is listed as root's.
#[cfg(any(target_os = "linux", test))]
fn owner_in(table: &str, peer: SocketAddr, local: SocketAddr) -> Option<u32> {
    const ESTABLISHED: &str = "01";
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (own, other, state) = (fields.next()?, fields.next()?, fields.next()?);
        let owner = fields.nth(3)?;
        let found = state == ESTABLISHED
            && same_address(parse_address(own)?, peer)
            && same_address(parse_address(other)?, local);
        if found { owner.parse().ok() } else { None }
    })
}

#[cfg(any(target_os = "linux", test))]
fn same_address(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
}

/// `0100007F:1F90`: the address as the machine's own 32-bit words in hexadecimal, the port in plain hexadecimal.
#[cfg(any(target_os = "linux", test))]
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let word =
        |index: usize| u32::from_str_radix(address.get(index * 8..index * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match address.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let mut bytes = [0; 16];
            for (index, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(index)?);
            }
            IpAddr::from(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(all(test, target_endian = "little"))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const TCP: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:153F 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41 1 0 100 0 0 10 0
   1: 0100007F:C350 0100007F:153F 01 00000000:00000000 00:00000000 00000000  1001        0 42 1 0 20 4 30 10 -1
   2: 0100007F:153F 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 43 1 0 20 4 30 10 -1
   3: 0100007F:C351 0100007F:153F 06 00000000:00000000 03:00000B2C 00000000     0        0 0 3 0
";
    const TCP6: &str = "\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:C352 00000000000000000000000001000000:153F 01 00000000:00000000 00:00000000 00000000  1002        0 44 1
   1: 0000000000000000FFFF00000100007F:C353 0000000000000000FFFF00000100007F:153F 01 00000000:00000000 00:00000000 00000000  1003        0 45 1
";

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_peers_own_line_is_found_not_ours() {
        assert_eq!(owner_in(TCP, address("127.0.0.1:50000"), address("127.0.0.1:5439")), Some(1001));
    }

    #[test]
    fn a_port_alone_or_a_closed_connection_does_not_count() {
        assert_eq!(owner_in(TCP, address("127.0.0.1:50000"), address("127.0.0.1:5440")), None);
        assert_eq!(owner_in(TCP, address("127.0.0.2:50000"), address("127.0.0.1:5439")), None);
        assert_eq!(owner_in(TCP, address("127.0.0.1:50001"), address("127.0.0.1:5439")), None);
    }

    #[test]
    fn ipv6_and_ipv4_through_ipv6_are_found() {
        assert_eq!(owner_in(TCP6, address("[::1]:50002"), address("[::1]:5439")), Some(1002));
        assert_eq!(owner_in(TCP6, address("127.0.0.1:50003"), address("127.0.0.1:5439")), Some(1003));
    }

    #[test]
    fn a_table_of_anything_is_read_without_panic() {
        for text in [
            "",
            "x",
            "h\n1: zz 1 01",
            "h\n1: é00007F:1 0100007F:1 01 a b c 0",
            "h\n 0: 0100007F:C350 0100007F:153F 01 a b c x",
        ] {
            assert_eq!(owner_in(text, address("127.0.0.1:50000"), address("127.0.0.1:5439")), None);
        }
    }

    #[test]
    fn only_the_same_user_is_let_in() {
        assert!(decide_between(Ok(Some(1000)), Ok(1000)).is_ok());
        let refusal = decide_between(Ok(Some(1001)), Ok(1000)).unwrap_err();
        assert_eq!(refusal.sqlstate, "28000");
        assert!(refusal.detail.unwrap().contains("1001"));
        assert!(decide_between(Ok(Some(0)), Ok(1000)).is_err());
        assert!(decide_between(Ok(None), Ok(1000)).is_err());
        assert!(decide_between(Err(io::ErrorKind::NotFound.into()), Ok(1000)).is_err());
    }
}
