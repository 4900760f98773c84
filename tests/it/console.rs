//! The contract's commands as the window calls them: console tabs, results, activity and cancels.

use std::time::Duration;

use postern_ipc::{
    activity::{ActivityRequest, CancelOutcome, CancelStepKind},
    connections::{ConnectionAuth, CopyConnection, CopyWhat, OpenConnection, PasswordMethod},
    console::{
        CellRequest, Filter, FilterTest, FindRequest, OpenConsole, PinResult, RunState, SortColumn, StatsRequest, View,
        ViewRequest, WindowRequest,
    },
    databases::Target,
    error::ErrorCode,
};
use secrecy::ExposeSecret;

use crate::{
    app::{App, target, wait_for},
    support::{block_on, faults},
};

#[test]
fn rows_are_kept_in_rust_and_given_by_window() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let run =
            app.run(&tab, "select n, n::text || '행' as word, nullif(n, 3) from generate_series(1, 50000) as n").await;
        assert_eq!(run.state, RunState::Done, "{run:?}");
        let result = run.statements[0].result.clone().expect("it has rows");
        assert_eq!((result.rows, result.complete), (50_000, true));
        assert!(result.columns[0].numeric && !result.columns[1].numeric);
        let request = |first| WindowRequest { result: result.id.clone(), view: None, first, count: 2 };
        let window = app.host.result_window(request(49_998)).await.expect("the last rows");
        assert_eq!(window.rows[1], [Some("50000".into()), Some("50000행".into()), Some("50000".into())]);
        let window = app.host.result_window(request(2)).await.expect("the first rows");
        assert_eq!(window.rows[0][2], None, "NULL is not an empty text");
    });
}

/// Orders by a column.
fn by(column: u32, descending: bool) -> Vec<SortColumn> {
    vec![SortColumn { column, descending }]
}

fn view(result: &str, sort: Vec<SortColumn>, filters: Vec<Filter>) -> ViewRequest {
    ViewRequest { result: result.to_owned(), task: "view".into(), sort, filters }
}

/// All rows of a small view.
async fn rows_of(app: &App, view: &View) -> Vec<Vec<Option<String>>> {
    let request = WindowRequest { result: view.result.clone(), view: Some(view.id.clone()), first: 0, count: 1_000 };
    app.host.result_window(request).await.expect("its rows").rows
}

#[test]
fn values_of_every_type_are_kept_as_the_server_writes_them_and_sorted_by_value() {
    // For each type its values, smallest first, as the server writes them. NULL comes last in any order.
    let types: [(&str, &[&str]); 9] = [
        (
            "numeric(38)",
            &[
                "-99999999999999999999999999999999999999",
                "0",
                "9007199254740993",
                "99999999999999999999999999999999999999",
                "NaN",
            ],
        ),
        ("int8", &["-9223372036854775808", "-1", "9007199254740992", "9007199254740993"]),
        ("float8", &["-Infinity", "-1.5", "0.1", "1e+20", "Infinity", "NaN"]),
        ("date", &["-infinity", "0044-03-15 BC", "0001-01-01", "9999-12-31", "infinity"]),
        ("timestamp", &["4713-01-01 00:00:00 BC", "2024-02-29 12:00:00", "2024-02-29 12:00:00.000001"]),
        ("timetz", &["12:00:00+09", "04:00:00+00", "04:00:00-03:30"]),
        ("interval", &["-1 days", "23:59:59", "1 day", "1 mon", "1 year 2 mons 3 days 04:05:06.7"]),
        ("char(5)", &["", "a    ", "b    "]),
        ("varchar", &["", " ", "Z", "a", "é"]),
    ];
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        for (name, values) in types {
            // Turned around, so that they do not come sorted.
            let listed: Vec<String> = values.iter().rev().map(|value| format!("('{value}'::{name})")).collect();
            let run = app.run(&tab, &format!("values (null::{name}), {}", listed.join(", "))).await;
            let result = run.statements[0].result.clone().unwrap_or_else(|| panic!("{run:?}"));
            // A CHAR is filled up by the server, whatever is written.
            let wanted = |value: &str| if name == "char(5)" { format!("{value:5}") } else { value.to_owned() };
            let mut wanted: Vec<_> = values.iter().map(|value| vec![Some(wanted(value))]).collect();
            wanted.push(vec![None]);
            let sorted = app.host.result_view(view(&result.id, by(0, false), vec![])).await.expect("a view");
            assert_eq!((rows_of(&app, &sorted).await, sorted.as_text), (wanted.clone(), 0), "{name}");
            let downward = app.host.result_view(view(&result.id, by(0, true), vec![])).await.expect("a view");
            wanted[..values.len()].reverse();
            assert_eq!(rows_of(&app, &downward).await, wanted, "{name} downward");
        }
    });
}

