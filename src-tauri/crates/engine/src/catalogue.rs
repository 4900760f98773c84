//! The resources of this home: roles, users and databases as YAML documents in `resources/`.
//!
//! Files are read anew for each question, so that an edit with any editor counts at once; there are tens of them, not
//! thousands. A file with a mistake makes every question fail: leaving out a role that denies would open a door.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use postern_access::{Database, Document, Kind, Role, User, parse_documents};

use crate::{
    error::Error,
    home::{Home, write_private},
};

/// The folder of resources.
#[derive(Clone, Debug)]
pub struct Catalogue {
    folder: PathBuf,
}

/// What happened to a document that was stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stored {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// It replaced an older one.
    pub updated: bool,
}

impl std::fmt::Display for Stored {
    /// Teleport's sentence: `role 'redshift-serverless-access' has been created`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} '{}' has been {}", self.kind, self.name, if self.updated { "updated" } else { "created" })
    }
}

/// Everything that is stored, read at one moment.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// `kind: role`, by name.
    pub roles: Vec<Arc<Role>>,
    /// `kind: user`, by name.
    pub users: Vec<Arc<User>>,
    /// `kind: db`, by name.
    pub databases: Vec<Arc<Database>>,
}

impl Resources {
    /// The user of this name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn user(&self, name: &str) -> Result<&Arc<User>, Error> {
        self.users.iter().find(|user| user.name == name).ok_or_else(|| Error::not_found(Kind::User, name))
    }

    /// The database of this name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn database(&self, name: &str) -> Result<&Arc<Database>, Error> {
        self.databases
            .iter()
            .find(|database| database.name == name)
            .ok_or_else(|| Error::not_found(Kind::Database, name))
    }
}

/// One document and the file it stands in.
struct Found {
    path: PathBuf,
    document: Document,
}

impl Catalogue {
    /// The resources of a home.
    #[must_use]
    pub fn of(home: &Home) -> Self {
        Self { folder: home.resources() }
    }

    /// Reads everything.
    ///
    /// # Errors
    /// [`Error::InvalidResources`] with every mistake of every file; [`Error::Storage`] when a file cannot be read.
    pub fn load(&self) -> Result<Resources, Error> {
        let mut resources = Resources::default();
        for found in self.documents()? {
            match found.document {
                Document::Role(role) => resources.roles.push(Arc::new(role)),
                Document::User(user) => resources.users.push(Arc::new(user)),
                Document::Database(database) => resources.databases.push(Arc::new(database)),
            }
        }
        resources.roles.sort_by(|a, b| a.name.cmp(&b.name));
        resources.users.sort_by(|a, b| a.name.cmp(&b.name));
        resources.databases.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(resources)
    }

    /// Stores the documents of one text: all of them, or none when one is wrong or exists already.
    ///
    /// # Errors
    /// [`Error::InvalidResources`]; [`Error::AlreadyExists`] without `force`; [`Error::Storage`].
    pub fn create(&self, file_name: &str, text: &str, force: bool) -> Result<Vec<Stored>, Error> {
        let documents = parse_documents(file_name, text).map_err(Error::InvalidResources)?;
        if documents.is_empty() {
            return Err(Error::InvalidValue {
                field: file_name.to_owned(),
                problem: "holds no document; a resource begins with kind, version and metadata".to_owned(),
            });
        }
        let existing = self.documents()?;
        let find = |document: &Document| {
            existing
                .iter()
                .find(|found| found.document.kind() == document.kind() && found.document.name() == document.name())
        };
        let mut seen = BTreeSet::new();
        for document in &documents {
            let twice = !seen.insert((document.kind(), document.name()));
            if twice || (!force && find(document).is_some()) {
                return Err(Error::AlreadyExists { kind: document.kind(), name: document.name().to_owned() });
            }
        }
        let mut stored = Vec::new();
        for document in &documents {
            let old = find(document);
            let path = self.path_of(document.kind(), document.name());
            if let Some(old) = old.filter(|old| old.path != path) {
                self.take_out(&old.path, document.kind(), document.name())?;
            }
            write_private(&path, with_neighbours(&path, document)?.as_bytes())?;
            stored.push(Stored { kind: document.kind(), name: document.name().to_owned(), updated: old.is_some() });
        }
        Ok(stored)
    }

