//! Sockets, admission, shutdown.

use std::time::Duration;

use bytes::BytesMut;
use postern_proxy::{ListenError, ListenOptions, Origin, ProxyOptions, SessionState};
use postern_wire::startup::StartupPacket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::server::{Script, Seen};
use crate::world::{ME, World, options};

#[tokio::test]
async fn the_owner_comes_in_by_port_and_by_socket_after_being_told_no_tls() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let run = ListenOptions { unix_dir: Some(dir.path().join("run")), ..ListenOptions::default() };
    let listening = world.proxy.listen(run).await.unwrap();
    assert!(listening.tcp.ip().is_loopback());

    let mut tcp = world.tcp(&listening).await;
    let mut request = BytesMut::new();
    StartupPacket::SslRequest.encode(&mut request).unwrap();
    tcp.write_all(&request).await.unwrap();
    assert_eq!(tcp.read_u8().await.unwrap(), b'N');
    let by_port = Client::log_in(tcp, ME).await.unwrap();
    let unix = tokio::net::UnixStream::connect(listening.unix.as_ref().unwrap()).await.unwrap();
    let by_socket = Client::log_in(unix, ME).await.unwrap();

    let origins: Vec<_> = world.proxy.sessions().into_iter().map(|session| session.facts.origin).collect();
    assert!(matches!(origins[..], [Origin::Tcp(_), Origin::Unix]), "{origins:?}");
    by_port.goodbye().await;
    by_socket.goodbye().await;
    assert!(world.proxy.shutdown(Duration::from_secs(1)).await.cut.is_empty());
    assert!(!listening.unix.unwrap().exists());
}

#[tokio::test]
async fn ipv6_loopback_is_served_on_the_same_port_where_there_is_one() {
    let world = World::new().await;
    let listening = world.listen().await;
    if let Some(tcp6) = listening.tcp6 {
        assert_eq!(tcp6.port(), listening.tcp.port());
        let client = Client::log_in(TcpStream::connect(tcp6).await.unwrap(), ME).await.unwrap();
        client.goodbye().await;
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_is_closed_and_disturbs_nobody() {
    let limits = ProxyOptions { startup_limit: Duration::from_millis(100), ..options() };
    let world = World::with(Script::default(), limits, |_| {}).await;
    let listening = world.listen().await;
    let mut silent = world.tcp(&listening).await;
    let mut client = Client::log_in(world.tcp(&listening).await, ME).await.unwrap();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(client.ask("select 1").await.len(), 4);
    client.goodbye().await;
}

#[tokio::test]
async fn a_port_in_use_is_told_as_such_and_can_be_had_once_it_is_free() {
    let (one, other) = (World::new().await, World::new().await);
    let port = one.listen().await.tcp.port();
    let wanted = ListenOptions { port: Some(port), ..ListenOptions::default() };
    assert!(
        matches!(other.proxy.listen(wanted.clone()).await, Err(ListenError::PortInUse { port: told }) if told == port)
    );
    assert!(matches!(one.proxy.listen(wanted.clone()).await, Err(ListenError::AlreadyListening { .. })));
    one.proxy.unlisten().await;
    assert_eq!(one.proxy.listening().await, None);
    assert_eq!(other.proxy.listen(wanted).await.unwrap().tcp.port(), port);
}

#[tokio::test]
async fn sessions_outlive_their_listener() {
    let world = World::new().await;
    let listening = world.listen().await;
    let mut client = Client::log_in(world.tcp(&listening).await, ME).await.unwrap();
    world.proxy.unlisten().await;
    assert!(TcpStream::connect(listening.tcp).await.is_err());
    assert_eq!(client.ask("select 1").await.len(), 4);
    client.goodbye().await;
}

#[tokio::test]
async fn changes_are_announced_when_sessions_open_and_close() {
    let world = World::new().await;
    let mut changes = world.proxy.changes();
    let before = *changes.borrow_and_update();
    let client = world.client().await;
    changes.changed().await.unwrap();
    client.goodbye().await;
    world.no_sessions().await;
    assert!(*changes.borrow_and_update() >= before + 3);
}

#[tokio::test]
async fn a_shutdown_tells_idle_clients_and_lets_a_running_query_finish() {
    let mut world = World::new().await;
    let mut idle = world.client().await;
    let mut busy = world.client().await;
    busy.query("sleep").await;
    let sessions =
        world.sessions_where(|sessions| sessions.iter().any(|session| session.state == SessionState::Running)).await;
    let running = sessions.iter().find(|session| session.state == SessionState::Running).unwrap().facts.id;
    world.server.seen_where(|seen| matches!(seen, Seen::Query(_)).then_some(())).await;
    let proxy = world.proxy.clone();
    let shutdown = tokio::spawn(async move { proxy.shutdown(Duration::from_secs(30)).await });

    let error = idle.last_words().await;
    assert_eq!(error.sqlstate(), "57P01");
    assert!(error.message().contains("shutting down"));
    world.proxy.cancel_session(running).await;
    assert_eq!(busy.answer().await.len(), 2);
    assert_eq!(busy.last_words().await.sqlstate(), "57P01");
    let report = shutdown.await.unwrap();
    assert_eq!((report.drained, report.cut.len()), (2, 0));
}

#[tokio::test]
async fn a_shutdown_cuts_what_is_left_at_its_limit_and_says_what() {
    let world = World::new().await;
    let mut busy = world.client().await;
    busy.query("sleep").await;
    world.sessions_where(|sessions| sessions[0].state == SessionState::Running).await;
    let report = world.proxy.shutdown(Duration::from_millis(50)).await;
    assert_eq!((report.drained, report.cut.len()), (0, 1));
    assert_eq!(report.cut[0].facts.db_user, "analyst");
    assert_eq!(busy.last_words().await.sqlstate(), "57P01");

    assert!(matches!(world.proxy.listen(ListenOptions::default()).await, Err(ListenError::ShutDown)));
    let Err(late) = world.log_in(ME).await else { panic!("it was let in") };
    assert_eq!(late.sqlstate(), "57P03");
}

#[tokio::test]
async fn dropping_the_last_handle_ends_everything() {
    let world = World::new().await;
    let listening = world.listen().await;
    let mut client = Client::log_in(world.tcp(&listening).await, ME).await.unwrap();
    drop(world.proxy);
    assert!(client.receive().await.is_none());
    let closed = async {
        while TcpStream::connect(listening.tcp).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
}
