//! `kind: role`: what is allowed, what is denied, and on which terms.

use std::time::Duration;

/// A role document.
#[derive(Debug, Clone)]
pub struct Role {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.description`; empty if none.
    pub description: String,
    /// `version`.
    pub version: RoleVersion,
    /// `spec.allow`.
    pub allow: Conditions,
    /// `spec.deny`.
    pub deny: Conditions,
    /// `spec.options`, as far as they mean something here.
    pub options: RoleOptions,
    pub(crate) yaml: String,
}

impl Role {
    /// The document as its author wrote it.
    #[must_use]
    pub fn yaml(&self) -> &str {
        &self.yaml
    }
}

/// Role versions Teleport has defined and Postern reads. Only v3 differs for databases: it lets `db_labels` default to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleVersion {
    /// `v3`
    V3,
    /// `v4`
    V4,
    /// `v5`
    V5,
    /// `v6`
    V6,
    /// `v7`
    V7,
    /// `v8`
    V8,
}

/// One side of a role, `allow` or `deny`, as written (templates unexpanded).
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Namespaces; Teleport has only `default` left.
    pub namespaces: Vec<String>,
    /// Label selector: key and accepted values.
    pub db_labels: Vec<(String, Vec<String>)>,
    /// Predicate over labels.
    pub db_labels_expression: Option<String>,
    /// Database names, exact or `*`.
    pub db_names: Vec<String>,
    /// Database users (for Redshift Serverless: IAM role names or ARNs), exact or `*`.
    pub db_users: Vec<String>,
}

/// `spec.options` that bear on database sessions.
#[derive(Debug, Clone, Default)]
pub struct RoleOptions {
    /// How long a sign-in may last.
    pub max_session_ttl: Option<Duration>,
    /// How long a session may stay silent.
    pub client_idle_timeout: Option<Duration>,
    /// End sessions when the sign-in ends.
    pub disconnect_expired_cert: bool,
    /// Options that restrict access in a way Postern cannot enforce, as `name: value`. A matching role that has any denies.
    pub unenforceable: Vec<String>,
}

/// The strictest limits over all roles of a user, which is how Teleport combines them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionLimits {
    /// Shortest `max_session_ttl`.
    pub max_session_ttl: Option<Duration>,
    /// Shortest `client_idle_timeout`.
    pub client_idle_timeout: Option<Duration>,
    /// True if any role asks for it.
    pub disconnect_expired_cert: bool,
}
