//! Real clients through a local proxy, and what happens when something breaks.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use crate::support::{Home, description, eventually, faults};

fn login(database: &str) -> [&str; 5] {
    [database, "--db-user", "bi-readonly", "--db-name", "dev"]
}

/// A proxy on a port of the moment.
fn open(home: &Home, database: &str) -> crate::support::Proxy {
    home.proxy(&[&login(database)[..], &["--port", "0"]].concat())
}

#[test]
fn psql_works_through_the_port_and_the_unix_socket() {
    let home = Home::signed_in();
    let proxy = open(&home, "analytics-dev");
    assert_eq!(proxy.sql("select current_user").ok(), "IAMR:bi-readonly\n");
    let socket = proxy.address["unix_socket"].as_str().expect("a socket beside the port");
    let folder = std::path::Path::new(socket).parent().expect("in a folder");
    let said = Command::new("psql")
        .args(["-X", "-At", "-c", "show server_version"])
        .env("PGHOST", folder)
        .env("PGPORT", proxy.port().to_string())
        .env("PGUSER", "bi-readonly")
        .env("PGDATABASE", "dev")
        .stdin(Stdio::null())
        .output()
        .expect("psql is installed");
    assert!(said.status.success(), "{said:?}");
}

#[test]
fn another_user_or_database_than_allowed_is_refused_with_words() {
    let home = Home::empty();
    home.create(crate::support::GUIDE_ROLE).ok();
    home.run(&["users", "add", "bob", "--roles", "redshift-serverless-access"]).ok();
    home.run(&["login", "--user", "bob"]).ok();
    let proxy = home.proxy(&["analytics-dev", "--port", "0"]);
    let uri = proxy.address["uri"].as_str().expect("a URI").to_owned();
    for (from, to) in [("teleport-redshift-serverless-access@", "etl-writer@"), ("/dev?", "/analytics?")] {
        let other = uri.replace(from, to);
        assert_ne!(other, uri);
        let said =
            Command::new("psql").args(["-X", "-c", "select 1", &other]).stdin(Stdio::null()).output().expect("psql");
        let err = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(!said.status.success() && err.contains("denied"), "{err}");
    }
    assert_eq!(proxy.sql("select 1").ok(), "1\n", "the proxy goes on");
}

