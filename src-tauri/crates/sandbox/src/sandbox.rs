//! The sandbox as a whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use secrecy::{ExposeSecret as _, SecretString};

use crate::aws::AwsServer;
use crate::clock::Clock;
use crate::database::{Opened, Place, PlainPostgres, SUPERUSER, Size, Warehouse, WorkgroupSpec};
use crate::description::{Admin, Database, DbUser, Description};
use crate::faults::WorkgroupFaults;
use crate::files::Layout;
use crate::ledger::PasswordLedger;
use crate::random;
use crate::world::{BASE_USER, World};

/// Orders in the database `dev`, four lines each: a million lines.
const ORDERS: u32 = 250_000;

/// Where a sandbox lives and what is in it.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// Folder for everything it writes; made if it is not there, and then removed at the end.
    pub dir: PathBuf,
    /// Whether the home has sample roles and users installed, so that somebody can sign in at once.
    pub with_samples: bool,
    /// The accounts.
    pub world: World,
    /// Orders in the database `dev`; there are four lines to each. Seeding a million lines takes some seconds, and a
    /// test that does not count them is faster with a thousand orders.
    pub orders: u32,
}

/// A running sandbox. Dropping it stops it; [`Sandbox::stop`] does so in order and waits.
#[derive(Debug)]
pub struct Sandbox {
    description: Description,
    aws: AwsServer,
    warehouse: Warehouse,
    ledger: PasswordLedger,
    clock: Clock,
    /// Last, so that files go when nobody uses them any more.
    files: Files,
}

/// Removes the files of a sandbox when it ends.
#[derive(Debug)]
struct Files {
    layout: Layout,
    place: Place,
}

impl SandboxOptions {
    /// The standard world in `dir`, a million order lines, nobody who can sign in yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), with_samples: false, world: World::standard(), orders: ORDERS }
    }

    /// With the sample roles `analyst-ro`, `data-engineer` and `platform-admin`, and users who have them.
    pub fn with_samples(self, with_samples: bool) -> Self {
        Self { with_samples, ..self }
    }

    /// With this many orders in place of a quarter of a million.
    pub fn orders(self, orders: u32) -> Self {
        Self { orders, ..self }
    }
}

impl Sandbox {
    /// Starts everything; when it returns, all of it can be used. Needs a tokio runtime, on which it lives.
    ///
    /// # Errors
    /// When no PostgreSQL 15 or newer is installed, `dir` cannot be written, or no port can be bound. Whatever was
    /// started until then is stopped.
    pub async fn start(options: SandboxOptions) -> Result<Self> {
        let SandboxOptions { dir, with_samples, mut world, orders } = options;
        let files = Files::create(&dir)?;
        let (ledger, clock) = (PasswordLedger::default(), Clock::default());
        let password = SecretString::from(random::base32_text(24));
        let specs = world.workgroups.iter().map(|workgroup| WorkgroupSpec {
            name: workgroup.name.clone(),
            host: workgroup.host_name(),
            databases: workgroup.db_names.clone(),
            monitoring: workgroup.monitoring,
        });
        let specs = specs.collect();
        let warehouse = Warehouse::open(&files.place, Size { orders }, specs, &ledger, &clock, &password).await?;
        let ports = ports(&warehouse);
        for workgroup in &mut world.workgroups {
            workgroup.endpoint.port = ports[&workgroup.name];
        }
        files.layout.write_databases(&world, &ports, warehouse.ca_pem())?;
        files.layout.write_samples(with_samples)?;
        files.layout.write_aws(&world)?;
        let world = Arc::new(world);
        let aws = AwsServer::start(world.clone(), ledger.clone(), clock.clone()).await.context("cannot start AWS")?;
        let description = describe(&world, &files.layout, &warehouse, &aws, &password)?;
        Ok(Self { description, aws, warehouse, ledger, clock, files })
    }

    /// Everything a client needs.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// What can go wrong with a workgroup; None when there is none of that name.
    pub fn faults(&self, workgroup: &str) -> Option<WorkgroupFaults> {
        let opened = self.opened(workgroup)?;
        Some(WorkgroupFaults { workgroup: opened.workgroup.clone(), ledger: self.ledger.clone() })
    }

    /// AWS: its own faults, and the end of every session.
    pub fn aws(&self) -> &AwsServer {
        &self.aws
    }

