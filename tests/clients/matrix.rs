//! Which client is held to what, what is excused and why, and the table that comes of it.
//!
//! A cell is yes only when the client's own program found it so, in every way of connecting, and when the audit log shows
//! that the statement went as it was meant to. What a client does not speak is declared here with its reason; the
//! program tries it all the same, and an excuse that no longer holds is a failure like any other.

use std::{collections::VecDeque, sync::Mutex};

use serde_json::Value;

use crate::{
    drive::{self, Failure, Program, Proxies, Seen},
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
    Row { program: Program::Python("alchemy.py"), clients: &[ALCHEMY, ALCHEMY_RC], md5: true },
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
    /// The first version that speaks it.
    until: Option<u32>,
}

const fn excuse(client: &'static str, what: &'static str, says: &'static str, reason: &'static str) -> Excuse {
    Excuse { client, what, says, reason, until: None }
}

impl Excuse {
    /// Whether it is for this client and check, and for a version as the client tells it.
    fn covers(&self, client: &str, what: &str, version: Option<&String>) -> bool {
        let major = version.and_then(|version| version.split('.').next()?.parse().ok());
        let too_old = |until: u32| major.is_some_and(|major: u32| major < until);
        self.client == client && self.what == what && self.until.is_none_or(too_old)
    }
}

const INTERPOLATES: &str = "puts parameters into the text itself and sends simple queries only";
const ALL_PREPARED: &str = "sends every statement as a named prepared one";
const NO_CANCEL: &str = "has no cancel";
const NO_COPY: &str = "does not know the messages of COPY";

const NO_BIND: &str = "before version 16 it sends simple queries only";
const NO_PARAMETERS: &str = "has no parameters";
const SPINS: &str = "never comes back from a COPY, which keeps a processor busy in the driver";

const EXCUSES: [Excuse; 21] = [
    Excuse { until: Some(16), ..excuse("psql", "extended", "\\bind", NO_BIND) },
    Excuse { until: Some(16), ..excuse("psql", "prepared", "\\bind", NO_BIND) },
    Excuse {
        until: Some(18),
        ..excuse("psql", "prepared", "prepared 0 times", "before version 18 it names no statement")
    },
    excuse("pgcli", "extended", "SQLSTATE code: 42P02", NO_PARAMETERS),
    excuse("pgcli", "prepared", "SQLSTATE code: 42P02", NO_PARAMETERS),
    excuse("psycopg2", "extended", "not sent in", INTERPOLATES),
    excuse("psycopg2", "prepared", "prepared 0 times", INTERPOLATES),
    excuse(ALCHEMY, "extended", "not sent in", INTERPOLATES),
    excuse(ALCHEMY, "prepared", "prepared 0 times", INTERPOLATES),
    excuse(REDSHIFT, "simple", "not sent as", ALL_PREPARED),
    excuse(ALCHEMY_RC, "simple", "not sent as", ALL_PREPARED),
    excuse(REDSHIFT, "copy_in", "KeyError: b'G'", NO_COPY),
    excuse(REDSHIFT, "copy_out", "KeyError: b'H'", NO_COPY),
    excuse(ALCHEMY_RC, "copy_in", "KeyError: b'G'", NO_COPY),
    excuse(ALCHEMY_RC, "copy_out", "KeyError: b'H'", NO_COPY),
    excuse(REDSHIFT, "cancel", "no attribute 'cancel'", NO_CANCEL),
    excuse(ALCHEMY_RC, "cancel", "no attribute 'cancel'", NO_CANCEL),
    excuse("pg8000", "cancel", "no attribute 'cancel'", NO_CANCEL),
    excuse("pgjdbc", "unix", "Unable to parse URL", "needs a socket factory from elsewhere for a Unix socket"),
    excuse("ODBC", "copy_in", "it spins", SPINS),
    excuse("ODBC", "copy_out", "it spins", SPINS),
];

#[test]
fn every_client_does_all_that_it_speaks_in_every_way_of_connecting() {
    let home = Home::signed_in();
    let proxies = Proxies::open(&home);
    let (waiting, seen) = (Mutex::new(ROWS.iter().collect::<VecDeque<_>>()), Mutex::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(row) = next(&waiting) {
                    drive::run(&home, &row.program, &proxies.ways(row.md5), &seen);
                }
            });
        }
    });
    let mut seen = seen.into_inner().expect("no thread has panicked");
    Recorded(drive::audit(&home, &[])).judge(&mut seen);
    let clients: Vec<&str> = ROWS.iter().flat_map(|row| row.clients).copied().filter(is_wanted).collect();
    let (table, wrong) = table(&seen, &clients);
    say(&table);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A client that CLIENTS_ONLY names, or any when it names none.