    /// The documents of a kind, or the one of that name, as their authors wrote them.
    ///
    /// # Errors
    /// [`Error::NotFound`] when a name was given and nothing has it; otherwise as [`Self::load`].
    pub fn get(&self, kind: Kind, name: Option<&str>) -> Result<Vec<Document>, Error> {
        let mut documents: Vec<Document> = self
            .documents()?
            .into_iter()
            .map(|found| found.document)
            .filter(|document| document.kind() == kind && name.is_none_or(|name| name == document.name()))
            .collect();
        documents.sort_by(|a, b| a.name().cmp(b.name()));
        match name {
            Some(name) if documents.is_empty() => Err(Error::not_found(kind, name)),
            _ => Ok(documents),
        }
    }

    /// Removes one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; otherwise as [`Self::load`].
    pub fn remove(&self, kind: Kind, name: &str) -> Result<(), Error> {
        let found = self.documents()?;
        let found = found
            .iter()
            .find(|found| found.document.kind() == kind && found.document.name() == name)
            .ok_or_else(|| Error::not_found(kind, name))?;
        self.take_out(&found.path, kind, name)
    }

    /// Takes one document out of a file that may hold others.
    fn take_out(&self, path: &Path, kind: Kind, name: &str) -> Result<(), Error> {
        let rest: Vec<String> = read_file(path)?
            .iter()
            .filter(|document| document.kind() != kind || document.name() != name)
            .map(|document| document.yaml().to_owned())
            .collect();
        if rest.is_empty() {
            return std::fs::remove_file(path).map_err(|source| Error::Storage { path: path.to_owned(), source });
        }
        write_private(path, rest.join("---\n").as_bytes())
    }