#[test]
fn a_result_is_sorted_filtered_searched_and_counted_in_rust() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let sql = "select n, (n % 7)::numeric / 2 as half, case when n % 10 > 0 then 'word ' || n end as word \
                   from generate_series(1, 20000) as n";
        let run = app.run(&tab, sql).await;
        let result = run.statements[0].result.clone().expect("it has rows");

        let filter = |column, test, value: &str| Filter {
            column: Some(column),
            test,
            value: Some(value.into()),
            match_case: false,
        };
        let filters = vec![filter(1, FilterTest::Equal, "2.50"), filter(2, FilterTest::EndsWith, "9")];
        let shown = app.host.result_view(view(&result.id, by(0, true), filters)).await.expect("a view");
        assert_eq!((shown.rows, shown.of), (286, 20_000));
        assert_eq!(
            rows_of(&app, &shown).await[0],
            [Some("19969".into()), Some("2.5000000000000000".into()), Some("word 19969".into())]
        );

        let window = WindowRequest { result: result.id.clone(), view: Some(shown.id.clone()), first: 0, count: 1 };
        assert_eq!(app.host.result_window(window.clone()).await.expect("a row").numbers, Some(vec![19_968]));

        let find = FindRequest {
            result: result.id.clone(),
            view: Some(shown.id.clone()),
            task: "find".into(),
            text: "WORD 19899".into(),
            regex: false,
            match_case: false,
            column: None,
            from: None,
            backwards: false,
        };
        let found = app.host.result_find(find.clone()).await.expect("an answer").expect("it is there");
        assert_eq!((found.place.row, found.place.column, found.number), (1, 2, 19_898));
        let nothing = FindRequest { match_case: true, ..find };
        assert_eq!(app.host.result_find(nothing).await.expect("an answer"), None);

        let stats = StatsRequest { result: result.id.clone(), view: None, task: "stats".into(), column: 1 };
        let stats = app.host.result_stats(stats).await.expect("its figures");
        assert_eq!((stats.rows, stats.nulls, stats.distinct, stats.distinct_exact), (20_000, 0, 7, true));
        assert_eq!(stats.histogram.iter().map(|bucket| bucket.rows).sum::<u64>(), 20_000);

        let wrong = vec![filter(0, FilterTest::Less, "ten")];
        let failure = app.host.result_view(view(&result.id, vec![], wrong)).await.expect_err("it is no number");
        assert_eq!((failure.code, failure.params["field"].as_str()), (ErrorCode::InvalidValue, "value"));

        app.host.result_view_close(shown.id).await.expect("it goes");
        assert_eq!(app.host.result_window(window).await.expect_err("it is gone").code, ErrorCode::NotFound);
    });
}

#[test]
fn work_on_a_result_tells_its_progress_and_is_stopped_by_name() {
    let app = App::open();
    block_on(async {
        let mut events = app.host.events();
        let tab = app.tab("analytics-dev").await;
        let run = app.run(&tab, "select md5(n::text) from generate_series(1, 300000) as n").await;
        let result = run.statements[0].result.clone().expect("it has rows");
        // No row matches, so that all are gone through.
        let slow = Filter {
            column: Some(0),
            test: FilterTest::Matches,
            value: Some("(a.{9}){4}$|^(b.*){20}x".into()),
            match_case: false,
        };
        let working = app.host.result_view(view(&result.id, by(0, false), vec![slow]));
        let stop = async {
            loop {
                if let postern_ipc::Event::result_progress(progress) = events.recv().await.expect("an event") {
                    assert_eq!((progress.task.as_str(), progress.of), ("view", 600_000));
                    return app.host.result_cancel("view".into()).await.expect("it is stopped");
                }
            }
        };
        // On a fast machine it may be done before anything can be told of it.
        tokio::select! {
            biased;
            made = working => match made {
                Ok(view) => assert_eq!(view.rows, 0),
                Err(failure) => assert_eq!(failure.code, ErrorCode::Canceled),
            },
            () = stop => {}
        }
        app.host.result_cancel("nothing of this name".into()).await.expect("that is fine");
        assert!(app.host.result_view(view(&result.id, by(0, false), vec![])).await.is_ok());
    });
}

