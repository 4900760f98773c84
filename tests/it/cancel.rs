//! A client's own cancel, in its three steps: CancelRequest, `pg_cancel_backend`, 57014 from us. And that it never meets a query that it
//! was not meant for, however close to the end of its own it comes.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use postern_ipc::{
    activity::{CancelOutcome, CancelStepKind, ClientCancel},
    connections::OpenConnection,
};
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use crate::{
    app::{App, target},
    support::{Home, Said, block_on, faults},
};

/// A workgroup of these tests alone, which take turns: faults are for all of it.
const DATABASE: &str = "analytics-prod";

/// How many times a cancel races with the end of its query, in each of so many sessions.
const RACES: u64 = 350;
const SESSIONS: u64 = 6;

/// However slow the machine: one of its cancels takes less.
const LONGEST: Duration = Duration::from_millis(300);

static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn connect(port: u16) -> Client {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user("bi-readonly").dbname("dev").application_name("cancel tests");
    let (client, connection) = config.connect(NoTls).await.expect("the session begins");
    tokio::spawn(connection);
    client
}

async fn proxy(app: &App) -> u16 {
    let asked = OpenConnection { port: Some(0), ..OpenConnection::to(target(DATABASE)) };
    app.host.connection_open(asked).await.expect("a proxy").port
}

/// What the client of a query was told when somebody cancels it with the client's own key once it runs, and the steps that the activity
/// panel shows at the end.
async fn cancelled(app: &App, text: &str) -> (SqlState, ClientCancel, Client) {
    let client = connect(proxy(app).await).await;
    let token = client.cancel_token();
    let sql = format!("select pg_sleep(120) /* {text} */");
    let run = async { client.simple_query(&sql).await.expect_err("it was cancelled") };
    let cancel = async {
        let query = app.live(DATABASE, text).await;
        token.cancel_query(NoTls).await.expect("the proxy takes it");
        loop {
            let list = app.list(DATABASE, 20).await;
            let found = list.queries.into_iter().find(|other| other.query_id == query.query_id);
            let cancel = found.and_then(|query| query.ours).and_then(|ours| ours.cancel);
            match cancel {
                Some(cancel) if cancel.outcome.is_some() => return cancel,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    let (error, cancel) = tokio::join!(run, cancel);
    (error.code().cloned().expect("the server's words"), cancel, client)
}

fn kinds(cancel: &ClientCancel) -> Vec<CancelStepKind> {
    cancel.steps.iter().map(|step| step.kind).collect()
}

/// What the audit log has of the ends of cancels.
fn audited(home: &Home) -> Vec<serde_json::Value> {
    let records: Said = home.run(&["audit", "ls"]);
    let records = records.ok();
    let cancels = records.lines().filter(|line| line.contains("PST01I"));
    cancels.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_cancel_request_that_the_server_ignores_is_followed_by_pg_cancel_backend() {
    let _alone = alone();
    let app = App::open();
    faults(DATABASE).ignore_cancel_requests(true);
    let (code, cancel, client) = block_on(cancelled(&app, "ignored at first"));
    faults(DATABASE).ignore_cancel_requests(false);
    use CancelStepKind::{CancelBackend, ClientTold, ServerReports, WireCancel};
    assert_eq!(code, SqlState::QUERY_CANCELED);
    assert_eq!(cancel.outcome, Some(CancelOutcome::Canceled), "{cancel:?}");
    assert_eq!(kinds(&cancel), [WireCancel, CancelBackend, ServerReports, ClientTold]);
    assert!(cancel.steps.iter().all(|step| step.ok), "{cancel:?}");
    assert_eq!(cancel.steps[2].detail, "canceled");
    // The session is as good as before.
    block_on(client.simple_query("select 1")).expect("it goes on");
    let audited = audited(&app.home);
    let steps = audited.last().map(|record| record["steps"].as_array().map_or(0, Vec::len));
    assert_eq!(steps, Some(4), "{audited:?}");
}

#[test]
fn a_session_that_the_server_leaves_hanging_gets_its_57014_from_us() {
    let _alone = alone();
    let app = App::open();
    faults(DATABASE).hang_after_cancel(true);
    let (code, client) = block_on(async {
        let client = connect(proxy(&app).await).await;
        let token = client.cancel_token();
        let run = client.simple_query("select pg_sleep(120) /* left hanging */");
        let cancel = async {
            app.live(DATABASE, "left hanging").await;
            token.cancel_query(NoTls).await.expect("the proxy takes it");
        };
        let (answer, ()) = tokio::join!(run, cancel);
        (answer.expect_err("it was cancelled").code().cloned(), client)
    });
    faults(DATABASE).hang_after_cancel(false);
    assert_eq!(code, Some(SqlState::QUERY_CANCELED));
    block_on(client.simple_query("select 1")).expect_err("that session is over");
    let audited = crate::support::eventually("the end is in the audit log", || audited(&app.home).pop());
    assert_eq!(audited["outcome"], "canceled", "{audited}");
    let last = audited["steps"].as_array().and_then(|steps| steps.last()).cloned().expect("steps");
    assert_eq!((last["step"].as_str(), last["ok"].as_bool()), (Some("client_told"), Some(false)), "{audited}");
}

#[test]
fn a_cancel_that_races_with_the_end_of_its_query_meets_no_other() {
    let _alone = alone();
    let app = App::open();
    let port = block_on(proxy(&app));
    let hit = AtomicU64::new(0);
    let races = async |session: u64| {
        let client = connect(port).await;
        let token = client.cancel_token();
        let mut length = Duration::from_millis(20);
        for race in 0..RACES {
            let sql = format!("select pg_sleep({})", length.as_secs_f64());
            let cancel = async {
                // The query is on its way by then.
                tokio::time::sleep(Duration::from_millis(1)).await;
                token.cancel_query(NoTls).await.expect("the proxy takes it");
            };
            let run = async {
                let cancelled = match client.simple_query(&sql).await {
                    Ok(_) => false,
                    Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => true,
                    Err(error) => panic!("{error:?}"),
                };
                // At once, while the cancel may be on its way: these are the bystanders.
                for next in 0..3_i64 {
                    let answer = client.query_one("select $1::bigint", &[&next]).await;
                    let row = answer.unwrap_or_else(|error| panic!("session {session}, race {race}: {error:?}"));
                    assert_eq!(row.get::<_, i64>(0), next);
                }
                cancelled
            };
            let (cancelled, ()) = tokio::join!(run, cancel);
            // A query that was cancelled is a little shorter next time, one that was not a little longer: all end near the very moment.
            length = if cancelled { length.mul_f64(0.95) } else { length.mul_f64(1.05).min(LONGEST) };
            hit.fetch_add(u64::from(cancelled), Ordering::Relaxed);
        }
    };
    block_on(join_all((0..SESSIONS).map(races)));
    // Neither all nor none were in time: there was a race.
    let (hit, all) = (hit.into_inner(), SESSIONS * RACES);
    assert!((all / 5..all * 4 / 5).contains(&hit), "{hit} of {all} were cancelled");
}
