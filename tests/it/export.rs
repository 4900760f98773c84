//! Exports: of a kept result and straight from the server, by the window's commands and by `db exec`; and that a file is
//! complete or absent, whatever ends its writing.

use std::{
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

use postern_ipc::{
    Event,
    console::RunState,
    error::ErrorCode,
    exports::{CsvOptions, Export, ExportFormat, ExportSource, ExportState, StartExport},
};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    app::App,
    support::{Home, admin, block_on, eventually},
};

const FORMATS: [ExportFormat; 7] = [
    ExportFormat::Csv,
    ExportFormat::Json,
    ExportFormat::Ndjson,
    ExportFormat::Parquet,
    ExportFormat::Arrow,
    ExportFormat::Xlsx,
    ExportFormat::Sql,
];

/// A statement that goes on bringing rows for minutes, from the first moment on: a series in FROM would be gathered first.
const ENDLESS: &str = "select generate_series(1, 100000000) as n, repeat('x', 1000) as filler";

fn request(source: ExportSource, format: ExportFormat, columns: u32) -> StartExport {
    let csv = CsvOptions { delimiter: ",".into(), quote_all: false, header: true, bom: false, null: String::new() };
    StartExport { source, format, csv, table: "exported".into(), columns: (0..columns).collect(), name: String::new() }
}

fn kept(result: &str) -> ExportSource {
    ExportSource::Result { result: result.to_owned() }
}

fn again(tab: &str, sql: &str) -> ExportSource {
    ExportSource::Statement { tab: tab.to_owned(), sql: sql.to_owned() }
}

impl App {
    /// Runs a statement and names its result.
    async fn result(&self, tab: &str, sql: &str) -> String {
        let run = self.run(tab, sql).await;
        assert_eq!(run.state, RunState::Done, "{run:?}");
        run.statements[0].result.clone().expect("it has rows").id
    }

    /// Exports to the end.
    async fn export(&self, request: StartExport, path: &Path) -> Export {
        let begun = self.host.export_start(request, path.to_owned(), false).await.expect("it begins");
        self.until(&begun.id, |export| ended(export.state)).await
    }

    /// Waits for a state of an export.
    async fn until(&self, id: &str, reached: impl Fn(&Export) -> bool) -> Export {
        let mut events = self.host.events();
        let waited = async {
            loop {
                let list = self.host.exports_list(()).await.expect("the list");
                if let Some(found) = list.into_iter().find(|export| export.id == id && reached(export)) {
                    return found;
                }
                while !matches!(events.recv().await, Ok(Event::exports_changed(_))) {}
            }
        };
        tokio::time::timeout(Duration::from_secs(120), waited).await.expect("the export gets there")
    }

    fn audit(&self, event: &str) -> Vec<serde_json::Value> {
        let out = self.home.run(&["audit", "ls", "--event", event]).ok();
        out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

fn ended(state: ExportState) -> bool {
    matches!(state, ExportState::Done | ExportState::Failed | ExportState::Stopped)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder").filter_map(Result::ok);
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_kept_result_goes_into_files_of_every_format_side_by_side_and_each_is_recorded() {
    let app = App::open();
    let folder = tempfile::tempdir().expect("a folder");
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let result = app.result(&tab, "select n, n || '행' as word from generate_series(1, 20000) as n").await;
        let mut begun = Vec::new();
        for format in FORMATS {
            let path = folder.path().join(format!("rows.{}", format.ending()));
            let one = app.host.export_start(request(kept(&result), format, 2), path, false).await.expect("it begins");
            begun.push(one.id);
        }
        // The tab is free, also to forget the result that is being written.
        assert_eq!(app.run(&tab, "select 'meanwhile'").await.state, RunState::Done);
        for id in begun {
            let done = app.until(&id, |export| ended(export.state)).await;
            assert_eq!((done.state, done.rows, done.total), (ExportState::Done, 20_000, Some(20_000)), "{done:?}");
            let size = std::fs::metadata(Path::new(&done.folder).join(&done.file)).expect("the file").len();
            assert_eq!(size, done.bytes);
            assert_eq!(app.host.export_reveal(id).await.expect("it is there").file_name(), Some(done.file.as_ref()));
        }
    });
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("the file");
    let text = |name: &str| String::from_utf8(read(name)).expect("UTF-8");
    assert!(text("rows.csv").starts_with("n,word\n1,1행\n") && text("rows.csv").ends_with("\n20000,20000행\n"));
    assert_eq!(text("rows.ndjson").lines().last(), Some("{\"n\":20000,\"word\":\"20000행\"}"));
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&text("rows.json")).expect("JSON").len(), 20_000);
    assert_eq!(text("rows.sql").matches("INSERT INTO \"exported\" (\"n\", \"word\") VALUES").count(), 20);
    assert!(read("rows.parquet").ends_with(b"PAR1") && read("rows.arrow").ends_with(b"ARROW1"));
    assert!(read("rows.xlsx").starts_with(b"PK"));
    assert_eq!(names(folder.path()).len(), FORMATS.len(), "and nothing else");
    let records = app.audit("db.export");
    assert_eq!(records.len(), FORMATS.len());
    assert!(records.iter().all(|record| record["rows"] == 20_000 && record["source"] == "result"), "{records:?}");
    assert!(records.iter().any(|record| record["path"].as_str().is_some_and(|path| path.ends_with("/rows.xlsx"))));
}

