//! Who may use a proxy of the command: by password, over TLS, from where; and what a session is told that may not or no longer.

use std::{
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use crate::support::{EVERYTHING, GUIDE_ROLE, Home, Proxy, Said, eventually};

const LOGIN: [&str; 7] = ["analytics-dev", "--db-user", "bi-readonly", "--db-name", "dev", "--port", "0"];

fn open(home: &Home, more: &[&str]) -> Proxy {
    home.proxy(&[&LOGIN[..], more].concat())
}

fn text<'a>(proxy: &'a Proxy, field: &str) -> &'a str {
    proxy.address[field].as_str().unwrap_or_else(|| panic!("{field} in {}", proxy.address))
}

/// psql with an address of one's own.
fn psql(address: &str, sql: &str) -> Said {
    let mut psql = Command::new("psql");
    psql.args(["-XAtw", "-c", sql, address]).stdin(Stdio::null()).env("PGPASSFILE", "/nonexistent");
    let output = psql.output().expect("psql is installed");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_password_is_asked_for_by_each_method_and_kept_out_of_the_files() {
    let home = Home::signed_in();
    for method in ["scram-sha-256", "md5", "cleartext"] {
        let proxy = open(&home, &["--auth", "password", "--password-method", method]);
        let (password, uri) = (text(&proxy, "password").to_owned(), text(&proxy, "uri").to_owned());
        assert!(password.len() >= 22, "128 bits of letters and digits: {password}");
        assert_eq!((text(&proxy, "auth"), text(&proxy, "password_method")), ("password", method));
        assert_eq!(proxy.sql("select current_user").ok(), "IAMR:bi-readonly\n");
        for field in ["uri", "psql", "jdbc", "env"] {
            assert!(text(&proxy, field).contains(&password), "{field} in {}", proxy.address);
        }
        let said = psql(&uri.replace(&password, "wrong"), "select 1");
        assert!(said.err.contains("password authentication failed for user \"bi-readonly\""), "{said:?}");
        let said = psql(&uri.replace(&format!(":{password}"), ""), "select 1");
        assert!(said.err.contains("no password supplied"), "{said:?}");

        let refused = home.run(&["audit", "ls", "--event", "db.session.start"]).ok();
        assert!(refused.contains("28P01"), "{refused}");
        let kept = Command::new("grep").args(["-rl", &password]).arg(home.path()).output().expect("grep");
        assert_eq!(String::from_utf8_lossy(&kept.stdout), "", "files with the password");
    }
}

#[test]
fn a_password_is_new_each_time() {
    let home = Home::signed_in();
    let (one, other) = (open(&home, &["--auth", "password"]), open(&home, &["--auth", "password"]));
    assert_ne!(text(&one, "password"), text(&other, "password"));
    assert!(open(&home, &["--auth", "same-user"]).address["password"].is_null());
}

#[test]
fn the_printed_psql_line_and_environment_work_as_they_are() {
    let home = Home::signed_in();
    let proxy = open(&home, &["--auth", "password", "--tls"]);
    for line in [
        format!("{} -XAtwc 'select 5'", text(&proxy, "psql")),
        format!("{}\npsql -XAtwc 'select 5'", text(&proxy, "env")),
    ] {
        let said = Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).output().expect("sh");
        assert_eq!(String::from_utf8_lossy(&said.stdout), "5\n", "{said:?}");
    }
}

#[test]
fn clients_that_insist_on_tls_are_served_and_can_verify_it() {
    let home = Home::signed_in();
    let proxy = open(&home, &["--tls"]);
    let (uri, ca_file) = (text(&proxy, "uri").to_owned(), text(&proxy, "ca_file").to_owned());
    assert!(uri.contains("sslmode=verify-full"), "{uri}");
    let said = psql(&uri, "\\conninfo").ok();
    assert!(said.contains("SSL connection (protocol: TLSv1.3"), "{said}");
    for (from, to) in [("127.0.0.1", "localhost"), ("verify-full", "require"), ("verify-full", "verify-ca")] {
        assert_eq!(psql(&uri.replace(from, to), "select 1").ok(), "1\n", "{to}");
    }
    // Where the machine has it, version 6 is served too.
    let said = psql(&uri.replace("127.0.0.1", "[::1]"), "select 1");
    assert!(said.out == "1\n" || said.err.contains("Cannot assign requested address"), "{said:?}");
    // Without the file there is no telling who answers.
    let bare = uri.split("&sslrootcert").next().expect("the beginning");
    let said = psql(&format!("{bare}&sslrootcert=/nonexistent"), "select 1");
    assert!(said.code != 0, "{said:?}");
    assert_eq!(psql(&bare.replace("verify-full", "require"), "select 1").ok(), "1\n");
    // A client that does not insist does without.
    assert_eq!(psql(&bare.replace("verify-full", "disable"), "select 1").ok(), "1\n");

    let mode = |path: &str| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&ca_file.replace("local-ca.pem", "local-certificate.json")), 0o600);
    assert!(!std::fs::read_to_string(&ca_file).expect("it can be read").contains("KEY"));
    let again = open(&home, &["--tls"]);
    assert_eq!(text(&again, "ca_file"), ca_file);
    assert_eq!(again.sql("select 1").ok(), "1\n");
}

