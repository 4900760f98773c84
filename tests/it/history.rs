//! What outlives the app, as the window asks for it: history, tabs and files of SQL; and plots and plans.

use postern_ipc::{
    Host,
    console::{ConsoleRun, RunState},
    error::ErrorCode,
    history::{
        Draft, ForgetHistory, HistoryEntry, HistoryOutcome, HistoryRequest, Remembering, RetargetTab, SaveDraft,
    },
    plots::{PlanWarning, PlotRequest, PlotShape, PlotSpec, ResultTask},
};

use crate::{
    app::{App, target, wait_for, whole},
    support::block_on,
};

async fn entries(host: &Host, words: &str) -> Vec<HistoryEntry> {
    let request = HistoryRequest { words: words.to_owned(), database: None, failed: false, before: None, limit: 100 };
    host.history_list(request).await.expect("the history").entries
}

fn draft(text: &str) -> Draft {
    Draft { number: 1, place: 0, text: text.to_owned(), from: 0, to: 0, unsaved: false }
}

async fn keep(host: &Host, tab: &str, draft: Draft) {
    host.draft_save(SaveDraft { tab: tab.to_owned(), draft }).await.expect("it is kept");
}

/// A run that has ended, once its end is in the history.
async fn settled(host: &Host, words: &str) -> HistoryEntry {
    loop {
        let found = entries(host, words).await.remove(0);
        if found.outcome != HistoryOutcome::Running {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[test]
fn every_run_is_in_the_history_with_how_it_ended() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        app.run(&tab, "select 1;\nselect n from generate_series(1, 41) n").await;
        let entry = settled(&app.host, "generate_series").await;
        assert_eq!(entry.sql, "select 1;\nselect n from generate_series(1, 41) n");
        assert_eq!((entry.outcome, entry.rows, entry.statements), (HistoryOutcome::Done, Some(42), 2));
        assert_eq!(entry.target, target("analytics-dev"));

        app.run(&tab, "select nothing_of_that_name").await;
        let entry = settled(&app.host, "nothing_of_that_name").await;
        assert_eq!((entry.outcome, entry.sqlstate.as_deref()), (HistoryOutcome::Failed, Some("42703")));
        assert!(entry.message.expect("why").contains("nothing_of_that_name"));

        let mut events = app.host.events();
        let run = app.start(&tab, "select pg_sleep(600)").await;
        app.live("analytics-dev", "pg_sleep").await;
        app.host.console_cancel(tab.clone()).await.expect("it is asked to stop");
        wait_for(&mut events, &run.id).await;
        assert_eq!(settled(&app.host, "pg_sleep").await.outcome, HistoryOutcome::Canceled);

        // Another process of the same home sees them, and they are there after both have gone.
        assert_eq!(entries(&app.another(), "").await.len(), 3);
        let forgotten = app.host.history_forget(ForgetHistory::Everything).await.expect("it forgets");
        assert_eq!((forgotten, entries(&app.another(), "").await.len()), (3, 0));
    });
}

#[test]
fn a_run_that_a_closed_tab_cuts_short_is_settled_before_the_app_ends() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        app.start(&tab, "select pg_sleep(600)").await;
        app.live("analytics-dev", "pg_sleep").await;
        app.host.shutdown(std::time::Duration::from_secs(5)).await;
        let entry = entries(&app.another(), "pg_sleep").await.remove(0);
        assert!(matches!(entry.outcome, HistoryOutcome::Canceled | HistoryOutcome::Unknown), "{entry:?}");
    });
}

#[test]
fn nothing_is_added_to_a_history_that_is_switched_off() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        app.run(&tab, "select 'kept'").await;
        app.host.console_remember(Remembering { history: false, tabs: false }).await.expect("it is off");
        app.run(&tab, "select 'not kept'").await;
        keep(&app.host, &tab, draft("select 'not kept either'")).await;
        let all: Vec<_> = entries(&app.host, "").await.into_iter().map(|entry| entry.sql).collect();
        assert_eq!(all, ["select 'kept'"]);
        let next = app.another();
        assert_eq!(next.console_restore(()).await.expect("tabs").tabs, []);
    });
}