#[test]
fn insert_statements_bring_the_same_values_back() {
    let app = App::open();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.sql");
    let types = "a int8, b numeric(38,10), c float8, d float4, e bool, f varchar(99), g date, h timestamptz, i interval, \
                 j bytea, k json, l char(5), m int4[], n text[]";
    let values = r#"(1, 1234567890123456789012345678.0123456789, 0.1, 1e30, true, 'it''s C:\new
        "x"', '0044-03-15 BC', '2024-02-29 12:00:00.123456+09', '1 year 2 days -00:00:01', '\x00ff', '{"a":"\n\\"}', 'ab',
        '{1,NULL}', '{"a\"b",c\\d}'),
        (-9223372036854775808, 'NaN', 'Infinity', 'NaN', false, '', 'infinity', '-infinity', '0', '', 'null', '', '{}', '{}'),
        (null, null, null, null, null, null, null, null, null, null, null, null, null, null)"#;
    let client = admin("analytics-dev");
    let table = format!("create table public.exported_from ({types}); create table public.exported_to ({types})");
    block_on(async {
        client
            .batch_execute("drop table if exists public.exported_from, public.exported_to")
            .await
            .expect("a clean start");
        client.batch_execute(&table).await.expect("two tables");
        client.batch_execute(&format!("insert into public.exported_from values {values}")).await.expect("three rows");
        client.batch_execute("grant select on public.exported_from to public").await.expect("a grant");
        let tab = app.tab("analytics-dev").await;
        let result = app.result(&tab, "select * from public.exported_from").await;
        let mut asked = request(kept(&result), ExportFormat::Sql, 14);
        asked.table = "public.exported_to".into();
        let done = app.export(asked, &path).await;
        assert_eq!(done.state, ExportState::Done, "{done:?}");
        let sql = std::fs::read_to_string(&path).expect("the file");
        // Whatever a backslash means to the server.
        for setting in ["on", "off"] {
            client.batch_execute(&format!("set standard_conforming_strings = {setting}")).await.expect("a setting");
            client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
        }
        let differ = "select (select count(*) from public.exported_to), count(*) from (select (t.*)::text from \
                      public.exported_to as t except select (u.*)::text from public.exported_from as u) as odd";
        let row = client.query_one(differ, &[]).await.expect("a comparison");
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (6, 0), "{sql}");
        client.batch_execute("drop table public.exported_from, public.exported_to").await.expect("it goes");
    });
}

#[test]
fn rows_go_straight_from_the_server_into_a_file_through_a_session_of_their_own() {
    let app = App::open();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.parquet");
    let sql = "select n, n / 7.0 as part from generate_series(1, 50000) as n";
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let done = app.export(request(again(&tab, sql), ExportFormat::Parquet, 2), &path).await;
        assert_eq!((done.state, done.rows, done.from_server), (ExportState::Done, 50_000, true), "{done:?}");
        let (csv, xlsx) = (path.with_extension("csv"), path.with_extension("xlsx"));
        let refused = app.export(request(again(&tab, "select nope"), ExportFormat::Csv, 1), &csv).await;
        let failure = refused.failure.expect("the server says why");
        assert_eq!(failure.code, ErrorCode::DatabaseError);
        let two =
            app.host.export_start(request(again(&tab, "select 1; select 2"), ExportFormat::Csv, 1), path.clone(), true);
        assert_eq!(two.await.expect_err("one statement").code, ErrorCode::InvalidValue);
        let none = app.export(request(again(&tab, "set a.b to 'c'"), ExportFormat::Xlsx, 1), &xlsx).await;
        assert_eq!(none.failure.expect("no rows").code, ErrorCode::InvalidValue);
    });
    assert_eq!(names(folder.path()), ["rows.parquet"]);
    let statements = app.audit("db.session.query");
    let ours: Vec<_> = statements.iter().filter(|record| record["user_agent"] == "Postern export").collect();
    assert!(ours.iter().any(|record| record["db_query"] == sql), "{statements:?}");
    let records = app.audit("db.export");
    assert_eq!((records.len(), &records[0]["source"]), (1, &serde_json::json!("statement")));
}

