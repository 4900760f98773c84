//! Rules that watch: what is told, what is canceled and what is left alone, and when the server is asked at all.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use postern_ipc::{
    Event, Host,
    activity::CancelOutcome,
    console::{OpenConsole, Run, RunState},
    databases::Target,
    error::ErrorCode,
    session::SignIn,
    watch::{QueryAlert, Watch, WatchKind, WatchRule, WatchState, WatchWhen, Watching},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{
    app::{App, target, wait_for},
    support::{USER, admin, block_on},
};

const DATABASE: &str = "watched-dev";

/// They count what one server is asked.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(rules: &[(WatchKind, u64, bool)]) -> Watch {
    let rule = |&(kind, over, cancel): &(WatchKind, u64, bool)| WatchRule { kind, over, cancel };
    Watch {
        target: target(DATABASE),
        on: true,
        when: WatchWhen::WhileOursRun,
        every_seconds: 2,
        rules: rules.iter().map(rule).collect(),
    }
}

fn as_other() -> Target {
    Target { db_user: "teleport-redshift-serverless-access".into(), ..target(DATABASE) }
}

/// Runs in a tab of its own until it ends.
async fn run_as(app: &App, target: Target, sql: &str) -> Run {
    let tab = app.host.console_open(OpenConsole { target, read_only: false }).await.expect("a tab").id;
    app.run(&tab, sql).await
}

