//! A workgroup's database: asleep until somebody logs in, then a PostgreSQL cluster of its own.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use secrecy::SecretString;
use time::PrimitiveDateTime;
use tokio::sync::Mutex;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::admission::Admission;
use super::cancel::CancelKeys;
use super::cluster::Cluster;
use super::faults::FaultState;
use super::history::History;
use super::template::Template;
use crate::clock::Clock;
use crate::ledger::{IssuedPassword, PasswordLedger};
use crate::world::Monitoring;

/// What distinguishes one workgroup from another.
#[derive(Clone, Debug)]
pub(crate) struct WorkgroupSpec {
    /// Its name, which passwords are issued for.
    pub(crate) name: String,
    /// The name in its certificate.
    pub(crate) host: String,
    /// Databases, `dev` among them.
    pub(crate) databases: Vec<String>,
    /// Which monitoring tables they have.
    pub(crate) monitoring: Monitoring,
}

/// What opens a workgroup.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    /// Temporary ones.
    pub(crate) ledger: PasswordLedger,
    /// The administrator's.
    pub(crate) admin: SecretString,
}

/// The database behind one front.
#[derive(Debug)]
pub(crate) struct Workgroup {
    pub(crate) spec: WorkgroupSpec,
    pub(crate) passwords: Passwords,
    pub(crate) clock: Clock,
    pub(crate) history: Arc<History>,
    pub(crate) keys: CancelKeys,
    pub(crate) admission: Arc<Admission>,
    pub(crate) faults: FaultState,
    template: Arc<Template>,
    dir: PathBuf,
    awake: Mutex<Option<Arc<Awake>>>,
}

/// A workgroup that has been woken.
#[derive(Debug)]
pub(crate) struct Awake {
    pub(crate) cluster: Cluster,
    /// Start-up parameters that PostgreSQL knows, in lower case. It refuses a login that brings others.
    pub(crate) parameters: HashSet<String>,
    /// Looks users up and makes them.
    client: Client,
}

impl Workgroup {
    /// A workgroup that sleeps. Its cluster will be a copy of `template`.
    pub(crate) fn asleep(spec: WorkgroupSpec, template: Arc<Template>, passwords: Passwords, clock: Clock) -> Self {
        Self {
            dir: template.place().join(&spec.name),
            spec,
            passwords,
            clock,
            template,
            history: History::new(),
            keys: CancelKeys::default(),
            admission: Arc::default(),
            faults: FaultState::default(),
            awake: Mutex::default(),
        }
    }

    /// Its running cluster, started now if there is none.
    pub(crate) async fn wake(&self) -> Result<Arc<Awake>> {
        let mut awake = self.awake.lock().await;
        if let Some(awake) = awake.as_ref().filter(|awake| awake.cluster.is_running()) {
            return Ok(awake.clone());
        }
        let cluster = if awake.take().is_some() {
            self.history.detach().await;
            self.template.restart(&self.dir).await?
        } else {
            self.first_start().await?
        };
        let client = cluster.connect("dev").await?;
        let parameters = startup_parameters(&client).await?;
        let woken = Arc::new(Awake { cluster, parameters, client });
        *awake = Some(woken.clone());
        Ok(woken)
    }

    /// Ends its PostgreSQL as a crash would. The next login starts it again.
    pub(crate) async fn crash(&self) {
        let awake = self.awake.lock().await.clone();
        if let Some(awake) = awake {
            let _ = tokio::task::spawn_blocking(move || awake.cluster.crash()).await;
        }
    }

    /// Ends its PostgreSQL for good. Its data goes too, so there is nothing to write down first.
    pub(crate) async fn stop(&self) {
        let awake = self.awake.lock().await.take();
        self.history.detach().await;
        if let Some(awake) = awake {
            let _ = tokio::task::spawn_blocking(move || awake.cluster.crash()).await;
        }
    }

    /// The same with no time to lose, and from where nothing can be awaited.
    pub(crate) fn stop_at_once(&self) {
        if let Ok(mut awake) = self.awake.try_lock()
            && let Some(awake) = awake.take()
        {
            awake.cluster.crash();
        }
    }

    async fn first_start(&self) -> Result<Cluster> {
        let cluster = self.template.copy_to(&self.dir).await?;
        let client = cluster.connect("postgres").await?;
        let mut source = super::template::SMALL_DATABASE.to_owned();
        for database in self.spec.databases.iter().filter(|name| *name != "dev") {
            let statement = if source == super::template::SMALL_DATABASE {
                format!("ALTER DATABASE {} RENAME TO {}", quoted(&source), quoted(database))
            } else {
                format!("CREATE DATABASE {} TEMPLATE {}", quoted(database), quoted(&source))
            };
            client.batch_execute(&statement).await.with_context(|| format!("cannot make the database `{database}`"))?;
            source.clone_from(database);
        }
        if self.spec.monitoring == Monitoring::Stv {
            client.batch_execute("CREATE ROLE \"syslog access\" NOLOGIN").await.context("cannot make a role")?;
            for database in &self.spec.databases {
                let client = cluster.connect(database).await?;
                let script = include_str!("provisioned.sql");
                client
                    .batch_execute(script)
                    .await
                    .with_context(|| format!("cannot take the SYS views of `{database}`"))?;
            }
        }
        Ok(cluster)
    }
}

impl Passwords {
    /// Every password that opens `workgroup` for `user`, or once did.
    pub(crate) fn of(&self, workgroup: &str, user: &str) -> Vec<IssuedPassword> {
        if user != super::template::ADMIN {
            return self.ledger.passwords_for(workgroup, user);
        }
        vec![IssuedPassword {
            workgroup: workgroup.to_owned(),
            db_user: user.to_owned(),
            db_name: None,
            password: self.admin.clone(),
            expires_at: PrimitiveDateTime::MAX.assume_utc(),
        }]
    }
}

impl Awake {
    /// The user's number; a user that is not there yet is made, as Redshift does at the first login through IAM, and
    /// may do what PUBLIC may.
    pub(crate) async fn user_id(&self, user: &str) -> Result<u32> {
        if let Some(id) = user_id(&self.client, user).await? {
            return Ok(id);
        }
        let made = self.client.batch_execute(&format!("CREATE ROLE {} LOGIN", quoted(user))).await;
        match made {
            // Another login of the same user was faster.
            Err(error) if is_duplicate(&error) => {}
            made => made.with_context(|| format!("cannot create the user `{user}`"))?,
        }
        user_id(&self.client, user).await?.with_context(|| format!("the user `{user}` was dropped as it was made"))
    }
}

/// `name` as an identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn user_id(client: &Client, user: &str) -> Result<Option<u32>> {
    let row = client.query_opt("SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1", &[&user]).await;
    Ok(row.context("cannot look a user up")?.map(|row| row.get(0)))
}

async fn startup_parameters(client: &Client) -> Result<HashSet<String>> {
    let known = "SELECT lower(name) FROM pg_catalog.pg_settings WHERE context IN ('user', 'superuser', 'backend')";
    let rows = client.query(known, &[]).await.context("cannot list PostgreSQL's settings")?;
    let own = ["user", "database", "options"].map(str::to_owned);
    Ok(rows.iter().map(|row| row.get(0)).chain(own).collect())
}

fn is_duplicate(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(code) if *code == SqlState::DUPLICATE_OBJECT || *code == SqlState::UNIQUE_VIOLATION)
}
