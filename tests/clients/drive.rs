//! Runs the drivers' programs and answers what only the server and the audit log know.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Mutex,
};

use serde_json::{Value, json};

use crate::{
    install,
    support::{Home, Proxy, admin, block_on, eventually},
};

/// Where all of it happens.
pub(crate) const WORKGROUP: &str = "analytics-dev";

/// Ends a program that hangs, in seconds. Nothing is judged by it.
const PATIENCE: &str = "300";

/// A program of `drivers`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Program {
    Python(&'static str),
    Node(&'static str),
    Java(&'static str),
}

/// What a program printed of one check: why it failed, if it did.
pub(crate) type Failure = Option<String>;

/// What programs have printed.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// By client.
    pub(crate) versions: BTreeMap<String, String>,
    /// By client and way (`psql/port`), and check.
    pub(crate) checks: BTreeMap<(String, String), Failure>,
}

/// The proxies that the clients connect through, one for each way of being let in.
pub(crate) struct Proxies {
    same_user: Proxy,
    scram: Proxy,
    md5: Proxy,
    tls: Proxy,
}

impl Proxies {
    pub(crate) fn open(home: &Home) -> Self {
        let login = [WORKGROUP, "--db-user", "bi-readonly", "--db-name", "dev", "--port", "0"];
        let open = |more: &[&str]| home.proxy(&[&login[..], more].concat());
        Self {
            same_user: open(&[]),
            scram: open(&["--auth", "password"]),
            md5: open(&["--auth", "password", "--password-method", "md5"]),
            tls: open(&["--tls"]),
        }
    }

    /// Every way of connecting, as the programs take them.
    pub(crate) fn ways(&self, md5: bool) -> Vec<Value> {
        let way = |way: &str, proxy: &Proxy, more: Value| {
            let mut to = json!({
                "way": way, "host": "127.0.0.1", "port": proxy.port(), "user": "bi-readonly", "database": "dev",
                "password": proxy.address["password"], "sslmode": null, "ca_file": null, "refuses": [],
                "server_user": "IAMR:bi-readonly", "authority": self.tls.address["ca_file"],
            });
            for (name, value) in more.as_object().expect("an object") {
                to[name] = value.clone();
            }
            to
        };
        let socket = self.same_user.address["unix_socket"].as_str().expect("a socket beside the port");
        let folder = Path::new(socket).parent().expect("it is in a folder");
        let (plain, strange) = (self.same_user.port(), install::source("../it/strange-ca.pem"));
        let ca_file = &self.tls.address["ca_file"];
        vec![
            way("port", &self.same_user, json!({})),
            way("unix", &self.same_user, json!({"host": folder})),
            way("password", if md5 { &self.md5 } else { &self.scram }, json!({})),
            // A client that insists is not to be had without, nor with somebody else's certificate.
            way("require", &self.tls, json!({"sslmode": "require", "refuses": [{"port": plain}]})),
            way(
                "verify-full",
                &self.tls,
                json!({"sslmode": "verify-full", "ca_file": ca_file, "refuses": [{"port": plain}, {"ca_file": strange}]}),
            ),
        ]
    }
}

/// A program with an environment that has nothing of the developer's own.
pub(crate) fn command(home: &Home, program: &Program) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after", "10", PATIENCE]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.starts_with("PG")) {
        command.env_remove(name);
    }
    // libpq looks for passwords and authorities in the home of whoever runs it.
    command.env("HOME", home.path()).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    match program {
        Program::Python(name) => command.arg(install::python()).arg(install::driver(name)),
        Program::Node(name) => command
            .arg("node")
            .arg(install::driver(name))
            .env("CLIENTS_NODE", install::node())
            .env("NODE_NO_WARNINGS", "1"),
        Program::Java(name) => {
            command.args(["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", install::java(), name])
        }
    };
    command
}