#[test]
fn a_pinned_result_is_there_after_the_next_run_and_gone_once_closed() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let run = app.run(&tab, "select 'first'; select 'second'").await;
        let ids: Vec<_> = run.statements.iter().map(|statement| statement.result.clone().expect("a row").id).collect();
        app.host.result_pin(PinResult { result: ids[0].clone(), pinned: true }).await.expect("it stays");
        app.run(&tab, "select 'third'").await;
        let kept = app.host.console_results(tab.clone()).await.expect("what it keeps");
        let shown: Vec<_> = kept.iter().map(|kept| (kept.sql.as_str(), kept.pinned, kept.growing)).collect();
        assert_eq!(shown, [("select 'first'", true, false), ("select 'third'", false, false)]);
        let window = |result: &str| WindowRequest { result: result.to_owned(), view: None, first: 0, count: 1 };
        let rows = app.host.result_window(window(&ids[0])).await.expect("it is still there").rows;
        assert_eq!(rows, [[Some("first".to_owned())]]);
        assert_eq!(app.host.result_window(window(&ids[1])).await.expect_err("it went").code, ErrorCode::NotFound);
        app.host.result_close(ids[0].clone()).await.expect("it goes");
        assert_eq!(app.host.result_close(ids[0].clone()).await.expect_err("it is gone").code, ErrorCode::NotFound);
    });
}

#[test]
fn several_statements_give_several_results_and_stop_at_the_first_error() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let sql = "select 'é서울', 1; select no_such_column from customers; select 3";
        let run = app.run(&tab, sql).await;
        assert_eq!(run.state, RunState::Failed);
        let states: Vec<RunState> = run.statements.iter().map(|statement| statement.state).collect();
        assert_eq!(states, [RunState::Done, RunState::Failed, RunState::Waiting]);
        let failure = run.statements[1].failure.clone().expect("the server says why");
        assert_eq!(failure.code, ErrorCode::DatabaseError);
        let error = failure.sql.expect("where");
        assert_eq!(error.sqlstate, "42703");
        // The marked token, in the editor's own offsets.
        let text: Vec<u16> = sql.encode_utf16().collect();
        let (from, to) = (error.from.expect("a place") as usize, error.to.expect("its end") as usize);
        assert_eq!(String::from_utf16_lossy(&text[from..to]), "no_such_column");
    });
}

#[test]
fn a_cell_of_a_hundred_megabytes_is_cut_for_the_window_and_kept_whole() {
    let app = App::open();
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let run = app.run(&tab, "select repeat('가', 33000000) as huge").await;
        let result = run.statements[0].result.clone().expect("a row");
        let window = app
            .host
            .result_window(WindowRequest { result: result.id.clone(), view: None, first: 0, count: 1 })
            .await
            .expect("the row");
        assert_eq!(window.cut[0].bytes, 99_000_000);
        assert!(window.rows[0][0].as_ref().is_some_and(|cell| cell.chars().count() <= 1_000));
        let cell = app.host.result_cell(CellRequest { result: result.id, row: 0, column: 0 }).await.expect("the cell");
        assert!(cell.cut && cell.bytes == 99_000_000);
    });
}

#[test]
fn a_query_of_the_console_is_canceled_from_activity_with_proof_and_the_tab_lives_on() {
    let app = App::open();
    block_on(async {
        let mut events = app.host.events();
        let tab = app.tab("analytics-stage").await;
        let begun = app.start(&tab, "select pg_sleep(120) as canceled_from_activity").await;
        let query = app.live("analytics-stage", "canceled_from_activity").await;
        let ours = query.ours.as_ref().expect("it is ours");
        assert_eq!((ours.program.as_str(), ours.tab.as_ref()), ("Postern console", Some(&tab)));
        let report = app.cancel("analytics-stage", &query).await;
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        let kinds: Vec<CancelStepKind> = report.steps.iter().map(|step| step.kind).collect();
        let expected = [
            CancelStepKind::Reread,
            CancelStepKind::WireCancel,
            CancelStepKind::ServerReports,
            CancelStepKind::ClientTold,
        ];
        assert_eq!(kinds, expected, "{report:?}");
        assert!(report.steps.iter().all(|step| step.ok), "{report:?}");
        let run = wait_for(&mut events, &begun.id).await;
        assert_eq!(run.state, RunState::Canceled, "{run:?}");
        let again = app.run(&tab, "select 'usable'").await;
        assert_eq!(again.state, RunState::Done);
    });
}

