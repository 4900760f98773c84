//! The PostgreSQL that is on this machine, and the account it may run as.
//!
//! PostgreSQL refuses to run as root, and a sandbox is often started by root in a container; then it runs as
//! `postgres`, or `nobody` where there is none.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The oldest major version whose catalogue `catalog.sql` fits.
const OLDEST: u32 = 15;

/// Where PostgreSQL's own programs are, and whom they run as.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    bin: PathBuf,
    account: Option<Account>,
}

/// A user id and group id to give up root for.
#[derive(Clone, Copy, Debug)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Installation {
    /// Looks in `PATH`, then for the highest version where Debian and Red Hat keep theirs, then in `/usr/local`.
    pub(crate) fn find() -> Result<Self> {
        let bin = candidates().into_iter().find(|bin| is_usable(bin)).with_context(|| {
            format!(
                "no PostgreSQL {OLDEST} or newer on this machine: install the server, \
                 e.g. `apt-get install postgresql` or `brew install postgresql@17`"
            )
        })?;
        Ok(Self { bin, account: Account::to_become()? })
    }

    /// A command for one of PostgreSQL's programs, as the account it may run as and in a process group of its own, so
    /// that Ctrl+C in a terminal reaches only us, who then stop it in order.
    pub(crate) fn command(&self, program: &str) -> Command {
        self.as_account(self.bin.join(program))
    }

    /// A command for any program, run as that account.
    pub(crate) fn as_account(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        if let Some(account) = self.account {
            command.uid(account.uid).gid(account.gid);
        }
        // An account's own home may be closed to us and ours to it.
        command.current_dir("/").process_group(0).env_remove("PGDATA").env("LC_ALL", "C");
        command
    }

    /// Whether that account can enter `dir`: every folder above it must let it through.
    pub(crate) fn can_enter(&self, dir: &Path) -> bool {
        self.as_account("/usr/bin/test").arg("-x").arg(dir).status().is_ok_and(|status| status.success())
    }

    /// Makes a folder that only the account may enter (and root, where we are that).
    pub(crate) fn make_private_dir(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(dir, owner_only).with_context(|| format!("cannot protect {}", dir.display()))?;
        if let Some(Account { uid, gid }) = self.account {
            chown(dir, Some(uid), Some(gid)).with_context(|| format!("cannot give {} away", dir.display()))?;
        }
        Ok(())
    }
}

impl Account {
    /// None when we are not root: then PostgreSQL runs as ourselves.
    fn to_become() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        match ["postgres", "nobody"].iter().find_map(|name| Self::in_passwd(&passwd, name)) {
            Some(account) => Ok(Some(account)),
            None => bail!("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as"),
        }
    }

    fn in_passwd(passwd: &str, name: &str) -> Option<Self> {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some(Self { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).filter_map(|dir| real_bin_dir(&dir)).collect())
        .unwrap_or_default();
    let mut versioned = Vec::new();
    for (parent, below) in [("/usr/lib/postgresql", "bin"), ("/usr", "bin"), ("/opt/homebrew/opt", "bin")] {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        versioned.extend(entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.trim_start_matches("postgresql@").trim_start_matches("pgsql-").parse::<u32>().ok()?;
            Some((version, entry.path().join(below)))
        }));
    }
    versioned.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.extend(versioned.into_iter().map(|(_, bin)| bin));
    found.extend(["/usr/local/bin", "/usr/local/pgsql/bin"].map(PathBuf::from));
    found
}

/// The folder a link in `dir` leads to: `initdb` looks for `postgres` beside itself.
fn real_bin_dir(dir: &Path) -> Option<PathBuf> {
    let postgres = fs::canonicalize(dir.join("postgres")).ok()?;
    Some(postgres.parent()?.to_owned())
}

fn is_usable(bin: &Path) -> bool {
    let version = Command::new(bin.join("postgres")).arg("--version").output();
    let new_enough = version
        .is_ok_and(|output| major_version(&String::from_utf8_lossy(&output.stdout)).is_some_and(|v| v >= OLDEST));
    new_enough && bin.join("initdb").is_file()
}

/// From `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split("(PostgreSQL) ").nth(1)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_version("postgres: command not found"), None);
    }

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:7::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        let account = Account::in_passwd(passwd, "postgres").unwrap();
        assert_eq!((account.uid, account.gid), (101, 104));
        assert!(Account::in_passwd(passwd, "nobody").is_none());
    }
}
