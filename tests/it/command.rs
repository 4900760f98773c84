//! The guide's walk, and the rest of the `postern` command, against the sandbox.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use crate::support::{EVERYTHING, GUIDE_ROLE, Home, USER, eventually};

const DATABASE: &str = "analytics-dev";
/// A login that reads; what follows the name of a database on the command line.
const LOGIN: [&str; 5] = [DATABASE, "--db-user", "bi-readonly", "--db-name", "dev"];
/// A login where nothing runs but what one test begins.
const SEVERAL: [&str; 5] = ["several-dev", "--db-user", "bi-readonly", "--db-name", "dev"];
const GUIDE_USER: &str = "teleport-redshift-serverless-access";

#[test]
fn the_guides_walk_works_from_role_to_query() {
    let home = Home::empty();
    let file = home.write("redshift-role.yaml", GUIDE_ROLE);
    let said = home.run(&["create", "-f", &file.to_string_lossy()]).ok();
    assert_eq!(said, "role 'redshift-serverless-access' has been created\n");
    home.run(&["users", "add", USER, "--roles", "redshift-serverless-access"]).ok();
    home.run(&["login", "--user", USER]).ok();

    let status = home.run(&["status", "--format", "json"]).json();
    assert_eq!(status["user"], USER);
    assert!(status["hops"][0]["arn"].as_str().is_some_and(|arn| arn.contains(":user/")), "{status}");

    let list = home.run(&["db", "ls", "--format", "json"]).json();
    let entry = list.as_array().and_then(|list| list.iter().find(|entry| entry["name"] == DATABASE)).cloned();
    assert_eq!(entry.expect("the database is listed")["db_users"]["allowed"], serde_json::json!([GUIDE_USER]));

    // One user and one name are allowed, so neither has to be given.
    let rows = home.run(&["db", "exec", DATABASE, "select current_user, current_database()", "--format", "csv"]).ok();
    assert_eq!(rows.lines().nth(1), Some(format!("IAMR:{GUIDE_USER},dev").as_str()), "{rows}");

    let said = home.run(&["db", "connect", DATABASE, "--", "-Atc", "select 6 * 7"]).ok();
    assert_eq!(said, "42\n");
    assert_eq!(home.run(&["db", "logout", DATABASE]).ok(), format!("Logged out of database {DATABASE}\n"));
    home.run(&["logout"]).ok();
    let said = home.run(&["db", "ls"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("postern login"), "{said:?}");
}

#[test]
fn a_role_that_does_not_allow_the_user_names_what_it_does() {
    let home = Home::empty();
    home.create(GUIDE_ROLE).ok();
    home.run(&["users", "add", USER, "--roles", "redshift-serverless-access"]).ok();
    home.run(&["login", "--user", USER]).ok();
    let said = home.run(&["db", "exec", DATABASE, "--db-user", "bi-readonly", "select 1"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("bi-readonly") && said.err.contains(GUIDE_USER), "{}", said.err);
    let check = home.run(&[
        "access",
        "check",
        "--db",
        DATABASE,
        "--db-user",
        "bi-readonly",
        "--db-name",
        "dev",
        "--format",
        "json",
    ]);
    assert_eq!(check.code, 1);
    let decision: serde_json::Value = serde_json::from_str(&check.out).expect("a decision");
    assert_eq!(decision["allowed"], false);
    let audit = home.run(&["audit", "ls", "--event", "db.session.start"]).ok();
    assert!(audit.is_empty() || audit.contains("\"success\":false"), "{audit}");
}

#[test]
fn a_hop_that_aws_denies_is_named_with_its_resource() {
    let home = Home::signed_in();
    let said =
        home.run(&["db", "exec", "finance-prod", "--db-user", "finance-auditor", "--db-name", "dev", "select 1"]);
    assert_eq!(said.code, 1);
    for words in
        ["(hop 1)", "sts:AssumeRole", "arn:aws:iam::111111111111:role/finance-auditor", "is not authorized to perform"]
    {
        assert!(said.err.contains(words), "{words} in {}", said.err);
    }
    let said =
        home.run(&["db", "exec", "analytics-dev", "--db-user", "marketing-viewer", "--db-name", "dev", "select 1"]);
    assert_eq!(said.code, 1);
    for words in ["(hop 2)", "redshift-serverless:GetCredentials"] {
        assert!(said.err.contains(words), "{words} in {}", said.err);
    }
}

#[test]
fn a_chain_of_two_roles_with_an_external_id_reaches_another_account() {
    let home = Home::signed_in();
    let options = home.run(&["get", "db/logistics-prod"]).ok();
    assert!(options.contains("external_id"), "{options}");
    let database = crate::support::description().database("logistics-prod").expect("it exists");
    let user = database.db_users.iter().find(|user| user.may_login).expect("a role that may log in");
    let rows = home.run(&[
        "db",
        "exec",
        "logistics-prod",
        "--db-user",
        &user.role,
        "--db-name",
        "dev",
        "select current_user",
        "--format",
        "json",
    ]);
    assert_eq!(rows.json()[0]["current_user"], format!("IAMR:{}", user.role));
    home.change_database("logistics-prod", |yaml| {
        let at = yaml.find("external_id:").expect("it has one");
        let end = yaml[at..].find('\n').map_or(yaml.len(), |length| at + length);
        format!("{}external_id: wrong-one{}", &yaml[..at], &yaml[end..])
    });
    let said = home.run(&["db", "exec", "logistics-prod", "--db-user", &user.role, "--db-name", "dev", "select 1"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("(hop 1)"), "{}", said.err);
}

#[test]
fn rows_come_in_every_format_with_exact_values() {
    let home = Home::signed_in();
    let sql = "select 9007199254740993::bigint as big, 0.10::decimal(9,2) as money, null::text as nothing, '' as empty, '서울' as city";
    let run = |format: &str| home.run(&with_login(&["db", "exec"], &["--format", format, sql])).ok();
    assert_eq!(run("csv"), "big,money,nothing,empty,city\n9007199254740993,0.10,,\"\",서울\n");
    let line = run("ndjson");
    assert!(line.contains("9007199254740993") && line.contains("null") && line.contains("\"empty\":\"\""), "{line}");
    assert!(run("json").trim_start().starts_with('['));
    assert!(run("table").contains("서울"));
    let file = home.path().join("rows.csv");
    home.run(&with_login(&["db", "exec"], &["--format", "csv", "-o", &file.to_string_lossy(), sql])).ok();
    assert!(std::fs::read_to_string(&file).expect("it was written").starts_with("big,"));
}

#[test]
fn a_file_is_absent_when_the_query_failed() {
    let home = Home::signed_in();
    let file = home.path().join("rows.csv");
    let sql = "select 1; select * from no_such_table";
    let said = home.run(&with_login(&["db", "exec"], &["--format", "csv", "-o", &file.to_string_lossy(), sql]));
    assert_eq!(said.code, 1);
    assert!(said.err.contains("42P01") && said.err.contains("no_such_table"), "{}", said.err);
    assert!(!file.exists());
    let left: Vec<_> = std::fs::read_dir(home.path())
        .expect("the folder")
        .filter_map(Result::ok)
        .map(|entry| entry.file_name())
        .collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("rows.csv")), "{left:?}");
}

#[test]
fn a_running_query_is_listed_and_canceled_with_proof() {
    let home = Home::signed_in();
    let mut victim = start(&home, "select /* victim */ pg_sleep(120)");
    let found = running(&home, "/* victim */");
    let (session, query) = (found["session_id"].to_string(), found["query_id"].to_string());
    let cancel = |query: &str| {
        let meant = ["--session", &session, "--query", query, "--format", "json"];
        home.run(&with_login(&["db", "cancel"], &meant))
    };

    // Another query than the one that was seen is never touched.
    assert_eq!(cancel("1").code, 1);
    assert!(victim.try_wait().expect("it is ours").is_none(), "the victim lives");

    let report = cancel(&query).json();
    assert_eq!(report["outcome"], "canceled", "{report}");
    let ended = victim.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("57014"), "{ended:?}");
    let all = home.run(&with_login(&["db", "queries"], &["--all", "--format", "json"])).json();
    let after = all.as_array().and_then(|list| list.iter().find(|row| row["query_id"] == found["query_id"])).cloned();
    assert_eq!(after.expect("it is in the history")["status"], "canceled");
    // A second cancel finds nothing to do, and says so: the query runs no more, which is what was wanted.
    let late = cancel(&query);
    assert_eq!(late.code, 0);
    assert!(late.out.contains("already_finished"), "{late:?}");
}

