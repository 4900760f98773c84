//! Admission: which users of this machine may use a proxy.
//!
//! Whoever gets through acts with the owner's AWS rights, and any program of any user can reach a loopback port. On Linux the kernel
//! tells who owns the other end of a connection, so the owner needs no password and everybody else is refused:
//! - TCP: the kernel is asked about the peer's own socket, by netlink (see `sock_diag`) and, where that is not to be had, by reading
//!   `/proc/net/tcp` (see `proc_net`).
//! - Unix socket: SO_PEERCRED, which also works on macOS.
//!
//! On other systems the owner of a TCP peer is not told in such a way: [`Admission::SameUser`] refuses TCP there, and the Unix socket
//! remains. Root is refused like anybody else, although nothing could keep root from other ways in.
//!
//! [`Admission::Password`] is for those systems, and for clients that run as somebody else: in a container, say. Then nobody's owner is
//! asked for, and there is no mode that wants both. A password besides the right user would keep nobody out who counts: a program of the
//! same user can read the password where its owner keeps it. A password *or* the right user would let in programs that the owner may
//! just have meant to keep out by choosing a password, such as a container that runs with the owner's user id. What the owner's user id
//! is still good for is to be spared the queue when somebody guesses passwords (see `throttle`). A CancelRequest needs no password, only
//! its key, as everywhere. A Unix socket is for the owner only in any mode, by the mode of its folder.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::sync::OnceLock;

use crate::dial::is_out_of_descriptors;
use crate::password::PasswordAdmission;
use crate::upstream::Refusal;

/// Who may use a proxy.
#[derive(Clone, Debug, Default)]
pub enum Admission {
    /// Programs of the same OS user only.
    #[default]
    SameUser,
    /// Every program of every user on this machine. An explicit choice for systems that cannot tell users apart.
    AnyLocalUser,
    /// Whoever knows the password.
    Password(PasswordAdmission),
}

#[cfg(target_os = "linux")]
mod proc_net;
#[cfg(target_os = "linux")]
mod sock_diag;

/// The user id this process acts with.
#[cfg(not(unix))]
fn own_uid() -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The user id this process acts with. It is asked for once: it does not change, and a client that comes when no file can be opened any
/// more is not to be mistaken for a stranger.
#[cfg(unix)]
pub(crate) fn own_uid() -> io::Result<u32> {
    static OWN: OnceLock<u32> = OnceLock::new();
    if let Some(known) = OWN.get() {
        return Ok(*known);
    }
    let (one, _other) = tokio::net::UnixStream::pair()?;
    let uid = one.peer_cred()?.uid();
    Ok(*OWN.get_or_init(|| uid))
}

/// What is known about a peer's owner.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// May come in.
    Admitted,
    /// Somebody else's, for certain.
    Stranger(Refusal),
    /// Nobody can tell any more, or could ever: the peer has closed its end, or the system does not say.
    Unknown(Refusal),
}

impl Verdict {
    /// Of a connection that is gone.
    pub(crate) fn closed() -> Self {
        judge(Err(io::ErrorKind::NotConnected.into()), own_uid())
    }

    /// For a session: everybody who is not certainly the same user is refused.
    pub(crate) fn for_session(self) -> Result<(), Refusal> {
        match self {
            Self::Admitted => Ok(()),
            Self::Stranger(refusal) | Self::Unknown(refusal) => Err(refusal),
        }
    }

    /// For a CancelRequest: its sender may hang up at once and then has no owner any more. The key it has to bring says enough.
    pub(crate) fn for_cancel(self) -> Result<(), Refusal> {
        match self {
            Self::Admitted | Self::Unknown(_) => Ok(()),
            Self::Stranger(refusal) => Err(refusal),
        }
    }
}

/// Judges a TCP peer by the owner of its socket.
pub(crate) async fn judge_tcp(stream: &tokio::net::TcpStream) -> Verdict {
    match (stream.peer_addr(), stream.local_addr()) {
        (Ok(peer), Ok(local)) => judge(tcp_owner(peer, local).await, own_uid()),
        // Its end of the connection is closed already.
        (Err(error), _) | (_, Err(error)) => judge(Err(error), own_uid()),
    }
}

/// Judges a Unix peer by the credentials it connected with.
#[cfg(unix)]
pub(crate) fn judge_unix(stream: &tokio::net::UnixStream) -> Verdict {
    judge(stream.peer_cred().map(|peer| Some(peer.uid())), own_uid())
}

fn judge(owner: io::Result<Option<u32>>, own: io::Result<u32>) -> Verdict {
    let refusal = Refusal::new("28000", "this local proxy serves only the user who started it");
    match (owner, own) {
        (Ok(Some(owner)), Ok(own)) if owner == own => Verdict::Admitted,
        (Ok(Some(owner)), Ok(own)) => Verdict::Stranger(
            refusal.detail(format!("The connection comes from user id {owner}, the proxy belongs to {own}.")),
        ),
        (Ok(None), _) => {
            Verdict::Unknown(refusal.detail("The system does not tell which user the connection comes from."))
        }
        (Err(error), _) | (_, Err(error)) if is_out_of_descriptors(&error) => Verdict::Unknown(
            Refusal::new("53000", "the local proxy can take no more clients: too many files and sockets are open here")
                .hint("Close connections that are not used, or raise the limit of open files (ulimit -n) and start Postern again.")
                .source(error),
        ),
        (Err(error), _) | (_, Err(error)) => Verdict::Unknown(
            refusal.detail("The system could not be asked which user the connection comes from.").source(error),
        ),
    }
}

/// By netlink, and where that is not to be had (some containers) by the table in /proc, which takes longer and so runs aside.
#[cfg(target_os = "linux")]
async fn tcp_owner(peer: SocketAddr, local: SocketAddr) -> io::Result<Option<u32>> {
    match sock_diag::owner(peer, local) {
        Ok(owner) => Ok(owner),
        Err(_) => tokio::task::spawn_blocking(move || proc_net::owner(peer, local)).await.map_err(io::Error::other)?,
    }
}

#[cfg(not(target_os = "linux"))]
async fn tcp_owner(_peer: SocketAddr, _local: SocketAddr) -> io::Result<Option<u32>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_user_gets_a_session() {
        assert!(judge(Ok(Some(1000)), Ok(1000)).for_session().is_ok());
        let Err(refusal) = judge(Ok(Some(1001)), Ok(1000)).for_session() else { panic!("a stranger was let in") };
        assert_eq!(refusal.sqlstate, "28000");
        assert!(refusal.detail.is_some_and(|detail| detail.contains("1001")));
        assert!(judge(Ok(Some(0)), Ok(1000)).for_session().is_err());
        assert!(judge(Ok(None), Ok(1000)).for_session().is_err());
        assert!(judge(Err(io::ErrorKind::NotFound.into()), Ok(1000)).for_session().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_client_that_comes_when_no_file_can_be_opened_is_told_so_and_not_let_in() {
        let Err(refusal) = judge(Err(io::Error::from_raw_os_error(24)), Ok(1000)).for_session() else {
            panic!("it was let in")
        };
        assert_eq!(refusal.sqlstate, "53000");
        assert!(refusal.message.contains("too many files and sockets are open here"), "{refusal}");
    }

    #[test]
    fn a_cancel_needs_no_owner_but_is_not_taken_from_a_stranger() {
        assert!(judge(Ok(None), Ok(1000)).for_cancel().is_ok());
        assert!(judge(Ok(Some(1001)), Ok(1000)).for_cancel().is_err());
    }
}
