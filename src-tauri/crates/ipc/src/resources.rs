//! Roles, users and databases as YAML.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Documents to create.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct CreateResources {
    /// Named in errors.
    pub file_name: String,
    /// One or several YAML documents.
    pub text: String,
    /// Replace what exists.
    pub force: bool,
}

/// One document that is now stored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct StoredResource {
    /// `role`, `user` or `db`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// It replaced an older one.
    pub updated: bool,
}