#[test]
fn ctrl_c_in_psql_cancels_at_the_server() {
    let home = Home::signed_in();
    let proxy = open(&home, "analytics-dev");
    let child = proxy
        .psql(&["-c", "select pg_sleep(120) /* interrupted */"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql starts");
    let list =
        || home.run(&[&["db", "queries"], &login("analytics-dev")[..], &["--format", "json", "--all"]].concat()).json();
    let status = || {
        let list = list();
        let found = list
            .as_array()?
            .iter()
            .find(|query| query["query_text"].as_str().is_some_and(|text| text.contains("/* interrupted */")))?;
        Some(found["status"].as_str()?.to_owned())
    };
    eventually("the query runs", || (status()? == "running").then_some(()));
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    let said = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(err.to_lowercase().contains("cancel"), "{err}");
    eventually("the server reports it canceled", || (status()? == "canceled").then_some(()));
}

#[test]
fn an_expired_password_is_minted_anew_for_the_next_session() {
    let home = Home::signed_in();
    let proxy = open(&home, "events-prod");
    assert_eq!(proxy.sql("select 1").ok(), "1\n");
    faults("events-prod").expire_passwords_now();
    assert_eq!(proxy.sql("select 2").ok(), "2\n");
}

#[test]
fn a_host_that_does_not_resolve_says_so() {
    let home = Home::signed_in();
    let port = description().database("analytics-dev").expect("it exists").port;
    home.change_database("analytics-dev", |yaml| {
        yaml.replace(&format!("127.0.0.1:{port}"), &format!("no-such-host.invalid:{port}"))
    });
    let said = home.run(&[&["db", "exec"], &login("analytics-dev")[..], &["select 1"]].concat());
    assert_eq!(said.code, 1);
    assert!(said.err.contains("no-such-host.invalid") && said.err.contains("no address"), "{}", said.err);
    let proxy = open(&home, "analytics-dev");
    let said = proxy.sql("select 1");
    assert!(said.err.contains("no-such-host.invalid"), "{said:?}");
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    let home = Home::signed_in();
    let strange = include_str!("strange-ca.pem");
    home.change_database("analytics-dev", |yaml| {
        let begin = yaml.find("-----BEGIN CERTIFICATE-----").expect("a CA");
        let end = yaml.find("-----END CERTIFICATE-----").expect("its end") + "-----END CERTIFICATE-----".len();
        let line = yaml[..begin].rfind('\n').map_or(0, |at| at + 1);
        let indent = " ".repeat(begin - line);
        let strange = strange.trim().lines().collect::<Vec<_>>().join(&format!("\n{indent}"));
        format!("{}{strange}{}", &yaml[..begin], &yaml[end..])
    });
    let said = home.run(&[&["db", "exec"], &login("analytics-dev")[..], &["select 1"]].concat());
    assert_eq!(said.code, 1);
    assert!(said.err.contains("not signed by a trusted authority"), "{}", said.err);
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let home = Home::signed_in();
    home.change_database("analytics-dev", |yaml| {
        let host = "analytics-dev.111111111111.ap-northeast-2.redshift-serverless.amazonaws.com";
        assert!(yaml.contains(host), "{yaml}");
        yaml.replace(host, &host.replace("analytics-dev", "somewhere-else"))
    });
    let said = home.run(&[&["db", "exec"], &login("analytics-dev")[..], &["select 1"]].concat());
    assert_eq!(said.code, 1);
    assert!(said.err.contains("somewhere-else") && said.err.contains("certificate"), "{}", said.err);
}

#[test]
fn a_port_in_use_names_its_owner_and_a_free_one_and_nothing_moves() {
    let home = Home::signed_in();
    let first = open(&home, "analytics-dev");
    let port = first.port().to_string();
    let said = home.run(&[&["proxy", "db"], &login("events-prod")[..], &["--port", &port]].concat());
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    for words in [port.as_str(), "analytics-dev", &first.pid().to_string()] {
        assert!(said.err.contains(words), "{words} in {}", said.err);
    }
    let strange = TcpListener::bind("127.0.0.1:0").expect("a port of somebody else");
    let port = strange.local_addr().expect("it has one").port().to_string();
    let said = home.run(&[&["proxy", "db"], &login("events-prod")[..], &["--port", &port]].concat());
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains(&format!("port {port} is taken")), "{}", said.err);
    if cfg!(target_os = "linux") {
        assert!(said.err.contains(&format!("pid {}", std::process::id())), "{}", said.err);
    }
    let (_, offered) = said.err.split_once("--port ").expect("a free port is offered");
    let offered: String = offered.chars().take_while(char::is_ascii_digit).collect();
    let proxy = home.proxy(&[&login("events-prod")[..], &["--port", &offered]].concat());
    assert_eq!(proxy.port().to_string(), offered);
}

#[test]
fn a_database_keeps_its_port() {
    let home = Home::signed_in();
    let first = home.proxy(&login("analytics-dev"));
    let port = first.port();
    drop(first);
    let other = home.proxy(&login("events-prod"));
    assert_ne!(other.port(), port);
    assert_eq!(home.proxy(&login("analytics-dev")).port(), port);
}

#[test]
fn a_stranger_on_a_kept_port_is_an_error_and_the_port_is_still_kept() {
    let home = Home::signed_in();
    let port = home.proxy(&login("analytics-dev")).port();
    let stranger = eventually("the port is free again", || TcpListener::bind(("127.0.0.1", port)).ok());
    let said = home.run(&[&["proxy", "db"], &login("analytics-dev")[..]].concat());
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains(&format!("port {port} is taken")), "{}", said.err);
    drop(stranger);
    assert_eq!(home.proxy(&login("analytics-dev")).port(), port);
}

#[test]
fn a_port_that_two_databases_were_given_goes_to_whoever_is_first_and_the_other_is_told() {
    let home = Home::signed_in();
    let port = home.proxy(&login("analytics-dev")).port();
    let other = home.proxy(&[&login("events-prod")[..], &["--port", &port.to_string()]].concat());
    assert_eq!(other.port(), port);
    let said = home.run(&[&["proxy", "db"], &login("analytics-dev")[..]].concat());
    assert_eq!(said.code, 1);
    for words in [format!("port {port} is taken"), "events-prod".to_owned(), other.pid().to_string()] {
        assert!(said.err.contains(&words), "{words} in {}", said.err);
    }
}

#[test]
fn logging_out_of_a_database_closes_a_proxy_of_another_process() {
    let home = Home::signed_in();
    let proxy = open(&home, "analytics-dev");
    let other = open(&home, "events-prod");
    home.run(&["db", "logout", "analytics-dev"]).ok();
    assert_eq!(proxy.wait().code, 0);
    assert_eq!(other.sql("select 1").ok(), "1\n");
}

#[test]
fn a_client_that_says_nothing_and_one_that_says_nonsense_disturb_nobody() {
    let home = Home::signed_in();
    let proxy = open(&home, "analytics-dev");
    let connect = || {
        let stream = TcpStream::connect(("127.0.0.1", proxy.port())).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket has a time limit");
        stream
    };
    let silent = connect();
    // A start-up message that announces 2 GB: refused at once, and nothing of that size is waited for.
    let mut huge = connect();
    huge.write_all(&[0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0]).expect("it can be sent");
    let mut answer = Vec::new();
    // The end may be a reset: what counts is that it comes.
    let _ = huge.read_to_end(&mut answer);
    let mut nonsense = connect();
    nonsense.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("it can be sent");
    let _ = nonsense.read_to_end(&mut answer);
    assert_eq!(proxy.sql("select 1").ok(), "1\n");
    drop(silent);
}

