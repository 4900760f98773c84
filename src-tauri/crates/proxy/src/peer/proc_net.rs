//! Finds the owner of a TCP socket in the text of `/proc/net/tcp` and `tcp6`.
//!
//! The kernel writes the whole table for every reader: with thousands of connections that takes milliseconds, which is why this is
//! only the second choice.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// User id of the socket whose own end is `own` and whose other end is `other`; `None` when there is no such connection.
pub(super) fn owner(own: SocketAddr, other: SocketAddr) -> io::Result<Option<u32>> {
    let table = if own.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    if let Some(owner) = owner_in(&std::fs::read_to_string(table)?, own, other) {
        return Ok(Some(owner));
    }
    // A program that speaks IPv4 through an IPv6 socket is in the other table, which is not there when IPv6 is off.
    let table = std::fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    Ok(owner_in(&table, own, other))
}

/// User id of the socket whose own end is `peer` and whose other end is `local`, in the text of `/proc/net/tcp` or `tcp6`.
///
/// Both ends are compared: the port alone could belong to another connection of another user. Only a connection that is established
/// counts: one that was closed is listed as root's.
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

fn same_address(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
}

/// `0100007F:1F90`: the address as the machine's own 32-bit words in hexadecimal, the port in plain hexadecimal.
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
}
