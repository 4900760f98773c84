//! A cancel from the panel, whatever its query is doing at that moment, whoever asks, and whatever the server makes of it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use postern_ipc::{
    activity::{CancelOutcome, CancelQuery, CancelReport, CancelStepKind, Query, SessionAfter},
    connections::OpenConnection,
    databases::Target,
    error::ErrorCode,
};
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use crate::{
    app::{App, target},
    support::{admin, block_on, faults, spawn},
};

/// A workgroup of these tests alone, which take turns: faults are for all of it.
const DATABASE: &str = "canceling-dev";

/// A login that is allowed here and prepared for nothing.
const GUIDE: &str = "teleport-redshift-serverless-access";

static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn as_user(db_user: &str) -> Target {
    Target { db_user: db_user.into(), ..target(DATABASE) }
}

/// A client of a local proxy of this app.
async fn connect(app: &App, db_user: &str) -> Client {
    let asked = OpenConnection { port: Some(0), ..OpenConnection::to(as_user(db_user)) };
    let port = app.host.connection_open(asked).await.expect("a proxy").port;
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user(db_user).dbname("dev").application_name("canceling tests");
    let (client, connection) = config.connect(NoTls).await.expect("the session begins");
    tokio::spawn(connection);
    client
}

/// The query that holds these words, once it has this status, as this user sees it.
async fn seen(app: &App, db_user: &str, words: &str, status: &str) -> Query {
    let look = async {
        loop {
            let request = postern_ipc::activity::ActivityRequest::of(as_user(db_user), 50);
            let list = app.host.activity_list(request).await.expect("the list");
            let mut queries = list.queries.into_iter();
            if let Some(query) = queries.find(|query| query.text.contains(words) && query.status == status) {
                return query;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.expect("it is listed within a minute")
}

async fn ask(app: &App, request: CancelQuery) -> CancelReport {
    app.host.activity_cancel(request).await.expect("a report")
}

fn kinds(report: &CancelReport) -> Vec<CancelStepKind> {
    report.steps.iter().map(|step| step.kind).collect()
}

/// What the client of a query was told.
fn told<T>(answer: Result<T, tokio_postgres::Error>) -> (Option<SqlState>, String) {
    match answer {
        Ok(_) => (None, String::new()),
        Err(error) => {
            (error.code().cloned(), error.as_db_error().map(|refusal| refusal.message().to_owned()).unwrap_or_default())
        }
    }
}

/// Runs a query in somebody else's app, waits until it has this status, cancels it from ours, and sees that its session lives on.
fn is_canceled(status: &'static str, words: &'static str, sql: &str) -> CancelReport {
    let (app, other) = (App::open(), App::open());
    block_on(async {
        let client = connect(&other, "bi-readonly").await;
        let run = client.simple_query(sql);
        let cancel = async {
            let query = seen(&app, "bi-readonly", words, status).await;
            ask(&app, App::cancel_of(target(DATABASE), &query)).await
        };
        let (answer, report) = tokio::join!(run, cancel);
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        assert_eq!(kinds(&report)[..2], [CancelStepKind::Reread, CancelStepKind::CancelBackend], "{report:?}");
        assert_eq!(report.steps[0].detail, status, "{report:?}");
        assert_eq!(told(answer).0, Some(SqlState::QUERY_CANCELED));
        client.simple_query("select 1").await.expect("its session goes on");
        report
    })
}

#[test]
fn a_running_query_of_another_program_is_canceled_and_its_session_is_idle() {
    let _alone = alone();
    let report = is_canceled("running", "is running", "select pg_sleep(120) /* is running */");
    assert_eq!(report.session, Some(SessionAfter::Idle), "{report:?}");
    assert_eq!(report.user.as_deref(), Some("IAMR:bi-readonly"));
    assert!(report.text.is_some_and(|text| text.contains("is running")));
}

#[test]
fn a_query_that_is_planned_is_canceled() {
    let _alone = alone();
    faults(DATABASE).hold_in_planning(Duration::from_secs(120), Duration::ZERO);
    is_canceled("planning", "is planned", "select pg_sleep(1) /* is planned */");
    faults(DATABASE).hold_in_planning(Duration::ZERO, Duration::ZERO);
}

#[test]
fn a_query_in_a_queue_is_canceled() {
    let _alone = alone();
    let first = App::open();
    let (client, query) = block_on(async {
        let client = connect(&first, "bi-readonly").await;
        let token = client.cancel_token();
        let running = spawn(async move { client.simple_query("select pg_sleep(120) /* is first */").await });
        let query = seen(&first, "bi-readonly", "is first", "running").await;
        faults(DATABASE).limit_concurrency(Some(1));
        (token, (query, running))
    });
    is_canceled("queued", "is queued", "select pg_sleep(1) /* is queued */");
    faults(DATABASE).limit_concurrency(None);
    block_on(async {
        client.cancel_query(NoTls).await.expect("the first ends");
        let answer = query.1.await.expect("it is no panic");
        assert_eq!(told(answer).0, Some(SqlState::QUERY_CANCELED), "{:?}", query.0);
    });
}

#[test]
fn a_query_that_waits_for_a_lock_is_canceled() {
    let _alone = alone();
    let holder = admin(DATABASE);
    let prepared = "create table if not exists canceling_lock (a int); grant all on canceling_lock to public";
    block_on(holder.batch_execute(prepared)).expect("it is there");
    block_on(holder.batch_execute("begin; lock table canceling_lock in access exclusive mode")).expect("it is locked");
    let report = is_canceled("running", "waits for it", "update canceling_lock set a = 1 /* waits for it */");
    assert_eq!(report.session, Some(SessionAfter::Idle), "{report:?}");
    block_on(holder.batch_execute("rollback; drop table canceling_lock")).expect("it is gone");
}

#[test]
fn a_query_that_returns_a_large_result_is_canceled() {
    let _alone = alone();
    let (app, other) = (App::open(), App::open());
    block_on(async {
        let client = connect(&other, "bi-readonly").await;
        let sql = "select repeat('x', 1000) from generate_series(1, 50000000) /* is large */";
        // Rows that nobody takes: the server is stuck in returning them.
        let rows = client.query_raw(sql, Vec::<i32>::new()).await.expect("it begins");
        tokio::pin!(rows);
        let query = seen(&app, "bi-readonly", "is large", "returning").await;
        // PostgreSQL obeys when its client takes rows again. The end of its session is another matter.
        let cancel = ask(&app, App::cancel_of(target(DATABASE), &query));
        let read = async {
            loop {
                match rows.next().await {
                    Some(Ok(_)) => {}
                    ended => return ended.map(|answer| answer.map(drop)),
                }
            }
        };
        let (report, ended) = tokio::join!(cancel, read);
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        assert_eq!(told(ended.expect("not the end of all rows")).0, Some(SqlState::QUERY_CANCELED));
    });
}

#[test]
fn a_query_whose_client_takes_no_rows_is_said_to_run_on_until_it_takes_them() {
    let _alone = alone();
    let (app, other) = (App::open(), App::open());
    block_on(async {
        let client = connect(&other, "bi-readonly").await;
        let sql = "select repeat('x', 1000) from generate_series(1, 50000000) /* is stuck */";
        let rows = client.query_raw(sql, Vec::<i32>::new()).await.expect("it begins");
        tokio::pin!(rows);
        let query = seen(&app, "bi-readonly", "is stuck", "returning").await;
        let report = ask(&app, App::cancel_of(target(DATABASE), &query)).await;
        assert_eq!(report.outcome, CancelOutcome::StillRunning, "{report:?}");
        let answer = loop {
            match rows.next().await {
                Some(Ok(_)) => {}
                ended => break ended.map(|answer| answer.map(drop)),
            }
        };
        assert_eq!(told(answer.expect("not the end of all rows")).0, Some(SqlState::QUERY_CANCELED));
        seen(&app, "bi-readonly", "is stuck", "canceled").await;
    });
}

#[test]
fn a_query_that_has_just_ended_is_left_alone_and_so_is_the_next_in_its_session() {
    let _alone = alone();
    let (app, other) = (App::open(), App::open());
    block_on(async {
        let client = connect(&other, "bi-readonly").await;
        client.simple_query("select 1 /* just ended */").await.expect("it ends");
        let query = seen(&app, "bi-readonly", "just ended", "success").await;
        let (next, report) = tokio::join!(client.simple_query("select pg_sleep(2) /* comes next */"), async {
            seen(&app, "bi-readonly", "comes next", "running").await;
            ask(&app, App::cancel_of(target(DATABASE), &query)).await
        });
        next.expect("nobody has touched it");
        assert_eq!(report.outcome, CancelOutcome::AlreadyFinished, "{report:?}");
        assert_eq!(kinds(&report), [CancelStepKind::Reread], "{report:?}");
        assert_eq!(report.session, None);
        // One that the server never had, or does not show, is said to be neither canceled nor finished.
        let unknown = CancelQuery { query_id: "7".into(), ..App::cancel_of(target(DATABASE), &query) };
        let report = ask(&app, unknown).await;
        assert_eq!(report.outcome, CancelOutcome::NotSeen, "{report:?}");
    });
}

#[test]
fn anothers_query_needs_a_confirmation_and_then_is_canceled_by_whoever_may() {
    let _alone = alone();
    let (app, other) = (App::open(), App::open());
    block_on(async {
        let client = connect(&other, "bi-readonly").await;
        let run = client.simple_query("select pg_sleep(120) /* is another's */");
        let cancel = async {
            let query = seen(&app, "warehouse-admin", "is another's", "running").await;
            assert!(!query.own);
            let request = App::cancel_of(as_user("warehouse-admin"), &query);
            let refused = ask(&app, request.clone()).await;
            assert_eq!(refused.outcome, CancelOutcome::ConfirmationNeeded, "{refused:?}");
            assert_eq!(refused.user.as_deref(), Some("IAMR:bi-readonly"));
            assert!(refused.text.as_ref().is_some_and(|text| text.contains("is another's")), "{refused:?}");
            assert!(!kinds(&refused).contains(&CancelStepKind::CancelBackend), "{refused:?}");
            seen(&app, "warehouse-admin", "is another's", "running").await;
            ask(&app, CancelQuery { confirmed: true, ..request }).await
        };
        let (answer, report) = tokio::join!(run, cancel);
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        assert_eq!(told(answer).0, Some(SqlState::QUERY_CANCELED));
    });
    let records = app.home.run(&["audit", "ls"]).ok();
    let outcomes: Vec<_> = records
        .lines()
        .filter(|line| line.contains("PST01I"))
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|record| (record["outcome"].as_str().map(str::to_owned), record["success"].as_bool()))
        .collect();
    let expected = [("confirmation_needed", false), ("canceled", true)];
    let expected = expected.map(|(outcome, success)| (Some(outcome.to_owned()), Some(success)));
    assert_eq!(outcomes, expected, "the refusal is recorded too");
}

#[test]
fn who_sees_a_query_but_may_not_cancel_it_is_told_which_grant_would_help() {
    let _alone = alone();
    let granter = admin(DATABASE);
    block_on(granter.batch_execute("grant \"sys:monitor\" to \"IAMR:teleport-redshift-serverless-access\""))
        .expect("it sees everything");
    let (app, other) = (App::open(), App::open());
    block_on(async {
        let client = connect(&other, "bi-readonly").await;
        let token = client.cancel_token();
        let run = client.simple_query("select pg_sleep(120) /* is protected */");
        let cancel = async {
            let query = seen(&app, GUIDE, "is protected", "running").await;
            let request = CancelQuery { confirmed: true, ..App::cancel_of(as_user(GUIDE), &query) };
            let report = ask(&app, request.clone()).await;
            assert_eq!(report.outcome, CancelOutcome::NotPermitted, "{report:?}");
            assert_eq!(
                report.grant.as_deref(),
                Some("GRANT ROLE sys:operator TO \"IAMR:teleport-redshift-serverless-access\";")
            );
            let terminate = ask(&app, CancelQuery { terminate: true, ..request }).await;
            assert_eq!((terminate.outcome, terminate.grant), (CancelOutcome::NotPermitted, None));
            seen(&app, GUIDE, "is protected", "running").await;
            token.cancel_query(NoTls).await.expect("its own client may");
        };
        let (answer, ()) = tokio::join!(run, cancel);
        assert_eq!(told(answer).0, Some(SqlState::QUERY_CANCELED));
    });
    block_on(granter.batch_execute("revoke \"sys:monitor\" from \"IAMR:teleport-redshift-serverless-access\""))
        .expect("as before");
}

#[test]
fn a_server_that_accepts_and_does_nothing_is_found_out_and_the_session_can_be_ended() {
    let _alone = alone();
    block_on(faults(DATABASE).ignore_cancel_functions(true));
    faults(DATABASE).ignore_cancel_requests(true);
    let app = App::open();
    block_on(async {
        // A session of ours, so that both ways are tried.
        let client = connect(&app, "bi-readonly").await;
        let run = client.simple_query("select pg_sleep(120) /* is ignored */");
        let cancel = async {
            let query = seen(&app, "bi-readonly", "is ignored", "running").await;
            let request = App::cancel_of(target(DATABASE), &query);
            let report = ask(&app, request.clone()).await;
            use CancelStepKind::{CancelBackend, Reread, WireCancel};
            assert_eq!(report.outcome, CancelOutcome::StillRunning, "{report:?}");
            assert_eq!(kinds(&report), [Reread, WireCancel, Reread, CancelBackend], "{report:?}");
            assert_eq!(report.session, None, "{report:?}");
            ask(&app, CancelQuery { terminate: true, ..request }).await
        };
        let (answer, report) = tokio::join!(run, cancel);
        assert_eq!(report.outcome, CancelOutcome::Terminated, "{report:?}");
        assert_eq!(report.session, Some(SessionAfter::Closed), "{report:?}");
        answer.expect_err("its session is gone");
    });
    faults(DATABASE).ignore_cancel_requests(false);
    block_on(faults(DATABASE).ignore_cancel_functions(false));
}

#[test]
fn a_session_of_ours_that_hangs_after_its_cancel_ends_with_57014_and_not_after_minutes() {
    let _alone = alone();
    faults(DATABASE).hang_after_cancel(true);
    let app = App::open();
    block_on(async {
        let client = connect(&app, "bi-readonly").await;
        let began = Instant::now();
        let run = client.simple_query("select pg_sleep(120) /* will hang */");
        let cancel = async {
            let query = seen(&app, "bi-readonly", "will hang", "running").await;
            let ours = query.ours.as_ref().expect("it is ours");
            assert_eq!((ours.program.as_str(), ours.tab.as_deref()), ("canceling tests", None));
            ask(&app, App::cancel_of(target(DATABASE), &query)).await
        };
        let (answer, report) = tokio::join!(run, cancel);
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        assert_eq!(report.session, Some(SessionAfter::ClosedByUs), "{report:?}");
        assert_eq!(told(answer).0, Some(SqlState::QUERY_CANCELED));
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        client.simple_query("select 1").await.expect_err("that session is over");
    });
    faults(DATABASE).hang_after_cancel(false);
}

#[test]
fn a_note_reaches_the_owner_in_place_of_the_servers_sentence() {
    let _alone = alone();
    let app = App::open();
    let note = "it's the nightly load's turn; 서울";
    block_on(async {
        let client = connect(&app, "bi-readonly").await;
        let run = client.simple_query("select pg_sleep(120) /* gets a note */");
        let cancel = async {
            let query = seen(&app, "bi-readonly", "gets a note", "running").await;
            let with = |note: &str| CancelQuery { note: Some(note.into()), ..App::cancel_of(target(DATABASE), &query) };
            for wrong in ["", "back\\slash", "two\nlines", &"x".repeat(257)] {
                let failure = app.host.activity_cancel(with(wrong)).await.expect_err("it cannot be sent");
                assert_eq!((failure.code, failure.params["field"].as_str()), (ErrorCode::InvalidValue, "note"));
            }
            ask(&app, with(note)).await
        };
        let (answer, report) = tokio::join!(run, cancel);
        // Not over the wire, which knows no notes.
        use CancelStepKind::{CancelBackend, ClientTold, Reread, ServerReports};
        assert_eq!(kinds(&report), [Reread, CancelBackend, ServerReports, ClientTold], "{report:?}");
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        assert_eq!(told(answer), (Some(SqlState::QUERY_CANCELED), note.to_owned()));
        assert_eq!(told(client.simple_query("select 1").await).0, None);
    });
}

#[test]
fn where_the_server_keeps_its_nodes_apart_look_and_signal_travel_as_one() {
    let _alone = alone();
    faults(DATABASE).keep_nodes_apart(true);
    is_canceled("running", "nodes are apart", "select pg_sleep(120) /* nodes are apart */");
    faults(DATABASE).keep_nodes_apart(false);
}

#[test]
fn at_the_limit_of_connections_the_one_of_the_monitor_still_cancels_and_its_loss_is_said() {
    let _alone = alone();
    let (app, other) = (App::open(), App::open());
    block_on(async {
        let client = connect(&other, "bi-readonly").await;
        let run = client.simple_query("select pg_sleep(120) /* is one of many */");
        let cancel = async {
            let query = seen(&app, "bi-readonly", "is one of many", "running").await;
            // No more than there are: the monitor has its session, and needs no other.
            faults(DATABASE).limit_connections(Some(1));
            let more = app.host.activity_list(postern_ipc::activity::ActivityRequest::of(as_user(GUIDE), 1));
            more.await.expect_err("another login finds no place");
            ask(&app, App::cancel_of(target(DATABASE), &query)).await
        };
        let (answer, report) = tokio::join!(run, cancel);
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        assert_eq!(told(answer).0, Some(SqlState::QUERY_CANCELED));

        // Its session is lost in between, and there is no place for another until the limit is lifted.
        faults(DATABASE).reset_sessions();
        let list = || app.host.activity_list(postern_ipc::activity::ActivityRequest::of(target(DATABASE), 1));
        faults(DATABASE).limit_connections(Some(0));
        let failure = list().await.expect_err("no place");
        assert!(failure.server.as_deref().is_some_and(|words| words.contains("connection")), "{failure:?}");
        faults(DATABASE).limit_connections(None);
        list().await.expect("there is place again");
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the clock of whoever reads the report")]
fn a_clock_that_is_an_hour_apart_changes_nothing_about_a_cancel() {
    let _alone = alone();
    for ahead in [time::Duration::HOUR, -time::Duration::HOUR] {
        block_on(faults(DATABASE).set_clock_ahead(ahead));
        let report = is_canceled("running", "another hour", "select pg_sleep(120) /* another hour */");
        let asked_ago = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH + Duration::from_millis(report.asked_at))
            .expect("it is past");
        assert!(asked_ago < Duration::from_secs(60), "by our own clock: {report:?}");
        assert!(report.elapsed_ms < 60_000, "{report:?}");
    }
    block_on(faults(DATABASE).set_clock_ahead(time::Duration::ZERO));
}

#[test]
fn what_cannot_be_recorded_is_not_asked_for_and_what_is_asked_for_is_recorded_first() {
    let _alone = alone();
    let (app, other) = (App::open(), App::open());
    block_on(async {
        let client = connect(&other, "bi-readonly").await;
        let run = client.simple_query("select pg_sleep(120) /* is recorded */");
        let cancel = async {
            let query = seen(&app, "bi-readonly", "is recorded", "running").await;
            let (audit, aside) = (app.home.path().join("audit"), app.home.path().join("audit-aside"));
            std::fs::rename(&audit, &aside).expect("it is moved");
            std::fs::write(&audit, "").expect("a file in its place");
            // A log that was moved away goes on where it is for a moment, until it is looked for by its name.
            let list = || app.host.activity_list(postern_ipc::activity::ActivityRequest::of(target(DATABASE), 1));
            let noticed = async {
                while list().await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), noticed).await.expect("nothing is recorded any more");
            let request = CancelQuery { why: Some("it blocks me".into()), ..App::cancel_of(target(DATABASE), &query) };
            app.host.activity_cancel(request.clone()).await.expect_err("it cannot be recorded");
            std::fs::remove_file(&audit).expect("it is gone");
            std::fs::rename(&aside, &audit).expect("it is back");
            seen(&app, "bi-readonly", "is recorded", "running").await;
            ask(&app, request).await
        };
        let (answer, report) = tokio::join!(run, cancel);
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        assert_eq!(told(answer).0, Some(SqlState::QUERY_CANCELED));
    });
    let records = app.home.run(&["audit", "ls"]).ok();
    let ours: Vec<serde_json::Value> = records
        .lines()
        .filter(|line| line.contains("\"cancel_id\"") || line.contains("pg_cancel_backend"))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let events: Vec<_> = ours.iter().filter_map(|record| record["event"].as_str()).collect();
    let expected = ["db.session.query.cancel.request", "db.session.query", "db.session.query.cancel"];
    assert_eq!(events[events.len() - 3..], expected, "{ours:?}");
    let (asked, ended) = (&ours[ours.len() - 3], &ours[ours.len() - 1]);
    assert_eq!(asked["cancel_id"], ended["cancel_id"]);
    for record in [asked, ended] {
        assert_eq!(record["why"], "it blocks me", "{record}");
        assert_eq!(record["by"], "window", "{record}");
        assert_eq!(record["user"], "alice", "{record}");
        assert_eq!(record["query_user"], "IAMR:bi-readonly", "{record}");
        assert!(record["db_query"].as_str().is_some_and(|text| text.contains("is recorded")), "{record}");
    }
    assert_eq!((ended["outcome"].as_str(), ended["session"].as_str()), (Some("canceled"), Some("idle")), "{ended}");
    assert_eq!(app.home.run(&["audit", "verify", "--format", "json"]).json()["whole"], true);
}