#[test]
fn terminate_ends_the_session() {
    let home = Home::signed_in();
    let victim = start(&home, "select /* doomed */ pg_sleep(120)");
    let session = running(&home, "/* doomed */")["session_id"].to_string();
    let report = home.run(&with_login(&["db", "cancel"], &["--session", &session, "--terminate", "--format", "json"]));
    let report = report.json();
    assert_eq!(report["outcome"], "terminated", "{report}");
    assert_eq!(victim.wait_with_output().expect("it ends").status.code(), Some(1));
}

#[test]
fn several_queries_are_listed_first_and_canceled_together() {
    let home = Home::signed_in();
    let mut victims: Vec<Child> = (0..3)
        .map(|number| start_at(&home, &SEVERAL, &format!("select /* one of several {number} */ pg_sleep(120)")))
        .collect();
    let found: Vec<serde_json::Value> =
        (0..3).map(|number| running_at(&home, &SEVERAL, &format!("/* one of several {number} */"))).collect();
    let user = found[0]["username"].as_str().expect("a user").to_owned();
    let cancel = |rest: &[&str]| {
        let command = ["--user", &user, "--why", "a test of several", "--format", "json"];
        home.run(&[&["db", "cancel"], &SEVERAL[..], &command, rest].concat())
    };

    let listed = cancel(&["--dry-run"]).json();
    let ours = |rows: &serde_json::Value| {
        let rows = rows.as_array().expect("rows").clone();
        rows.into_iter().filter(|row| row["query_text"].as_str().is_some_and(|text| text.contains("one of several")))
    };
    assert_eq!(ours(&listed).count(), 3, "{listed}");
    assert!(victims.iter_mut().all(|victim| victim.try_wait().expect("it is ours").is_none()), "nothing is done");
    // Nothing runs as long as that.
    assert_eq!(cancel(&["--older-than", "2h"]).json()["queries"], serde_json::json!([]));

    let session = found[0]["session_id"].to_string();
    let said = home.run(&[&["db", "cancel"], &SEVERAL[..], &["--session", &session, "--query", "1"]].concat());
    assert_eq!(said.code, 1, "another query than that is never touched: {said:?}");

    let said = cancel(&["--yes"]);
    assert!(said.err.contains("one of several 0"), "what is canceled is listed first: {}", said.err);
    let report = said.json();
    assert!(ours(&report["queries"]).all(|row| row["outcome"] == "canceled"), "{report}");
    assert_eq!(ours(&report["queries"]).count(), 3, "{report}");
    for victim in victims {
        let ended = victim.wait_with_output().expect("it ends");
        assert!(String::from_utf8_lossy(&ended.stderr).contains("57014"), "{ended:?}");
    }
    let records = home.run(&["audit", "ls"]).ok();
    assert!(records.lines().filter(|line| line.contains("PST01I") && line.contains("a test of several")).count() >= 3);
}

