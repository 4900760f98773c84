//! The talk with a server that behaves, that refuses, that leaves and that talks nonsense.

use postern_wire::backend::{CopyDirection, CopyResponse, ReadyForQuery};
use postern_wire::{CopyData, CopyDone, Format};
use proptest::prelude::*;
use tokio::io::DuplexStream;

use super::*;
use crate::testing::{FakeServer, cancel_key, login};

/// Writes down what it is told.
#[derive(Default)]
struct Heard {
    columns: Vec<Column>,
    rows: Vec<Vec<Option<Vec<u8>>>>,
    tags: Vec<String>,
    notices: Vec<String>,
    /// Break at this many rows.
    enough: Option<usize>,
}

impl Sink for Heard {
    fn columns(&mut self, columns: Vec<Column>) -> ControlFlow<()> {
        self.columns = columns;
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: Row<'_>) -> ControlFlow<()> {
        self.rows.push(row.cells().map(|cell| cell.map(<[u8]>::to_vec)).collect());
        if self.enough == Some(self.rows.len()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn complete(&mut self, tag: &str) {
        self.tags.push(tag.to_owned());
    }

    fn notice(&mut self, notice: ErrorResponse) {
        self.notices.push(notice.message().to_owned());
    }
}

/// A session, and the server that let it in.
async fn connected() -> (Session<DuplexStream>, FakeServer) {
    let (client, server) = tokio::io::duplex(64 << 10);
    let login = login();
    let (session, server) = tokio::join!(Session::start(client, &login), FakeServer::welcome(server, 7));
    (session.unwrap(), server)
}

/// What `session` hears when `serve` answers its one query.
async fn ask(session: &mut Session<DuplexStream>, serve: impl Future<Output = ()>) -> (RunEnd, Heard) {
    let mut heard = Heard::default();
    let (end, ()) = tokio::join!(session.run("select 1", &mut heard), serve);
    (end.unwrap(), heard)
}

#[tokio::test]
async fn the_login_says_who_and_keeps_what_the_server_tells() {
    let (session, server) = connected().await;
    let startup = server.startup.unwrap();
    let said = ["user", "database", "application_name", "client_encoding"].map(|name| startup.parameter(name).unwrap());
    assert_eq!(said, ["analyst", "dev", "postern", "UTF8"]);
    assert_eq!(session.cancel_key(), Some(&cancel_key(7)));
    assert_eq!(session.parameter("server_version"), Some("8.0.2"));
    assert_eq!(session.transaction(), TransactionStatus::Idle);
}

#[tokio::test]
async fn a_refused_login_brings_the_servers_words() {
    let (client, server) = tokio::io::duplex(1024);
    let refusal = ErrorResponse::fatal("28000", "access to db denied").detail("no role allows it");
    let serve = async {
        let mut server = FakeServer::new(server);
        server.hear_startup().await;
        server.error(&refusal).send().await;
    };
    let login = login();
    match tokio::join!(Session::start(client, &login), serve).0 {
        Err(SessionError::Refused(error)) => assert_eq!(*error, refusal),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_demand_for_a_password_is_an_error() {
    let (client, server) = tokio::io::duplex(1024);
    let serve = async {
        let mut server = FakeServer::new(server);
        server.hear_startup().await;
        server.raw(b"R\0\0\0\x08\0\0\0\x03").send().await;
    };
    let login = login();
    let (session, ()) = tokio::join!(Session::start(client, &login), serve);
    assert!(matches!(session, Err(SessionError::LoginDemanded { code: 3 })));
}

#[tokio::test]
async fn rows_come_with_names_types_null_and_bytes_as_sent() {
    let (mut session, mut server) = connected().await;
    let (end, heard) = ask(&mut session, async {
        assert_eq!(server.query().await.as_deref(), Some("select 1"));
        server.columns(&[("id", 23), ("id", 1043)]);
        server.row(&[Some(b"1"), None]).row(&[Some(b""), Some(b"\xff\xfe")]).complete("SELECT 2").ready().send().await;
    })
    .await;
    assert_eq!(end, RunEnd::Done);
    let columns: Vec<_> = heard.columns.iter().map(|column| (column.name.as_str(), column.type_name())).collect();
    assert_eq!(columns, [("id", "int4".into()), ("id", "varchar".into())]);
    assert_eq!(heard.rows, [[Some(b"1".to_vec()), None], [Some(b"".to_vec()), Some(b"\xff\xfe".to_vec())]]);
    assert_eq!(heard.tags, ["SELECT 2"]);
}

#[tokio::test]
async fn a_result_may_have_no_columns_and_a_statement_no_result() {
    let (mut session, mut server) = connected().await;
    let (end, heard) = ask(&mut session, async {
        server.query().await;
        server.columns(&[]).row(&[]).row(&[]).complete("SELECT 2").ready().send().await;
    })
    .await;
    assert_eq!((end, heard.rows.len(), heard.tags), (RunEnd::Done, 2, vec!["SELECT 2".to_owned()]));

    let (end, heard) = ask(&mut session, async {
        server.query().await;
        server.raw(b"I\0\0\0\x04").ready().send().await;
    })
    .await;
    assert_eq!((end, heard.tags), (RunEnd::Done, vec![String::new()]));
}

#[tokio::test]
async fn an_error_comes_with_all_its_fields_and_the_session_goes_on() {
    let (mut session, mut server) = connected().await;
    let error = ErrorResponse::error("42703", "column \"x\" does not exist").hint("perhaps y").position(8);
    let (end, heard) = ask(&mut session, async {
        server.query().await;
        server.notice("first").error(&error).notice("last").ready().send().await;
    })
    .await;
    assert_eq!(end, RunEnd::Refused(Box::new(error)));
    assert_eq!(heard.notices, ["first", "last"]);

    let (end, heard) = ask(&mut session, async {
        server.query().await;
        server.complete("SET").ready().send().await;
    })
    .await;
    assert_eq!((end, heard.tags), (RunEnd::Done, vec!["SET".to_owned()]));
}

#[tokio::test]
async fn a_sink_may_stop_and_the_rest_is_drained() {
    let (mut session, mut server) = connected().await;
    let mut heard = Heard { enough: Some(1), ..Heard::default() };
    let serve = async {
        server.query().await;
        server.columns(&[("n", 23)]).row(&[Some(b"1")]).row(&[Some(b"2")]).send().await;
    };
    let (end, ()) = tokio::join!(session.run("select n", &mut heard), serve);
    assert_eq!((end.unwrap(), heard.rows.len()), (RunEnd::Stopped, 1));

    let canceled = ErrorResponse::error("57014", "canceling statement due to user request");
    server.row(&[Some(b"3")]).error(&canceled).ready().send().await;
    assert_eq!(session.drain().await.unwrap(), RunEnd::Refused(Box::new(canceled)));
    assert_eq!(session.drain().await.unwrap(), RunEnd::Done);
}

#[tokio::test]
async fn copy_from_the_client_is_refused_and_copy_to_it_dropped() {
    let (mut session, mut server) = connected().await;
    let copy = |direction| {
        let mut bytes = BytesMut::new();
        CopyResponse { direction, format: Format::Text, columns: vec![Format::Text] }.encode(&mut bytes).unwrap();
        bytes
    };
    let failed = ErrorResponse::error("57014", "COPY from stdin failed");
    let (end, _) = ask(&mut session, async {
        server.query().await;
        server.raw(&copy(CopyDirection::In)).send().await;
        assert!(server.copy_fail().await.unwrap().contains("no data"));
        server.error(&failed).ready().send().await;
    })
    .await;
    assert_eq!(end, RunEnd::Refused(Box::new(failed)));

    let mut data = BytesMut::new();
    CopyData { data: b"1\n" }.encode(&mut data).unwrap();
    CopyData { data: b"2\n" }.encode(&mut data).unwrap();
    CopyDone.encode(&mut data);
    let (end, heard) = ask(&mut session, async {
        server.query().await;
        server.raw(&copy(CopyDirection::Out)).raw(&data).complete("COPY 2").ready().send().await;
    })
    .await;
    assert_eq!((end, heard.rows.len()), (RunEnd::CopyToClient, 0));
}

#[tokio::test]
async fn a_server_that_leaves_in_the_middle_is_told_apart_and_its_last_words_are_kept() {
    let (mut session, mut server) = connected().await;
    let goodbye = ErrorResponse::fatal("57P01", "terminating connection due to administrator command");
    let mut heard = Heard::default();
    let serve = async {
        server.query().await;
        server.columns(&[("n", 23)]).row(&[Some(b"1")]).error(&goodbye).send().await;
        drop(server);
    };
    let (end, ()) = tokio::join!(session.run("select n", &mut heard), serve);
    match end {
        Err(SessionError::Lost { server: Some(server), source: None }) => assert_eq!(*server, goodbye),
        other => panic!("{other:?}"),
    }
    assert_eq!(heard.rows.len(), 1);
}

#[tokio::test]
async fn a_server_that_left_between_statements_is_noticed_without_waiting() {
    let (mut session, mut server) = connected().await;
    session.check_idle().unwrap();
    let mut status = BytesMut::new();
    postern_wire::backend::ParameterStatus::new("TimeZone", "Asia/Seoul").encode(&mut status).unwrap();
    server.raw(&status).notice("hello").send().await;
    session.check_idle().unwrap();
    assert_eq!(session.parameter("TimeZone"), Some("Asia/Seoul"));
    server.error(&ErrorResponse::fatal("57P05", "idle for too long")).send().await;
    drop(server);
    match session.check_idle() {
        Err(SessionError::Lost { server: Some(server), .. }) => assert_eq!(server.sqlstate(), "57P05"),
        other => panic!("{other:?}"),
    }
    // A statement sent to it all the same fails as lost, and does not hang.
    let end = session.run("select 1", &mut Heard::default()).await;
    assert!(matches!(end, Err(SessionError::Lost { .. })));
}

#[tokio::test]
async fn nonsense_from_the_server_is_an_error_and_never_a_panic() {
    let mut ready = BytesMut::new();
    ReadyForQuery { status: TransactionStatus::Idle }.encode(&mut ready);
    for nonsense in [
        &b"D\x7f\xff\xff\xff"[..],
        b"D\0\0\0\x06\0\0",
        b"T\0\0\0\x06\0\x01",
        b"T\0\0\0\x06\0\0D\0\0\0\x0a\0\x01\0\0\0\0",
        b"Z\0\0\0\x05?",
        b"d\0\0\0\x05x",
        b"?\0\0\0\x04",
        b"C\0\0\0\0",
        b"W\0\0\0\x07\0\0\0",
    ] {
        let (mut session, mut server) = connected().await;
        let mut heard = Heard::default();
        let serve = async {
            server.query().await;
            server.raw(nonsense).raw(&ready).send().await;
        };
        let (end, ()) = tokio::join!(session.run("select 1", &mut heard), serve);
        assert!(
            matches!(end, Err(SessionError::Malformed { .. } | SessionError::Unexpected { .. })),
            "{nonsense:?}: {end:?}"
        );
    }
}

#[tokio::test]
async fn a_zero_byte_in_the_text_is_refused_and_the_session_goes_on() {
    let (mut session, mut server) = connected().await;
    let end = session.run("select '\0'", &mut Heard::default()).await;
    assert!(matches!(end, Err(SessionError::Unsendable(_))));
    let (end, _) = ask(&mut session, async {
        server.query().await;
        server.complete("SELECT 0").ready().send().await;
    })
    .await;
    assert_eq!(end, RunEnd::Done);
}

#[tokio::test]
async fn a_cell_of_a_hundred_megabytes_passes() {
    let (mut session, mut server) = connected().await;
    let cell = vec![b'x'; 100 << 20];
    let (end, heard) = ask(&mut session, async {
        server.query().await;
        server.columns(&[("big", 25), ("small", 25)]).row(&[Some(&cell), Some(b"s")]).complete("SELECT 1").ready();
        server.send().await;
    })
    .await;
    assert_eq!(end, RunEnd::Done);
    assert_eq!(heard.rows[0][0].as_ref().unwrap().len(), 100 << 20);
}

#[tokio::test]
async fn terminating_says_goodbye() {
    let (session, mut server) = connected().await;
    session.terminate().await;
    assert_eq!(server.query().await, None);
}

/// Messages with right and wrong tags, lengths and bodies.
fn server_bytes() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop::sample::select(b"TDCIEZNSAGHWdcRK12snt?".to_vec());
    let message = (tag, prop::collection::vec(0_u8..6, 0..40), prop::option::weighted(0.1, any::<i32>()));
    let message = message.prop_map(|(tag, body, length)| {
        let honest = i32::try_from(body.len() + 4).unwrap();
        let mut bytes = vec![tag];
        bytes.extend(length.unwrap_or(honest).to_be_bytes());
        bytes.extend(body);
        bytes
    });
    prop::collection::vec(message, 0..12).prop_map(|messages| messages.concat())
}

proptest! {
    #[test]
    fn whatever_a_server_sends_a_run_ends(bytes in server_bytes()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (mut session, mut server) = connected().await;
            let mut heard = Heard::default();
            let serve = async {
                server.query().await;
                server.raw(&bytes).send().await;
                drop(server);
            };
            let (end, ()) = tokio::join!(session.run("select 1", &mut heard), serve);
            if end.is_ok() {
                let _ = session.check_idle();
            }
        });
    }
}
