//! Discovery: the Redshift Serverless workgroups an account has in a region.

use std::collections::BTreeMap;

/// A workgroup, joined with its namespace and its tags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Workgroup {
    /// Name.
    pub name: String,
    /// ARN, which ends in the id.
    pub arn: String,
    /// UUID.
    pub id: String,
    /// Its namespace's name.
    pub namespace: String,
    /// `AVAILABLE`, `CREATING`, `MODIFYING`, `DELETING`…
    pub status: String,
    /// Host to connect to; `None` while it is being created.
    pub endpoint: Option<String>,
    /// Port to connect to.
    pub port: u16,
    /// The namespace's first database; `None` when the namespace could not be read.
    pub db_name: Option<String>,
    /// Tags; empty when they could not be read.
    pub tags: BTreeMap<String, String>,
    /// Whether it has a public address.
    pub publicly_accessible: bool,
}
