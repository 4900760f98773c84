//! Where Postern keeps its files: one folder when `POSTERN_HOME` is set, the platform's own folders otherwise.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use directories::ProjectDirs;

use crate::error::Error;

/// The folders of one installation. Every path exists, readable by its owner only, once [`Home::create`] has returned.
#[derive(Clone, Debug)]
pub struct Home {
    config: PathBuf,
    state: PathBuf,
    cache: PathBuf,
    runtime: PathBuf,
}

impl Home {
    /// The folders that `POSTERN_HOME`, or else the platform, asks for.
    ///
    /// # Errors
    /// [`Error::Storage`] when the person has no home folder either.
    pub fn from_environment() -> Result<Self, Error> {
        if let Some(root) = std::env::var_os("POSTERN_HOME").filter(|value| !value.is_empty()) {
            return Ok(Self::at(&std::path::absolute(&root).unwrap_or_else(|_| PathBuf::from(root))));
        }
        let dirs = ProjectDirs::from("", "", "postern").ok_or_else(|| Error::Storage {
            path: PathBuf::from("~"),
            source: std::io::Error::new(std::io::ErrorKind::NotFound, "no home folder for this user; set POSTERN_HOME"),
        })?;
        let state = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned();
        Ok(Self {
            config: dirs.config_dir().to_owned(),
            cache: dirs.cache_dir().to_owned(),
            runtime: dirs.runtime_dir().map_or_else(|| state.join("run"), Path::to_owned),
            state,
        })
    }

    /// Everything under one folder.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { config: root.to_owned(), state: root.to_owned(), cache: root.join("cache"), runtime: root.join("run") }
    }

    /// Makes the folders, for the owner only.
    ///
    /// # Errors
    /// [`Error::Storage`] naming the folder that could not be made.
    pub fn create(&self) -> Result<(), Error> {
        // What a person pointed us at keeps the mode they gave it; what is in it is ours.
        if !self.config.exists() {
            create_private(&self.config)?;
        }
        let folders = [self.resources(), self.state(), self.audit(), self.cache.clone(), self.runtime.clone()];
        for path in folders.into_iter().chain([self.connections(), self.exports()]) {
            create_private(&path)?;
        }
        Ok(())
    }

    /// What is shown as the home folder: where the configuration is.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// YAML documents: roles, users, databases.
    #[must_use]
    pub fn resources(&self) -> PathBuf {
        self.config.join("resources")
    }

    /// What the app remembers: sign-in, ports.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.state.join("state")
    }

    /// One note for each file that is being exported to by any process of this home.
    #[must_use]
    pub fn exports(&self) -> PathBuf {
        self.state.join("exports")
    }

    /// The audit log, a file a day.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.state.join("audit")
    }

    /// Results that outgrow their memory budget.
    #[must_use]
    pub fn spill(&self) -> &Path {
        &self.cache
    }

    /// Unix sockets of the local proxies.
    #[must_use]
    pub fn sockets(&self) -> &Path {
        &self.runtime
    }

    /// One file for each running local proxy of any process of this home.
    #[must_use]
    pub fn connections(&self) -> PathBuf {
        self.runtime.join("connections")
    }
}

/// Makes a folder with mode 0700 on Unix.
fn create_private(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Storage { path: path.to_owned(), source };
    std::fs::create_dir_all(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// Writes a whole file for the owner only: complete or absent, also when the machine stops in the middle.
///
/// # Errors
/// [`Error::Storage`] naming the file.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    through_temporary(path, content, |temporary| std::fs::rename(temporary, path))
}

/// The same, unless there is a file of that name already: then that one stays, and the answer is `false`.
///
/// # Errors
/// [`Error::Storage`] naming the file.
pub(crate) fn write_private_new(path: &Path, content: &[u8]) -> Result<bool, Error> {
    through_temporary(path, content, |temporary| {
        let linked = match std::fs::hard_link(temporary, path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            linked => linked.map(|()| true),
        };
        // The file has its name now, or another has it; what is left here harms nobody.
        let _ = std::fs::remove_file(temporary);
        linked
    })
}

fn through_temporary<T>(
    path: &Path,
    content: &[u8],
    finish: impl FnOnce(&Path) -> std::io::Result<T>,
) -> Result<T, Error> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let failed = |source| Error::Storage { path: path.to_owned(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.{}.new", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let temporary = path.with_file_name(name);
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary)?;
        std::io::Write::write_all(&mut file, content)?;
        file.sync_all()?;
        finish(&temporary)
    };
    write().map_err(|source| {
        // The error that matters is the first one; a left-over temporary file harms nobody.
        let _ = std::fs::remove_file(&temporary);
        failed(source)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn everything_lives_under_one_folder_and_is_private() {
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path());
        home.create().unwrap();
        for path in [home.resources(), home.state(), home.audit(), home.connections()] {
            assert!(path.starts_with(root.path()) && path.is_dir(), "{path:?}");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{path:?}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_was_there_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Home::at(root.path()).create().unwrap();
        assert_eq!(root.path().metadata().unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_old_one() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        write_private(&path, b"old").unwrap();
        let failed =
            through_temporary(&path, b"new", |_| -> std::io::Result<()> { Err(std::io::ErrorKind::Other.into()) });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(root.path().read_dir().unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_file_that_is_there_stays_when_a_new_one_is_wanted() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        assert!(write_private_new(&path, b"first").unwrap());
        assert!(!write_private_new(&path, b"second").unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(root.path().read_dir().unwrap().count(), 1, "nothing is left over");
    }
}