#[test]
fn postgresql_killed_in_mid_query_is_told_and_the_next_session_works() {
    let home = Home::signed_in();
    // A workgroup that no other test uses: its database goes down.
    let proxy = open(&home, "ml-dev");
    assert_eq!(proxy.sql("select 1").ok(), "1\n");
    let child = proxy
        .psql(&["-c", "select pg_sleep(120) /* cut */"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql starts");
    eventually("the query runs", || {
        let list = home.run(&[&["db", "queries"], &login("ml-dev")[..], &["--format", "json"]].concat()).json();
        list.as_array()?
            .iter()
            .any(|query| query["query_text"].as_str().is_some_and(|text| text.contains("/* cut */")))
            .then_some(())
    });
    crate::support::block_on(faults("ml-dev").crash_database());
    let said = child.wait_with_output().expect("it ends");
    assert!(!said.status.success());
    let err = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(err.contains("FATAL") || err.contains("ERROR"), "{err}");
    eventually("the next session works", || (proxy.sql("select 2").out == "2\n").then_some(()));
}

#[test]
fn a_cell_of_a_hundred_megabytes_passes_exactly() {
    let home = Home::signed_in();
    let proxy = open(&home, "analytics-dev");
    let said = proxy.sql("select repeat('x', 100000000)").ok();
    assert_eq!(said.len(), 100_000_001);
    let file = home.path().join("cell.csv");
    let sql = "select repeat('x', 100000000) as cell";
    home.run(
        &[&["db", "exec"], &login("analytics-dev")[..], &["--format", "csv", "-o", &file.to_string_lossy(), sql]]
            .concat(),
    )
    .ok();
    assert_eq!(std::fs::metadata(&file).expect("it was written").len(), 100_000_000 + "cell\n\n".len() as u64);
}

#[test]
fn a_syntax_error_comes_with_its_words_and_place() {
    let home = Home::signed_in();
    let proxy = open(&home, "analytics-dev");
    let said = proxy.sql("selec 1");
    assert!(said.err.contains("syntax error at or near \"selec\""), "{said:?}");
    assert!(said.err.contains('^'), "psql marks the place: {}", said.err);
    let said = home.run(&[&["db", "exec"], &login("analytics-dev")[..], &["selec 1"]].concat());
    assert!(said.code == 1 && said.err.contains("42601"), "{}", said.err);
}

#[test]
fn a_signal_ends_a_proxy_and_its_clients_are_told() {
    let home = Home::signed_in();
    let proxy = open(&home, "analytics-dev");
    let mut child =
        proxy.psql(&[]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("psql");
    let mut input = child.stdin.take().expect("its input is piped");
    input.write_all(b"select 'ready';\n").expect("it reads");
    let mut first = [0; 6];
    child.stdout.as_mut().expect("its output is piped").read_exact(&mut first).expect("it answers");
    let pid = proxy.pid().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().is_ok_and(|status| status.success()));
    assert_eq!(proxy.wait().code, 0);
    // psql notices at its next statement; it may be gone before it takes it.
    let _ = input.write_all(b"select 1;\n");
    drop(input);
    let said = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(err.contains("shutting down"), "{err}");
}

#[test]
fn an_idle_client_is_ended_as_its_role_says_and_a_busy_one_is_not() {
    let home = Home::empty();
    home.create(&format!("{}  options:\n    client_idle_timeout: 2s\n", crate::support::EVERYTHING)).ok();
    home.run(&["users", "add", "bob", "--roles", "everything"]).ok();
    home.run(&["login", "--user", "bob"]).ok();
    let proxy = open(&home, "analytics-dev");
    assert_eq!(proxy.sql("select pg_sleep(5)::text || 'slept'").ok(), "slept\n");
    let mut child =
        proxy.psql(&[]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("psql");
    let mut input = child.stdin.take().expect("its input is piped");
    input.write_all(b"select 'ready';\n").expect("it reads");
    let sessions = || home.run(&["audit", "ls", "--event", "db.session.end"]).ok();
    eventually("the idle session is ended", || sessions().contains("\"reason\":\"idle\"").then_some(()));
    // psql notices at its next statement; it may be gone before it takes it.
    let _ = input.write_all(b"select 1;\n");
    drop(input);
    let said = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(err.contains("idle for as long as your role allows"), "{err}");
}

#[test]
fn a_sign_in_lasts_as_long_as_its_role_says() {
    let home = Home::empty();
    home.create(&format!("{}  options:\n    max_session_ttl: 6s\n", crate::support::EVERYTHING)).ok();
    home.run(&["users", "add", "bob", "--roles", "everything"]).ok();
    home.run(&["login", "--user", "bob"]).ok();
    // Nothing that waits for a server: the time is counted from the sign-in.
    let list = || home.run(&["db", "ls"]);
    assert_eq!(list().code, 0);
    let said = eventually("the sign-in expires", || Some(list()).filter(|said| said.code != 0));
    assert!(said.err.contains("has expired") && said.err.contains("postern login"), "{}", said.err);
    let said = home.run(&[&["db", "exec"], &login("analytics-dev")[..], &["select 1"]].concat());
    assert!(said.code == 1 && said.err.contains("has expired"), "{}", said.err);
}
