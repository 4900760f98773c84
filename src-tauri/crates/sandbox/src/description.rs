//! What a running sandbox says of itself: the one line of JSON that `postern-sandbox` prints when it is ready.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// All that a client needs. It names secrets of the sandbox, which open nothing but the sandbox.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Description {
    /// A `POSTERN_HOME` whose `resources/` has every workgroup as a `kind: db`.
    pub postern_home: PathBuf,
    /// Environment variables: AWS endpoints, credentials and region, and `POSTERN_HOME`.
    pub env: BTreeMap<String, String>,
    /// The CA that has signed the workgroups' certificates.
    pub ca_file: PathBuf,
    /// URL by service: `sts`, `redshift_serverless`.
    pub aws: BTreeMap<String, String>,
    /// A superuser of the PostgreSQL behind the first workgroup, over plain TCP. The same password opens the namespaces'
    /// administrator, `admin`, through every workgroup's own port.
    pub admin: Admin,
    /// One for each workgroup.
    pub databases: Vec<Database>,
}

/// How the superuser connects.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Admin {
    /// Loopback.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// A workgroup.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Database {
    /// Name of the resource.
    pub name: String,
    /// Name for `GetCredentials`.
    pub workgroup: String,
    /// Where it listens: loopback. The name in its certificate is the one in the resource.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Labels of the resource.
    pub labels: BTreeMap<String, String>,
    /// Databases in it.
    pub db_names: Vec<String>,
    /// Roles of its account, and whether the sandbox's user can log in to `dev` as each.
    pub db_users: Vec<DbUser>,
}

/// A role as a database user.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct DbUser {
    /// Name of the IAM role.
    pub role: String,
    /// False for the ones that AWS denies.
    pub may_login: bool,
}

impl Description {
    /// The database of this name.
    pub fn database(&self, name: &str) -> Option<&Database> {
        self.databases.iter().find(|database| database.name == name)
    }
}
