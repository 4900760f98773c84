//! What the app remembers between starts: who signed in, and which local port each database keeps.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::Error,
    home::{Home, write_private},
};

/// A sign-in: no secret is part of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignIn {
    /// Name of a `kind: user` resource.
    pub user: String,
    /// AWS profile; the default chain when absent.
    pub aws_profile: Option<String>,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

impl SignIn {
    /// The same person with the same credentials, at whatever time.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.user == other.user && self.aws_profile == other.aws_profile
    }
}

/// The files under `state/`.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
}

impl Memory {
    pub(crate) fn of(home: &Home) -> Self {
        Self { folder: home.state() }
    }

    /// Who is signed in.
    pub(crate) fn sign_in(&self) -> Result<Option<SignIn>, Error> {
        self.read("sign-in.json")
    }

    /// Remembers a sign-in, or forgets it.
    pub(crate) fn set_sign_in(&self, sign_in: Option<&SignIn>) -> Result<(), Error> {
        match sign_in {
            Some(sign_in) => self.write("sign-in.json", sign_in),
            None => self.remove("sign-in.json"),
        }
    }

    /// Local ports by database name.
    pub(crate) fn ports(&self) -> Result<BTreeMap<String, u16>, Error> {
        Ok(self.read("ports.json")?.unwrap_or_default())
    }

    /// Remembers the port of a database.
    pub(crate) fn set_port(&self, database: &str, port: u16) -> Result<(), Error> {
        let mut ports = self.ports()?;
        if ports.insert(database.to_owned(), port) == Some(port) {
            return Ok(());
        }
        self.write("ports.json", &ports)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let path = self.folder.join(name);
        let failed = |source| Error::Storage { path: path.clone(), source };
        match std::fs::read(&path) {
            Ok(content) => serde_json::from_slice(&content).map(Some).map_err(|error| failed(error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let path = self.folder.join(name);
        let content = serde_json::to_vec_pretty(value)
            .map_err(|error| Error::Storage { path: path.clone(), source: error.into() })?;
        write_private(&path, &content)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::Storage { path, source }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn memory() -> (tempfile::TempDir, Memory) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path());
        home.create().unwrap();
        (root, Memory::of(&home))
    }

    #[test]
    fn a_sign_in_is_remembered_until_it_is_forgotten() {
        let (_root, memory) = memory();
        assert_eq!(memory.sign_in().unwrap(), None);
        let sign_in = SignIn { user: "alice".into(), aws_profile: Some("data-eng".into()), at: 1 };
        memory.set_sign_in(Some(&sign_in)).unwrap();
        assert_eq!(memory.sign_in().unwrap(), Some(sign_in));
        memory.set_sign_in(None).unwrap();
        memory.set_sign_in(None).unwrap();
        assert_eq!(memory.sign_in().unwrap(), None);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_a_default() {
        let (_root, memory) = memory();
        std::fs::write(memory.folder.join("ports.json"), "{").unwrap();
        assert!(matches!(memory.set_port("a", 1), Err(Error::Storage { .. })));
    }

    #[test]
    fn each_database_keeps_its_port() {
        let (_root, memory) = memory();
        memory.set_port("a", 15_439).unwrap();
        memory.set_port("b", 15_440).unwrap();
        memory.set_port("a", 15_441).unwrap();
        assert_eq!(memory.ports().unwrap(), BTreeMap::from([("a".into(), 15_441), ("b".into(), 15_440)]));
    }
}