/// Waits until the server runs no statement with this mark.
async fn no_longer_runs(client: &tokio_postgres::Client, mark: &str) {
    let running = "select count(*) from pg_internal_stat_activity where state = 'active' and strpos(query, $1) > 0 \
                   and pid <> pg_backend_pid()";
    let ended = async {
        while client.query_one(running, &[&mark]).await.expect("the list").get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the statement ends at the server");
}

#[test]
fn stopping_half_way_ends_the_statement_and_leaves_no_file() {
    let app = App::open();
    let client = admin("analytics-stage");
    let folder = tempfile::tempdir().expect("a folder");
    block_on(async {
        let tab = app.tab("analytics-stage").await;
        let sql = format!("/* stopped half way */ {ENDLESS}");
        for format in [ExportFormat::Csv, ExportFormat::Xlsx] {
            let path = folder.path().join("rows.out");
            let begun =
                app.host.export_start(request(again(&tab, &sql), format, 2), path, false).await.expect("it begins");
            app.until(&begun.id, |export| export.rows > 0 && export.bytes > 0).await;
            assert_eq!(names(folder.path()).len(), 1, "the part");
            assert!(app.host.export_reveal(begun.id.clone()).await.is_err(), "there is no file yet");
            assert!(app.host.export_forget(begun.id.clone()).await.is_err(), "it has not ended");
            app.host.export_stop(begun.id.clone()).await.expect("it is told");
            let stopped = app.until(&begun.id, |export| ended(export.state)).await;
            assert_eq!(stopped.state, ExportState::Stopped, "{stopped:?}");
            assert_eq!(names(folder.path()), Vec::<String>::new());
            no_longer_runs(&client, "stopped half way").await;
            app.host.export_forget(begun.id).await.expect("it has ended");
        }
        assert_eq!(app.host.exports_list(()).await.expect("the list"), []);
        // The app's end is a stop too.
        let (wish, path) = (request(again(&tab, &sql), ExportFormat::Xlsx, 2), folder.path().join("rows.out"));
        let begun = app.host.export_start(wish, path, false).await.expect("it begins");
        app.until(&begun.id, |export| export.rows > 0 && export.bytes > 0).await;
        app.host.shutdown(Duration::from_secs(3)).await;
        assert_eq!(names(folder.path()), Vec::<String>::new());
        no_longer_runs(&client, "stopped half way").await;
    });
    assert_eq!(app.audit("db.export"), Vec::<serde_json::Value>::new());
}

#[test]
fn a_value_without_room_in_its_type_turns_the_column_or_ends_the_export() {
    let app = App::open();
    let folder = tempfile::tempdir().expect("a folder");
    let sql = "select d from (values (1, '2024-01-01'::date), (2, 'infinity')) as v (n, d) order by n";
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let result = app.result(&tab, sql).await;
        let done =
            app.export(request(kept(&result), ExportFormat::Parquet, 1), &folder.path().join("kept.parquet")).await;
        assert_eq!(done.state, ExportState::Done, "{done:?}");
        assert_eq!((done.as_text[0].column.as_str(), done.as_text[0].row), ("d", 2));
        let failed =
            app.export(request(again(&tab, sql), ExportFormat::Parquet, 1), &folder.path().join("b.parquet")).await;
        let failure = failed.failure.expect("nobody can look ahead there");
        assert_eq!(failure.code, ErrorCode::Misfit);
        assert_eq!((failure.params["row"].as_str(), failure.params["column"].as_str()), ("2", "d"));
    });
    assert_eq!(names(folder.path()), ["kept.parquet"]);
}