#[test]
fn a_session_that_hangs_after_its_cancel_is_ended_with_57014() {
    let app = App::open();
    block_on(async {
        let mut events = app.host.events();
        let tab = app.tab("events-prod").await;
        let begun = app.start(&tab, "select pg_sleep(120) as hangs_after_cancel").await;
        let query = app.live("events-prod", "hangs_after_cancel").await;
        faults("events-prod").hang_after_cancel(true);
        let report = app.cancel("events-prod", &query).await;
        faults("events-prod").hang_after_cancel(false);
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        let run = wait_for(&mut events, &begun.id).await;
        assert!(matches!(run.state, RunState::Canceled | RunState::Failed), "{run:?}");
        let again = app.run(&tab, "select 'usable'").await;
        assert_eq!(again.state, RunState::Done, "{again:?}");
    });
}

#[test]
fn a_query_of_another_session_than_ours_is_canceled_by_its_pid() {
    let (app, other) = (App::open(), App::open());
    block_on(async {
        let mut events = other.host.events();
        let tab = other.tab("analytics-stage").await;
        let begun = other.start(&tab, "select pg_sleep(120) as of_another_program").await;
        let query = app.live("analytics-stage", "of_another_program").await;
        assert_eq!(query.ours, None);
        let report = app.cancel("analytics-stage", &query).await;
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        assert!(report.steps.iter().any(|step| step.kind == CancelStepKind::CancelBackend && step.ok));
        assert_eq!(wait_for(&mut events, &begun.id).await.state, RunState::Canceled);
        let late = app.cancel("analytics-stage", &query).await;
        assert_eq!(late.outcome, CancelOutcome::AlreadyFinished);
    });
}

#[test]
fn an_ordinary_login_is_told_that_it_sees_its_own_queries_only() {
    let app = App::open();
    block_on(async {
        let list = |db_user: &str| {
            let target = Target { db_user: db_user.into(), ..target("analytics-dev") };
            app.host.activity_list(ActivityRequest::of(target, 1))
        };
        let own = list("bi-readonly").await.expect("its list").scope;
        let all = list("warehouse-admin").await.expect("its list").scope;
        assert_eq!(own, postern_ipc::activity::ActivityScope::Own);
        assert_eq!(all, postern_ipc::activity::ActivityScope::All);
    });
}

#[test]
fn a_denied_role_names_hop_action_and_resource() {
    let app = App::open();
    block_on(async {
        let denied = Target { db_user: "finance-auditor".into(), ..target("finance-prod") };
        let failure =
            app.host.console_open(OpenConsole { target: denied, read_only: false }).await.expect_err("AWS denies it");
        assert_eq!(failure.code, ErrorCode::AwsDenied);
        assert_eq!(failure.params["hop"], "1");
        assert_eq!(failure.params["action"], "sts:AssumeRole");
        assert_eq!(failure.params["resource"], "arn:aws:iam::111111111111:role/finance-auditor");
        assert!(failure.server.is_some_and(|words| words.contains("is not authorized to perform: sts:AssumeRole")));
    });
}

