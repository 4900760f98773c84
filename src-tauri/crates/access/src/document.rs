//! YAML documents in Teleport's shape: reading them, and saying where one is wrong.

use std::fmt;
use std::str::FromStr;

use crate::{Database, Role, User};

/// One resource read from YAML.
#[derive(Debug, Clone)]
pub enum Document {
    /// `kind: role`, versions v3 to v8.
    Role(Role),
    /// `kind: db`, version v3.
    Database(Database),
    /// `kind: user`, version v2.
    User(User),
}

impl Document {
    /// What this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Role(_) => Kind::Role,
            Self::Database(_) => Kind::Database,
            Self::User(_) => Kind::User,
        }
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Role(role) => &role.name,
            Self::Database(database) => &database.name,
            Self::User(user) => &user.name,
        }
    }

    /// The document as its author wrote it, comments included, with no `---` line, ending in one newline.
    #[must_use]
    pub fn yaml(&self) -> &str {
        match self {
            Self::Role(role) => role.yaml(),
            Self::Database(database) => database.yaml(),
            Self::User(user) => user.yaml(),
        }
    }
}

/// The kinds of resource Postern knows, by Teleport's words for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `role`
    Role,
    /// `db`
    Database,
    /// `user`
    User,
}

impl Kind {
    /// The word in `kind:` and in every sentence about the resource.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Database => "db",
            Self::User => "user",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no kind of resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind {0:?}, expected one of: role, db, user")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    /// Accepts the singular, the plural and `database`, as `tctl get` does.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.to_ascii_lowercase().as_str() {
            "role" | "roles" => Ok(Self::Role),
            "db" | "dbs" | "database" | "databases" => Ok(Self::Database),
            "user" | "users" => Ok(Self::User),
            _ => Err(UnknownKind(word.to_owned())),
        }
    }
}

/// One mistake in a resource file, at its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {}{problem}", prefix(field))]
pub struct ResourceError {
    /// The file name as the caller gave it.
    pub file: String,
    /// Line from 1.
    pub line: u64,
    /// Column from 1, in characters.
    pub column: u64,
    /// Dotted path, `spec.allow.db_users[1]`; empty when the document as a whole is meant.
    pub field: String,
    /// What is wrong, without the place.
    pub problem: String,
}

fn prefix(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("{field}: ") }
}

/// Reads every document of one file. All mistakes of the file are reported at once; a file with a mistake yields no documents.
///
/// # Errors
/// Broken YAML, an unknown kind, version or field, a wrong type, a value outside its range, a database that lacks what a connection needs.
pub fn parse_documents(file_name: &str, text: &str) -> Result<Vec<Document>, Vec<ResourceError>> {
    unimplemented!("{file_name} {text}")
}
