//! The guide's walk, through the `postern` command: make the role, give it to a person, sign in, list, connect, query,
//! cancel, leave. Every step is shown with what it printed, and must have worked for the next to begin.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::{
    process::{Background, capture},
    sandbox::Sandbox,
    workspace::program,
};

/// The person of the guide, and the role it makes for her.
const PERSON: &str = "alice";
const ROLE: &str = "redshift-serverless-access";

/// The IAM role of the guide, which is the database user.
const IAM_ROLE: &str = "teleport-redshift-serverless-access";

/// The person of the sandbox's samples who reads and writes some warehouses, and not others.
const ANALYST: &str = "jiwoo.kim";

/// Runs for minutes when nobody stops it: every pair of a million rows.
const LONG: &str = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b";

/// How long a server may take to show a query that has begun, and to report its end.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// Where the walk goes.
struct Place {
    database: String,
    db_user: String,
    db_name: String,
}

impl Place {
    /// The first database that the sandbox lets the role of the guide log in to.
    fn of(sandbox: &Sandbox) -> Result<Self> {
        sandbox.databases.iter().find_map(Self::read).with_context(|| format!("{IAM_ROLE} may log in nowhere"))
    }

    fn read(database: &Value) -> Option<Self> {
        let mut users = database["db_users"].as_array()?.iter();
        let user = users.find(|user| user["role"] == IAM_ROLE && user["may_login"] == true)?;
        let names = database["db_names"].as_array()?;
        let name = names.iter().find(|name| *name == "dev").or_else(|| names.first())?;
        Some(Self {
            database: database["name"].as_str()?.to_owned(),
            db_user: user["role"].as_str()?.to_owned(),
            db_name: name.as_str()?.to_owned(),
        })
    }

    /// The role file of the guide, for this place.
    fn role(&self) -> String {
        format!(
            "version: v5\nkind: role\nmetadata:\n  name: {ROLE}\nspec:\n  allow:\n    db_labels:\n      '*': '*'\n    \
             db_names:\n    - {}\n    db_users:\n    - '{}'\n",
            self.db_name, self.db_user
        )
    }

    fn options(&self) -> [String; 3] {
        [self.database.clone(), format!("--db-user={}", self.db_user), format!("--db-name={}", self.db_name)]
    }
}

/// The whole walk on a sandbox of its own, which must leave nothing running.
pub(crate) fn whole() -> Result<()> {
    let start = Instant::now();
    let folder = tempfile::tempdir().context("a folder for the sandbox")?;
    println!("demo: starting the sandbox");
    let mut sandbox = Sandbox::start(&folder.path().join("sandbox"), false)?;
    println!("demo: ready after {:.1} s", start.elapsed().as_secs_f64());
    let walked = Walk::new(&sandbox, folder.path()).and_then(|mut walk| walk.all());
    let id = sandbox.id();
    sandbox.stop()?;
    nothing_is_left(folder.path(), id)?;
    walked?;
    println!("\ndemo: all steps worked, nothing is left running ({:.1} s)", start.elapsed().as_secs_f64());
    Ok(())
}

/// Signs in as the analyst of the samples, for the window.
pub(crate) fn sign_in_to_samples(sandbox: &Sandbox, folder: &Path) -> Result<()> {
    Walk::new(sandbox, folder)?.step("sign in", ["login", "--user", ANALYST])?.says(ANALYST)
}

/// Fails when a process still runs that names the folder or has it in its environment.
pub(crate) fn nothing_is_left(folder: &Path, sandbox: u32) -> Result<()> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let mut left = Vec::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process that ends while we look, or that is another user's, has nothing to read.
        let read = |what: &str| fs::read(process.path().join(what)).unwrap_or_default();
        let ours = id == sandbox || [read("cmdline"), read("environ")].iter().any(|text| contains(text, folder));
        if ours && id != std::process::id() && !is_zombie(&read("stat")) {
            left.push(format!("{id} {}", String::from_utf8_lossy(&read("cmdline")).replace('\0', " ")));
        }
    }
    ensure!(left.is_empty(), "still running:\n{}", left.join("\n"));
    Ok(())
}

struct Walk<'a> {
    sandbox: &'a Sandbox,
    place: Place,
    program: PathBuf,
    folder: PathBuf,
    steps: usize,
}

impl<'a> Walk<'a> {
    fn new(sandbox: &'a Sandbox, folder: &Path) -> Result<Self> {
        let place = Place::of(sandbox)?;
        Ok(Self { sandbox, place, program: program("postern")?, folder: folder.to_owned(), steps: 0 })
    }

    fn all(&mut self) -> Result<()> {
        self.sign_in()?;
        self.step("status", ["status"])?.says(PERSON)?;
        let list = self.step("list the databases", ["db", "ls"])?;
        list.says(&self.place.database)?;
        self.query()?;
        self.cancel()?;
        let database = self.place.database.clone();
        self.step("log out of the database", ["db", "logout", &database])?;
        self.step("sign out", ["logout"])?;
        self.refused("nothing is shown to nobody", ["db", "ls"])
    }

