//! PostgreSQL clusters: one template, seeded once, and a copy of it for each workgroup that wakes.
//!
//! A cluster listens on a Unix socket in a folder that only its account (and root) may enter, where everyone is
//! trusted; it has no TCP port. All that the outside sees goes through [`super::front`] and [`super::admin`].

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixStream;
use tokio_postgres::{Client, NoTls};

use super::installation::Installation;

/// The cluster's own superuser, named as Redshift's is. It owns the catalogue and never logs in from outside.
pub(crate) const OWNER: &str = "rdsdb";

/// PostgreSQL names its socket after a port even when it has none.
const SOCKET_FILE: &str = ".s.PGSQL.5432";

/// How long a start or a stop may take before it is given up: a loaded machine copies and recovers slowly.
const PATIENCE: Duration = Duration::from_secs(60);

/// Small and fast, since nothing here must outlive a power cut.
const SETTINGS: &[&str] = &[
    "autovacuum_max_workers=1",
    "full_page_writes=off",
    "fsync=off",
    "huge_pages=off",
    "jit=off",
    "listen_addresses=",
    "log_min_messages=warning",
    "log_timezone=UTC",
    "logging_collector=off",
    "max_connections=300",
    "max_wal_senders=0",
    "max_wal_size=64MB",
    "min_wal_size=8MB",
    "shared_buffers=64MB",
    "superuser_reserved_connections=10",
    "synchronous_commit=off",
    "timezone=UTC",
    "unix_socket_permissions=0700",
    "wal_level=minimal",
    "work_mem=16MB",
];

/// A running postmaster. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Cluster {
    dir: PathBuf,
    postmaster: Mutex<Option<Child>>,
}

impl Cluster {
    /// Makes an empty cluster in `dir` and starts it.
    pub(crate) async fn create(installation: &Installation, dir: &Path) -> Result<Self> {
        installation.make_private_dir(dir)?;
        let mut initdb = installation.command("initdb");
        initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--wal-segsize=1", "-U", OWNER]);
        initdb.arg("-D").arg(dir.join("data"));
        run(initdb).await.context("cannot create a PostgreSQL cluster")?;
        Self::start(installation, dir).await
    }

    /// Copies the stopped cluster of `template` to `dir` and starts the copy.
    pub(crate) async fn copy(installation: &Installation, template: &Path, dir: &Path) -> Result<Self> {
        installation.make_private_dir(dir)?;
        let mut copy = installation.as_account("/bin/cp");
        copy.arg("-a").arg(template.join("data")).arg(dir.join("data"));
        run(copy).await.context("cannot copy the seeded PostgreSQL cluster")?;
        Self::start(installation, dir).await
    }

    /// Starts the cluster in `dir` and waits until it answers.
    pub(crate) async fn start(installation: &Installation, dir: &Path) -> Result<Self> {
        let log_path = dir.join("log");
        let log = File::options().create(true).append(true).open(&log_path);
        let log = log.with_context(|| format!("cannot write {}", log_path.display()))?;
        let mut command = installation.command("postgres");
        command.arg("-D").arg(dir.join("data")).arg("-k").arg(dir);
        SETTINGS.iter().for_each(|setting| {
            command.args(["-c", setting]);
        });
        let log_too = log.try_clone().context("cannot share the log file")?;
        command.stdin(Stdio::null()).stdout(log_too).stderr(log);
        let postmaster = command.spawn().context("cannot run postgres")?;
        let cluster = Self { dir: dir.to_owned(), postmaster: Mutex::new(Some(postmaster)) };
        cluster.wait_until_ready().await.with_context(|| {
            let log = fs::read_to_string(&log_path).unwrap_or_default();
            format!("PostgreSQL in {} did not start; its log says:\n{log}", dir.display())
        })?;
        Ok(cluster)
    }

    /// A stream to the server, before any message.
    pub(crate) async fn dial(&self) -> std::io::Result<UnixStream> {
        UnixStream::connect(self.dir.join(SOCKET_FILE)).await
    }

    /// A session of the cluster's own superuser in `database`. It ends when the client is dropped.
    pub(crate) async fn connect(&self, database: &str) -> Result<Client> {
        let stream = self.dial().await.context("cannot reach PostgreSQL")?;
        let mut config = tokio_postgres::Config::new();
        config.user(OWNER).dbname(database).application_name("sandbox");
        let (client, connection) =
            config.connect_raw(stream, NoTls).await.with_context(|| format!("cannot log in to `{database}`"))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of the sandbox itself ended");
            }
        });
        Ok(client)
    }

    /// Whether the postmaster still runs.
    pub(crate) fn is_running(&self) -> bool {
        let mut postmaster = self.postmaster.lock().unwrap_or_else(PoisonError::into_inner);
        postmaster.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Ends it as a crash would: every session is cut, the next start recovers.
    pub(crate) fn crash(&self) {
        self.end(Signal::QUIT);
    }

    /// Ends it in order: sessions are cut, data is whole on disk.
    pub(crate) fn stop(&self) {
        self.end(Signal::INT);
    }

    fn end(&self, signal: Signal) {
        let taken = self.postmaster.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut child) = taken else { return };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // Fails only when it has ended already, which is what is wanted.
            let _ = kill_process(pid, signal);
        }
        let deadline = Instant::now() + PATIENCE;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                tracing::warn!(dir = %self.dir.display(), "PostgreSQL did not stop when asked; killing it");
                let _ = child.kill();
                let _ = child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            ensure!(self.is_running(), "it ended at once");
            match self.connect("postgres").await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Nobody will look at the data again, so there is no reason to wait for a checkpoint.
        self.end(Signal::QUIT);
    }
}

/// Longest path of a socket that every system takes, with room for the file's own name.
pub(crate) fn fits_a_socket(dir: &Path) -> bool {
    dir.as_os_str().len() + 1 + SOCKET_FILE.len() < 100
}

async fn run(command: Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let output = tokio::process::Command::from(command).stdin(Stdio::null()).output().await;
    let output = output.with_context(|| format!("cannot run {}", program.display()))?;
    if !output.status.success() {
        bail!("{} failed ({}):\n{}", program.display(), output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
