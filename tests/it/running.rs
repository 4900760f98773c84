//! What a console tab asks, says and sends when it runs something: transactions, values, questions before what cannot be
//! undone, and read-only tabs.

use std::time::Duration;

use postern_ipc::{
    Event,
    console::{
        ConsoleRun, ConsoleTab, Danger, EndTransaction, OpenConsole, Parameter, ParameterKind, Run, RunState, SetManual,
    },
    error::ErrorCode,
};

use crate::{
    app::{App, target, wait_for, whole},
    support::{admin, block_on},
};

/// The tab as soon as it is as wanted.
async fn tab_where(app: &App, tab: &str, wanted: impl Fn(&ConsoleTab) -> bool) -> ConsoleTab {
    let look = async {
        loop {
            let tabs = app.host.console_tabs(()).await.expect("tabs");
            if let Some(found) = tabs.into_iter().find(|found| found.id == tab && wanted(found)) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(60), look).await {
        Ok(found) => found,
        Err(_) => panic!("the tab never becomes as wanted: {:?}", app.host.console_tabs(()).await),
    }
}

async fn manual(app: &App, tab: &str) {
    let set = SetManual { tab: tab.to_owned(), manual: true };
    assert!(app.host.console_set_manual(set).await.expect("it is set").manual);
}

async fn end(app: &App, tab: &str, commit: bool) -> bool {
    let end = EndTransaction { tab: tab.to_owned(), commit };
    app.host.console_end_transaction(end).await.expect("it ends").committed
}

async fn run_with(app: &App, request: ConsoleRun) -> Run {
    let mut events = app.host.events();
    let begun = app.host.console_run(request).await.expect("it begins");
    wait_for(&mut events, &begun.id).await
}

fn value(name: &str, kind: ParameterKind, value: &str) -> Parameter {
    Parameter { name: name.into(), kind, value: value.into() }
}

/// SQLSTATE and the marked text of the first statement that failed.
fn refusal(run: &Run, text: &str) -> (String, Option<String>) {
    let failure = run.statements.iter().find_map(|statement| statement.failure.clone()).expect("one failed");
    let sql = failure.sql.expect("the server said why");
    let units: Vec<u16> = text.encode_utf16().collect();
    let marked = sql.from.zip(sql.to).map(|(from, to)| String::from_utf16_lossy(&units[from as usize..to as usize]));
    (sql.sqlstate, marked)
}

#[test]
fn a_manual_tab_begins_transactions_by_itself_and_its_owner_ends_them() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        manual(&app, &tab).await;
        assert_eq!(app.run(&tab, "create temp table tx_kept (a int)").await.state, RunState::Done);
        let open = tab_where(&app, &tab, |tab| tab.transaction.is_some()).await.transaction.expect("one is open");
        assert_eq!((open.failed, open.statements), (false, 1));
        assert!(end(&app, &tab, true).await);
        assert_eq!(tab_where(&app, &tab, |tab| tab.transaction.is_none()).await.lost, None);

        let run = app.run(&tab, "insert into tx_kept values (1); insert into tx_kept values (2)").await;
        assert_eq!(run.state, RunState::Done, "{run:?}");
        let open =
            tab_where(&app, &tab, |tab| tab.transaction.as_ref().is_some_and(|open| open.idle_since.is_some())).await;
        assert_eq!(open.transaction.expect("it is open").statements, 2);
        assert!(!end(&app, &tab, false).await);
        let run = app.run(&tab, "select count(*) from tx_kept").await;
        let result = run.statements[0].result.clone().expect("rows");
        let first = postern_ipc::console::WindowRequest { result: result.id, view: None, first: 0, count: 1 };
        assert_eq!(app.host.result_window(first).await.expect("a row").rows[0][0].as_deref(), Some("0"));

        // What fails it is the server's word too, and only a rollback helps.
        assert_eq!(app.run(&tab, "select nothing_like_it").await.state, RunState::Failed);
        assert!(
            tab_where(&app, &tab, |tab| tab.transaction.is_some()).await.transaction.is_some_and(|open| open.failed)
        );
        let run = app.run(&tab, "select 1").await;
        assert_eq!(refusal(&run, "select 1").0, "25P02");
        assert!(!end(&app, &tab, true).await, "a failed transaction is not committed, whatever is asked");
        // The person's own words do as well.
        app.run(&tab, "select 1").await;
        app.run(&tab, "rollback").await;
        tab_where(&app, &tab, |tab| tab.transaction.is_none()).await;
        let nothing = EndTransaction { tab: tab.clone(), commit: true };
        let failure = app.host.console_end_transaction(nothing).await.expect_err("none is open");
        assert_eq!(failure.code, ErrorCode::InvalidValue);
    });
}

