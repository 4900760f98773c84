//! Keys and CancelRequests.

use std::time::Duration;

use postern_proxy::{CancelOutcome, SessionId, SessionState};
use postern_wire::CancelKey;
use postern_wire::startup::StartupPacket;

use crate::client::Client;
use crate::server::{Script, Seen};
use crate::world::World;

async fn send_cancel(world: &World, key: CancelKey) {
    let mut canceller = Client::new(world.proxy.attach("test"));
    canceller.send(|out| StartupPacket::CancelRequest(key).encode(out)).await;
    assert!(canceller.receive().await.is_none());
}

async fn sleeping(world: &World) -> Client {
    let mut client = world.client().await;
    client.query("sleep").await;
    world.sessions_where(|sessions| sessions.iter().any(|session| session.state == SessionState::Running)).await;
    client
}

async fn is_cancelled(client: &mut Client) {
    let frames = client.answer().await;
    let error = postern_wire::ErrorResponse::decode(&frames[0].body).unwrap();
    assert_eq!(error.sqlstate(), "57014");
}

#[tokio::test]
async fn a_clients_cancel_reaches_the_server_over_tls_with_the_real_key() {
    let mut world = World::new().await;
    let mut client = sleeping(&world).await;
    world.server.seen_where(|seen| matches!(seen, Seen::Query(_)).then_some(())).await;
    send_cancel(&world, client.key.clone().unwrap()).await;
    let (key, encrypted) = world
        .server
        .seen_where(|seen| match seen {
            Seen::Cancel { key, encrypted } => Some((key, encrypted)),
            _ => None,
        })
        .await;
    assert!(encrypted);
    assert_eq!(Some(key), Script::default().key);
    is_cancelled(&mut client).await;
    world.audit.line(&["CancelRequested", "Client", "Sent"]).await;
    client.goodbye().await;
}

#[tokio::test]
async fn unknown_keys_are_ignored_in_silence() {
    let mut world = World::new().await;
    let client = world.client().await;
    world.server.startup().await;
    let key = client.key.clone().unwrap();
    send_cancel(&world, CancelKey::new(key.pid, *b"\0\0\0\0")).await;
    send_cancel(&world, CancelKey::new(key.pid.wrapping_add(1), key.expose_secret())).await;
    send_cancel(&world, Script::default().key.unwrap()).await;
    client.goodbye().await;
    // The next thing the server sees is the end of the session: no cancel came in between.
    assert!(matches!(world.server.seen().await, Seen::Ended));
    assert!(!world.audit.lines().iter().any(|line| line.contains("CancelRequested")));
}

#[tokio::test]
async fn a_key_is_worth_nothing_once_its_session_is_over() {
    let mut world = World::new().await;
    let client = world.client().await;
    let key = client.key.clone().unwrap();
    client.goodbye().await;
    world.no_sessions().await;
    world.server.seen_where(|seen| matches!(seen, Seen::Ended).then_some(())).await;
    send_cancel(&world, key).await;
    let other = world.client().await;
    assert!(matches!(world.server.seen().await, Seen::Startup { .. }));
    other.goodbye().await;
}

#[tokio::test]
async fn the_owner_cancels_a_session_by_its_id() {
    let world = World::new().await;
    let mut client = sleeping(&world).await;
    let before = world.proxy.sessions()[0].clone();
    let (outcome, query) = world.proxy.cancel_session(before.facts.id).await;
    assert!(matches!(outcome, CancelOutcome::Sent));
    is_cancelled(&mut client).await;
    let query = query.unwrap();
    assert!(!world.proxy.still_runs(query));
    assert_eq!(world.proxy.was_told(query), Some(true));
    world.audit.line(&["CancelRequested", "Owner", "Sent"]).await;
    assert!(matches!(world.proxy.cancel_session(SessionId(u64::MAX)).await, (CancelOutcome::NoSession, None)));
    // Whoever supplies the upstream has asked for this one itself.
    assert!(world.upstream.cancels.lock().unwrap().is_empty());
    client.goodbye().await;
}

#[tokio::test]
async fn a_session_without_a_key_cannot_be_cancelled_this_way() {
    let world = World::with_script(Script { key: None, ..Script::default() }).await;
    let client = world.client().await;
    let id = world.proxy.sessions()[0].facts.id;
    assert!(matches!(world.proxy.cancel_session(id).await, (CancelOutcome::NoKey, None)));
    client.goodbye().await;
}

#[tokio::test]
async fn a_session_that_runs_nothing_is_left_alone() {
    let mut world = World::new().await;
    let mut client = world.client().await;
    world.server.startup().await;
    send_cancel(&world, client.key.clone().unwrap()).await;
    world.audit.line(&["CancelRequested", "Client", "NothingRuns"]).await;
    client.query("next").await;
    assert_eq!(client.answer().await.len(), 4);
    client.goodbye().await;
    // Query and end are all that the server sees: no cancel came in between.
    assert!(matches!(world.server.seen().await, Seen::Query(_)));
    assert!(matches!(world.server.seen().await, Seen::Ended));
}

#[tokio::test]
async fn a_query_that_its_session_has_left_behind_is_not_cancelled_in_the_next_ones_place() {
    let world = World::new().await;
    let mut client = sleeping(&world).await;
    let id = world.proxy.sessions()[0].facts.id;
    let query = world.proxy.running(id).unwrap();
    assert!(matches!(world.proxy.cancel_query(query).await, CancelOutcome::Sent));
    is_cancelled(&mut client).await;
    client.query("sleep").await;
    world.sessions_where(|sessions| sessions[0].state == SessionState::Running).await;
    assert!(matches!(world.proxy.cancel_query(query).await, CancelOutcome::NothingRuns));
    assert_eq!(world.proxy.while_it_runs(query, async {}).await, None);
    let next = world.proxy.running(id).unwrap();
    assert_ne!(next, query);
    assert!(matches!(world.proxy.cancel_query(next).await, CancelOutcome::Sent));
    is_cancelled(&mut client).await;
    client.goodbye().await;
}

#[tokio::test]
async fn what_a_client_sends_while_its_query_is_acted_on_waits() {
    let world = World::new().await;
    let mut client = sleeping(&world).await;
    let forwarded = || world.proxy.sessions()[0].bytes_up;
    let query = world.proxy.running(world.proxy.sessions()[0].facts.id).unwrap();
    let acting = async {
        let before = forwarded();
        // Sent ahead, as a pipelining driver would.
        client.query("the next").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(forwarded(), before);
        before
    };
    let before = world.proxy.while_it_runs(query, acting).await.unwrap();
    world.sessions_where(|sessions| sessions[0].bytes_up > before).await;
    assert!(matches!(world.proxy.cancel_query(query).await, CancelOutcome::Sent));
    is_cancelled(&mut client).await;
    assert_eq!(client.answer().await.len(), 4);
    client.goodbye().await;
}

#[tokio::test]
async fn a_cancel_never_overtakes_the_query_it_is_meant_for() {
    let world = World::new().await;
    let mut client = world.client().await;
    let key = client.key.clone().unwrap();
    for _ in 0..200 {
        // Nobody waits for the proxy to have read it.
        client.query("sleep").await;
        send_cancel(&world, key.clone()).await;
        is_cancelled(&mut client).await;
    }
    assert_eq!(world.upstream.cancels.lock().unwrap().len(), 200);
    client.goodbye().await;
}
