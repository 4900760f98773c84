//! `kind: user`: which roles a person has, and the traits that fill templates in them.

use std::collections::BTreeMap;

/// A user document.
#[derive(Debug, Clone)]
pub struct User {
    /// `metadata.name`.
    pub name: String,
    /// Names of the roles assigned, in order.
    pub roles: Vec<String>,
    /// Traits by name.
    pub traits: BTreeMap<String, Vec<String>>,
    /// `spec.status.is_locked`: a locked user is denied everything.
    pub locked: bool,
    yaml: String,
}

impl User {
    /// A new user, as `users add` makes one; its YAML is generated and the same for the same arguments.
    #[must_use]
    pub fn new(name: impl Into<String>, roles: Vec<String>, traits: BTreeMap<String, Vec<String>>) -> Self {
        Self { name: name.into(), roles, traits, locked: false, yaml: String::new() }
    }

    /// The document as its author wrote it, or as [`User::new`] generated it.
    #[must_use]
    pub fn yaml(&self) -> &str {
        &self.yaml
    }
}