/// Runs a program in all ways and notes what it prints.
pub(crate) fn run(home: &Home, program: &Program, ways: &[Value], seen: &Mutex<Seen>) {
    let mut command = command(home, program);
    match program {
        Program::Java(_) => command.args(ways.iter().map(lines)),
        _ => command.env("CLIENTS_WAYS", json!(ways).to_string()),
    };
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut answers = child.stdin.take().expect("its input is piped");
    let out = child.stdout.take().expect("its output is piped");
    let (mut server, mut client) = (Server::new(home), String::new());
    for line in BufReader::new(out).lines() {
        let line = line.expect("it speaks UTF-8");
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{program:?}: {error}: {line}"));
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        if let Some(name) = text("client") {
            client = name;
            seen.lock().expect("whole").versions.insert(client.clone(), text("version").unwrap_or_default());
        } else if text("inquiry").is_some() {
            // It may be gone before it reads the answer, which shows in what it prints.
            let _ = writeln!(answers, "{}", json!(server.answer(&said)));
        } else {
            let (Some(tag), Some(check)) = (text("tag"), text("check")) else { panic!("{program:?}: {line}") };
            seen.lock().expect("whole").checks.insert((tag, check), text("failure"));
        }
    }
    let ended = child.wait().expect("it is ours");
    assert!(ended.success(), "{program:?}, while it was {client}: {ended}");
}

/// A way as NAME=VALUE lines, for a language without JSON at hand.
fn lines(way: &Value) -> String {
    let mut lines = String::new();
    for (name, value) in way.as_object().expect("an object") {
        match value {
            Value::Null => {}
            Value::Array(others) => {
                for (at, other) in others.iter().enumerate() {
                    // Another address is told with its port, so that there is one thing to look for.
                    let port = other.get("port").unwrap_or(&way["port"]);
                    lines.push_str(&format!("{name}.{at}.port={port}\n"));
                    if let Some(file) = other["ca_file"].as_str() {
                        lines.push_str(&format!("{name}.{at}.ca_file={file}\n"));
                    }
                }
            }
            Value::String(text) => lines.push_str(&format!("{name}={text}\n")),
            other => lines.push_str(&format!("{name}={other}\n")),
        }
    }
    lines
}

/// What the programs inquire: the server is asked past the proxy, the audit log by the command.
struct Server<'a> {
    admin: tokio_postgres::Client,
    home: &'a Home,
}

impl<'a> Server<'a> {
    fn new(home: &'a Home) -> Self {
        Self { admin: admin(WORKGROUP), home }
    }

    fn answer(&mut self, inquiry: &Value) -> String {
        let needle = format!("%{}%", inquiry["needle"].as_str().unwrap_or_default());
        match inquiry["inquiry"].as_str() {
            Some("running") => eventually("the statement runs", || self.sleeps(&needle).then(|| "yes".to_owned())),
            Some("ended") => eventually("the statement ends", || {
                // What PostgreSQL does counts, and what the log of queries says of it.
                let status = self.status(&needle)?;
                (!self.is_active(&needle) && status != "running").then_some(status)
            }),
            Some("gone") => self.end_of(&inquiry["session"].to_string().replace('"', "")),
            other => panic!("no such inquiry: {other:?}"),
        }
    }

    /// Whether it runs in earnest: a statement is active while it is only being prepared, too, and then has nothing to cancel.
    fn sleeps(&self, needle: &str) -> bool {
        let sql = "select 1 from pg_internal_stat_activity where wait_event = 'PgSleep' and query like $1";
        !block_on(self.admin.query(sql, &[&needle])).expect("the admin may look").is_empty()
    }

    fn is_active(&self, needle: &str) -> bool {
        let sql = "select 1 from pg_internal_stat_activity where state = 'active' and query like $1";
        // This statement's own text has no needle: that is a parameter.
        !block_on(self.admin.query(sql, &[&needle])).expect("the admin may look").is_empty()
    }

    fn status(&self, needle: &str) -> Option<String> {
        let sql = "select trim(status) from sys_query_history where query_text like $1 order by query_id desc limit 1";
        let rows = block_on(self.admin.query(sql, &[&needle])).expect("the admin may look");
        Some(rows.first()?.get(0))
    }

    /// Why a session ended, from the audit log, once the server has seen it go.
    fn end_of(&self, session: &str) -> String {
        let pid: i32 = session.parse().expect("the number of a session");
        eventually("the server has seen the session go", || {
            let sql = "select 1 from pg_stat_activity where procpid = $1";
            block_on(self.admin.query(sql, &[&pid])).expect("the admin may look").is_empty().then_some(())
        });
        eventually("the end of the session is in the audit log", || {
            let ends = audit(self.home, &["--event", "db.session.end"]);
            let end = ends.iter().rev().find(|event| event["db_pid"] == pid)?;
            Some(end["reason"].as_str().unwrap_or_default().to_owned())
        })
    }
}

/// The records of the audit log that are asked for.
pub(crate) fn audit(home: &Home, asked: &[&str]) -> Vec<Value> {
    let said = home.run(&[&["audit", "ls"], asked].concat()).ok();
    said.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}
