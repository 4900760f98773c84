//! The history's file under bad conditions: full disks, damage, other processes, a process that is killed.

use std::{
    io::Write as _,
    process::{Child, Command, Stdio},
};

use super::*;

const AT: u64 = 1_000;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    (folder, path)
}

fn history(path: &Path) -> History {
    History::at(path.to_owned(), (MAX_ENTRIES, MAX_BYTES))
}

fn login(database: &str) -> Login {
    Login { database: database.to_owned(), db_user: "analyst".to_owned(), db_name: "dev".to_owned() }
}

fn begin(history: &History, database: &str, sql: &str) -> i64 {
    history.begin(&Begun { at: AT, user: "kim", login: &login(database), sql, statements: 1 }).unwrap()
}

fn all(history: &History) -> Vec<String> {
    texts(&history.page(&HistoryQuery { limit: PAGE, ..HistoryQuery::default() }).unwrap())
}

fn texts(page: &HistoryPage) -> Vec<String> {
    page.entries.iter().map(|entry| entry.sql.clone()).collect()
}

fn search(history: &History, words: &str) -> Vec<String> {
    texts(&history.page(&HistoryQuery { words: words.to_owned(), limit: PAGE, ..HistoryQuery::default() }).unwrap())
}

fn done() -> Ended {
    Ended {
        outcome: Outcome::Done,
        elapsed_ms: 20,
        rows: Some(3),
        tag: Some("SELECT 3".into()),
        sqlstate: None,
        message: None,
    }
}

