//! The decision: Teleport's algorithm, with every condition it looked at.

use std::borrow::Borrow;

use serde::Serialize;

use crate::{Database, Role, User};

/// Whether a connection is allowed, by which role, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The answer.
    pub allowed: bool,
    /// The role that decided: the one that allowed, or the one whose deny rule matched. `None` when no role allows.
    pub role: Option<String>,
    /// One sentence for the person who asked.
    pub reason: String,
    /// Every condition looked at, in order.
    pub steps: Vec<Step>,
}

/// One condition of one role, as evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Role name.
    pub role: String,
    /// Which side of the role.
    pub effect: Effect,
    /// Field: `db_labels`, `db_users`, `db_names`, `namespaces`, `options`.
    pub condition: &'static str,
    /// Whether it matched.
    pub matched: bool,
    /// What was compared with what.
    pub detail: String,
}

/// Which side of a role a condition stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// `spec.allow`
    Allow,
    /// `spec.deny`
    Deny,
}

/// May `user` connect to `database` as `db_user`, to the database named `db_name`?
///
/// `catalogue` holds all roles that exist; those named by the user count, in the user's order. A user with a role that does not
/// exist is denied, because the missing role may have had a deny rule.
#[must_use]
pub fn decide<R: Borrow<Role>>(user: &User, catalogue: &[R], database: &Database, db_user: &str, db_name: &str) -> Decision {
    unimplemented!("{user:?} {} {database:?} {db_user} {db_name}", catalogue.len())
}
