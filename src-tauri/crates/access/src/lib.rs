//! Roles, users and labels in Teleport's YAML: a decision with its reason.
//!
//! Everything here is a pure function of its arguments: no files, no clock, no async. The engine reads the files, keeps the
//! catalogue and asks [`decide`] before every connection; the window and the command line ask [`options`] for what to offer.
//!
//! - [`parse_documents`] reads `kind: role`, `kind: db` and `kind: user`, and says file, line, column and field of every mistake.
//! - [`decide`] answers whether a user may reach a database as some database user, and which condition said so.
//! - [`options`] lists the database users and names a person may choose from, and [`default_choice`] picks one when only one is left.

mod database;
mod decide;
mod document;
mod endpoint;
mod expression;
mod matcher;
mod options;
mod role;
mod template;
mod user;
mod yaml;

pub use database::{Aws, Database, DatabaseType, RedshiftServerless, Tls, TlsMode};
pub use decide::{Decision, Effect, Step, decide};
pub use document::{Document, Kind, ResourceError, UnknownKind, parse_documents};
pub use options::{Choices, NoDefault, Options, Subject, default_choice, options};
pub use role::{Conditions, Role, RoleOptions, RoleVersion, SessionLimits, limits};
pub use user::User;
