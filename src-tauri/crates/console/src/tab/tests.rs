//! A tab from its first run to its end: what is run, what is seen of it, and what is left when something goes wrong.

use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use postern_wire::ErrorResponse;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use super::*;
use crate::session::SessionError;
use crate::store::StoreError;
use crate::testing::{FakeServer, cancel_key, login};

/// Hands the server's end of each stream to the test, and tells it of cancels.
struct FakeConnector {
    streams: mpsc::UnboundedSender<DuplexStream>,
    cancels: mpsc::UnboundedSender<CancelKey>,
    refuse: Option<&'static str>,
    connects: Arc<AtomicUsize>,
}

impl Connector for FakeConnector {
    type Error = &'static str;

    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Stream>, Self::Error>> {
        Box::pin(async {
            self.connects.fetch_add(1, Ordering::Relaxed);
            if let Some(reason) = self.refuse {
                return Err(reason);
            }
            let (client, server) = tokio::io::duplex(64 << 10);
            self.streams.send(server).unwrap();
            Ok(Box::new(client) as Box<dyn Stream>)
        })
    }

    fn cancel(&self, key: CancelKey) -> BoxFuture<'_, ()> {
        let _ = self.cancels.send(key);
        Box::pin(std::future::ready(()))
    }
}

/// A tab, and the other side of all it reaches.
struct World {
    tab: Tab<FakeConnector>,
    run: watch::Receiver<Option<RunSnapshot<&'static str>>>,
    streams: mpsc::UnboundedReceiver<DuplexStream>,
    cancels: mpsc::UnboundedReceiver<CancelKey>,
    connects: Arc<AtomicUsize>,
    directory: tempfile::TempDir,
    pids: AtomicI32,
}

impl World {
    fn new() -> Self {
        Self::with(None, |_| {})
    }

    fn with(refuse: Option<&'static str>, change: impl FnOnce(&mut TabOptions)) -> Self {
        let (stream_sender, streams) = mpsc::unbounded_channel();
        let (cancel_sender, cancels) = mpsc::unbounded_channel();
        let connects = Arc::new(AtomicUsize::new(0));
        let connector =
            FakeConnector { streams: stream_sender, cancels: cancel_sender, refuse, connects: Arc::clone(&connects) };
        let directory = tempfile::tempdir().unwrap();
        let mut options =
            TabOptions { login: login(), store: StoreOptions::new(directory.path()), clock: || SystemTime::UNIX_EPOCH };
        change(&mut options);
        let tab = Tab::new(connector, options);
        let run = tab.watch();
        Self { tab, run, streams, cancels, connects, directory, pids: AtomicI32::new(1) }
    }

    /// Lets the tab's next session in.
    async fn server(&mut self) -> FakeServer {
        let stream = self.streams.recv().await.unwrap();
        FakeServer::welcome(stream, self.pids.fetch_add(1, Ordering::Relaxed)).await
    }

    fn run_all(&self, text: &str) -> RunId {
        self.tab.run(RunRequest::all(text)).unwrap()
    }