#[test]
fn without_a_certificate_a_client_that_insists_is_told_no() {
    let home = Home::signed_in();
    let proxy = open(&home, &[]);
    assert_eq!(proxy.address["tls"], false);
    let said = psql(&text(&proxy, "uri").replace("disable", "require"), "select 1");
    assert!(said.err.contains("does not support SSL"), "{said:?}");
}

#[test]
fn an_address_beyond_loopback_takes_a_flag_and_a_password() {
    let home = Home::signed_in();
    let login = ["proxy", "db", "analytics-dev", "--db-user", "bi-readonly", "--db-name", "dev"];
    for (more, words) in [
        (&["--listen", "0.0.0.0:0"][..], "--insecure-listen-anywhere"),
        (&["--listen", "0.0.0.0:0", "--auth", "password"], "--insecure-listen-anywhere"),
        (&["--listen", "0.0.0.0:0", "--insecure-listen-anywhere"], "--auth password"),
        (&["--listen", "0.0.0.0:0", "--insecure-listen-anywhere", "--auth", "same-user"], "--auth password"),
        (
            &["--listen", "0.0.0.0:0", "--insecure-listen-anywhere", "--auth", "password", "--password-method", "md5"],
            "--tls",
        ),
        (&["--listen", "127.0.0.1:0", "--port", "1"], "cannot be used with"),
        (&["--insecure-listen-anywhere"], "--listen"),
        (&["--password-method", "md5"], "--auth"),
        (&["--auth", "same-user", "--password-method", "md5"], "asks for no password"),
    ] {
        let said = home.run(&[&login[..], more].concat());
        assert_eq!(said.code, 2, "{more:?}: {said:?}");
        assert!(said.err.contains(words), "{more:?}: {}", said.err);
    }
    let proxy = home.proxy(&[&login[2..], &["--listen", "localhost:0"]].concat());
    assert_eq!(proxy.address["beyond_loopback"], false);
    assert_eq!(proxy.sql("select 1").ok(), "1\n");
}

#[test]
fn a_denied_session_is_told_who_it_would_be_and_what_is_allowed() {
    let home = Home::empty();
    home.create(GUIDE_ROLE).ok();
    home.run(&["users", "add", "bob", "--roles", "redshift-serverless-access"]).ok();
    home.run(&["login", "--user", "bob"]).ok();
    let proxy = home.proxy(&["analytics-dev", "--port", "0"]);
    let uri = text(&proxy, "uri").to_owned();
    let user = "teleport-redshift-serverless-access";
    for (from, to, words) in [
        (
            format!("//{user}@"),
            "//etl-writer@",
            "as database user 'etl-writer' to database 'dev' denied: no role of user 'bob' allows database user 'etl-writer'; \
             allowed database users: teleport-redshift-serverless-access",
        ),
        (
            "/dev?".to_owned(),
            "/analytics?",
            "as database user 'teleport-redshift-serverless-access' to database 'analytics' denied: no role of user 'bob' allows \
             database 'analytics'; allowed database names: dev",
        ),
    ] {
        let other = uri.replace(&from, to);
        assert_ne!(other, uri);
        let said = psql(&other, "select 1");
        assert!(said.err.contains(words), "{}", said.err);
        assert_eq!(said.err.matches("denied").count(), 1, "said once: {}", said.err);
    }
    // The user in the server's own spelling, and no database at all, are this connection's.
    assert_eq!(psql(&uri.replace(&format!("//{user}@"), &format!("//IAMR%3A{user}@")), "select 1").ok(), "1\n");
}

/// psql that has said something and waits for more.
fn waiting_psql(proxy: &Proxy) -> (std::process::Child, std::process::ChildStdin) {
    let mut child =
        proxy.psql(&[]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("psql");
    let mut input = child.stdin.take().expect("its input is piped");
    input.write_all(b"select 'ready';\n").expect("it reads");
    let mut first = [0; 6];
    child.stdout.as_mut().expect("its output is piped").read_exact(&mut first).expect("it answers");
    (child, input)
}

#[test]
fn a_session_ends_with_its_sign_in_only_where_a_role_says_so() {
    for disconnects in [true, false] {
        let home = Home::empty();
        let options = format!("  options:\n    max_session_ttl: 8s\n    disconnect_expired_cert: {disconnects}\n");
        home.create(&format!("{EVERYTHING}{options}")).ok();
        home.run(&["users", "add", "bob", "--roles", "everything"]).ok();
        home.run(&["login", "--user", "bob"]).ok();
        let proxy = open(&home, &[]);
        let (child, mut input) = waiting_psql(&proxy);
        eventually("the sign-in expires", || (home.run(&["db", "ls"]).code != 0).then_some(()));
        // Nobody new comes in, and is told why.
        let said = proxy.sql("select 1");
        assert!(
            said.err.contains("the sign-in of 'bob' has expired") && said.err.contains("postern login"),
            "{said:?}"
        );
        if disconnects {
            let ends = || home.run(&["audit", "ls", "--event", "db.session.end"]).ok();
            eventually("the session is ended", || ends().contains("\"reason\":\"expired\"").then_some(()));
        }
        // psql notices at its next statement; it may be gone before it takes it.
        let _ = input.write_all(b"select 'still here';\n");
        drop(input);
        let said = child.wait_with_output().expect("it ends");
        let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        if disconnects {
            assert!(err.contains("your sign-in is as old as your role allows"), "{err}");
        } else {
            assert!(said.status.success() && out.contains("still here"), "{out}{err}");
        }
    }
}