#[test]
fn tabs_come_back_to_the_next_app_without_a_session() {
    let app = App::open();
    block_on(async {
        let first = app.tab("analytics-dev").await;
        let second = app.tab("ml-dev").await;
        let closed = app.tab("ml-dev").await;
        keep(&app.host, &first, Draft { place: 1, from: 3, to: 5, ..draft("select 'first'") }).await;
        keep(&app.host, &second, draft("select 'second'")).await;
        keep(&app.host, &closed, Draft { place: 2, ..draft("select 'closed'") }).await;
        app.host.console_close(closed).await.expect("it closes");
        // Another app beside this one takes none of them.
        assert_eq!(app.another().console_restore(()).await.expect("tabs").tabs, []);
        let host = &app.host;
        let moved =
            host.console_retarget(RetargetTab { tab: second, target: target("analytics-dev"), read_only: false }).await;
        let moved = moved.expect("it moves");
        let restored = host.console_restore(()).await.expect("tabs").tabs;
        let here: Vec<_> = restored.iter().map(|tab| (tab.tab.id.as_str(), text(tab))).collect();
        assert_eq!(here, [(moved.id.as_str(), "select 'second'"), (first.as_str(), "select 'first'")]);

        host.shutdown(std::time::Duration::from_secs(1)).await;
        let again = host.console_restore(()).await.expect("tabs").tabs;
        assert_eq!(again.iter().map(text).collect::<Vec<_>>(), ["select 'second'", "select 'first'"]);
        let (draft, tab) = (again[1].draft.clone().expect("a draft"), again[1].tab.clone());
        assert_eq!((draft.from, draft.to, tab.target), (3, 5, target("analytics-dev")));
        assert_eq!(host.connections_list(()).await.expect("connections"), []);
        // It works once somebody runs something.
        let mut events = host.events();
        let run = whole(&tab.id, &draft.text);
        let run = host.console_run(run).await.expect("it runs");
        assert_eq!(wait_for(&mut events, &run.id).await.state, RunState::Done);
    });
}

fn text(tab: &postern_ipc::history::RestoredTab) -> &str {
    tab.draft.as_ref().map_or("", |draft| draft.text.as_str())
}

#[test]
fn a_tab_to_where_nobody_may_go_any_more_keeps_its_text_and_says_why_when_it_runs() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        keep(&app.host, &tab, draft("select 1")).await;
        app.host.shutdown(std::time::Duration::from_secs(1)).await;
        std::fs::remove_file(app.home.path().join("resources").join("db.analytics-dev.yaml"))
            .or_else(|_| remove_database(&app))
            .expect("the resource goes");
        let restored = app.host.console_restore(()).await.expect("tabs").tabs.remove(0);
        assert_eq!(text(&restored), "select 1");
        let mut events = app.host.events();
        let run = whole(&restored.tab.id, "select 1");
        let begun = app.host.console_run(run).await.expect("it begins");
        let run = wait_for(&mut events, &begun.id).await;
        assert_eq!(run.failure.expect("it says why").code, ErrorCode::NotFound);
    });
}