    /// The run as soon as it is as `until` wants it.
    async fn seen(&mut self, until: impl Fn(&RunSnapshot<&'static str>) -> bool) -> RunSnapshot<&'static str> {
        let seen = self.run.wait_for(|run| run.as_ref().is_some_and(&until));
        let seen = tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the run never gets there");
        seen.unwrap().clone().unwrap()
    }

    async fn ended(&mut self) -> RunSnapshot<&'static str> {
        self.seen(|run| run.state.ended()).await
    }
}

fn states(run: &RunSnapshot<&'static str>) -> Vec<RunState> {
    run.statements.iter().map(|statement| statement.state).collect()
}

fn mark(run: &RunSnapshot<&'static str>, index: usize) -> Option<(u32, u32)> {
    match run.statements[index].failure.as_ref() {
        Some(StatementFailure::Refused { mark, .. }) => *mark,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn statements_run_in_order_on_one_session_and_their_rows_are_kept() {
    let mut world = World::new();
    let id = world.run_all("select 1; set x to 1;\nselect 2");
    let mut server = world.server().await;
    assert_eq!(server.query().await.as_deref(), Some("select 1"));
    server.columns(&[("n", 23), ("n", 25)]).row(&[Some(b"1"), None]).complete("SELECT 1").ready().send().await;
    assert_eq!(server.query().await.as_deref(), Some("set x to 1"));
    server.notice("done").complete("SET").ready().send().await;
    assert_eq!(server.query().await.as_deref(), Some("select 2"));
    server.columns(&[]).row(&[]).complete("SELECT 1").ready().send().await;

    let run = world.ended().await;
    assert_eq!((run.id, run.state, run.failure.is_none()), (id, RunState::Done, true));
    assert_eq!(states(&run), [RunState::Done; 3]);
    let places: Vec<_> = run.statements.iter().map(|statement| (statement.from, statement.to)).collect();
    assert_eq!(places, [(0, 8), (10, 20), (22, 30)]);
    let tags: Vec<_> = run.statements.iter().map(|statement| statement.tag.as_deref().unwrap()).collect();
    assert_eq!(tags, ["SELECT 1", "SET", "SELECT 1"]);
    assert_eq!(run.notices[0].message(), "done");

    let result = run.statements[0].result.as_ref().unwrap();
    assert_eq!((result.rows, result.bytes, result.complete, result.columns.len()), (1, 1, true, 2));
    let store = world.tab.result(result.id).unwrap();
    assert_eq!(store.window(0, 10).unwrap().rows, [[Some("1".into()), None]]);
    assert!(run.statements[1].result.is_none() && run.statements[2].result.is_none());
    assert_eq!(world.connects.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_new_run_drops_the_results_of_the_last_and_uses_its_session() {
    let mut world = World::new();
    world.run_all("select 1");
    let mut server = world.server().await;
    server.query().await;
    server.columns(&[("n", 23)]).row(&[Some(b"1")]).complete("SELECT 1").ready().send().await;
    let first = world.ended().await.statements[0].result.clone().unwrap();
    assert!(world.tab.result(first.id).is_some());

    world.run_all("select 2");
    assert_eq!(world.tab.run(RunRequest::all("x")), Err(RunRefused::Busy));
    assert!(world.tab.result(first.id).is_none() && world.tab.results().is_empty());
    assert_eq!(server.query().await.as_deref(), Some("select 2"));
    server.complete("SELECT 0").ready().send().await;
    assert_eq!(world.ended().await.state, RunState::Done);
    assert_eq!(world.connects.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_first_error_stops_the_run_and_marks_the_token_in_the_editors_text() {
    let mut world = World::new();
    let text = "select '🐘';\nselect '한', colum from t;\nselect 3";
    world.run_all(text);
    let mut server = world.server().await;
    server.query().await;
    server.complete("SELECT 1").ready().send().await;
    server.query().await;
    // The server counts characters of what it was sent, from 1.
    server.error(&ErrorResponse::error("42703", "column \"colum\" does not exist").position(13)).ready().send().await;
    let run = world.ended().await;
    assert_eq!(states(&run), [RunState::Done, RunState::Failed, RunState::Waiting]);
    assert_eq!((run.state, run.failure.is_none()), (RunState::Failed, true));
    let (from, to) = mark(&run, 1).unwrap();
    let units: Vec<u16> = text.encode_utf16().collect();
    assert_eq!(String::from_utf16(&units[from as usize..to as usize]).unwrap(), "colum");

    // The session is fine.
    world.run_all("select 4");
    assert_eq!(server.query().await.as_deref(), Some("select 4"));
}

#[tokio::test]
async fn an_error_in_a_selection_marks_the_editors_text_too() {
    let mut world = World::new();
    let text = "-- 한글\nselect 1; selec 2; select 3";
    let units: Vec<u16> = text.encode_utf16().collect();
    let start = units.len() - "selec 2; select 3".len();
    // Selected from its end to its start: which end the cursor is at does not matter.
    let (from, to) = (u32::try_from(start + 7).unwrap(), u32::try_from(start).unwrap());
    world.tab.run(RunRequest::new(text, from, to)).unwrap();
    let mut server = world.server().await;
    assert_eq!(server.query().await.as_deref(), Some("selec 2"));
    server.error(&ErrorResponse::error("42601", "syntax error").position(1)).ready().send().await;
    let run = world.ended().await;
    assert_eq!(mark(&run, 0), Some((to, to + 5)));
    assert_eq!((run.statements[0].from, run.statements[0].to), (to, from));
}

#[tokio::test]
async fn a_plan_is_asked_for_without_running_the_statement() {
    let mut world = World::new();
    let text = "delete from 한; select colum";
    let at = |from| RunRequest { explain: true, ..RunRequest::new(text, from, from) };
    world.tab.run(at(1)).unwrap();
    let mut server = world.server().await;
    assert_eq!(server.query().await.as_deref(), Some("EXPLAIN delete from 한"));
    server.complete("EXPLAIN").ready().send().await;
    assert_eq!(world.ended().await.state, RunState::Done);

    world.tab.run(at(20)).unwrap();
    assert_eq!(server.query().await.as_deref(), Some("EXPLAIN select colum"));
    server.error(&ErrorResponse::error("42703", "no such column").position(16)).ready().send().await;
    let run = world.ended().await;
    let (from, to) = mark(&run, 0).unwrap();
    let units: Vec<u16> = text.encode_utf16().collect();
    assert_eq!(String::from_utf16(&units[from as usize..to as usize]).unwrap(), "colum");

    // In front of this, EXPLAIN would run it.
    let analyze = RunRequest { text: "analyze delete from t".into(), ..at(0) };
    assert_eq!(world.tab.run(analyze), Err(RunRefused::NotExplainable));
}

#[tokio::test]
async fn with_nothing_selected_the_statement_under_the_cursor_runs() {
    let mut world = World::new();
    let at = |from| RunRequest::new("select 1; select 2; -- end", from, from);
    world.tab.run(at(12)).unwrap();
    let mut server = world.server().await;
    assert_eq!(server.query().await.as_deref(), Some("select 2"));
    server.complete("SELECT 1").ready().send().await;
    world.ended().await;
    let nothing = RunRequest::all(" -- nothing");
    assert_eq!(world.tab.run(nothing), Err(RunRefused::Nothing));
    assert_eq!(world.run.borrow().as_ref().unwrap().state, RunState::Done);
}

#[tokio::test]
async fn rows_can_be_read_while_more_arrive() {
    let mut world = World::new();
    world.run_all("select n");
    let mut server = world.server().await;
    server.query().await;
    server.columns(&[("n", 23)]).row(&[Some(b"1")]).send().await;
    let run = world.seen(|run| run.statements[0].result.as_ref().is_some_and(|result| result.rows == 1)).await;
    assert_eq!(run.state, RunState::Running);
    let result = run.statements[0].result.clone().unwrap();
    assert!(!result.complete);
    let store = world.tab.result(result.id).unwrap();
    assert_eq!(store.window(0, 200).unwrap().rows.len(), 1);
    server.row(&[Some(b"2")]).send().await;
    world.seen(|run| run.statements[0].result.as_ref().is_some_and(|result| result.rows == 2)).await;
}

#[tokio::test]
async fn a_cancel_reaches_the_server_with_the_sessions_key_and_keeps_rows_and_session() {
    let mut world = World::new();
    world.run_all("select n; select 2");
    let mut server = world.server().await;
    server.query().await;
    server.columns(&[("n", 23)]).row(&[Some(b"1")]).send().await;
    world.seen(|run| run.statements[0].result.as_ref().is_some_and(|result| result.rows == 1)).await;

    world.tab.cancel();
    assert_eq!(world.cancels.recv().await, Some(cancel_key(1)));
    let run = world.seen(|run| run.state == RunState::Canceling).await;
    assert_eq!(states(&run), [RunState::Canceling, RunState::Waiting]);
    let words = ErrorResponse::error("57014", "canceling statement due to user request");
    server.error(&words).ready().send().await;

    let run = world.ended().await;
    assert_eq!(run.state, RunState::Canceled);
    assert_eq!(states(&run), [RunState::Canceled, RunState::Waiting]);
    assert!(matches!(&run.statements[0].failure, Some(StatementFailure::Refused { error, .. }) if **error == words));
    let result = run.statements[0].result.clone().unwrap();
    assert_eq!((result.rows, result.complete), (1, false));
    assert_eq!(world.tab.result(result.id).unwrap().window(0, 9).unwrap().rows.len(), 1);

    world.run_all("select 3");
    assert_eq!(server.query().await.as_deref(), Some("select 3"));
    server.complete("SELECT 1").ready().send().await;
    assert_eq!(world.ended().await.state, RunState::Done);
    assert_eq!(world.connects.load(Ordering::Relaxed), 1);
    assert!(world.cancels.try_recv().is_err());
}

#[tokio::test]
async fn a_cancel_from_elsewhere_ends_the_run_as_canceled() {
    let mut world = World::new();
    world.run_all("select 1");
    let mut server = world.server().await;
    server.query().await;
    server.error(&ErrorResponse::error("57014", "Query (7) cancelled on user's request")).ready().send().await;
    assert_eq!(world.ended().await.state, RunState::Canceled);
}

#[tokio::test]
async fn a_cancel_that_comes_too_late_leaves_the_statement_done_and_begins_no_other() {
    let mut world = World::new();
    world.run_all("select 1; select 2");
    let mut server = world.server().await;
    server.query().await;
    world.tab.cancel();
    world.cancels.recv().await.unwrap();
    server.complete("SELECT 1").ready().send().await;
    let run = world.ended().await;
    assert_eq!((run.state, states(&run)), (RunState::Canceled, vec![RunState::Done, RunState::Waiting]));
}

#[tokio::test]
async fn a_cancel_while_the_session_opens_ends_the_run_at_once() {
    let mut world = World::new();
    world.run_all("select 1");
    let silent = world.streams.recv().await.unwrap();
    world.tab.cancel();
    let run = world.ended().await;
    assert_eq!((run.state, states(&run)), (RunState::Canceled, vec![RunState::Waiting]));
    drop(silent);
}

#[tokio::test]
async fn a_proxy_that_gives_up_on_a_silent_server_ends_the_run_as_canceled() {
    let mut world = World::new();
    world.run_all("select 1");
    let mut server = world.server().await;
    server.query().await;
    world.tab.cancel();
    world.cancels.recv().await.unwrap();
    server.error(&ErrorResponse::fatal("57014", "canceled, and the server said nothing more")).send().await;
    drop(server);
    let run = world.ended().await;
    assert_eq!((run.state, run.failure.is_none()), (RunState::Canceled, true));
}

#[tokio::test]
async fn a_session_lost_in_the_middle_keeps_its_rows_and_the_next_run_opens_another() {
    let mut world = World::new();
    world.run_all("select n; select 2");
    let mut server = world.server().await;
    server.query().await;
    server.columns(&[("n", 23)]).row(&[Some(b"1")]).row(&[Some(b"2")]);
    server.error(&ErrorResponse::fatal("57P01", "terminating connection due to administrator command")).send().await;
    drop(server);
    let run = world.ended().await;
    assert_eq!((run.state, states(&run)), (RunState::Failed, vec![RunState::Failed, RunState::Waiting]));
    match &run.failure {
        Some(RunFailure::Session(error)) => match &**error {
            SessionError::Lost { server: Some(server), .. } => assert_eq!(server.sqlstate(), "57P01"),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
    let result = run.statements[0].result.clone().unwrap();
    assert_eq!((result.rows, result.complete), (2, false));

    world.run_all("select 3");
    let mut server = world.server().await;
    assert_eq!(server.query().await.as_deref(), Some("select 3"));
    server.complete("SELECT 1").ready().send().await;
    assert_eq!(world.ended().await.state, RunState::Done);
}

#[tokio::test]
async fn a_session_lost_while_idle_is_opened_again_without_a_word() {
    let mut world = World::new();
    world.run_all("select 1");
    let mut server = world.server().await;
    server.query().await;
    server.complete("SELECT 1").ready().send().await;
    world.ended().await;
    server.error(&ErrorResponse::fatal("57P05", "idle for too long")).send().await;
    drop(server);

    world.run_all("select 2");
    let mut server = world.server().await;
    assert_eq!(server.query().await.as_deref(), Some("select 2"));
    server.complete("SELECT 1").ready().send().await;
    assert_eq!(world.ended().await.state, RunState::Done);
}

#[tokio::test]
async fn a_connector_that_fails_keeps_its_own_reason() {
    let mut world = World::with(Some("no route to host"), |_| {});
    world.run_all("select 1");
    let run = world.ended().await;
    assert_eq!((run.state, states(&run)), (RunState::Failed, vec![RunState::Waiting]));
    assert!(matches!(run.failure, Some(RunFailure::Connect(reason)) if *reason == "no route to host"));
}

#[tokio::test]
async fn a_refused_session_is_told_apart_from_a_lost_one() {
    let mut world = World::new();
    world.run_all("select 1");
    let mut server = FakeServer::new(world.streams.recv().await.unwrap());
    server.hear_startup().await;
    server.error(&ErrorResponse::fatal("28000", "access to db denied")).send().await;
    let run = world.ended().await;
    match run.failure {
        Some(RunFailure::Session(error)) => {
            assert!(matches!(&*error, SessionError::Refused(error) if error.sqlstate() == "28000"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn rows_that_cannot_be_kept_fail_the_run_and_the_session_goes_on() {
    let mut world = World::with(None, |options| {
        options.store.memory = 0;
        options.store.directory.push("missing");
    });
    world.run_all("select big");
    let mut server = world.server().await;
    server.query().await;
    server.columns(&[("big", 25)]);
    let cell = vec![b'x'; 600_000];
    for _ in 0..4 {
        server.row(&[Some(&cell)]);
    }
    // Until it is told to stop, the server sends as fast as it is read.
    server.send().await;
    assert_eq!(world.cancels.recv().await, Some(cancel_key(1)));
    server.error(&ErrorResponse::error("57014", "canceling statement due to user request")).ready().send().await;
    let run = world.ended().await;
    assert_eq!((run.state, states(&run)), (RunState::Failed, vec![RunState::Failed]));
    assert!(matches!(run.failure, Some(RunFailure::Storage(error)) if matches!(*error, StoreError::Write { .. })));
    let result = run.statements[0].result.clone().unwrap();
    assert!(result.rows >= 1 && !result.complete);
    assert!(world.tab.result(result.id).unwrap().window(0, 1).unwrap().cut.len() == 1);

    world.run_all("select 2");
    assert_eq!(server.query().await.as_deref(), Some("select 2"));
    assert_eq!(world.connects.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn results_of_one_run_share_the_memory_and_the_rest_goes_to_files() {
    let mut world = World::with(None, |options| options.store.memory = 2 << 20);
    world.run_all("select 1; select 2");
    let mut server = world.server().await;
    let cell = vec![b'x'; 600_000];
    for _ in 0..2 {
        server.query().await;
        server.columns(&[("big", 25)]);
        for _ in 0..6 {
            server.row(&[Some(&cell)]);
        }
        server.complete("SELECT 6").ready().send().await;
    }
    let run = world.ended().await;
    let stores =
        run.statements.iter().map(|statement| world.tab.result(statement.result.as_ref().unwrap().id).unwrap());
    let stores: Vec<_> = stores.collect();
    assert!(stores.iter().map(|store| store.resident()).sum::<u64>() <= 2 << 20);
    for store in stores {
        assert_eq!((store.rows(), store.complete(), store.window(0, 9).unwrap().cut.len()), (6, true, 6));
    }
    assert_eq!(std::fs::read_dir(world.directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn closing_cancels_what_runs_ends_the_session_and_drops_the_results() {
    let mut world = World::new();
    world.run_all("select n");
    let mut server = world.server().await;
    server.query().await;
    server.columns(&[("n", 23)]).row(&[Some(b"1")]).send().await;
    let run = world.seen(|run| run.statements[0].result.is_some()).await;
    let serve = async {
        world.cancels.recv().await.unwrap();
        server.error(&ErrorResponse::error("57014", "canceled")).ready().send().await;
        server.query().await
    };
    let ((), after) = tokio::join!(world.tab.close(), serve);
    assert_eq!(after, None);
    assert!(world.tab.result(run.statements[0].result.as_ref().unwrap().id).is_none());
    assert_eq!(world.tab.run(RunRequest::all("x")), Err(RunRefused::Closed));
}

#[tokio::test]
async fn a_dropped_tab_leaves_no_session_behind() {
    let mut world = World::new();
    world.run_all("select 1");
    let mut server = world.server().await;
    server.query().await;
    drop(world.tab);
    assert_eq!(server.query().await, None);
}

#[tokio::test]
async fn the_script_is_split_again_when_the_server_reads_backslashes_otherwise() {
    let mut world = World::new();
    let text = r"select 'a\';b'; select 2";
    world.run_all(text);
    let stream = world.streams.recv().await.unwrap();
    let mut server = FakeServer::new(stream);
    server.hear_startup().await;
    server.raw(b"R\0\0\0\x08\0\0\0\0").ready().send().await;
    assert_eq!(server.query().await.as_deref(), Some(r"select 'a\';b'"));
    assert_eq!(world.run.borrow().as_ref().unwrap().statements.len(), 2);
    // This server gave no key: to cancel is to leave it.
    world.tab.cancel();
    assert_eq!(world.ended().await.state, RunState::Canceled);
    assert_eq!(server.query().await, None);
}

#[tokio::test]
async fn a_pinned_result_outlives_runs_until_it_is_let_go() {
    let mut world = World::new();
    world.run_all("select 1; select 2");
    let mut server = world.server().await;
    for number in [b"1", b"2"] {
        server.query().await;
        server.columns(&[("n", 23)]).row(&[Some(number)]).complete("SELECT 1").ready().send().await;
    }
    let first = world.ended().await;
    let ids: Vec<_> = world.tab.results().iter().map(|kept| kept.info.id).collect();
    assert_eq!(ids.len(), 2);
    assert!(world.tab.pin(ids[1], true));

    world.run_all("select 3");
    server.query().await;
    server.columns(&[("n", 23)]).send().await;
    world.seen(|run| run.statements[0].result.is_some()).await;
    let kept = world.tab.results();
    let shown: Vec<_> = kept.iter().map(|kept| (&*kept.sql, kept.pinned, kept.growing)).collect();
    assert_eq!(shown, [("select 2", true, false), ("select 3", false, true)]);
    assert_eq!(kept[0].run, first.id);
    assert!(world.tab.result(ids[0]).is_none() && !world.tab.pin(ids[0], true));
    assert_eq!(world.tab.result(ids[1]).unwrap().window(0, 9).unwrap().rows, [[Some("2".into())]]);
    assert_eq!(world.tab.close_result(kept[1].info.id), Err(CloseRefused::Growing));
    server.complete("SELECT 0").ready().send().await;
    world.ended().await;

    assert_eq!(world.tab.close_result(ids[1]), Ok(()));
    assert_eq!(world.tab.close_result(ids[1]), Err(CloseRefused::Missing));
    assert_eq!(world.tab.close_result(kept[1].info.id), Ok(()));
    assert!(world.tab.results().is_empty());
    assert!(world.tab.pin(ids[1], false) || world.tab.result(ids[1]).is_none());
}

#[tokio::test]
async fn a_cell_of_two_hundred_megabytes_is_kept_whole_and_none_of_it_in_memory() {
    let mut world = World::with(None, |options| options.store.memory = 1 << 20);
    world.run_all("select huge");
    let mut server = world.server().await;
    server.query().await;
    let mut cell = vec![b'x'; 200 << 20];
    cell.extend(b"needle");
    server.columns(&[("huge", 25), ("n", 23)]).row(&[Some(b"a"), Some(b"2")]).row(&[Some(&cell), Some(b"1")]);
    server.complete("SELECT 2").ready().send().await;
    let run = world.ended().await;
    let result = run.statements[0].result.clone().unwrap();
    assert_eq!((result.rows, result.bytes, result.complete), (2, cell.len() as u64 + 3, true));
    let store = world.tab.result(result.id).unwrap();
    assert!(store.resident() <= 1 << 20);
    let cut = store.window(0, 9).unwrap().cut;
    assert_eq!((cut.len(), cut[0].bytes), (1, cell.len() as u64));
    assert_eq!(store.cell(1, 1, 9).unwrap().text.as_deref(), Some("1"));

    let job = crate::analysis::Job::default();
    let sort = vec![crate::analysis::SortColumn { column: 0, descending: true }];
    let view = store.make_view(&crate::analysis::ViewSpec { sort, filters: Vec::new() }, &job).unwrap();
    assert_eq!(store.view_window(&view, 0, 9).unwrap().numbers, [1, 0]);
    let find = crate::analysis::FindSpec {
        text: "NEEDLE".into(),
        regex: false,
        match_case: false,
        column: None,
        from: None,
        backwards: false,
    };
    assert_eq!(store.find(Some(&view), &find, &job).unwrap().map(|found| found.number), Some(1));
}

#[tokio::test]
async fn a_result_of_sixteen_hundred_columns_of_one_name_is_shown_and_sorted() {
    let mut world = World::new();
    world.run_all("select *");
    let mut server = world.server().await;
    server.query().await;
    server.columns(&vec![("same", 23); 1_600]);
    for row in 0..300 {
        let number = (300 - row).to_string();
        server.row(&vec![Some(number.as_bytes()); 1_600]);
    }
    server.complete("SELECT 300").ready().send().await;
    let result = world.ended().await.statements[0].result.clone().unwrap();
    assert_eq!((result.columns.len(), result.rows), (1_600, 300));
    let store = world.tab.result(result.id).unwrap();
    let sort = vec![crate::analysis::SortColumn { column: 1_599, descending: false }];
    let spec = crate::analysis::ViewSpec { sort, filters: Vec::new() };
    let view = store.make_view(&spec, &crate::analysis::Job::default()).unwrap();
    let window = store.view_window(&view, 0, 2).unwrap();
    assert_eq!((window.numbers, window.window.rows[1][1_599].as_deref()), (vec![299, 298], Some("2")));
}

#[tokio::test]
async fn a_result_without_rows_is_a_result() {
    let mut world = World::new();
    world.run_all("select * from empty");
    let mut server = world.server().await;
    server.query().await;
    server.columns(&[("n", 23)]).complete("SELECT 0").ready().send().await;
    let result = world.ended().await.statements[0].result.clone().unwrap();
    assert_eq!((result.rows, result.complete), (0, true));
    assert!(world.tab.result(result.id).unwrap().window(0, 200).unwrap().rows.is_empty());
}

#[tokio::test]
async fn a_server_that_dies_at_row_five_million_leaves_them_all_marked_incomplete() {
    const ROWS: u64 = 5_000_000;
    let mut world = World::with(None, |options| options.store.memory = 8 << 20);
    world.run_all("select n");
    let mut server = world.server().await;
    server.query().await;
    server.columns(&[("n", 23)]).send().await;
    let mut block = bytes::BytesMut::new();
    for _ in 0..50_000 {
        postern_wire::backend::DataRow::encode([Some(&b"1234567"[..])].into_iter(), &mut block).unwrap();
    }
    for _ in 0..ROWS / 50_000 {
        server.raw(&block).send().await;
    }
    drop(server);
    let run = world.ended().await;
    assert_eq!(run.state, RunState::Failed);
    assert!(matches!(run.failure, Some(RunFailure::Session(error)) if matches!(*error, SessionError::Lost { .. })));
    let result = run.statements[0].result.clone().unwrap();
    assert_eq!((result.rows, result.complete), (ROWS, false));
    let kept = world.tab.results();
    assert!(!kept[0].growing);
    let store = world.tab.result(result.id).unwrap();
    assert_eq!(store.window(ROWS - 1, 9).unwrap().rows, [[Some("1234567".into())]]);
}

#[tokio::test]
async fn a_thousand_results_share_one_file_and_are_all_there() {
    let mut world = World::with(None, |options| options.store.memory = 1 << 20);
    let script: String = (0..1_000).map(|number| format!("select {number};\n")).collect();
    world.run_all(&script);
    let mut server = world.server().await;
    let cell = "y".repeat(40_000);
    for number in 0..1_000 {
        server.query().await;
        server.columns(&[("n", 23), ("y", 25)]);
        for _ in 0..40 {
            server.row(&[Some(number.to_string().as_bytes()), Some(cell.as_bytes())]);
        }
        server.complete("SELECT 40").ready().send().await;
    }
    assert_eq!(world.ended().await.state, RunState::Done);
    let kept = world.tab.results();
    assert_eq!(kept.len(), 1_000);
    let stores: Vec<_> = kept.iter().map(|kept| world.tab.result(kept.info.id).unwrap()).collect();
    assert!(stores.iter().map(|store| store.resident()).sum::<u64>() <= 1 << 20);
    for (number, store) in stores.iter().enumerate() {
        assert_eq!((store.rows(), store.complete()), (40, true));
        assert_eq!(store.cell(39, 0, 9).unwrap().text, Some(number.to_string()));
    }
    #[cfg(target_os = "linux")]
    assert_eq!(open_below(world.directory.path()), 1);
}

/// Files below a folder, with or without a name, that this process holds open.
#[cfg(target_os = "linux")]
fn open_below(folder: &std::path::Path) -> usize {
    let files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    files.filter(|file| std::fs::read_link(file.path()).is_ok_and(|target| target.starts_with(folder))).count()
}

#[tokio::test]
async fn a_script_of_fifty_megabytes_runs_and_one_of_too_many_statements_is_refused() {
    let mut world = World::new();
    let script = format!("select '{}'; select 2", "x".repeat(50 << 20));
    world.run_all(&script);
    let mut server = world.server().await;
    assert_eq!(server.query().await.map(|sql| sql.len()), Some((50 << 20) + 9));
    server.columns(&[("n", 25)]).row(&[None]).complete("SELECT 1").ready().send().await;
    server.query().await;
    server.complete("SELECT 0").ready().send().await;
    assert_eq!(world.ended().await.state, RunState::Done);
    assert!(world.tab.results()[0].sql.len() <= 1_000);

    let many = "select 1;".repeat(MAX_STATEMENTS + 1);
    let request = RunRequest::all(many.as_str());
    assert_eq!(world.tab.run(request), Err(RunRefused::TooMany(MAX_STATEMENTS + 1)));
    assert_eq!(world.run.borrow().as_ref().unwrap().state, RunState::Done);
    assert_eq!(world.tab.results().len(), 1);
}

/// In a process of its own, in which no file may grow beyond some megabytes: to the store that is a full disk.
#[cfg(unix)]
#[test]
fn a_result_that_outgrows_the_disk_says_so_and_the_tab_lives_on_without_its_file() {
    const NAME: &str = "tab::tests::a_result_that_outgrows_the_disk_says_so_and_the_tab_lives_on_without_its_file";
    if std::env::var_os("POSTERN_TEST_SMALL_DISK").is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(outgrow_the_disk());
    }
    // In blocks of 512 or 1,024 bytes; ignored, the signal of this limit becomes an error of the write.
    let script = r#"trap '' XFSZ; ulimit -f 8192; exec "$0" "$@""#;
    let child = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env("POSTERN_TEST_SMALL_DISK", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&child.stderr));
}

#[cfg(unix)]
async fn outgrow_the_disk() {
    let mut world = World::with(None, |options| options.store.memory = 1 << 20);
    world.run_all("select more; select never");
    let mut server = world.server().await;
    server.query().await;
    server.columns(&[("more", 25)]);
    let cell = vec![b'm'; 100_000];
    for _ in 0..20 {
        server.row(&[Some(&cell)]);
    }
    server.send().await;
    // As a server that knows nothing of it goes on until it is told to stop.
    let serve = async {
        let mut block = bytes::BytesMut::new();
        postern_wire::backend::DataRow::encode([Some(&cell[..])].into_iter(), &mut block).unwrap();
        while world.cancels.try_recv().is_err() {
            server.raw(&block).send().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), serve).await.expect("it is told to stop");
    server.error(&ErrorResponse::error("57014", "canceling statement due to user request")).ready().send().await;
    let run = world.ended().await;
    assert_eq!((run.state, states(&run)), (RunState::Failed, vec![RunState::Failed, RunState::Waiting]));
    let words = match &run.failure {
        Some(RunFailure::Storage(error)) => {
            let why = std::error::Error::source(&**error).unwrap();
            format!("{error}: {why}")
        }
        other => panic!("{other:?}"),
    };
    assert!(words.starts_with("cannot keep more rows in a temporary file in /"), "{words}");
    let result = run.statements[0].result.clone().unwrap();
    assert!(result.rows > 20 && !result.complete);
    let store = world.tab.result(result.id).unwrap();
    assert_eq!(store.window(result.rows - 1, 9).unwrap().cut[0].bytes, 100_000);
    drop(store);

    world.run_all("select 2");
    assert_eq!(server.query().await.as_deref(), Some("select 2"));
    // What is dropped is given back on another thread.
    #[cfg(target_os = "linux")]
    while open_below(world.directory.path()) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.columns(&[("n", 23)]).row(&[Some(b"2")]).complete("SELECT 1").ready().send().await;
    assert_eq!(world.ended().await.state, RunState::Done);
    assert_eq!(world.connects.load(Ordering::Relaxed), 1);
}