#[test]
fn a_file_that_is_there_is_not_replaced_unasked_and_a_bad_wish_makes_no_file() {
    let app = App::open();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, "theirs").expect("a file");
    block_on(async {
        let tab = app.tab("analytics-dev").await;
        let result = app.result(&tab, "select 1 as a, 2 as b").await;
        let start = |request: StartExport, path: PathBuf, overwrite| app.host.export_start(request, path, overwrite);
        let csv = || request(kept(&result), ExportFormat::Csv, 2);
        let refused = start(csv(), path.clone(), false).await.expect_err("there is one");
        assert_eq!(refused.code, ErrorCode::FileExists);
        for (wish, place) in [
            (StartExport { columns: Vec::new(), ..csv() }, path.clone()),
            (StartExport { csv: CsvOptions { delimiter: "\"".into(), ..csv().csv }, ..csv() }, path.clone()),
            (StartExport { format: ExportFormat::Sql, table: "a..b".into(), ..csv() }, path.clone()),
            (csv(), folder.path().to_owned()),
        ] {
            assert_eq!(start(wish, place, true).await.expect_err("it cannot be").code, ErrorCode::InvalidValue);
        }
        assert_eq!(std::fs::read_to_string(&path).expect("it stays"), "theirs");
        let begun = start(StartExport { columns: vec![1], ..csv() }, path.clone(), true).await.expect("it may");
        app.until(&begun.id, |export| export.state == ExportState::Done).await;
        assert_eq!(std::fs::read_to_string(&path).expect("the new one"), "b\n2\n");
        let missing = start(StartExport { columns: vec![7], ..csv() }, folder.path().join("c.csv"), false).await;
        let failed = app.until(&missing.expect("it begins").id, |export| ended(export.state)).await;
        assert_eq!(failed.failure.expect("no such column").code, ErrorCode::InvalidValue);
        app.host.sign_out(()).await.expect("signed out");
        assert_eq!(app.host.exports_list(()).await.expect("the list"), []);
    });
    assert_eq!(names(folder.path()), ["rows.csv"]);
}

const LOGIN: [&str; 7] = ["db", "exec", "analytics-dev", "--db-user", "bi-readonly", "--db-name", "dev"];

fn exec<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&LOGIN, rest].concat()
}

#[test]
fn the_command_writes_files_with_types_and_says_when_they_cannot_be() {
    let home = Home::signed_in();
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    for (format, mark) in [("parquet", &b"PAR1"[..]), ("arrow", b"ARROW1")] {
        let path = file(&format!("rows.{format}"));
        home.run(&exec(&["select 1 as a", "--format", format, "-o", &path])).ok();
        assert!(std::fs::read(&path).expect("the file").starts_with(mark));
        // Not for a terminal, but for a pipe.
        let piped = home.command(&exec(&["select 1 as a", "--format", format])).output().expect("it runs");
        assert!(piped.status.success() && piped.stdout == std::fs::read(&path).expect("the file"), "{piped:?}");
        for sql in ["select 1; select 2", "set a.b to 'c'"] {
            let said = home.run(&exec(&[sql, "--format", format, "-o", &file("none")]));
            assert_eq!(
                (said.code, said.err.contains("one result") || said.err.contains("there is none")),
                (2, true),
                "{said:?}"
            );
        }
        let said = home.run(&exec(&["select 'infinity'::date as d", "--format", format, "-o", &file("none")]));
        assert_eq!(said.code, 1);
        assert!(said.err.contains("row 1, column \"d\": infinity") && said.err.contains("Cast"), "{}", said.err);
    }
    assert_eq!(names(folder.path()), ["rows.arrow", "rows.parquet"]);
    let records = home.run(&["audit", "ls", "--event", "db.export"]).ok();
    assert_eq!(records.matches("\"success\":true").count(), 2, "{records}");
}

#[test]
fn a_file_is_replaced_only_by_force_and_only_by_a_whole_one() {
    let home = Home::signed_in();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, "theirs").expect("a file");
    let path = path.to_string_lossy();
    let said = home.run(&exec(&["select 1 as a", "--format", "csv", "-o", &path]));
    assert_eq!((said.code, said.err.contains("--force")), (2, true), "{said:?}");
    let said = home.run(&exec(&["select 1 / 0", "--format", "csv", "-o", &path, "--force"]));
    assert_eq!((said.code, said.err.contains("22012")), (1, true), "{said:?}");
    assert_eq!(std::fs::read_to_string(&*path).expect("it stays"), "theirs");
    home.run(&exec(&["select 1 as a", "--format", "csv", "-o", &path, "--force"])).ok();
    assert_eq!(std::fs::read_to_string(&*path).expect("the new one"), "a\n1\n");
    assert_eq!(names(folder.path()), ["rows.csv"]);
    let said = home.run(&exec(&["select 1", "-o", "/no/such/folder/rows.csv"]));
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(home.run(&exec(&["select 1", "-o", "/dev/null", "--force"])).code, 2);
}

