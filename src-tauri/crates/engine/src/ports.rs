//! Local ports: which one a proxy gets, who has the one it wanted, and which free one to offer in its place.
//!
//! A proxy that has a port keeps it. When somebody else has it, that is said with their name, and whoever asked decides:
//! settings of other programs name the port, so that moving would break them without a word.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener},
};

use crate::{
    engine::Shared,
    error::Error,
    lease::{self, Lease},
    memory::KeptProxies,
    sockets,
};

/// Ports are looked for from here: Redshift's own with a 1 before it.
pub(crate) const FIRST_PORT: u16 = 15_439;

/// How many ports are tried for an offer. Where all these are taken, a person has a better idea than we.
const TRIED: u16 = 1000;

/// Who listens on a port, as far as the system tells.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PortOwner {
    /// File name of the program. The system tells it for our own user's programs only.
    pub program: Option<String>,
    /// Its process id.
    pub pid: Option<u32>,
    /// Whose it is, when it is not our own user's.
    pub user: Option<String>,
    /// The database it serves, when it is one of our proxies.
    pub database: Option<String>,
}

impl fmt::Display for PortOwner {
    /// `postern, pid 4711, for analytics-prod`; `a program of the user kim`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program.as_deref().unwrap_or("a program"))?;
        if let Some(pid) = self.pid {
            write!(f, ", pid {pid},")?;
        }
        if let Some(user) = &self.user {
            write!(f, " of the user {user}")?;
        }
        match &self.database {
            Some(database) => write!(f, " for {database}"),
            None => Ok(()),
        }
    }
}

/// The error for a port that somebody else has, with who that is and what is free.
pub(crate) async fn in_use(engine: &Shared, kept: &KeptProxies, port: u16, address: Option<IpAddr>) -> Error {
    let ours =
        lease::running(&engine.home).unwrap_or_default().iter().find(|lease| lease.port == port).map(Lease::owner);
    let kept = kept.ports();
    // It reads many small files. What is lost with it is a name, not the error.
    let looked = tokio::task::spawn_blocking(move || {
        let owner = ours.or_else(|| owner(port, address));
        let free = candidates(port).find(|candidate| !kept.contains(candidate) && is_free(*candidate, address));
        (owner, free)
    });
    let (owner, free) = looked.await.unwrap_or_default();
    Error::PortInUse { port, owner, free }
}

fn owner(port: u16, address: Option<IpAddr>) -> Option<PortOwner> {
    let holder = sockets::listener(port, address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)))?;
    let (program, pid) = holder.process.map(|process| (process.program, process.pid)).unzip();
    Some(PortOwner { program, pid, user: holder.other_user, database: None })
}

/// Those behind the taken one, so that the number stays near what the person knows.
fn candidates(port: u16) -> impl Iterator<Item = u16> {
    (port..u16::MAX).skip(1).chain(FIRST_PORT..).take(usize::from(TRIED))
}

/// Whether all that a proxy would bind could be bound. Where a machine has no IPv6, nobody has the port there either.
fn is_free(port: u16, address: Option<IpAddr>) -> bool {
    let taken =
        |ip: IpAddr| TcpListener::bind((ip, port)).is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse);
    let binds = |ip: IpAddr| TcpListener::bind((ip, port)).is_ok();
    match address {
        Some(address) => binds(address),
        None => binds(Ipv4Addr::LOCALHOST.into()) && !taken(Ipv6Addr::LOCALHOST.into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_called_by_what_is_known() {
        let nobody = PortOwner::default();
        let postgres = PortOwner { program: Some("postgres".into()), pid: Some(911), ..nobody.clone() };
        let ours = PortOwner { database: Some("events-dev".into()), ..postgres.clone() };
        let theirs = PortOwner { user: Some("kim".into()), ..nobody.clone() };
        assert_eq!(nobody.to_string(), "a program");
        assert_eq!(postgres.to_string(), "postgres, pid 911,");
        assert_eq!(ours.to_string(), "postgres, pid 911, for events-dev");
        assert_eq!(theirs.to_string(), "a program of the user kim");
    }

    #[test]
    fn a_taken_port_is_not_free_at_any_address_a_proxy_would_bind() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(socket) = TcpListener::bind(address) else { continue };
            let port = socket.local_addr().unwrap().port();
            assert!(!is_free(port, None));
            assert!(!is_free(port, Some(socket.local_addr().unwrap().ip())));
        }
    }

    #[test]
    fn ports_behind_the_taken_one_are_offered_first() {
        assert_eq!(candidates(5441).take(2).collect::<Vec<_>>(), [5442, 5443]);
        assert_eq!(candidates(u16::MAX).next(), Some(FIRST_PORT));
        assert_eq!(candidates(5441).count(), 1000);
    }
}
