//! The seeded cluster that every workgroup's is a copy of.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

use super::cluster::{self, Cluster, OWNER};
use super::installation::Installation;
use super::watchdog::Watchdog;
use super::workgroup::quoted;

/// Name of the superuser behind the fronts, whom [`super::admin`] lets in.
pub(crate) const SUPERUSER: &str = "postgres";

/// The namespaces' administrator, who logs in through a front as everybody does, with a password that stays.
pub(crate) const ADMIN: &str = "admin";

/// The small database that becomes a workgroup's second one.
pub(crate) const SMALL_DATABASE: &str = "second";

/// How much of the shop there is in the database `dev`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) orders: u32,
}

/// The sandbox's folder.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    /// Then it goes with the sandbox.
    pub(crate) made_by_us: bool,
}

/// A stopped cluster, and the place where it and its copies live.
#[derive(Debug)]
pub(crate) struct Template {
    installation: Installation,
    place: PathBuf,
    /// Dropped in this order: the watchdog ends what is left and removes the place, of which then nothing is left.
    _watchdog: Watchdog,
    _elsewhere: Option<TempDir>,
}

impl Template {
    /// Makes and seeds it in `place`, or in a temporary folder when PostgreSQL could not work there: a path too long
    /// for a socket, or a folder closed to the account it runs as.
    pub(crate) async fn create(place: &Place, size: Size, admin_password: &SecretString) -> Result<Self> {
        let installation = Installation::find()?;
        let dir = place.dir.as_path();
        let around = place.made_by_us.then_some(dir);
        let mut place = dir.join("postgresql");
        let longest = place.join("a-workgroup-whose-name-is-long");
        let mut elsewhere = None;
        if !cluster::fits_a_socket(&longest) || !installation.can_enter(dir) {
            let made = tempfile::Builder::new().prefix("postern-sandbox-").tempdir();
            let made = made.context("cannot make a folder for PostgreSQL")?;
            place = made.path().to_owned();
            elsewhere = Some(made);
        }
        installation.make_private_dir(&place)?;
        let watchdog = Watchdog::over(&place, around)?;
        let template = Self { installation, place, _watchdog: watchdog, _elsewhere: elsewhere };
        template.seed(size, admin_password).await.context("cannot seed the sandbox's database")?;
        Ok(template)
    }

    /// The folder of all clusters.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// Starts a copy in `dir`.
    pub(crate) async fn copy_to(&self, dir: &Path) -> Result<Cluster> {
        Cluster::copy(&self.installation, &self.place.join("template"), dir).await
    }

    /// Starts a cluster in `dir` that has nothing of the template in it. Whoever comes over its socket, but for its owner, needs a password.
    pub(crate) async fn empty(&self, dir: &Path) -> Result<Cluster> {
        let cluster = Cluster::create(&self.installation, dir).await?;
        let rules = format!("local all {OWNER} trust\nlocal all all scram-sha-256\n");
        std::fs::write(dir.join("data/pg_hba.conf"), rules).context("cannot write pg_hba.conf")?;
        run(&cluster, "postgres", "SELECT pg_reload_conf()").await?;
        Ok(cluster)
    }

    /// Starts a copy made earlier.
    pub(crate) async fn restart(&self, dir: &Path) -> Result<Cluster> {
        Cluster::start(&self.installation, dir).await
    }

    async fn seed(&self, size: Size, admin_password: &SecretString) -> Result<()> {
        let dir = self.place.join("template");
        let cluster = Cluster::create(&self.installation, &dir).await?;
        run(&cluster, "template1", include_str!("catalog.sql")).await?;
        run(&cluster, "postgres", include_str!("roles.sql")).await?;
        let password = admin_password.expose_secret().replace('\'', "''");
        let superuser = format!("CREATE ROLE {} SUPERUSER LOGIN PASSWORD '{password}'", quoted(SUPERUSER));
        run(&cluster, "postgres", &superuser).await?;
        run(&cluster, "postgres", &format!("CREATE ROLE {} SUPERUSER LOGIN", quoted(ADMIN))).await?;
        fill(&cluster, "dev", size).await?;
        fill(&cluster, SMALL_DATABASE, Size { orders: size.orders.min(1000) }).await?;
        // Everyone on the socket is ours, but the superuser's sessions are relayed from a port.
        let rules = format!("local all {SUPERUSER} scram-sha-256\nlocal all all trust\n");
        std::fs::write(dir.join("data/pg_hba.conf"), rules).context("cannot write pg_hba.conf")?;
        tokio::task::spawn_blocking(move || cluster.stop()).await.context("stopping the template was cut short")
    }
}

async fn fill(cluster: &Cluster, database: &str, size: Size) -> Result<()> {
    run(cluster, "postgres", &format!("CREATE DATABASE {}", quoted(database))).await?;
    let orders = size.orders.max(1);
    let script = include_str!("warehouse.sql")
        .replace("{orders}", &orders.to_string())
        .replace("{customers}", &orders.div_ceil(12).to_string())
        .replace("{products}", &orders.div_ceil(250).to_string());
    run(cluster, database, &script).await
}

async fn run(cluster: &Cluster, database: &str, script: &str) -> Result<()> {
    let client = cluster.connect(database).await?;
    client.batch_execute(script).await.with_context(|| format!("a script failed in `{database}`"))
}
