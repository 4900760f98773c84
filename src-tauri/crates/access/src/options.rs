//! What a person may choose from: database users and names for drop-downs and defaults.

use std::borrow::Borrow;
use std::fmt;

use serde::Serialize;

use crate::{Database, Role, User};

/// Database users and names to offer. Each is checked by itself; [`crate::decide`] has the last word on a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Options {
    /// Database users (for Redshift Serverless: IAM roles).
    pub db_users: Choices,
    /// Database names.
    pub db_names: Choices,
}

/// What may be chosen for one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choices {
    /// What is chosen.
    #[serde(skip)]
    pub subject: Subject,
    /// Database the choices are for.
    #[serde(skip)]
    pub database: String,
    /// Literals allowed, in role order.
    pub allowed: Vec<String>,
    /// Anything else is allowed too, but for `denied`.
    pub wildcard: bool,
    /// Literals some role mentions but the whole set denies.
    pub denied: Vec<String>,
}

/// What a [`Choices`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `db_users`, `--db-user`.
    User,
    /// `db_names`, `--db-name`.
    Name,
}

/// Why nothing could be chosen for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoDefault {
    /// More than one is possible.
    Several(Choices),
    /// None is.
    Nothing(Choices),
}

impl fmt::Display for NoDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for NoDefault {}

/// Lists what `user` may choose for `database`.
#[must_use]
pub fn options<R: Borrow<Role>>(user: &User, catalogue: &[R], database: &Database) -> Options {
    unimplemented!("{user:?} {} {database:?}", catalogue.len())
}

/// The one choice there is.
///
/// # Errors
/// [`NoDefault`] when there is none, or more than one.
pub fn default_choice(choices: &Choices) -> Result<&str, NoDefault> {
    unimplemented!("{choices:?}")
}
