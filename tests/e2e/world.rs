//! A sandbox, a home for one person in it, and the app on both. Everything goes with the value.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use postern_sandbox::{Sandbox, SandboxOptions};
use tokio::process::{Child, Command};

/// How long the app may take to start, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The person of the samples most tests are: reads some warehouses, writes others, and may not see the rest.
pub(crate) const PERSON: &str = "jiwoo.kim";

/// A database where that person may be one user only, so that nothing has to be chosen.
pub(crate) const DATABASE: &str = "ml-dev";

/// The app under test.
pub(crate) fn app() -> PathBuf {
    program("postern-desktop")
}

fn program(name: &str) -> PathBuf {
    // This test is in target/debug/deps, the programs one folder above.
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join(name)
}

/// Where a test takes place.
pub(crate) struct World {
    sandbox: Sandbox,
    changes: BTreeMap<String, String>,
    // Last, so that the sandbox is gone before its folder is.
    folder: tempfile::TempDir,
}

impl World {
    /// A sandbox whose samples nobody is signed in to.
    pub(crate) async fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let options = SandboxOptions::new(folder.path().join("sandbox")).with_samples(true).orders(1000);
        Ok(Self { sandbox: Sandbox::start(options).await?, changes: BTreeMap::new(), folder })
    }

    /// With [`PERSON`] signed in, by the command line: the app and it share one home.
    pub(crate) async fn signed_in() -> Result<Self> {
        let world = Self::new().await?;
        world.postern(&["login", "--user", PERSON]).await?;
        Ok(world)
    }

    /// With another value in the environment of whatever starts here.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.changes.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes a file that goes with this value.
    pub(crate) fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Runs the command line, and gives what it printed.
    pub(crate) async fn postern(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(program("postern")).args(arguments).envs(self.env()).output().await?;
        let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat();
        ensure!(output.status.success(), "postern {arguments:?}: {said}");
        Ok(said)
    }

    /// Runs a statement as the superuser of a workgroup's database `dev`, past everything of ours.
    pub(crate) async fn admin(&self, workgroup: &str, sql: &str) -> Result<()> {
        let admin = &self.sandbox.description().admin;
        let port = self.sandbox.admin_port(workgroup).context("no such workgroup")?;
        let mut config = tokio_postgres::Config::new();
        config.host(&admin.host).port(port).user(&admin.user).password(&admin.password).dbname("dev");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(sql).await.context("the statement failed")
    }

    /// Starts the command line and does not wait for it; it ends with the value at the latest.
    pub(crate) fn start_postern(&self, arguments: &[&str]) -> Result<Child> {
        let mut command = Command::new(program("postern"));
        command.args(arguments).envs(self.env()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command.kill_on_drop(true).spawn()?)
    }

    /// What the app and the command line need in their environment.
    pub(crate) fn env(&self) -> BTreeMap<String, String> {
        let mut env = self.sandbox.description().env.clone();
        for (name, folder) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
        ] {
            env.insert(name.to_owned(), self.folder.path().join(folder).display().to_string());
        }
        env.extend(self.changes.clone());
        env
    }

    /// Starts the app without a driver.
    pub(crate) fn start_app(&self, arguments: &[&str]) -> Result<App> {
        let process = Command::new(app())
            .args(arguments)
            .envs(self.env())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started: run `cargo xtask e2e`", app().display()))?;
        Ok(App(process))
    }

    /// Asks again and again until there is an answer.
    pub(crate) async fn until<T>(&self, what: &str, ask: impl Fn() -> Option<T>) -> Result<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = ask() {
                return Ok(answer);
            }
            ensure!(Instant::now() < until, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A started app; killed with this value when it still runs.
pub(crate) struct App(Child);

impl App {
    /// How it ended, by itself.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        match tokio::time::timeout(PATIENCE, self.0.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => bail!("the app has not ended"),
        }
    }
}