/// Whether any file of the folder holds these bytes.
fn on_disk(folder: &Path, bytes: &[u8]) -> bool {
    folder.read_dir().unwrap().any(|entry| {
        let content = std::fs::read(entry.unwrap().path()).unwrap();
        content.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[test]
fn runs_are_there_after_a_restart_newest_first_with_how_they_ended() {
    let (_folder, path) = folder();
    let before = history(&path);
    let first = begin(&before, "sales", "select 1");
    before.end(first, &done()).unwrap();
    begin(&before, "events", "select 2");
    drop(before);
    let page = history(&path).page(&HistoryQuery { limit: 10, ..HistoryQuery::default() }).unwrap();
    assert_eq!(texts(&page), ["select 2", "select 1"]);
    assert_eq!((page.kept, page.bytes, page.more, page.trouble), (2, 16, false, None));
    let entry = &page.entries[1];
    assert_eq!((entry.at, entry.user.as_str(), &entry.login), (AT, "kim", &login("sales")));
    assert_eq!((entry.outcome, entry.elapsed_ms, entry.rows), (Outcome::Done, Some(20), Some(3)));
}

#[test]
fn a_run_that_its_process_did_not_outlive_is_of_unknown_outcome() {
    let (_folder, path) = folder();
    let history = history(&path);
    // It began before this process did, whoever had its number then.
    begin(&history, "sales", "select 1");
    let at = clock::millis(clock::now()) + 60_000;
    history.begin(&Begun { at, user: "kim", login: &login("sales"), sql: "select 2", statements: 1 }).unwrap();
    let page = history.page(&HistoryQuery { limit: 10, ..HistoryQuery::default() }).unwrap();
    let outcomes: Vec<_> = page.entries.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Outcome::Running, Outcome::Unknown]);
}

#[test]
fn a_search_wants_every_word_and_looks_at_the_whole_text() {
    let (_folder, path) = folder();
    let history = history(&path);
    let long = format!("select {} from Needle", "x".repeat(10_000));
    begin(&history, "sales", &long);
    begin(&history, "events", "select 주문 from hay");
    assert_eq!(search(&history, "needle SELECT").len(), 1);
    assert_eq!(search(&history, "주문"), ["select 주문 from hay"]);
    assert_eq!(search(&history, "events hay").len(), 1);
    assert_eq!(search(&history, "needle events"), Vec::<String>::new());
    assert_eq!(search(&history, "%"), Vec::<String>::new());
}

#[test]
fn pages_follow_each_other_without_a_gap_while_more_is_run() {
    let (_folder, path) = folder();
    let history = history(&path);
    for number in 0..5 {
        begin(&history, "sales", &format!("select {number}"));
    }
    let page = |before| history.page(&HistoryQuery { before, limit: 2, ..HistoryQuery::default() }).unwrap();
    let first = page(None);
    assert!(first.more);
    begin(&history, "sales", "select 'new'");
    let second = page(first.entries.last().map(|entry| entry.id));
    assert_eq!(texts(&second), ["select 2", "select 1"]);
    let last = page(second.entries.last().map(|entry| entry.id));
    assert_eq!((texts(&last), last.more), (vec!["select 0".to_owned()], false));
}

#[test]
fn a_database_or_failures_alone_can_be_asked_for() {
    let (_folder, path) = folder();
    let history = history(&path);
    begin(&history, "sales", "select 1");
    let failed = begin(&history, "events", "select bad");
    history.end(failed, &Ended { outcome: Outcome::Failed, message: Some("no column".into()), ..done() }).unwrap();
    let of = |query: HistoryQuery| texts(&history.page(&HistoryQuery { limit: 9, ..query }).unwrap());
    assert_eq!(of(HistoryQuery { database: Some("sales".into()), ..HistoryQuery::default() }), ["select 1"]);
    assert_eq!(of(HistoryQuery { failed: true, ..HistoryQuery::default() }), ["select bad"]);
}

#[test]
fn the_oldest_go_when_there_are_too_many_or_too_much() {
    let (_folder, path) = folder();
    let few = History::at(path.clone(), (3, MAX_BYTES));
    for number in 0..5 {
        begin(&few, "sales", &format!("select {number}"));
    }
    assert_eq!(all(&few), ["select 4", "select 3", "select 2"]);
    let small = History::at(path, (100, 20));
    begin(&small, "sales", "select 5");
    assert_eq!(all(&small), ["select 5", "select 4"], "twenty bytes hold two of eight");
    let page = small.page(&HistoryQuery { limit: 1, ..HistoryQuery::default() }).unwrap();
    assert_eq!((page.kept, page.bytes), (2, 16));
}

#[test]
fn a_script_that_is_too_long_keeps_its_beginning_and_says_how_long_it_was() {
    let (_folder, path) = folder();
    let history = history(&path);
    let script = "가".repeat(MAX_SQL);
    let id = begin(&history, "sales", &script);
    let kept = history.sql(id).unwrap().unwrap();
    assert!(script.starts_with(&kept) && kept.len() <= MAX_SQL);
    let page = history.page(&HistoryQuery { limit: 1, ..HistoryQuery::default() }).unwrap();
    assert_eq!(page.entries[0].bytes, script.len() as u64);
    assert!(page.entries[0].sql.len() <= SHOWN);
}

#[test]
fn what_is_forgotten_is_not_in_the_file_any_more() {
    let (folder, path) = folder();
    let history = history(&path);
    let one = begin(&history, "sales", "select 'first-secret'");
    begin(&history, "sales", "select 'second-secret'");
    begin(&history, "events", "select 'third-secret'");
    begin(&history, "events", &format!("select '{}'", "fourth-secret ".repeat(1_000)));
    assert_eq!(history.forget(&Forget::Entry(one)).unwrap(), 1);
    assert!(!on_disk(folder.path(), b"first-secret") && on_disk(folder.path(), b"second-secret"));
    assert_eq!(history.forget(&Forget::Database("sales".into())).unwrap(), 1);
    assert!(!on_disk(folder.path(), b"second-secret") && on_disk(folder.path(), b"third-secret"));
    assert_eq!(history.forget(&Forget::Everything).unwrap(), 2);
    assert!(!on_disk(folder.path(), b"third-secret") && !on_disk(folder.path(), b"fourth-secret"));
    let page = history.page(&HistoryQuery { limit: 1, ..HistoryQuery::default() }).unwrap();
    assert_eq!((page.kept, page.bytes), (0, 0));
}

#[test]
fn a_run_that_was_forgotten_while_it_went_on_stays_forgotten() {
    let (_folder, path) = folder();
    let history = history(&path);
    let id = begin(&history, "sales", "select 1");
    history.forget(&Forget::Everything).unwrap();
    history.end(id, &done()).unwrap();
    assert_eq!(all(&history), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn its_files_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = folder();
    let history = history(&path);
    begin(&history, "sales", "select 1");
    for entry in folder.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
}

#[test]
fn a_file_that_is_none_is_set_aside_and_a_new_one_begins() {
    let (folder, path) = folder();
    std::fs::write(&path, "no database at all, but longer than its header would be".repeat(40)).unwrap();
    let history = history(&path);
    begin(&history, "sales", "select 1");
    let page = history.page(&HistoryQuery { limit: 9, ..HistoryQuery::default() }).unwrap();
    assert_eq!(texts(&page), ["select 1"]);
    let aside = folder.path().read_dir().unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        path.to_string_lossy().contains("damaged-").then_some(path)
    });
    let aside = aside.unwrap();
    assert!(page.trouble.unwrap().contains(&*aside.to_string_lossy()));
    assert!(std::fs::read_to_string(aside).unwrap().starts_with("no database"));
}

