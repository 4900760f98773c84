//! What passes, what is rewritten, what is recorded, how a session ends.

use std::sync::atomic::Ordering;

use bytes::{BufMut, BytesMut};
use futures_util::future::join_all;
use postern_proxy::{ProxyOptions, SessionState, StopReason};
use postern_wire::backend::{DataRow, ParameterStatus};
use postern_wire::frontend::{Bind, BindParameter, Close, Empty, Execute, Parse, Query, Target};
use postern_wire::{ErrorResponse, Format};
use tokio::io::AsyncWriteExt;

use crate::server::{Script, Seen};
use crate::world::{World, options};

#[tokio::test]
async fn an_encoding_named_unicode_in_mid_session_is_renamed_and_nothing_else_is_touched() {
    let world = World::new().await;
    let mut client = world.client().await;
    let frames = client.ask("unicode").await;
    assert_eq!(frames.iter().map(|frame| frame.tag).collect::<Vec<_>>(), *b"DSDCZ");
    assert_eq!(ParameterStatus::decode(&frames[1].body).unwrap(), ParameterStatus::new("client_encoding", "UTF8"));
    let cell = |index: usize| DataRow::decode(&frames[index].body).unwrap().cells().next().unwrap().unwrap();
    assert_eq!((cell(0), cell(2)), (&b"before"[..], &b"after"[..]));
    client.goodbye().await;
}

#[tokio::test]
async fn many_rows_arrive_whole_and_are_counted() {
    let world = World::new().await;
    let mut client = world.client().await;
    let frames = client.ask("rows 20000").await;
    assert_eq!(frames.len(), 20_002);
    assert!(frames[..20_000].iter().all(|frame| frame.tag == b'D' && frame.body.len() == 106));
    let session = &world.proxy.sessions()[0];
    assert_eq!(session.bytes_down, frames.iter().map(|frame| frame.body.len() as u64 + 5).sum::<u64>());
    assert_eq!(session.bytes_up, "rows 20000".len() as u64 + 6);
    client.goodbye().await;
    world.no_sessions().await;
    let totals = world.proxy.totals();
    assert_eq!(totals.sessions, 1);
    assert!(totals.bytes_down > 2_000_000);
}

#[tokio::test]
async fn a_thousand_sessions_at_once_are_each_answered_with_their_own() {
    allow_descriptors(3_000);
    let world = World::new().await;
    let mut clients = join_all((0..1_000).map(|_| world.client())).await;
    world.sessions_where(|sessions| sessions.len() == 1_000).await;
    // Each has another number of rows to count, and all are under way at once.
    let asked = clients.iter_mut().enumerate().map(|(index, client)| async move {
        let frames = client.ask(&format!("rows {}", index + 1)).await;
        assert_eq!(frames.len(), index + 3);
    });
    join_all(asked).await;
    join_all(clients.into_iter().map(crate::client::Client::goodbye)).await;
    world.no_sessions().await;
    assert_eq!(world.proxy.totals().sessions, 1_000);
}

/// A shell's usual limit is 1024.
fn allow_descriptors(wanted: u64) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        setrlimit(Resource::Nofile, limit).expect("a machine for development allows this");
    }
}

#[tokio::test]
async fn a_cell_of_many_megabytes_flows_through() {
    let world = World::new().await;
    let mut client = world.client().await;
    let frames = client.ask("cell 30000000").await;
    assert_eq!(DataRow::decode(&frames[0].body).unwrap().cells().next().unwrap().unwrap().len(), 30_000_000);
    client.goodbye().await;
}

#[tokio::test]
async fn everything_that_can_run_is_recorded() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.ask("select 'one'; select 2").await;
    let parameters = vec![
        BindParameter { format: Format::Text, value: Some(b"text") },
        BindParameter { format: Format::Binary, value: Some(b"\0\x01") },
        BindParameter { format: Format::Text, value: None },
    ];
    let bind = Bind { portal: "p1".into(), statement: "s1".into(), parameters, results: Vec::new() };
    client.send(|out| Parse { name: "s1".into(), sql: "select $1".into(), types: vec![0] }.encode(out)).await;
    client.send(|out| bind.encode(out)).await;
    client.send(|out| Execute { portal: "p1".into(), max_rows: 5 }.encode(out)).await;
    client.send(|out| Close { target: Target::Statement("s1".into()) }.encode(out)).await;
    world.sessions_where(|sessions| sessions[0].state == SessionState::Running).await;
    client
        .send(|out| {
            out.put_slice(b"F\0\0\0\x08\0\0\x03\xe8");
            Empty::Sync.encode(out);
            Ok(())
        })
        .await;
    client.answer().await;
    for words in [
        &["analyst@dev: SessionStarted"][..],
        &["Query", "select 'one'; select 2", "cut: false"],
        &["Parse", "s1", "select $1"],
        &["Bind", "p1", "s1", "Text(\"text\")", "Binary([0, 1])", "Null"],
        &["Execute", "p1", "max_rows: 5"],
        &["Close", "statement", "s1"],
        &["FunctionCall", "oid: 1000"],
    ] {
        world.audit.line(words).await;
    }
    client.goodbye().await;
    world.audit.line(&["SessionEnded", "ClientTerminated"]).await;
}

#[tokio::test]
async fn a_statement_longer_than_the_limit_is_cut_in_the_audit_and_whole_at_the_server() {
    let limits = ProxyOptions { statement_limit: 100, ..options() };
    let mut world = World::with(Script::default(), limits, |_| {}).await;
    let mut client = world.client().await;
    let sql = format!("select '{}'", "x".repeat(1_000_000));
    client.ask(&sql).await;
    let arrived = world
        .server
        .seen_where(|seen| match seen {
            Seen::Query(sql) => Some(sql),
            _ => None,
        })
        .await;
    assert!(arrived == sql);
    let line = world.audit.line(&["Query", "select 'xxx", "cut: true"]).await;
    assert!(line.len() < 300, "{line}");
    client.goodbye().await;
}

