//! The databases a person may see, and what they may do there.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One row of the Databases view.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Database {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.description`.
    pub description: String,
    /// Static labels, sorted by name.
    pub labels: Vec<Label>,
    /// Value of the label `env`.
    pub env: Option<String>,
    /// What it is.
    pub engine: DatabaseEngine,
    /// Redshift Serverless workgroup.
    pub workgroup: Option<String>,
    /// AWS account, twelve digits.
    pub account: Option<String>,
    /// AWS region.
    pub region: Option<String>,
    /// `host:port` as configured.
    pub endpoint: String,
    /// Whom one may be there.
    pub db_users: Choices,
    /// Which databases of the workgroup one may open.
    pub db_names: Choices,
    /// The local port this database keeps, once it had one.
    pub local_port: Option<u16>,
}

/// A label of a database.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Label {
    /// Key.
    pub name: String,
    /// Value.
    pub value: String,
}

/// What kind of server it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseEngine {
    /// Amazon Redshift Serverless.
    RedshiftServerless,
    /// Anything else that speaks PostgreSQL's protocol.
    Postgres,
}

/// Values to choose from. Nothing allowed and no wildcard: no access.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Choices {
    /// Named ones.
    pub allowed: Vec<String>,
    /// Any other value too, except the denied ones.
    pub wildcard: bool,
    /// Never these.
    pub denied: Vec<String>,
}

/// Who, where, as whom: the question every session asks.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Target {
    /// Name of the database resource.
    pub database: String,
    /// IAM role name or ARN for Redshift, a plain user elsewhere.
    pub db_user: String,
    /// Database inside the server.
    pub db_name: String,
}

/// Whether a session would be allowed, and why.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct AccessDecision {
    /// The answer.
    pub allowed: bool,
    /// Role that decided.
    pub role: Option<String>,
    /// One English sentence.
    pub reason: String,
    /// How it came about, in order.
    pub steps: Vec<AccessStep>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct AccessStep {
    /// Role looked at.
    pub role: String,
    /// `allow` or `deny` half of it.
    pub effect: String,
    /// `db_labels`, `db_users`, `db_names`, …
    pub condition: String,
    /// It matched.
    pub matched: bool,
    /// What was compared with what.
    pub detail: String,
}