#[test]
fn a_file_damaged_in_its_middle_is_set_aside_when_that_is_found() {
    let (folder, path) = folder();
    let first = history(&path);
    for number in 0..200 {
        begin(&first, "sales", &format!("select {number} -- {}", "x".repeat(500)));
    }
    drop(first);
    let mut content = std::fs::read(&path).unwrap();
    let end = content.len();
    content[8_192..end].fill(0xa5);
    std::fs::write(&path, content).unwrap();
    let second = history(&path);
    begin(&second, "sales", "select 'after'");
    assert_eq!(all(&second), ["select 'after'"]);
    let aside =
        |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path().to_string_lossy().contains("damaged-");
    assert!(folder.path().read_dir().unwrap().any(aside));
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let (_folder, path) = folder();
    let before = history(&path);
    begin(&before, "sales", "select 1");
    before.with(|connection| connection.pragma_update(None, "user_version", SHAPE + 1)).unwrap();
    drop(before);
    let content = std::fs::read(&path).unwrap();
    let error = history(&path).page(&HistoryQuery::default()).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("newer version"));
    assert_eq!(std::fs::read(&path).unwrap(), content);
}

#[test]
fn a_full_disk_is_said_and_leaves_what_was_there() {
    let (_folder, path) = folder();
    let history = history(&path);
    begin(&history, "sales", "select 1");
    // SQLite's own way to run out of space: as many pages as there are, and no more.
    history
        .with(|connection| {
            let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0))
        })
        .unwrap();
    let large = "x".repeat(100_000);
    let begun = Begun { at: AT, user: "kim", login: &login("sales"), sql: &large, statements: 1 };
    let error = history.begin(&begun).unwrap_err();
    history.note_trouble(&error);
    let page = history.page(&HistoryQuery { limit: 9, ..HistoryQuery::default() }).unwrap();
    assert_eq!(texts(&page), ["select 1"]);
    assert!(page.trouble.unwrap().contains("full"));
}

/// Runs this very test program again as another process, which does what `role` says.
fn process(role: &str, path: &Path) -> Child {
    let name = "history::store::tests::several_processes_write_and_one_that_is_killed_tears_nothing";
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("POSTERN_HISTORY_TEST", role)
        .env("POSTERN_HISTORY_FILE", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Killed while it writes, a process must leave whole entries only; the others must lose none.
#[test]
fn several_processes_write_and_one_that_is_killed_tears_nothing() {
    if let Ok(role) = std::env::var("POSTERN_HISTORY_TEST") {
        let history = history(Path::new(&std::env::var("POSTERN_HISTORY_FILE").unwrap()));
        let many = if role == "endless" { usize::MAX } else { 25 };
        for number in 0..many {
            begin(&history, &role, &format!("{role} {number} {}", "x".repeat(3_000)));
            if number == 3 {
                std::io::stdout().write_all(b"\nwrites\n").unwrap();
            }
        }
        return;
    }
    let (_folder, path) = folder();
    let mut endless = process("endless", &path);
    let others: Vec<Child> = ["one", "two"].into_iter().map(|role| process(role, &path)).collect();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(endless.stdout.take().unwrap()));
    assert!(lines.map_while(Result::ok).any(|line| line == "writes"));
    endless.kill().unwrap();
    endless.wait().unwrap();
    for other in others {
        assert!(other.wait_with_output().unwrap().status.success());
    }
    let history = history(&path);
    for role in ["one", "two"] {
        assert_eq!(search(&history, &format!("{role} xxx")).len(), 25, "{role}");
    }
    let left = search(&history, "endless");
    assert!(left.len() >= 4);
    history
        .with(|connection| {
            let said: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            assert_eq!(said, "ok");
            assert_eq!(totals(connection)?.0, 50 + left.len() as u64);
            Ok(())
        })
        .unwrap();
}