#[tokio::test]
async fn bytes_that_come_one_by_one_are_recorded_and_answered_all_the_same() {
    let world = World::new().await;
    let mut client = world.client().await;
    let mut out = BytesMut::new();
    Query::new("select 1").encode(&mut out).unwrap();
    for byte in &out[..] {
        client.stream.write_u8(*byte).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.len(), 4);
    world.audit.line(&["Query", "select 1"]).await;
    client.goodbye().await;
}

#[tokio::test]
async fn a_statement_that_cannot_be_recorded_is_not_sent() {
    let mut world = World::new().await;
    let mut client = world.client().await;
    world.server.startup().await;
    world.audit.full.store(true, Ordering::SeqCst);
    client.query("drop table t").await;
    let error = client.last_words().await;
    assert_eq!(error.sqlstate(), "58030");
    assert_eq!(error.field(b'D'), Some("no space left on device"));
    assert!(matches!(world.server.seen().await, Seen::Ended));
}

#[tokio::test]
async fn a_message_that_breaks_the_protocol_ends_the_session_in_words() {
    for malformed in [&b"Q\0\0\0\x0fselect 1\0x\0"[..], b"Q\0\0\0\x03", b"P\0\0\0\x04", b"Q\xff\xff\xff\xff"] {
        let world = World::new().await;
        let mut client = world.client().await;
        client.stream.write_all(malformed).await.unwrap();
        let error = client.last_words().await;
        assert_eq!(error.sqlstate(), "08P01", "{malformed:?}");
        world.audit.line(&["Malformed"]).await;
        world.audit.line(&["SessionEnded", "ClientMalformed"]).await;
    }
}

#[tokio::test]
async fn a_server_that_dies_in_mid_query_is_told_to_its_client_and_to_nobody_else() {
    let world = World::new().await;
    let mut bystander = world.client().await;
    let mut client = world.client().await;
    client.query("die").await;
    let error = client.last_words().await;
    assert_eq!((error.sqlstate(), error.field(b'V')), ("08006", Some("FATAL")));
    assert!(error.field(b'H').unwrap().contains("may or may not"));
    world.audit.line(&["SessionEnded", "Upstream"]).await;
    assert_eq!(bystander.ask("select 1").await.len(), 4);
    bystander.goodbye().await;
}

#[tokio::test]
async fn a_server_that_says_why_it_goes_is_not_talked_over() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.query("shut down").await;
    let error = client.last_words().await;
    assert_eq!(error.sqlstate(), "57P01");
    assert!(error.message().contains("administrator"));
    world.audit.line(&["SessionEnded", "UpstreamClosed(Some"]).await;
}

#[tokio::test]
async fn nothing_of_ours_is_put_into_the_middle_of_a_row() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.query("half a row").await;
    assert!(client.receive().await.is_none());
    world.no_sessions().await;
}

#[tokio::test]
async fn a_session_stopped_in_mid_row_is_closed_though_the_server_stalls() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.query("stall in a row").await;
    let sessions = world.sessions_where(|sessions| sessions[0].bytes_down > 0).await;
    assert!(world.proxy.stop_session(sessions[0].facts.id, StopReason::Disconnected));
    assert!(client.receive().await.is_none());
    world.no_sessions().await;
}

#[tokio::test]
async fn a_stopped_session_hears_why_and_the_server_is_told_goodbye() {
    let mut world = World::new().await;
    for (reason, sqlstate) in
        [(StopReason::Disconnected, "57P01"), (StopReason::Idle, "57P05"), (StopReason::CancelledButSilent, "57014")]
    {
        let mut client = world.client().await;
        let id = world.proxy.sessions()[0].facts.id;
        assert!(world.proxy.stop_session(id, reason));
        assert_eq!(client.last_words().await.sqlstate(), sqlstate);
        world.server.seen_where(|seen| matches!(seen, Seen::Ended).then_some(())).await;
        world.no_sessions().await;
        assert!(!world.proxy.stop_session(id, StopReason::Disconnected));
    }
    world.audit.line(&["SessionEnded", "Disconnected"]).await;
}

#[tokio::test]
async fn a_client_that_half_closes_still_gets_its_answer() {
    let world = World::new().await;
    let listening = world.listen().await;
    let mut client = crate::client::Client::log_in(world.tcp(&listening).await, crate::world::ME).await.unwrap();
    client.query("select 1").await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.answer().await.len(), 4);
    assert!(client.receive().await.is_none());
    world.audit.line(&["SessionEnded", "ClientVanished"]).await;
}

#[tokio::test]
async fn a_client_that_vanishes_in_mid_query_leaves_nothing_behind() {
    let mut world = World::new().await;
    let mut client = world.client().await;
    client.query("sleep").await;
    world.server.seen_where(|seen| matches!(seen, Seen::Query(_)).then_some(())).await;
    drop(client);
    world.no_sessions().await;
    world.audit.line(&["SessionEnded", "ClientVanished"]).await;
}

#[tokio::test]
async fn an_error_of_the_server_passes_as_it_came() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.query("sleep").await;
    let id = world.sessions_where(|sessions| sessions[0].state == SessionState::Running).await[0].facts.id;
    world.proxy.cancel_session(id).await;
    let frames = client.answer().await;
    let error = ErrorResponse::decode(&frames[0].body).unwrap();
    assert_eq!(error, ErrorResponse::error("57014", "canceling statement due to user request"));
    client.goodbye().await;
}
