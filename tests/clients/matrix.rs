//! Which client is held to what, what is excused and why, and the table that comes of it.
//!
//! A cell is yes only when the client's own program found it so, in every way of connecting, and when the audit log shows
//! that the statement went as it was meant to. What a client does not speak is declared here with its reason; the
//! program tries it all the same, and an excuse that no longer holds is a failure like any other.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

use serde_json::Value;

use crate::{
    drive::{self, Failure, Program, Proxies, Seen},
    install,
    support::Home,
};

/// The clients of a program, as they name themselves, and whether SCRAM is beyond them.
struct Row {
    program: Program,
    clients: &'static [&'static str],
    md5: bool,
}

const fn row(program: Program, clients: &'static [&'static str]) -> Row {
    Row { program, clients, md5: false }
}

/// The longest first, so that two at a time end about together.
const ROWS: [Row; 12] = [
    row(Program::Python("pgcli_.py"), &["pgcli"]),
    Row {
        program: Program::Python("alchemy.py"),
        clients: &[ALCHEMY, ALCHEMY_RC],
        md5: true,
    },
    Row { program: Program::Python("redshift.py"), clients: &[REDSHIFT], md5: true },
    row(Program::Java("Jdbc"), &["pgjdbc"]),
    row(Program::Python("pg8000_.py"), &["pg8000"]),
    row(Program::Python("psycopg3.py"), &["psycopg 3", "psycopg 3, cancel_safe()"]),
    row(Program::Python("asyncpg_.py"), &["asyncpg"]),
    row(Program::Python("psycopg2_.py"), &["psycopg2"]),
    row(Program::Python("odbc.py"), &["ODBC"]),
    row(Program::Python("psql.py"), &["psql"]),
    row(Program::Node("node_postgres.mjs"), &["node pg"]),
    row(Program::Node("postgres_js.mjs"), &["postgres.js"]),
];

const REDSHIFT: &str = "redshift_connector";
const ALCHEMY: &str = "SQLAlchemy, redshift+psycopg2";
const ALCHEMY_RC: &str = "SQLAlchemy, redshift+redshift_connector";

const QUERY: &str = "db.session.query";
const PARSE: &str = "db.session.postgres.statements.parse";
const BIND: &str = "db.session.postgres.statements.bind";

/// Name and heading of each way of connecting.
const WAYS: [(&str, &str); 5] = [
    ("port", "port"),
    ("unix", "Unix socket"),
    ("password", "password"),
    ("require", "`sslmode=require`"),
    ("verify-full", "`verify-full`"),
];

/// Name and heading of each check, but for the first: that is how the ways are told.
const CHECKS: [(&str, &str); 9] = [
    ("simple", "simple"),
    ("extended", "extended"),
    ("prepared", "prepared"),
    ("large", "large result"),
    ("copy_in", "COPY in"),
    ("copy_out", "COPY out"),
    ("error", "error in a script"),
    ("cancel", "cancel"),
    ("disconnect", "disconnect"),
];

/// What a client does not speak.
struct Excuse {
    client: &'static str,
    /// A check; or a way, when the client cannot connect so.
    what: &'static str,
    /// What its program says then: another failure is none that is excused.
    says: &'static str,
    reason: &'static str,
}

const EXCUSES: [Excuse; 0] = [];

#[test]
fn every_client_does_all_that_it_speaks_in_every_way_of_connecting() {
    let home = Home::signed_in();
    let proxies = Proxies::open(&home);
    let (waiting, seen) = (Mutex::new(ROWS.iter().collect::<VecDeque<_>>()), Mutex::default());
    let only = std::env::var("CLIENTS_ONLY").unwrap_or_default();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(row) = waiting.lock().expect("whole").pop_front() else { return };
                    if row.clients.iter().any(|client| client.contains(&only)) {
                        let start = std::time::Instant::now();
                        drive::run(&home, &row.program, &proxies.ways(row.md5), &seen);
                        eprintln!("{:?} {:?}", row.program, start.elapsed());
                    }
                }
            });
        }
    });
    let mut seen = seen.into_inner().expect("whole");
    Recorded(drive::audit(&home, &[])).judge(&mut seen);
    for (k, v) in &seen.checks { if let Some(v) = v { eprintln!("{k:?}: {v}"); } }
}

/// How statements travelled: every record of the audit log, in its order.
struct Recorded(Vec<Value>);

impl Recorded {
    /// Takes back what a program thought to be so and was not.
    fn judge(&self, seen: &mut Seen) {
        for ((tag, check), failure) in &mut seen.checks {
            if failure.is_none() {
                *failure = match check.as_str() {
                    "simple" if !self.has(QUERY, &format!("simple {tag} ")) => Some("not sent as a simple query".into()),
                    "extended" if !self.has(PARSE, &format!("extended {tag} ")) => {
                        Some("not sent in the extended protocol".into())
                    }
                    "prepared" => self.not_prepared(&format!("prepared {tag} ")),
                    _ => None,
                };
            }
        }
    }

    /// Prepared is what has a name, is parsed once and bound for each of the three values.
    fn not_prepared(&self, needle: &str) -> Failure {
        let named = |event: &Value| is(event, PARSE, needle) && event["statement_name"] != "";
        let parses: Vec<usize> = (0..self.0.len()).filter(|at| named(&self.0[*at])).collect();
        let [parse] = parses[..] else {
            return Some(format!("prepared {} times under a name", parses.len()));
        };
        let same = |event: &&Value| ["sid", "statement_name"].iter().all(|name| event[name] == self.0[parse][name]);
        // A driver may give the name to another statement later.
        let after = self.0[parse + 1..].iter().filter(same).take_while(|event| event["event"] != PARSE);
        let binds = after.filter(|event| event["event"] == BIND).count();
        (binds != 3).then(|| format!("run {binds} times by its name"))
    }

    fn has(&self, kind: &str, needle: &str) -> bool {
        self.0.iter().any(|event| is(event, kind, needle))
    }
}

fn is(event: &Value, kind: &str, needle: &str) -> bool {
    event["event"] == kind && event["db_query"].as_str().is_some_and(|text| text.contains(needle))
}
