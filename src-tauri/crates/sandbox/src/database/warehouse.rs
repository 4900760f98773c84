//! All workgroups of a sandbox together: opened at once, stopped at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use secrecy::SecretString;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::admin;
use super::certificates::Authority;
use super::front::Front;
use super::plain::PlainPostgres;
use super::template::{Place, Size, Template};
use super::workgroup::{Passwords, Workgroup, WorkgroupSpec};
use crate::clock::Clock;
use crate::ledger::PasswordLedger;

/// How long sessions may take to notice that all is over.
const DRAIN: Duration = Duration::from_secs(5);

/// Workgroups that can be reached.
#[derive(Debug)]
pub(crate) struct Warehouse {
    opened: Vec<Opened>,
    template: Arc<Template>,
    authority: Authority,
    stop: CancellationToken,
    sessions: TaskTracker,
    /// Stops all tasks when this is dropped without having been stopped.
    _guard: DropGuard,
}

/// A workgroup and where it listens.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) workgroup: Arc<Workgroup>,
    /// For users: TLS, temporary passwords.
    pub(crate) front: SocketAddr,
    /// For the superuser behind it: plaintext, SCRAM.
    pub(crate) admin: SocketAddr,
}

impl Warehouse {
    /// Seeds a template in `place` and opens a port for each workgroup. No PostgreSQL runs until somebody logs in.
    pub(crate) async fn open(
        place: &Place,
        size: Size,
        specs: Vec<WorkgroupSpec>,
        ledger: &PasswordLedger,
        clock: &Clock,
        admin_password: &SecretString,
    ) -> Result<Self> {
        let authority = Authority::new()?;
        let template = Arc::new(Template::create(place, size, admin_password).await?);
        let (stop, sessions) = (CancellationToken::new(), TaskTracker::new());
        let mut opened = Vec::new();
        for spec in specs {
            let tls = authority.server_config(&spec.host).with_context(|| format!("workgroup `{}`", spec.name))?;
            let workgroup = Arc::new(Workgroup::asleep(
                spec,
                template.clone(),
                Passwords { ledger: ledger.clone(), admin: admin_password.clone() },
                clock.clone(),
            ));
            let front = Front::open(workgroup.clone(), tls, stop.clone(), sessions.clone()).await?;
            let admin = admin::open(workgroup.clone(), stop.clone(), sessions.clone()).await?;
            opened.push(Opened { workgroup, front, admin });
        }
        let guard = stop.clone().drop_guard();
        Ok(Self { opened, template, authority, stop, sessions, _guard: guard })
    }

    /// The certificate that clients of the workgroups have to trust.
    pub(crate) fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// A PostgreSQL as it comes, behind TLS.
    pub(crate) async fn start_postgres(&self, name: &str) -> Result<PlainPostgres> {
        let host = format!("{name}.sandbox.example");
        let tls = self.authority.server_config(&host).with_context(|| format!("PostgreSQL `{name}`"))?;
        let cluster = self.template.empty(&self.template.place().join(name)).await?;
        PlainPostgres::open(host, cluster, tls, self.stop.clone(), self.sessions.clone()).await
    }

    /// In the order they were given.
    pub(crate) fn opened(&self) -> &[Opened] {
        &self.opened
    }

    /// Closes every port, cuts every session and stops every PostgreSQL.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.sessions.close();
        if tokio::time::timeout(DRAIN, self.sessions.wait()).await.is_err() {
            tracing::warn!(left = self.sessions.len(), "sessions did not end in time");
        }
        for opened in &self.opened {
            opened.workgroup.stop().await;
        }
        // The last thing to go is the watchdog, which takes a moment to remove the files.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for Warehouse {
    fn drop(&mut self) {
        self.opened.iter().for_each(|opened| opened.workgroup.stop_at_once());
    }
}