    /// The port for the superuser of a workgroup's PostgreSQL. User and password are those of the description.
    pub fn admin_port(&self, workgroup: &str) -> Option<u16> {
        self.opened(workgroup).map(|opened| opened.admin.port())
    }

    /// The temporary passwords. A test may issue one without asking AWS.
    pub fn ledger(&self) -> &PasswordLedger {
        &self.ledger
    }

    /// The sandbox's clock, which a test may set ahead.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Starts a PostgreSQL as it comes: nothing in it is Redshift's. It listens with TLS, under a name that only [`Description::ca_file`]
    /// vouches for, and goes with the sandbox.
    ///
    /// # Errors
    /// When it cannot be made or started, or no port can be bound.
    pub async fn start_postgres(&self, name: &str) -> Result<PlainPostgres> {
        self.warehouse.start_postgres(name).await
    }

    /// Stops every server and removes every file, and returns when that is done.
    pub async fn stop(self) {
        let Self { aws, warehouse, files, .. } = self;
        aws.stop().await;
        warehouse.stop().await;
        drop(files);
    }

    fn opened(&self, workgroup: &str) -> Option<&Opened> {
        self.warehouse.opened().iter().find(|opened| opened.workgroup.spec.name == workgroup)
    }
}

impl Files {
    fn create(dir: &Path) -> Result<Self> {
        let made_by_us = !dir.exists();
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let dir = dir.canonicalize().with_context(|| format!("cannot resolve {}", dir.display()))?;
        Ok(Self { layout: Layout::create(&dir)?, place: Place { dir, made_by_us } })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.layout.remove();
        if self.place.made_by_us {
            let _ = std::fs::remove_dir_all(&self.place.dir);
        }
    }
}

fn ports(warehouse: &Warehouse) -> BTreeMap<String, u16> {
    let opened = warehouse.opened().iter();
    opened.map(|opened| (opened.workgroup.spec.name.clone(), opened.front.port())).collect()
}

fn describe(
    world: &World,
    layout: &Layout,
    warehouse: &Warehouse,
    aws: &AwsServer,
    password: &SecretString,
) -> Result<Description> {
    let aws = BTreeMap::from(["sts", "redshift_serverless"].map(|service| (service.to_owned(), aws.url())));
    let first = warehouse.opened().first().context("a world without workgroups has no use")?;
    let ports = ports(warehouse);
    let databases = world.workgroups.iter().map(|workgroup| Database {
        name: workgroup.name.clone(),
        workgroup: workgroup.name.clone(),
        host: "127.0.0.1".to_owned(),
        port: ports[&workgroup.name],
        labels: workgroup.tags.clone(),
        db_names: workgroup.db_names.clone(),
        db_users: world
            .db_user_roles(workgroup)
            .map(|role| DbUser { role: role.name.clone(), may_login: world.may_login(role, workgroup, "dev") })
            .collect(),
    });
    Ok(Description {
        postern_home: layout.home(),
        env: environment(world, layout, &aws),
        ca_file: layout.ca_file(),
        aws,
        admin: Admin {
            host: "127.0.0.1".to_owned(),
            port: first.admin.port(),
            user: SUPERUSER.to_owned(),
            password: password.expose_secret().to_owned(),
        },
        databases: databases.collect(),
    })
}

fn environment(world: &World, layout: &Layout, aws: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    let mut env = BTreeMap::from([
        ("AWS_CONFIG_FILE".to_owned(), path(layout.aws_config())),
        ("AWS_SHARED_CREDENTIALS_FILE".to_owned(), path(layout.aws_credentials())),
        // Both names are in use: SDKs read the first, the CLI and boto3 the second too.
        ("AWS_REGION".to_owned(), world.region.clone()),
        ("AWS_DEFAULT_REGION".to_owned(), world.region.clone()),
        ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
        ("POSTERN_HOME".to_owned(), path(layout.home())),
    ]);
    for (service, url) in aws {
        env.insert(format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase()), url.clone());
    }
    if let Some(user) = world.user(BASE_USER) {
        env.insert("AWS_ACCESS_KEY_ID".to_owned(), user.access_key.id.clone());
        env.insert("AWS_SECRET_ACCESS_KEY".to_owned(), user.access_key.secret.expose_secret().to_owned());
    }
    env
}