#[test]
fn a_script_is_read_from_a_file_or_standard_input_and_an_error_points_at_its_line() {
    let home = Home::signed_in();
    let script = "select 1 as a;\n-- the second\nselect '서울',\n       no_such from customers;\nselect 3";
    let file = home.write("script.sql", script);
    let said = home.run(&exec(&["-f", &file.to_string_lossy(), "--format", "csv"]));
    assert_eq!((said.code, said.out.as_str()), (1, "a\n1\n"), "{said:?}");
    assert!(said.err.contains("LINE 4:        no_such from customers;\n               ^^^^^^^"), "{}", said.err);
    assert!(said.err.contains("42703") && said.err.contains("In statement 2 of 3."), "{}", said.err);
    let mut command = home.command(&exec(&["-f", "-", "--format", "csv"]));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut input = child.stdin.take().expect("its input is piped");
    std::io::Write::write_all(&mut input, b"select 7 as b").expect("it reads");
    drop(input);
    let said = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "b\n7\n");
}

/// Starts a long export by `db exec`, and waits until its part grows.
fn long_export(home: &Home, folder: &Path, mark: &str) -> Child {
    let sql = format!("/* {mark} */ {ENDLESS}");
    let path = folder.join("rows.csv").to_string_lossy().into_owned();
    let mut command = home.command(&exec(&[&sql, "--format", "csv", "-o", &path]));
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    eventually("rows are being written", || {
        let part = names(folder).into_iter().find(|name| name.ends_with(".postern-part"))?;
        (std::fs::metadata(folder.join(part)).ok()?.len() > 0).then_some(())
    });
    child
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("it has a PID");
    kill_process(pid, signal).expect("it is ours");
}

#[test]
fn a_signal_cancels_at_the_server_and_leaves_no_file() {
    let home = Home::signed_in();
    let client = admin("analytics-dev");
    for (asked, mark) in [(Signal::INT, "ended by SIGINT"), (Signal::TERM, "ended by SIGTERM")] {
        let folder = tempfile::tempdir().expect("a folder");
        let child = long_export(&home, folder.path(), mark);
        signal(&child, asked);
        let said = child.wait_with_output().expect("it ends");
        assert_eq!(said.status.code(), Some(1), "{said:?}");
        assert_eq!(names(folder.path()), Vec::<String>::new());
        block_on(no_longer_runs(&client, mark));
    }
}

#[test]
fn what_a_killed_process_leaves_is_taken_away_at_the_next_start() {
    let home = Home::signed_in();
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = long_export(&home, folder.path(), "killed");
    // Another start does not touch what is being written.
    home.run(&["get", "roles"]).ok();
    assert_eq!(names(folder.path()).len(), 1);
    signal(&child, Signal::KILL);
    child.wait().expect("it ends");
    let [left] = names(folder.path()).try_into().expect("the part and nothing else");
    assert!(left.starts_with(".rows.csv.") && left.ends_with(".postern-part"), "{left}");
    home.run(&["get", "roles"]).ok();
    assert_eq!(names(folder.path()), Vec::<String>::new());
    assert_eq!(names(&home.path().join("exports")), Vec::<String>::new(), "nor a note of it");
}

#[test]
fn a_full_disk_is_told_and_leaves_no_file() {
    let home = Home::signed_in();
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["csv", "parquet"] {
        let path = folder.path().join("rows").to_string_lossy().into_owned();
        let mut command = home.command(&exec(&[ENDLESS, "--format", format, "-o", &path]));
        let program = command.get_program().to_owned();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let environment: Vec<_> =
            command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        // A limit on the size of files stands in for a disk with no room.
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "ulimit -f 4096; exec \"$@\"", "sh"]).arg(program).args(arguments).envs(environment);
        command = limited;
        let said = command.stdin(Stdio::null()).output().expect("it runs");
        let err = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(1), "{said:?}");
        assert!(err.contains("/rows") && err.contains("File too large"), "{err}");
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}