#[test]
fn a_cancel_is_told_in_a_sentence_with_its_times_and_wrong_usage_ends_with_two() {
    let mut home = Home::signed_in();
    for (language, words) in [("ko_KR.UTF-8", "서버가 canceled 보고"), ("C", "the server reported canceled after")]
    {
        let victim = start(&home, "select /* told in words */ pg_sleep(120)");
        let found = running(&home, "/* told in words */");
        let (session, query) = (found["session_id"].to_string(), found["query_id"].to_string());
        home.set("LC_ALL", language);
        let said = home.run(&with_login(&["db", "cancel"], &["--session", &session, "--query", &query])).ok();
        assert!(said.contains(words), "{said}");
        victim.wait_with_output().expect("it ends");
    }
    for wrong in [
        &["--terminate"][..],
        &["--session", "1", "--user", "x"],
        &["--user", "x", "--query", "1"],
        &["--session", "1", "--terminate", "--message", "x"],
        &["--older-than", "5"],
    ] {
        assert_eq!(home.run(&with_login(&["db", "cancel"], wrong)).code, 2, "{wrong:?}");
    }
}

#[test]
fn a_watched_list_is_a_line_of_json_each_time_until_nobody_reads_it() {
    let home = Home::signed_in();
    let mut command = home.command(&with_login(&["db", "queries"], &["--watch", "--every", "1", "--format", "json"]));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
    let mut times = Vec::new();
    for _ in 0..2 {
        let line = lines.next().expect("a line").expect("it is text");
        let list: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert!(list["queries"].is_array(), "{list}");
        times.push(list["as_of"].to_string());
    }
    assert!(times[0] < times[1], "{times:?}");
    drop(lines);
    let ended = eventually("it notices that nobody reads", || child.try_wait().expect("it is ours"));
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn signing_in_needs_credentials_that_aws_knows() {
    let mut home = Home::empty();
    home.create(EVERYTHING).ok();
    home.run(&["users", "add", USER, "--roles", "everything"]).ok();
    home.set("AWS_SECRET_ACCESS_KEY", "not-the-secret");
    let said = home.run(&["login", "--user", USER]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("signature"), "{}", said.err);
    assert!(!said.err.contains("not-the-secret"));
    let said = home.run(&["login", "--user", "nobody"]);
    assert!(said.err.contains("'nobody' does not exist"), "{}", said.err);
}

#[test]
fn a_profile_is_used_when_asked_for() {
    let mut home = Home::empty();
    home.create(EVERYTHING).ok();
    home.run(&["users", "add", USER, "--roles", "everything"]).ok();
    home.set("AWS_ACCESS_KEY_ID", "AKIAWRONG");
    home.run(&["login", "--user", USER, "--aws-profile", "data-eng"]).ok();
    let said = home.run(&["login", "--user", USER, "--aws-profile", "no-such-profile"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("no-such-profile"), "{}", said.err);
}

#[test]
fn resources_come_back_as_they_were_written() {
    let home = Home::empty();
    home.create(GUIDE_ROLE).ok();
    assert_eq!(home.run(&["get", "role/redshift-serverless-access"]).ok(), GUIDE_ROLE);
    let said = home.create(GUIDE_ROLE);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("already exists") && said.err.contains("--force"), "{}", said.err);
    let said = home.run(&["rm", "role/redshift-serverless-access"]).ok();
    assert_eq!(said, "role 'redshift-serverless-access' has been removed\n");
    assert_eq!(home.run(&["get", "role/redshift-serverless-access"]).code, 1);
}

#[test]
fn a_typo_in_a_role_is_shown_at_its_place_and_nothing_is_stored() {
    let home = Home::empty();
    let said = home.create(&GUIDE_ROLE.replace("db_names", "db_name"));
    assert_eq!(said.code, 2);
    for words in ["given.yaml:9:", "db_name", "db_names"] {
        assert!(said.err.contains(words), "{words} in {}", said.err);
    }
    let said = home.create(&GUIDE_ROLE.replace("version: v5", "version: v99"));
    assert_eq!(said.code, 2);
    assert!(said.err.contains("v99") && said.err.contains("unrecognized role version"), "{}", said.err);
    assert_eq!(home.run(&["get", "roles", "--format", "json"]).json(), serde_json::json!([]));
}

#[test]
fn wrong_usage_ends_with_two() {
    let home = Home::empty();
    assert_eq!(home.run(&["no-such-command"]).code, 2);
    assert_eq!(home.run(&["db", "exec"]).code, 2);
    assert_eq!(home.run(&["get", "nonsense"]).code, 2);
    assert_eq!(home.run(&["create", "-f", "/no/such/file.yaml"]).code, 2);
    assert_eq!(home.run(&["status", "--format", "csv"]).code, 1, "nobody is signed in: that comes first");
}

#[test]
fn the_audit_log_has_every_statement_and_its_chain_is_whole() {
    let home = Home::signed_in();
    home.run(&["db", "exec", DATABASE, "--db-user", "bi-readonly", "--db-name", "dev", "select 'for the record'"]).ok();
    let records = home.run(&["audit", "ls"]).ok();
    assert!(records.contains("for the record"), "{records}");
    assert!(records.contains("TDB00I") && records.contains("TDB01I"), "{records}");
    assert!(!records.to_lowercase().contains("password"), "{records}");
    let verified = home.run(&["audit", "verify", "--format", "json"]).json();
    assert_eq!(verified["whole"], true);
}

/// A command with [`LOGIN`] in the middle.
fn with_login<'a>(command: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    [command, &LOGIN, rest].concat()
}

/// Runs SQL by `db exec` without waiting for it.
fn start(home: &Home, sql: &str) -> Child {
    start_at(home, &LOGIN, sql)
}

fn start_at(home: &Home, login: &[&str], sql: &str) -> Child {
    let mut command = home.command(&[&["db", "exec"], login, &[sql]].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts")
}

/// The running query that holds this text, as `db queries` lists it.
fn running(home: &Home, text: &str) -> serde_json::Value {
    running_at(home, &LOGIN, text)
}

fn running_at(home: &Home, login: &[&str], text: &str) -> serde_json::Value {
    eventually("the query is listed as running", || {
        let list = home.run(&[&["db", "queries"], login, &["--format", "json"]].concat()).json();
        let mut queries = list.as_array()?.iter();
        let meant = |query: &&serde_json::Value| query["query_text"].as_str().is_some_and(|sql| sql.contains(text));
        queries.find(meant).filter(|query| query["status"] == "running").cloned()
    })
}