    fn sign_in(&mut self) -> Result<()> {
        let file = self.folder.join("redshift-role.yaml");
        fs::write(&file, self.place.role()).context("writing the role")?;
        let file = file.display().to_string();
        self.step("create the role of the guide", ["create", "-f", &file])?
            .says(&format!("role '{ROLE}' has been created"))?;
        self.step("give it to a person", ["users", "add", PERSON, "--roles", ROLE])?;
        self.step("sign in", ["login", "--user", PERSON])?.says(PERSON)
    }

    fn query(&mut self) -> Result<()> {
        let [database, user, name] = self.place.options();
        let sql = "select version(), current_user";
        self.step("connect with psql", ["db", "connect", &database, &user, &name, "--", "-c", sql])?
            .says(&format!("IAMR:{}", self.place.db_user))?;
        self.step("run a query", ["db", "exec", &database, &user, &name, "select 6 * 7 as answer"])?.says("42")
    }

    /// Starts a query that nobody would wait for, finds it, cancels it, and has both sides say so.
    fn cancel(&mut self) -> Result<()> {
        let [database, user, name] = self.place.options();
        self.announce("start a long query", &["db", "exec", &database, &user, &name, LONG]);
        let mut long = Background::start(
            self.command(&["db", "exec", &database, &user, &name, LONG]).stdout(Stdio::null()).stderr(Stdio::piped()),
        )?;
        let query = self.find_long()?;
        self.step("see what runs", ["db", "queries", &database, &user, &name])?.says("generate_series")?;
        let session = format!("--session={}", text(&query["session_id"]));
        let id = format!("--query={}", text(&query["query_id"]));
        self.step("cancel it", ["db", "cancel", &database, &user, &name, &session, &id])?;
        let Some(status) = long.wait(SEEN_WITHIN)? else { bail!("the canceled query still runs") };
        ensure!(!status.success(), "the canceled query ended as if it had succeeded");
        let mut said = String::new();
        if let Some(mut errors) = long.child().stderr.take() {
            std::io::Read::read_to_string(&mut errors, &mut said).context("reading what the client was told")?;
        }
        print_indented(&said);
        ensure!(said.to_lowercase().contains("cancel"), "the client was not told that its query was canceled");
        let history = self.step("the server's own record", ["db", "queries", &database, &user, &name, "--all"])?;
        history.says("canceled")
    }

    /// The long query in SYS_QUERY_HISTORY, as soon as it is there.
    fn find_long(&self) -> Result<Value> {
        let [database, user, name] = self.place.options();
        let until = Instant::now() + SEEN_WITHIN;
        loop {
            let output = capture(&mut self.command(&["db", "queries", &database, &user, &name, "--format", "json"]))?;
            let found = serde_json::from_slice::<Value>(&output.stdout).ok().and_then(|rows| long_query(&rows));
            if let Some(query) = found {
                return Ok(query);
            }
            ensure!(
                Instant::now() < until,
                "the long query never appeared: {}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn step<const N: usize>(&mut self, title: &str, arguments: [&str; N]) -> Result<Said> {
        self.announce(title, &arguments);
        let output = capture(&mut self.command(&arguments))?;
        let said = Said::of(&output);
        print_indented(&said.0);
        ensure!(output.status.success(), "'{title}' failed: {}", output.status);
        Ok(said)
    }

    /// A step that must not work.
    fn refused<const N: usize>(&mut self, title: &str, arguments: [&str; N]) -> Result<()> {
        self.announce(title, &arguments);
        let output = capture(&mut self.command(&arguments))?;
        print_indented(&Said::of(&output).0);
        ensure!(output.status.code() == Some(1), "'{title}' was to be refused: {}", output.status);
        Ok(())
    }

    fn announce(&mut self, title: &str, arguments: &[&str]) {
        self.steps += 1;
        println!(
            "\n{}. {title}\n   $ postern {}",
            self.steps,
            arguments.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(" ")
        );
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).envs(&self.sandbox.env).current_dir(&self.folder).stdin(Stdio::null());
        command
    }
}

/// All that a command printed.
struct Said(String);

impl Said {
    fn of(output: &Output) -> Self {
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        Self(out + &err)
    }

    fn says(&self, words: &str) -> Result<()> {
        ensure!(self.0.contains(words), "nothing there says '{words}'");
        Ok(())
    }
}

/// The running one among the rows of `db queries --format json`.
fn long_query(rows: &Value) -> Option<Value> {
    let rows = rows.as_array()?;
    rows.iter().find(|row| row["status"] == "running" && text(&row["query_text"]).contains("generate_series")).cloned()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn quoted(word: &str) -> String {
    match word.contains(' ') {
        true => format!("\"{word}\""),
        false => word.to_owned(),
    }
}

fn print_indented(text: &str) {
    for line in text.lines() {
        println!("   {line}");
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Ended, and only its entry is left for a parent to read.
fn is_zombie(stat: &[u8]) -> bool {
    stat.rsplit(|byte| *byte == b')').next().is_some_and(|rest| rest.starts_with(b" Z"))
}