/// Wherever the resource of the database is.
fn remove_database(app: &App) -> std::io::Result<()> {
    for entry in std::fs::read_dir(app.home.path().join("resources"))? {
        let path = entry?.path();
        if std::fs::read_to_string(&path)?.contains("name: analytics-dev") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[test]
fn a_file_is_opened_once_saved_as_it_was_and_not_replaced_when_it_has_changed() {
    let app = App::open();
    block_on(async {
        let path = app.home.write("report.sql", "select 1;\r\nselect 2\r\n");
        let opened = app.host.sql_open(target("analytics-dev"), path.clone()).await.expect("it opens");
        assert_eq!((text(&opened), opened.mixed), ("select 1;\nselect 2\n", false));
        assert_eq!(opened.file.as_ref().expect("a file").name, "report.sql");
        let again = app.host.sql_open(target("ml-dev"), path.clone()).await.expect("it is open");
        assert_eq!(again.tab.id, opened.tab.id);

        let tab = &opened.tab.id;
        let saved = app.host.sql_save(tab, draft("select 3;\n"), false).await.expect("it is saved");
        assert_eq!(saved.name, "report.sql");
        assert_eq!(std::fs::read(&path).expect("the file"), b"select 3;\r\n");
        std::fs::write(&path, "select 'theirs'\r\n").expect("somebody writes it");
        let refused = app.host.sql_save(tab, draft("select 4;\n"), false).await.expect_err("it has changed");
        assert_eq!((refused.code, refused.params["reason"].as_str()), (ErrorCode::FileChanged, "changed"));
        let loaded = app.host.sql_reload(tab.clone()).await.expect("it is read");
        assert_eq!(text(&loaded), "select 'theirs'\n");
        std::fs::write(&path, "select 'theirs again'\r\n").expect("somebody writes it");
        app.host.sql_save(tab, draft("select 5;\n"), true).await.expect("the person has said so");
        assert_eq!(std::fs::read(&path).expect("the file"), b"select 5;\r\n");

        // A file that is there is not replaced by a name that nobody was asked about.
        let other = app.home.write("other.sql", "select 'other'");
        let refused = app.host.sql_save_as(tab, draft("select 6"), other.clone(), false).await;
        assert_eq!(refused.expect_err("it is there").code, ErrorCode::FileExists);
        app.host.sql_save_as(tab, draft("select 6\n"), other.clone(), true).await.expect("it is saved");
        assert_eq!(std::fs::read(&other).expect("the file"), b"select 6\r\n");

        let utf16 = app.home.path().join("utf16.sql");
        std::fs::write(&utf16, [0xff, 0xfe, 0x73, 0]).expect("a file");
        let refused = app.host.sql_open(target("analytics-dev"), utf16).await.expect_err("it is no UTF-8");
        assert_eq!((refused.code, refused.params["reason"].as_str()), (ErrorCode::FileUnusable, "utf16"));
    });
}

#[test]
fn a_result_is_plotted_in_rust_and_a_filter_holds_for_its_plot() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let run = app
            .run(&tab, "select date '2024-01-01' + n % 30 as day, n as amount from generate_series(1, 30000) n")
            .await;
        let result = run.statements[0].result.clone().expect("rows").id;
        let task = ResultTask { result: result.clone(), task: "choices".into() };
        let choices = app.host.plot_choices(task).await.expect("choices");
        let spec = choices.suggestion.expect("a suggestion");
        assert!(matches!(&spec, PlotSpec::Line { x: 0, y, .. } if y == &[1]), "{spec:?}");
        let request = PlotRequest { result, view: None, task: "plot".into(), spec };
        let plot = app.host.result_plot(request).await.expect("a plot");
        let PlotShape::Lines { series } = plot.shape else { panic!("no lines") };
        assert_eq!((plot.rows, series[0].points.len()), (30_000, 30));
        assert_eq!(series[0].points.iter().map(|point| point.rows).sum::<u64>(), 30_000);
    });
}

#[test]
fn a_statement_is_explained_and_not_run() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        app.run(&tab, "create temp table scratch as select n from generate_series(1, 100) n").await;
        let explain = |text: &str| ConsoleRun { all: false, explain: true, ..whole(&tab, text) };
        let mut events = app.host.events();
        let begun = app.host.console_run(explain("delete from scratch where n > 3")).await.expect("it begins");
        let run = wait_for(&mut events, &begun.id).await;
        let result = run.statements[0].result.clone().expect("a plan").id;
        let plan = app.host.result_plan(ResultTask { result, task: "plan".into() }).await.expect("a plan");
        assert!(plan.nodes[0].name.contains("Delete on scratch"), "{plan:?}");
        assert!(plan.nodes[1].name.contains("Seq Scan") && plan.nodes[1].depth == 1, "{plan:?}");
        assert!(!plan.nodes[1].warnings.contains(&PlanWarning::LargeScan));
        let count = app.run(&tab, "select count(*) from scratch").await;
        let result = count.statements[0].result.clone().expect("a count").id;
        let refused = app.host.result_plan(ResultTask { result: result.clone(), task: "plan".into() }).await;
        assert_eq!(refused.expect_err("it is none").params["reason"], "no_plan");
        let cell = postern_ipc::console::CellRequest { result, row: 0, column: 0 };
        assert_eq!(app.host.result_cell(cell).await.expect("the count").text.as_deref(), Some("100"));

        let refused = app.host.console_run(explain("analyze delete from scratch")).await.expect_err("it would run");
        assert_eq!(refused.params["reason"], "not_explainable");
    });
}