async fn state_is(host: &Host, wanted: WatchState) -> Watching {
    let look = async {
        loop {
            let found = host.watch_list(()).await.expect("the watches").pop().filter(|it| it.state == wanted);
            match found {
                Some(found) => return found,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    match tokio::time::timeout(Duration::from_secs(60), look).await {
        Ok(found) => found,
        Err(_) => panic!("never {wanted:?}: {:?}", host.watch_list(()).await),
    }
}

/// What is told from now on. Read all along: many events of other kinds come between.
struct Alerts(UnboundedReceiver<QueryAlert>);

impl Alerts {
    fn of(host: &Host) -> Self {
        let (keeper, kept) = unbounded_channel();
        let mut events = host.events();
        tokio::spawn(async move {
            while let Ok(event) = events.recv().await {
                if let Event::query_alert(alert) = event
                    && keeper.send(alert).is_err()
                {
                    return;
                }
            }
        });
        Self(kept)
    }

    /// Those that have come.
    fn all(&mut self) -> Vec<QueryAlert> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }

    async fn next(&mut self) -> QueryAlert {
        let told = tokio::time::timeout(Duration::from_secs(60), self.0.recv()).await;
        told.expect("it is told within a minute").expect("the app runs")
    }
}

/// How often this server has been asked for what rules are about.
async fn looks(admin: &tokio_postgres::Client) -> i64 {
    // The server's own log reaches its table a moment later.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let sql =
        "select count(*) from pg_internal.query_log where query_text like '%postern activity%1, 200) AS query_text%'";
    admin.query_one(sql, &[]).await.expect("the log").get(0)
}

#[test]
fn a_query_over_its_time_is_told_of_once_and_no_other_query_is() {
    let _alone = alone();
    let app = App::open();
    block_on(async {
        let mut alerts = Alerts::of(&app.host);
        app.host.watch_set(watch(&[(WatchKind::Runs, 2, false)])).await.expect("it is set");
        let (long, short, theirs) = tokio::join!(
            run_as(&app, target(DATABASE), "select pg_sleep(9), 'told of'"),
            run_as(&app, target(DATABASE), "select pg_sleep(1), 'too short'"),
            run_as(&app, as_other(), "select pg_sleep(9), 'of another user'"),
        );
        assert!([long, short, theirs].iter().all(|run| run.state == RunState::Done));
        state_is(&app.host, WatchState::Resting).await;
        let told = alerts.all();
        let [alert] = &told[..] else { panic!("{told:?}") };
        assert!(alert.text.contains("told of") && alert.live && alert.value >= 2, "{alert:?}");
        assert_eq!((alert.rule.kind, &alert.cancel, &alert.failure), (WatchKind::Runs, &None, &None));
    });
}

#[test]
fn a_rule_may_cancel_what_is_over_its_limit_and_nothing_else_ends() {
    let _alone = alone();
    let app = App::open();
    let alert = block_on(async {
        let mut alerts = Alerts::of(&app.host);
        app.host.watch_set(watch(&[(WatchKind::Runs, 4, true)])).await.expect("it is set");
        let (long, short, theirs, alert) = tokio::join!(
            run_as(&app, target(DATABASE), "select pg_sleep(120), 'to be canceled'"),
            run_as(
                &app,
                target(DATABASE),
                "select pg_sleep(2); select pg_sleep(2); select pg_sleep(2), 'each is short'"
            ),
            run_as(&app, as_other(), "select pg_sleep(12), 'a bystander'"),
            alerts.next(),
        );
        assert_eq!(long.state, RunState::Canceled, "{long:?}");
        assert_eq!((short.state, theirs.state), (RunState::Done, RunState::Done), "{short:?} {theirs:?}");
        assert!(alerts.all().is_empty());
        alert
    });
    assert!(alert.text.contains("to be canceled"), "{alert:?}");
    let report = alert.cancel.expect("what became of it");
    assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
    let audited = app.home.run(&["audit", "ls"]).ok();
    let cancels: Vec<&str> = audited.lines().filter(|line| line.contains("PST01I")).collect();
    let [cancel] = cancels[..] else { panic!("{cancels:?}") };
    assert!(cancel.contains(&alert.query_id) && cancel.contains("rule: runs over 4 s"), "{cancel}");
}

#[test]
fn a_wait_for_a_lock_is_told_of_while_it_lasts() {
    let _alone = alone();
    let app = App::open();
    block_on(async {
        let other = || OpenConsole { target: as_other(), read_only: false };
        let holder = app.host.console_open(other()).await.expect("a tab").id;
        let held = "create table if not exists watch_lock (a int); begin; lock table watch_lock";
        assert_eq!(app.run(&holder, held).await.state, RunState::Done);
        let mut alerts = Alerts::of(&app.host);
        let rules = watch(&[(WatchKind::Waits, 2, false), (WatchKind::Runs, 3600, true)]);
        app.host.watch_set(Watch { target: as_other(), ..rules }).await.expect("it is set");
        let waiter = app.host.console_open(other()).await.expect("a tab").id;
        let begun = app.start(&waiter, "insert into watch_lock values (1)").await;
        let alert = alerts.next().await;
        assert!(alert.text.contains("insert into watch_lock") && alert.value >= 2, "{alert:?}");
        assert_eq!(alert.rule.kind, WatchKind::Waits);
        let mut runs = app.host.events();
        app.run(&holder, "rollback").await;
        assert_eq!(wait_for(&mut runs, &begun.id).await.state, RunState::Done);
        state_is(&app.host, WatchState::Resting).await;
        assert!(alerts.all().is_empty(), "told again");
    });
}

#[test]
fn a_query_that_gives_back_too_much_is_told_of() {
    let _alone = alone();
    let app = App::open();
    block_on(async {
        let mut alerts = Alerts::of(&app.host);
        app.host.watch_set(watch(&[(WatchKind::Returns, 10_000_000, false)])).await.expect("it is set");
        let sql = "select repeat('x', 1000000), pg_sleep(0.2) from generate_series(1, 30) where 'much' <> ''";
        let run = run_as(&app, target(DATABASE), sql).await;
        assert_eq!(run.state, RunState::Done, "{run:?}");
        let alert = alerts.next().await;
        assert!(alert.text.contains("much") && alert.value > 10_000_000, "{alert:?}");
        assert_eq!(alert.rule.kind, WatchKind::Returns);
    });
}

#[test]
fn a_watch_asks_nothing_while_nothing_of_ours_runs_nor_once_it_is_off() {
    let _alone = alone();
    let app = App::open();
    let admin = admin(DATABASE);
    block_on(async {
        // Awake, and with all that is read once read.
        run_as(&app, target(DATABASE), "select 1").await;
        let before = looks(&admin).await;
        app.host.watch_set(watch(&[(WatchKind::Runs, 3600, false)])).await.expect("it is set");
        state_is(&app.host, WatchState::Resting).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(looks(&admin).await, before, "nothing of ours runs");

        let tab = app.tab(DATABASE).await;
        let mut events = app.host.events();
        let begun = app.start(&tab, "select pg_sleep(120)").await;
        assert!(state_is(&app.host, WatchState::Looking).await.failure.is_none());
        while looks(&admin).await < before + 2 {}
        let off = Watch { on: false, ..watch(&[(WatchKind::Runs, 3600, false)]) };
        let listed = app.host.watch_set(off).await.expect("it is set");
        assert_eq!(listed[0].state, WatchState::Off);
        let at_the_end = looks(&admin).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(looks(&admin).await, at_the_end, "it is off");
        app.host.console_cancel(tab).await.expect("it is stopped");
        assert_eq!(wait_for(&mut events, &begun.id).await.state, RunState::Canceled);
    });
}

#[test]
fn a_watch_rests_while_nobody_is_signed_in_and_comes_back_with_the_next_start() {
    let _alone = alone();
    let app = App::open();
    block_on(async {
        let set = Watch { when: WatchWhen::Always, ..watch(&[(WatchKind::Runs, 600, false)]) };
        app.host.watch_set(set.clone()).await.expect("it is set");
        let looked = state_is(&app.host, WatchState::Looking).await;
        assert_eq!(looked.watch, set);
        app.host.sign_out(()).await.expect("signed out");
        state_is(&app.host, WatchState::SignedOut).await;
        let sign_in = SignIn { user: USER.to_owned(), aws_profile: None };
        app.host.sign_in(sign_in).await.expect("signed in");
        let mut looked = state_is(&app.host, WatchState::Looking).await;
        while looked.last_look.is_none() {
            looked = state_is(&app.host, WatchState::Looking).await;
        }
        let next = app.another();
        assert_eq!(state_is(&next, WatchState::Looking).await.watch, set);
        let off = Watch { on: false, ..set };
        next.watch_set(off).await.expect("it is set");
        assert_eq!(app.another().watch_list(()).await.expect("the watches")[0].state, WatchState::Off);
    });
}

#[test]
fn a_server_that_cannot_be_asked_is_said_so_and_asked_again() {
    let _alone = alone();
    let app = App::open();
    block_on(async {
        // AWS denies this login there.
        let denied = Watch {
            target: target("finance-prod"),
            when: WatchWhen::Always,
            ..watch(&[(WatchKind::Runs, 600, false)])
        };
        app.host.watch_set(denied).await.expect("it is set");
        let failing = state_is(&app.host, WatchState::Failing).await;
        assert_eq!(failing.failure.map(|failure| failure.code), Some(ErrorCode::AwsDenied));
        let first = failing.next_look.expect("it says when");
        loop {
            let again = state_is(&app.host, WatchState::Failing).await.next_look.expect("it says when");
            if again > first {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[test]
fn what_could_not_be_meant_is_refused_and_a_damaged_file_is_none() {
    let _alone = alone();
    let app = App::open();
    block_on(async {
        let nothing = app.host.watch_set(watch(&[])).await.expect_err("nothing to watch for");
        assert_eq!((nothing.code, nothing.params["field"].as_str()), (ErrorCode::InvalidValue, "rules"));
        let elsewhere = Watch { target: target("nowhere"), ..watch(&[(WatchKind::Runs, 1, false)]) };
        assert_eq!(app.host.watch_set(elsewhere).await.expect_err("no such database").code, ErrorCode::NotFound);
        assert_eq!(app.host.watch_list(()).await.expect("the watches"), []);
        std::fs::write(app.home.path().join("state/watches.json"), "[{}]").expect("a file");
        let damaged = app.host.watch_list(()).await.expect_err("a damaged file");
        assert!(damaged.message.contains("watches.json") && damaged.message.contains("missing field"), "{damaged:?}");
        app.host.watch_set(watch(&[(WatchKind::Runs, 1, false)])).await.expect_err("nor is it written over");
    });
}