fn is_wanted(client: &&str) -> bool {
    std::env::var("CLIENTS_ONLY").is_ok_and(|only| client.contains(&only)) || std::env::var_os("CLIENTS_ONLY").is_none()
}

fn next<'a>(waiting: &Mutex<VecDeque<&'a Row>>) -> Option<&'a Row> {
    let mut waiting = waiting.lock().expect("no thread has panicked");
    while let Some(row) = waiting.pop_front() {
        if row.clients.iter().any(is_wanted) {
            return Some(row);
        }
    }
    None
}

/// What this suite is for is to be read.
#[allow(clippy::print_stdout, reason = "the table is what the suite is run for")]
fn say(table: &str) {
    println!("\n{table}");
}

/// The table, in Markdown, and what is not as it must be.
fn table(seen: &Seen, clients: &[&str]) -> (String, Vec<String>) {
    let (mut notes, mut wrong) = (Vec::new(), Vec::new());
    let mut table = "| client |".to_owned();
    let headings = WAYS.iter().chain(&CHECKS).map(|(_, heading)| *heading);
    let columns = headings.inspect(|heading| table.push_str(&format!(" {heading} |"))).count();
    table.push_str(&format!("\n|---|{}\n", "---|".repeat(columns)));
    for client in clients {
        let version = seen.versions.get(*client).map_or("did not run", String::as_str);
        table.push_str(&format!("| {client} {version} |"));
        for (what, _) in WAYS.iter().chain(&CHECKS) {
            let failures = failures(seen, client, what);
            let excuse = EXCUSES.iter().find(|excuse| excuse.covers(client, what, seen.versions.get(*client)));
            let cell = match (excuse, &failures[..]) {
                (None, []) => "yes".to_owned(),
                (Some(excuse), all @ [_, ..])
                    if all.len() == held_to(client, what) && all.iter().all(|one| one.contains(excuse.says)) =>
                {
                    format!("–<sup>{}</sup>", note(&mut notes, excuse.reason))
                }
                (Some(excuse), failures) => {
                    wrong.push(format!("{client}, {what}: excused because it {}, and yet {failures:?}", excuse.reason));
                    "?".to_owned()
                }
                (None, failures) => {
                    wrong.extend(failures.iter().map(|failure| format!("{client}, {what}: {failure}")));
                    "NO".to_owned()
                }
            };
            table.push_str(&format!(" {cell} |"));
        }
        table.push('\n');
    }
    for (number, reason) in notes.iter().enumerate() {
        table.push_str(&format!("\n{}. {reason}", number + 1));
    }
    (table, wrong)
}

/// How many results there are of a check or a way.
fn held_to(client: &str, what: &str) -> usize {
    if WAYS.iter().any(|(way, _)| *way == what) { 1 } else { ways_of(client).count() }
}

/// The ways in which a client is held to connect.
fn ways_of(client: &str) -> impl Iterator<Item = &'static str> {
    let cannot = move |way: &&str| EXCUSES.iter().any(|excuse| excuse.client == client && excuse.what == *way);
    WAYS.iter().map(|(way, _)| *way).filter(move |way| !cannot(way))
}

/// Why a client failed: at connecting in this way, or at this check in any way in which it connects.
fn failures(seen: &Seen, client: &str, what: &str) -> Vec<String> {
    let of = |way: &str, check: &str| {
        let result = seen.checks.get(&(format!("{client}/{way}"), check.to_owned()));
        result.map_or(Some("was not tried".to_owned()), Clone::clone).map(|failure| format!("{way}: {failure}"))
    };
    if WAYS.iter().any(|(way, _)| *way == what) {
        return of(what, "connect").into_iter().collect();
    }
    ways_of(client).filter_map(|way| of(way, what)).collect()
}

/// The number of a reason, which is given one at its first use.
fn note(notes: &mut Vec<&'static str>, reason: &'static str) -> usize {
    if let Some(at) = notes.iter().position(|note| *note == reason) {
        return at + 1;
    }
    notes.push(reason);
    notes.len()
}

/// How statements travelled: every record of the audit log, in its order.
struct Recorded(Vec<Value>);

impl Recorded {
    /// Takes back what a program thought to be so and was not.
    fn judge(&self, seen: &mut Seen) {
        for ((tag, check), failure) in &mut seen.checks {
            if failure.is_none() {
                *failure = match check.as_str() {
                    "simple" if !self.has(QUERY, &format!("simple {tag} ")) => {
                        Some("not sent as a simple query".into())
                    }
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