    fn documents(&self) -> Result<Vec<Found>, Error> {
        let failed = |source| Error::Storage { path: self.folder.clone(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
                paths.push(path);
            }
        }
        paths.sort();
        let (mut all, mut mistakes, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
        for path in paths {
            match read_file(&path) {
                Ok(documents) => {
                    for document in documents {
                        if !names.insert((document.kind(), document.name().to_owned())) {
                            // Which of the two counts would depend on file names: nobody should have to guess.
                            return Err(Error::AlreadyExists {
                                kind: document.kind(),
                                name: document.name().to_owned(),
                            });
                        }
                        all.push(Found { path: path.clone(), document });
                    }
                }
                Err(Error::InvalidResources(found)) => mistakes.extend(found),
                Err(error) => return Err(error),
            }
        }
        if mistakes.is_empty() { Ok(all) } else { Err(Error::InvalidResources(mistakes)) }
    }

    /// A file of its own for each resource. A name may hold any character: those that a file name should not are escaped.
    fn path_of(&self, kind: Kind, name: &str) -> PathBuf {
        let mut file = format!("{kind}-");
        for character in name.chars() {
            if character.is_alphanumeric() || "-_.@".contains(character) {
                file.push(character);
            } else {
                file.push_str(&format!("%{:X}", u32::from(character)));
            }
        }
        self.folder.join(file + ".yaml")
    }
}

/// The text of a file that holds this document, and still holds whatever else somebody put into it.
fn with_neighbours(path: &Path, document: &Document) -> Result<String, Error> {
    let mut texts = vec![document.yaml().to_owned()];
    if path.exists() {
        let others = read_file(path)?;
        let others = others.iter().filter(|other| other.kind() != document.kind() || other.name() != document.name());
        texts.extend(others.map(|other| other.yaml().to_owned()));
    }
    Ok(texts.join("---\n"))
}

fn read_file(path: &Path) -> Result<Vec<Document>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Storage { path: path.to_owned(), source })?;
    parse_documents(&path.to_string_lossy(), &text).map_err(Error::InvalidResources)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ROLE: &str = "kind: role\nversion: v5\nmetadata:\n  name: redshift-serverless-access\nspec:\n  allow:\n    db_labels:\n      '*': '*'\n    db_names: [dev]\n    db_users: ['teleport-redshift-serverless-access']\n";
    const USER: &str =
        "kind: user\nversion: v2\nmetadata:\n  name: alice@example.com\nspec:\n  roles: [redshift-serverless-access]\n";

    fn catalogue() -> (tempfile::TempDir, Catalogue) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path());
        home.create().unwrap();
        (root, Catalogue::of(&home))
    }

    #[test]
    fn creating_says_teleports_sentence() {
        let (_root, catalogue) = catalogue();
        let stored = catalogue.create("redshift-role.yaml", ROLE, false).unwrap();
        assert_eq!(stored[0].to_string(), "role 'redshift-serverless-access' has been created");
        let stored = catalogue.create("redshift-role.yaml", ROLE, true).unwrap();
        assert_eq!(stored[0].to_string(), "role 'redshift-serverless-access' has been updated");
    }

    #[test]
    fn what_exists_is_not_replaced_without_force() {
        let (_root, catalogue) = catalogue();
        catalogue.create("a.yaml", ROLE, false).unwrap();
        let both = format!("{USER}---\n{ROLE}");
        assert!(matches!(catalogue.create("b.yaml", &both, false), Err(Error::AlreadyExists { kind: Kind::Role, .. })));
        assert!(catalogue.load().unwrap().users.is_empty(), "a refused file leaves nothing behind");
    }

    #[test]
    fn a_document_is_taken_out_of_a_file_that_holds_others() {
        let (_root, catalogue) = catalogue();
        let path = catalogue.folder.join("mine.yaml");
        std::fs::write(&path, format!("{ROLE}---\n{USER}")).unwrap();
        catalogue.remove(Kind::Role, "redshift-serverless-access").unwrap();
        let resources = catalogue.load().unwrap();
        assert!(resources.roles.is_empty());
        assert_eq!(resources.users[0].name, "alice@example.com");
        catalogue.remove(Kind::User, "alice@example.com").unwrap();
        assert!(!path.exists());
        assert!(matches!(catalogue.remove(Kind::User, "alice@example.com"), Err(Error::NotFound { .. })));
    }

    #[test]
    fn replacing_a_document_keeps_its_neighbours() {
        let (_root, catalogue) = catalogue();
        let path = catalogue.folder.join("role-redshift-serverless-access.yaml");
        std::fs::write(&path, format!("{ROLE}---\n{USER}")).unwrap();
        catalogue.create("a.yaml", &ROLE.replace("dev", "sales"), true).unwrap();
        let resources = catalogue.load().unwrap();
        assert_eq!(resources.users.len(), 1);
        assert_eq!(resources.roles[0].allow.db_names, ["sales"]);
    }

    #[test]
    fn a_broken_file_fails_every_question() {
        let (_root, catalogue) = catalogue();
        catalogue.create("a.yaml", ROLE, false).unwrap();
        std::fs::write(catalogue.folder.join("b.yaml"), "kind: role\nversion: v99\nmetadata:\n  name: x\n").unwrap();
        assert!(matches!(catalogue.load(), Err(Error::InvalidResources(_))));
    }

    #[test]
    fn a_name_that_is_no_file_name_is_stored_all_the_same() {
        let (_root, catalogue) = catalogue();
        catalogue.create("a.yaml", &USER.replace("alice@example.com", "'../a b'"), false).unwrap();
        assert_eq!(catalogue.load().unwrap().users[0].name, "../a b");
        assert_eq!(catalogue.get(Kind::User, Some("../a b")).unwrap().len(), 1);
    }
}
