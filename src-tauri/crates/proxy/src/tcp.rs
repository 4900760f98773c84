//! Opens the TCP connection to a server: an address that drops packets does not use up the time of the others, and a server that is gone
//! is noticed.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How long an address has before the next is tried beside it: the recommended delay of RFC 8305.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// How long a session is silent before the server's machine is asked whether it is still there. NAT gateways and load balancers forget a
/// silent connection after about six minutes (AWS: 350 s), so this also keeps it known to them.
const PROBE_AFTER: Duration = Duration::from_secs(60);

/// Between two such questions, and how many stay unanswered before the connection is given up. (Linux goes by [`UNTAKEN_LIMIT`] instead.)
const PROBE_EVERY: Duration = Duration::from_secs(10);
const PROBES: u32 = 6;

/// How long bytes may be on their way without being taken, where the system can be told (Linux). It would try for a quarter of an hour, and
/// for ever with a server that is there and takes nothing. Long enough for a server that pauses for a minute or two, as one under a snapshot
/// or a failover does.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNTAKEN_LIMIT: Duration = Duration::from_secs(180);

/// Why no connection was made.
#[derive(Debug)]
pub(crate) enum NoConnection {
    /// The name has no address; what the resolver said, or nothing when its answer was empty.
    Unresolvable(Option<io::Error>),
    /// None of the addresses took it; what the last one failed with.
    Failed(io::Error),
}

/// Resolves the name and connects to the first of its addresses that answers.
pub(crate) async fn connect(host: &str, port: u16) -> Result<TcpStream, NoConnection> {
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<_> = found.map_err(|error| NoConnection::Unresolvable(Some(error)))?.collect();
    if addresses.is_empty() {
        return Err(NoConnection::Unresolvable(None));
    }
    let stream = first_to_answer(in_turns(addresses)).await.map_err(NoConnection::Failed)?;
    prepare(&stream);
    Ok(stream)
}

/// Tries one address after the other: the next when one has failed, or has not answered for a moment. Those that were tried and are not
/// needed are given up.
async fn first_to_answer(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let (mut addresses, mut attempts) = (addresses.into_iter(), JoinSet::new());
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = addresses.next() {
            attempts.spawn(TcpStream::connect(address));
        }
        tokio::select! {
            done = attempts.join_next() => match done {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => last = error,
                Some(Err(error)) => last = error.into(),
                None => return Err(last),
            },
            () = sleep(NEXT_ADDRESS), if addresses.len() > 0 => {}
        }
    }
}

/// IPv6 and IPv4 by turns, beginning with what the resolver put first: a whole family may lead nowhere.
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second, mut turns) = (first.into_iter(), second.into_iter(), Vec::new());
    loop {
        let before = turns.len();
        turns.extend(first.next());
        turns.extend(second.next());
        if turns.len() == before {
            return turns;
        }
    }
}

/// Options of a connection to a server. One that cannot be set leaves a connection that works all the same.
fn prepare(stream: &TcpStream) {
    // Small messages must not wait for each other.
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY).with_retries(PROBES);
    let _ = socket.set_tcp_keepalive(&probes);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_user_timeout(Some(UNTAKEN_LIMIT));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::time::{Instant, timeout};

    use super::*;

    /// An address that answers nothing at all: the queue of its listener is full, so Linux drops what comes.
    #[cfg(target_os = "linux")]
    async fn silent() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
            queued.push(stream.unwrap());
        }
        (address, listener, queued)
    }

    async fn refusing() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_drops_packets_does_not_use_up_the_time_of_the_others() {
        let (silent, _listener, _queued) = silent().await;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let began = Instant::now();
        let addresses = vec![silent, silent, refusing().await, good.local_addr().unwrap()];
        let stream = timeout(Duration::from_secs(5), first_to_answer(addresses)).await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good.local_addr().unwrap());
        assert!(began.elapsed() >= 2 * NEXT_ADDRESS, "the silent ones had their moment");
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_passed_over_at_once_and_the_last_refusal_is_told() {
        let refusing = refusing().await;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = first_to_answer(vec![refusing, good.local_addr().unwrap()]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good.local_addr().unwrap());
        let error = first_to_answer(vec![refusing, refusing]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn the_families_take_turns_and_the_resolvers_first_choice_begins() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let [six, seven] = ["[::6]:1", "[::7]:1"].map(address);
        let [four, five] = ["4.4.4.4:1", "5.5.5.5:1"].map(address);
        assert_eq!(in_turns(vec![six, seven, four]), [six, four, seven]);
        assert_eq!(in_turns(vec![four, five, six, seven]), [four, six, five, seven]);
        assert_eq!(in_turns(vec![four]), [four]);
    }

    #[tokio::test]
    async fn a_connection_to_a_server_is_probed_while_it_is_silent() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = connect("127.0.0.1", server.local_addr().unwrap().port()).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && stream.nodelay().unwrap());
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), PROBE_AFTER);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), PROBE_EVERY);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), PROBES);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNTAKEN_LIMIT));
        }
    }
}
