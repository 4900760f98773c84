//! Who holds a TCP socket of this machine: which program listens on a port, and which program a client of a proxy is.
//!
//! Linux tells the user of every socket, and the process of those that the asking user may look into: their own. Of
//! other people's sockets only the user is known. Elsewhere nothing is told, and nothing is claimed.
//!
//! Walking `/proc` takes milliseconds where there are many processes, so a session never waits for it: it is done when a
//! port is taken, and for a proxy's new sessions together, at most once a second.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::Path,
};

/// States of a socket in `/proc/net/tcp`.
const ESTABLISHED: &str = "01";
const LISTENING: &str = "0A";

/// A running program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Process {
    /// Its process id.
    pub pid: u32,
    /// File name of the program: `psql`, `java`, `python3.11`.
    pub program: String,
}

/// What is known of a socket's holder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Holder {
    /// The process, where the system shows it to us.
    pub process: Option<Process>,
    /// Name of the OS user, or `user id 1001` when this machine has no name for it. Absent for our own user.
    pub other_user: Option<String>,
}

/// Who listens on a port, at this address or at all.
pub(crate) fn listener(port: u16, address: IpAddr) -> Option<Holder> {
    let table = table();
    let on_port = || rows(&table).filter(|row| row.state == LISTENING && row.own.port() == port);
    let at = |ip: IpAddr| on_port().find(|row| row.own.ip().to_canonical() == ip);
    let row =
        at(address).or_else(|| on_port().find(|row| row.own.ip().is_unspecified())).or_else(|| on_port().next())?;
    holders(&[&row]).pop()
}

/// Who the clients are that connected from these addresses to a local port.
pub(crate) fn clients(peers: &[SocketAddr], port: u16) -> HashMap<SocketAddr, Holder> {
    let table = table();
    let wanted = |row: &Row<'_>| {
        let own = canonical(row.own);
        let fits = row.state == ESTABLISHED && row.other.port() == port;
        peers.iter().copied().find(|peer| fits && canonical(*peer) == own)
    };
    let (peers, rows): (Vec<_>, Vec<_>) = rows(&table).filter_map(|row| Some((wanted(&row)?, row))).unzip();
    peers.into_iter().zip(holders(&rows.iter().collect::<Vec<_>>())).collect()
}

/// One line of `/proc/net/tcp`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Row<'a> {
    own: SocketAddr,
    other: SocketAddr,
    state: &'a str,
    uid: u32,
    inode: u64,
}

/// Both tables; nothing where the system has none.
fn table() -> String {
    ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default()).concat()
}

/// The lines that are sockets. Heads of the tables, and whatever else is not understood, are passed over.
fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
    table.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let own = parse_address(fields.next()?)?;
        let other = parse_address(fields.next()?)?;
        let state = fields.next()?;
        let uid = fields.nth(3)?.parse().ok()?;
        let inode = fields.nth(1)?.parse().ok()?;
        Some(Row { own, other, state, uid, inode })
    })
}

/// `0100007F:1F90`: the address as the machine's own 32-bit words in hexadecimal, the port in plain hexadecimal.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match address.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let mut bytes = [0; 16];
            for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at)?);
            }
            IpAddr::from(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Who holds each of these sockets. `/proc` is walked once for all of them.
fn holders(rows: &[&Row<'_>]) -> Vec<Holder> {
    let own = own_uid();
    let mut processes: HashMap<u64, Option<Process>> = rows.iter().map(|row| (row.inode, None)).collect();
    find_processes(&mut processes);
    rows.iter()
        .map(|row| Holder {
            process: processes.get(&row.inode).cloned().flatten(),
            other_user: (own != Some(row.uid)).then(|| user_name(row.uid)),
        })
        .collect()
}

/// Fills in the processes that have these sockets open, as far as we may look.
fn find_processes(wanted: &mut HashMap<u64, Option<Process>>) {
    let mut missing = wanted.len();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        if missing == 0 {
            return;
        }
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process of somebody else, or one that has just ended, shows nothing.
        for open in std::fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten() {
            let Some(inode) = std::fs::read_link(open.path()).ok().and_then(|target| socket_inode(&target)) else {
                continue;
            };
            if let Some(found @ None) = wanted.get_mut(&inode) {
                *found = program(&entry.path()).map(|program| Process { pid, program });
                missing -= 1;
            }
        }
    }
}

/// `socket:[12345]`
fn socket_inode(target: &Path) -> Option<u64> {
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// File name of a process's program; its short name where the file is not shown to us.
fn program(process: &Path) -> Option<String> {
    let name =
        std::fs::read_link(process.join("exe")).ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let name = name.or_else(|| std::fs::read_to_string(process.join("comm")).ok())?;
    // A program that was replaced while it runs, by an update for example.
    Some(name.trim_end().trim_end_matches(" (deleted)").to_owned())
}

#[cfg(unix)]
fn own_uid() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|this| std::os::unix::fs::MetadataExt::uid(&this))
}

#[cfg(not(unix))]
fn own_uid() -> Option<u32> {
    None
}

/// Name of a user of this machine. Users of a directory service may not be in the file, and stay numbers.
fn user_name(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&users, uid).map_or_else(|| format!("user id {uid}"), str::to_owned)
}

fn name_in(users: &str, uid: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn a_line_is_read_and_whatever_is_no_line_is_passed_over() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:153F 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41 1 0 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:C353 0000000000000000FFFF00000100007F:153F 01 0:0 0:0 0  1003 0 45 1
   2: é00007F:1 0100007F:1 01 a b c 0
";
        let found: Vec<_> =
            rows(table).map(|row| (canonical(row.own).to_string(), row.state, row.uid, row.inode)).collect();
        let expected = [("127.0.0.1:5439".to_owned(), "0A", 1000, 41), ("127.0.0.1:50003".to_owned(), "01", 1003, 45)];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_user_has_the_name_of_the_file_or_stays_a_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\n# a comment\nkim:x:1001:1001::/home/kim:/bin/sh\n";
        assert_eq!(name_in(users, 1001), Some("kim"));
        assert_eq!(name_in(users, 1002), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_names_the_program_that_listens_on_it_and_a_client_its_own() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let this = Process { pid: std::process::id(), program: program(Path::new("/proc/self")).unwrap() };
        let mine = Holder { process: Some(this), other_user: None };
        assert_eq!(listener(address.port(), address.ip()), Some(mine.clone()));

        let client = std::net::TcpStream::connect(address).unwrap();
        let peer = client.local_addr().unwrap();
        let elsewhere = "127.0.0.1:1".parse().unwrap();
        assert_eq!(clients(&[peer, elsewhere], address.port()), HashMap::from([(peer, mine)]));
        drop((socket, client));
    }

    #[test]
    fn a_port_on_which_nobody_listens_has_no_holder() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        drop(socket);
        assert_eq!(listener(address.port(), address.ip()), None);
    }
}
