//! A cancel from the panel means a query, and the server knows sessions only. Whatever its session has gone on to by the time that the
//! cancel arrives is a bystander, and is never met: not when it began after the person looked, not when it began after we looked again,
//! and not when the cancel goes over the wire.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use postern_ipc::{
    activity::{CancelOutcome, CancelQuery, CancelStepKind},
    connections::OpenConnection,
};
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use crate::{
    app::{App, target},
    support::{admin, block_on, faults},
};

/// A workgroup of this file alone: signals are slow on all of it.
const DATABASE: &str = "bystander-dev";

/// Sessions at once, each canceled in by an app with a monitoring session of its own.
const SESSIONS: usize = 4;

/// How many times a session goes on to another query between our look and the signal, unless `POSTERN_FORCED` says otherwise: the tests
/// beside this one need their share of the machine, so that a thousand times are for a run of their own.
const FORCED: u64 = 120;

/// How long a signal is on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(330);

/// How long a query lasts that is meant, and that ends while the signal is on its way; and the one after it.
const MEANT: Duration = Duration::from_millis(250);
const BYSTANDER: Duration = Duration::from_millis(450);

async fn connect(port: u16) -> Client {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user("bi-readonly").dbname("dev").application_name("bystander tests");
    let (client, connection) = config.connect(NoTls).await.expect("the session begins");
    tokio::spawn(connection);
    client
}

/// Runs a query; says whether it was canceled. Any other failure is one of the test.
async fn canceled(client: &Client, sql: &str) -> bool {
    match client.simple_query(sql).await {
        Ok(_) => false,
        Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => true,
        Err(error) => panic!("{sql}: {error:?}"),
    }
}

fn sleep(time: Duration, words: &str) -> String {
    format!("select pg_sleep({}) /* {words} */", time.as_secs_f64())
}

/// What the panel would send of the live query with these words, as soon as the server has noted it; none when it was too short for that.
/// Straight from the notes: a thousand lists of the panel would be most of the work.
async fn noted(admin: &Client, words: &str) -> Option<CancelQuery> {
    let sql = "select session_id, query_id from pg_internal.query_log where end_us is null and query_text like $1";
    for _ in 0..20 {
        if let Some(row) = admin.query_opt(sql, &[&format!("%{words} */")]).await.expect("the notes") {
            return Some(CancelQuery {
                target: target(DATABASE),
                session_id: row.get(0),
                query_id: row.get::<_, i64>(1).to_string(),
                terminate: false,
                note: None,
                confirmed: false,
                why: None,
            });
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    None
}

/// Cancels from another program, or ends the session of a query, while the query ends and its session goes on to the next: the signal
/// comes when that one runs. Says whether it came to that, and fails when the next was met.
async fn goes_on(app: &App, admin: &Client, client: &Client, name: &str, terminate: bool) -> bool {
    let (meant, next) = (format!("meant {name}"), sleep(BYSTANDER, &format!("bystander {name}")));
    let runs = async {
        let met = canceled(client, &sleep(MEANT, &meant)).await;
        assert!(!canceled(client, &next).await, "{name}: a bystander was canceled");
        met
    };
    let asks = async {
        let request = CancelQuery { terminate, ..noted(admin, &meant).await? };
        Some(app.host.activity_cancel(request).await.expect("a report"))
    };
    let (met, report) = tokio::join!(runs, asks);
    let Some(report) = report else { return false };
    assert_eq!(met, report.outcome == CancelOutcome::Canceled, "{name}: {report:?}");
    assert!(!matches!(report.outcome, CancelOutcome::Terminated | CancelOutcome::StillRunning), "{name}: {report:?}");
    // We had seen it alive, and it was gone when the server looked: the very case.
    let alive = report.steps.first().is_some_and(|step| step.kind == CancelStepKind::Reread && step.ok);
    alive && report.outcome != CancelOutcome::Canceled
}

/// So many times over all sessions.
fn force(what: &str, times: u64, apps: &[App], other: &App) {
    let admin = admin(DATABASE);
    let asked = OpenConnection { port: Some(0), ..OpenConnection::to(target(DATABASE)) };
    let port = block_on(other.host.connection_open(asked)).expect("a proxy").port;
    let (forced, tried) = (AtomicU64::new(0), AtomicU64::new(0));
    let session = async |(place, app): (usize, &App)| {
        let client = connect(port).await;
        while forced.load(Ordering::Relaxed) < times {
            let number = tried.fetch_add(1, Ordering::Relaxed);
            assert!(number < 12 * times, "{} of {number} came to it", forced.load(Ordering::Relaxed));
            let name = format!("{what} {place} {number}");
            if goes_on(app, &admin, &client, &name, number % 4 == 0).await {
                forced.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    faults(DATABASE).delay_signals(ON_ITS_WAY);
    block_on(join_all(apps.iter().enumerate().map(session)));
    faults(DATABASE).delay_signals(Duration::ZERO);
}

#[test]
fn a_session_that_goes_on_while_the_signal_is_on_its_way_is_left_alone() {
    // Each with a monitoring session of its own, so that none waits for the signals of another.
    let (apps, other): (Vec<App>, App) = ((0..SESSIONS).map(|_| App::open()).collect(), App::open());
    let forced = std::env::var("POSTERN_FORCED").map_or(FORCED, |times| times.parse().expect("a number"));
    force("one statement", forced, &apps, &other);
    // The same where the server lets no statement look and signal at once.
    faults(DATABASE).keep_nodes_apart(true);
    force("two statements", forced / 4, &apps, &other);
    faults(DATABASE).keep_nodes_apart(false);
}