#[test]
fn what_cannot_run_in_a_transaction_is_not_sent_into_one() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        app.run(&tab, "begin; select 1").await;
        let text = "vacuum pg_class";
        let run = app.run(&tab, text).await;
        assert_eq!(refusal(&run, text).0, "25001");
        let open = tab_where(&app, &tab, |tab| tab.transaction.is_some()).await.transaction.expect("it is open");
        assert!(!open.failed, "the open transaction is as it was");
        assert!(end(&app, &tab, true).await);
    });
}

#[test]
fn a_session_that_ends_with_its_transaction_says_so_and_runs_nothing_outside_of_it() {
    let app = App::open();
    let admin = admin("analytics-dev");
    // By the server's own function: the one of that name takes a Redshift session's number.
    let kill = "select pg_internal_terminate_backend(pid, 0) from pg_stat_get_activity(null) where query like '%lost_with_it%' and state like 'idle in transaction%'";
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        manual(&app, &tab).await;
        app.run(&tab, "select 'lost_with_it'").await;
        tab_where(&app, &tab, |tab| tab.transaction.is_some()).await;
        assert!(admin.query_one(kill, &[]).await.expect("there is one").get::<_, bool>(0));
        // Noticed without a statement.
        let lost = tab_where(&app, &tab, |tab| tab.lost.is_some()).await;
        assert_eq!(lost.transaction, None);

        // And where a statement comes first, it does not run on another session.
        app.run(&tab, "select 'lost_with_it'").await;
        tab_where(&app, &tab, |tab| tab.transaction.is_some() && tab.lost.is_none()).await;
        assert!(admin.query_one(kill, &[]).await.expect("there is one").get::<_, bool>(0));
        let run = app.run(&tab, "create temp table tx_outside (a int)").await;
        if run.state == RunState::Done {
            // The loss was noticed in between, and told before this ran.
            assert!(tab_where(&app, &tab, |tab| tab.transaction.is_some()).await.transaction.is_some());
        } else {
            assert_eq!(run.failure.expect("a reason").code, ErrorCode::ConnectionLost);
        }
    });
}

#[test]
fn values_are_bound_and_an_error_marks_the_name_in_what_was_written() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let text = "select :word as word, :n + 1 as n, :word::text || '!' as again, :day + 1 as day, :yes as yes, :none as none";
        let run = run_with(
            &app,
            ConsoleRun {
                parameters: vec![
                    value("word", ParameterKind::Text, "'; drop table x; -- 서울"),
                    value("n", ParameterKind::Number, "41"),
                    value("day", ParameterKind::Date, "2026-11-23"),
                    value("yes", ParameterKind::Boolean, "true"),
                    value("none", ParameterKind::Null, ""),
                ],
                ..whole(&tab, text)
            },
        )
        .await;
        assert_eq!(run.state, RunState::Done, "{run:?}");
        let result = run.statements[0].result.clone().expect("rows");
        let first = postern_ipc::console::WindowRequest { result: result.id, view: None, first: 0, count: 1 };
        let row = app.host.result_window(first).await.expect("a row").rows[0].clone();
        let row: Vec<_> = row.iter().map(|cell| cell.as_deref()).collect();
        let word = "'; drop table x; -- 서울";
        assert_eq!(row, [Some(word), Some("42"), Some(&*format!("{word}!")), Some("2026-11-24"), Some("t"), None]);

        let text = "-- 주석\nselect '한글', :a_long_name, colum_x from pg_class";
        let with =
            |kind, given| ConsoleRun { parameters: vec![value("a_long_name", kind, given)], ..whole(&tab, text) };
        let run = run_with(&app, with(ParameterKind::Text, "x")).await;
        assert_eq!(refusal(&run, text), ("42703".to_owned(), Some("colum_x".to_owned())));
        // A value that is none of its type is refused before anything is sent, and so is one that is missing.
        let run = run_with(&app, with(ParameterKind::Number, "many")).await;
        assert_eq!(refusal(&run, text), ("22P02".to_owned(), Some(":a_long_name".to_owned())));
        let run = run_with(&app, whole(&tab, text)).await;
        assert_eq!(refusal(&run, text), ("42P02".to_owned(), Some(":a_long_name".to_owned())));
        let text = "select 1 where :flag";
        let flag = vec![value("flag", ParameterKind::Number, "1")];
        let run = run_with(&app, ConsoleRun { parameters: flag, ..whole(&tab, text) }).await;
        assert_eq!(refusal(&run, text), ("42804".to_owned(), Some(":flag".to_owned())));

        let check =
            app.host.console_check(whole(&tab, "select :b, ':c', a[1:n], :a; select :b::int")).await.expect("a look");
        assert_eq!((check.parameters, check.dangers.len()), (vec!["b".to_owned(), "a".to_owned()], 0));
        let audit = app.home.run(&["audit", "ls"]).ok();
        assert!(audit.contains("select $1 as word, $2 + 1 as n, $1::text") && audit.contains("drop table x; -- 서울"));
    });
}

