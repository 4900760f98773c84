//! One small file for each running local proxy, so that other processes of the same home know of it: to name the owner
//! of a port, and to ask it to stop (`postern db logout`). Taking the file away is the request; the owner notices and
//! stops. A lease whose process is gone is swept away by whoever reads it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    home::{Home, write_private},
    ports::PortOwner,
};

/// What a lease says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Lease {
    /// Process that runs the proxy.
    pub pid: u32,
    /// Program of that process: `postern`, `postern-desktop`.
    pub program: String,
    /// Database resource.
    pub database: String,
    /// Local port.
    pub port: u16,
}

impl Lease {
    /// Who listens on its port: `postern, pid 4711, for analytics-prod`.
    #[must_use]
    pub fn owner(&self) -> PortOwner {
        PortOwner {
            program: Some(self.program.clone()),
            pid: Some(self.pid),
            user: None,
            database: Some(self.database.clone()),
        }
    }
}

/// A lease of ours. Dropping it takes the file away.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
}

impl Held {
    /// Writes the lease of a proxy that listens now.
    pub(crate) fn take(home: &Home, database: &str, port: u16) -> Result<Self, Error> {
        let program = std::env::current_exe()
            .ok()
            .and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
            .unwrap_or_else(|| "postern".to_owned());
        let lease = Lease { pid: std::process::id(), program, database: database.to_owned(), port };
        let path = home.connections().join(format!("{port}.json"));
        let content =
            serde_json::to_vec(&lease).map_err(|error| Error::Storage { path: path.clone(), source: error.into() })?;
        write_private(&path, &content)?;
        Ok(Self { path })
    }

    /// Nobody has asked us to stop. A file that cannot be read at the moment asks nothing: where no more files can be opened,
    /// those who are connected must not be the ones to pay.
    pub(crate) fn stands(&self) -> bool {
        match std::fs::read(&self.path) {
            Ok(content) => serde_json::from_slice(&content).is_ok_and(|lease: Lease| lease.pid == std::process::id()),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // It may be gone already, that is how we are asked to stop; and somebody else may have the port by now.
        if read(&self.path).is_some_and(|lease| lease.pid == std::process::id()) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// All leases of running processes.
///
/// # Errors
/// [`Error::Storage`] when the folder cannot be read.
pub(crate) fn running(home: &Home) -> Result<Vec<Lease>, Error> {
    Ok(leases(home)?.into_iter().map(|(_, lease)| lease).collect())
}

/// Asks the proxies of a database, or all, to stop. Gives what was asked.
///
/// # Errors
/// [`Error::Storage`] when the folder cannot be read or a file not be removed.
pub(crate) fn revoke(home: &Home, database: Option<&str>) -> Result<Vec<Lease>, Error> {
    let mut revoked = Vec::new();
    for (path, lease) in leases(home)? {
        if database.is_none_or(|name| name == lease.database) {
            std::fs::remove_file(&path).map_err(|source| Error::Storage { path, source })?;
            revoked.push(lease);
        }
    }
    Ok(revoked)
}

fn leases(home: &Home) -> Result<Vec<(PathBuf, Lease)>, Error> {
    let folder = home.connections();
    let failed = |source| Error::Storage { path: folder.clone(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(lease) = read(&path) else { continue };
        if lives(lease.pid) {
            found.push((path, lease));
        } else {
            // A process that was killed: its lease means nothing any more.
            let _ = std::fs::remove_file(&path);
        }
    }
    found.sort_by_key(|(_, lease)| lease.port);
    Ok(found)
}

fn read(path: &Path) -> Option<Lease> {
    std::fs::read(path).ok().and_then(|content| serde_json::from_slice(&content).ok())
}

/// Whether a process exists. Where the platform has no `/proc`, a lease is believed.
pub(crate) fn lives(pid: u32) -> bool {
    !Path::new("/proc/self").exists() || Path::new("/proc").join(pid.to_string()).exists()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path());
        home.create().unwrap();
        (root, home)
    }

    #[test]
    fn a_revoked_lease_no_longer_stands() {
        let (_root, home) = home();
        let ours = Held::take(&home, "analytics-dev", 15_439).unwrap();
        let other = Held::take(&home, "events-dev", 15_440).unwrap();
        assert_eq!(running(&home).unwrap().len(), 2);
        assert_eq!(revoke(&home, Some("analytics-dev")).unwrap()[0].port, 15_439);
        assert!(!ours.stands() && other.stands());
        drop(other);
        assert_eq!(running(&home).unwrap(), []);
    }

    #[test]
    fn a_lease_that_cannot_be_read_at_the_moment_still_stands() {
        let (_root, home) = home();
        let lease = Held::take(&home, "analytics-dev", 15_439).unwrap();
        std::fs::remove_file(&lease.path).unwrap();
        // Reading a folder fails, and not because there is nothing.
        std::fs::create_dir(&lease.path).unwrap();
        assert!(lease.stands());
        std::fs::remove_dir(&lease.path).unwrap();
        assert!(!lease.stands());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_lease_of_a_dead_process_is_swept_away() {
        let (_root, home) = home();
        let lease = Lease { pid: u32::MAX, program: "postern".into(), database: "a".into(), port: 1 };
        std::fs::write(home.connections().join("1.json"), serde_json::to_vec(&lease).unwrap()).unwrap();
        assert_eq!(running(&home).unwrap(), []);
        assert!(!home.connections().join("1.json").exists());
    }
}