#[test]
fn a_password_goes_onto_the_clipboard_and_never_to_the_window() {
    let app = App::open();
    block_on(async {
        let mut events = app.host.events();
        let auth = ConnectionAuth::Password { method: PasswordMethod::ScramSha256 };
        let request = OpenConnection {
            port: Some(0),
            auth: Some(auth),
            tls: Some(true),
            ..OpenConnection::to(target("analytics-dev"))
        };
        let opened = app.host.connection_open(request.clone()).await.expect("a proxy");
        assert_eq!((opened.auth, opened.beyond_loopback), (auth, false));
        assert!(opened.tls.as_ref().is_some_and(|tls| std::path::Path::new(&tls.ca_file).is_file()));

        let copy = |id: &str, what| app.host.connection_copy(CopyConnection { id: id.to_owned(), what });
        let password = copy(&opened.id, CopyWhat::Password).await.expect("it has one").expose_secret().to_owned();
        for what in [CopyWhat::Uri, CopyWhat::Psql, CopyWhat::Jdbc, CopyWhat::Env] {
            let text = copy(&opened.id, what).await.expect("a string");
            assert!(text.expose_secret().contains(&password), "{what:?}");
        }
        let uri = copy(&opened.id, CopyWhat::Uri).await.expect("a string");
        let plain = uri.expose_secret().split('?').next().expect("the beginning").to_owned();
        let config: tokio_postgres::Config = plain.parse().expect("a URI that other clients read too");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("a client connects");
        tokio::spawn(connection);
        assert_eq!(client.simple_query("select 1").await.expect("it answers").len(), 3);

        let list = app.host.connections_list(()).await.expect("the list");
        let mut shown = serde_json::to_string(&(&opened, &list)).expect("it is JSON") + &format!("{:?}", app.host);
        loop {
            let event = events.recv().await.expect("an event");
            shown.push_str(&event.payload().to_string());
            if event.name() == "connections_changed" {
                break;
            }
        }
        assert!(!shown.contains(&password), "the window was given the password");

        // What runs is given to whoever asks for nothing else, and not to whoever does.
        let again = OpenConnection::to(target("analytics-dev"));
        assert_eq!(app.host.connection_open(again.clone()).await.expect("the same").id, opened.id);
        let other = OpenConnection { auth: Some(ConnectionAuth::SameUser), ..again };
        let failure = app.host.connection_open(other).await.expect_err("it asks for a password");
        assert_eq!((failure.code, failure.params["field"].as_str()), (ErrorCode::InvalidValue, "auth"));
    });
}

#[test]
fn a_connection_without_a_password_has_none_to_copy_and_listens_nowhere_else_unasked() {
    let app = App::open();
    block_on(async {
        let request = OpenConnection { port: Some(0), ..OpenConnection::to(target("events-prod")) };
        let wide = OpenConnection { address: Some("0.0.0.0".into()), ..request.clone() };
        let failure = app.host.connection_open(wide).await.expect_err("nobody said that it may");
        assert_eq!((failure.code, failure.params["field"].as_str()), (ErrorCode::InvalidValue, "listen"));
        let named = OpenConnection { address: Some("example.com".into()), ..request.clone() };
        let failure = app.host.connection_open(named).await.expect_err("it is no address");
        assert_eq!((failure.code, failure.params["field"].as_str()), (ErrorCode::InvalidValue, "address"));

        let auth = Some(ConnectionAuth::SameUser);
        let opened = app.host.connection_open(OpenConnection { auth, ..request }).await.expect("a proxy");
        assert_eq!((opened.auth, opened.tls), (ConnectionAuth::SameUser, None));
        let copy = |what| app.host.connection_copy(CopyConnection { id: opened.id.clone(), what });
        assert_eq!(copy(CopyWhat::Password).await.expect_err("it has none").code, ErrorCode::NotFound);
        assert_eq!(copy(CopyWhat::Uri).await.expect("a string").expose_secret(), opened.strings.uri);
    });
}

#[test]
fn a_connection_shows_its_sessions_and_is_gone_after_stop() {
    let app = App::open();
    block_on(async {
        let opened = app
            .host
            .connection_open(OpenConnection { port: Some(0), ..OpenConnection::to(target("analytics-dev")) })
            .await
            .expect("a proxy");
        let (client, connection) = tokio_postgres::Config::new()
            .host("127.0.0.1")
            .port(opened.port)
            .user("bi-readonly")
            .dbname("dev")
            .application_name("a notebook")
            .connect(tokio_postgres::NoTls)
            .await
            .expect("a client connects");
        let task = tokio::spawn(connection);
        assert_eq!(client.simple_query("select 1").await.expect("it answers").len(), 3);
        let list = app.host.connections_list(()).await.expect("the list");
        assert_eq!(list[0].sessions[0].program, "a notebook");
        assert!(list[0].sessions[0].backend_pid.is_some());
        // What has gone out is counted right after it has, so the answer can be here first.
        while app.host.connections_list(()).await.expect("the list")[0].bytes_down == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        app.host.connection_stop(opened.id.clone()).await.expect("it stops");
        let ended = task.await.expect("the client's task ends");
        assert!(ended.is_err() || client.is_closed(), "the client was told");
        assert!(app.host.connections_list(()).await.expect("the list").is_empty());
        assert_eq!(app.host.connection_stop(opened.id).await.expect_err("it is gone").code, ErrorCode::NotFound);
    });
}