#[test]
fn an_error_of_a_selection_marks_its_token_in_the_whole_text() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let text = "select '위에 있는 다른 SQL';\nselect '한글 값', regoin from pg_class;\nselect 3";
        let at = |needle: &str| {
            let offset = text.find(needle).expect("it is there");
            u32::try_from(text[..offset].encode_utf16().count()).expect("a short text")
        };
        let selected =
            ConsoleRun { from: at("select '한글"), to: at(";\nselect 3"), all: false, ..whole(&tab, text) };
        let run = run_with(&app, selected).await;
        assert_eq!(run.statements.len(), 1);
        assert_eq!(refusal(&run, text), ("42703".to_owned(), Some("regoin".to_owned())));
    });
}

#[test]
fn production_asks_before_what_changes_every_row_and_elsewhere_nothing_does() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-prod").await;
        let text = "select 1; delete from guard_nowhere; update guard_nowhere set a = 1 where id = 2; drop table guard_nowhere";
        let check = app.host.console_check(whole(&tab, text)).await.expect("a look");
        let found: Vec<_> = check.dangers.iter().map(|found| found.danger).collect();
        assert_eq!(found, [Danger::DeleteAll, Danger::DropTable]);
        let failure = app.host.console_run(whole(&tab, text)).await.expect_err("nobody has confirmed it");
        assert_eq!(failure.code, ErrorCode::ConfirmationNeeded);
        assert_eq!(failure.params["statement"], "delete from guard_nowhere");
        let run = run_with(&app, ConsoleRun { confirmed: true, ..whole(&tab, text) }).await;
        assert_eq!(refusal(&run, text), ("42P01".to_owned(), Some("guard_nowhere".to_owned())), "it was sent");

        let dev = app.tab("analytics-dev").await;
        assert!(app.host.console_check(whole(&dev, text)).await.expect("a look").dangers.is_empty());
    });
}

#[test]
fn a_read_only_tab_reads_and_nothing_else_not_even_by_an_export() {
    let app = App::open();
    block_on(async {
        let open = OpenConsole { target: target("analytics-dev"), read_only: true };
        let tab = app.host.console_open(open).await.expect("it opens");
        assert!(tab.read_only);
        let text = "select 1; delete from ro_console";
        let mut events = app.host.events();
        let run = app.run(&tab.id, text).await;
        assert_eq!(run.statements[0].state, RunState::Done);
        assert_eq!(refusal(&run, text).0, "25006");
        manual(&app, &tab.id).await;
        let run = app.run(&tab.id, "create temp table ro_temp (a int)").await;
        assert_eq!(refusal(&run, "").0, "25006");
        assert!(
            tab_where(&app, &tab.id, |tab| tab.transaction.is_some()).await.transaction.is_some_and(|open| open.failed)
        );
        end(&app, &tab.id, false).await;
        // The window is told of each change.
        let told = async {
            loop {
                if let Event::tab_changed(shown) = events.recv().await.expect("events go on")
                    && shown.transaction.as_ref().is_some_and(|open| open.failed)
                {
                    return shown.id;
                }
            }
        };
        assert_eq!(tokio::time::timeout(Duration::from_secs(60), told).await.expect("it is told"), tab.id);
    });
}
