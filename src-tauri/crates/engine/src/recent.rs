//! Local proxies that do not run now, as they were last started, so that they can be started again on the same port.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    auth::Auth,
    engine::{Change, Engine},
    error::Error,
    lease::{self, Lease},
    login::Login,
    ports::PortOwner,
};

/// A local proxy that does not run in this process.
#[derive(Clone, Debug)]
pub struct RecentConnection {
    /// To where.
    pub login: Login,
    /// Value of the database's label `env`.
    pub env: Option<String>,
    /// The port it keeps.
    pub port: u16,
    /// Who could use it.
    pub auth: Auth,
    /// It offered TLS.
    pub tls: bool,
    /// The address it listened on in place of those of this machine alone.
    pub address: Option<IpAddr>,
    /// Its clients could only read.
    pub read_only: bool,
    /// When it was last started.
    pub opened_at: SystemTime,
    /// When it was stopped, unless its process ended without a chance to say so.
    pub stopped_at: Option<SystemTime>,
    /// The other process of this home that runs it, or another proxy on its port, right now.
    pub runs_in: Option<PortOwner>,
}

impl Engine {
    /// The local proxies that were started before and do not run here now, the latest first. Those of databases that are
    /// gone are left out.
    ///
    /// # Errors
    /// [`Error::Storage`]; as [`crate::Catalogue::load`] otherwise.
    pub fn recent_connections(&self) -> Result<Vec<RecentConnection>, Error> {
        let resources = self.shared.catalogue.load()?;
        let leases = lease::running(&self.shared.home)?;
        let here: Vec<Login> = self.connections().into_iter().map(|connection| connection.login).collect();
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        let kept = self.shared.memory.proxies()?.0.into_iter();
        Ok(kept
            .filter(|proxy| !here.contains(&proxy.login))
            .filter_map(|proxy| {
                let database = resources.database(&proxy.login.database).ok()?;
                Some(RecentConnection {
                    env: database.labels.get("env").cloned(),
                    runs_in: leases.iter().find(|lease| lease.port == proxy.port).map(Lease::owner),
                    login: proxy.login,
                    port: proxy.port,
                    auth: proxy.auth,
                    tls: proxy.tls,
                    address: proxy.address,
                    read_only: proxy.read_only,
                    opened_at: at(proxy.opened_at),
                    stopped_at: proxy.stopped_at.map(at),
                })
            })
            .collect())
    }

    /// Forgets a local proxy: the list of recent ones no longer has it, and its port is anybody's.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn forget_connection(&self, login: &Login) -> Result<(), Error> {
        self.shared.memory.forget_proxy(login)?;
        self.shared.tell(Change::Connections);
        Ok(())
    }
}
