//! `kind: user`: which roles a person has, and the traits that fill templates in them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::document::header;
use crate::yaml::Fields;

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
        let name = name.into();
        let yaml = generate(&name, &roles, &traits);
        Self { name, roles, traits, locked: false, yaml }
    }

    /// The document as its author wrote it, or as [`User::new`] generated it.
    #[must_use]
    pub fn yaml(&self) -> &str {
        &self.yaml
    }
}

#[derive(Serialize)]
struct Generated<'a> {
    kind: &'a str,
    version: &'a str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Spec<'a> {
    roles: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    traits: &'a BTreeMap<String, Vec<String>>,
}

fn generate(name: &str, roles: &[String], traits: &BTreeMap<String, Vec<String>>) -> String {
    let document = Generated { kind: "user", version: "v2", metadata: Metadata { name }, spec: Spec { roles, traits } };
    let text = serde_saphyr::to_string(&document).expect("texts in lists and maps always have a YAML form");
    format!("{}\n", text.trim_end())
}

/// Fields of a user's `spec` that Teleport knows.
const SPEC: &[&str] = &[
    "created_by",
    "expires",
    "github_identities",
    "local_auth",
    "oidc_identities",
    "roles",
    "saml_identities",
    "status",
    "traits",
    "trusted_device_ids",
];

pub(crate) fn read(fields: &Fields<'_>, yaml: &str) -> Option<User> {
    if fields.text("version").as_deref() != Some("v2") {
        fields.problem("version", "expected v2, the version of users Postern reads");
    }
    let header = header(fields)?;
    let spec = &header.spec;
    spec.known(SPEC);
    if spec.filled("expires").is_some_and(|time| !time.starts_with("0001-01-01")) {
        spec.problem(
            "expires",
            "Postern does not expire users: remove the field, and the user when their time has come",
        );
    }
    let locked = spec.map("status").and_then(|status| status.flag("is_locked")).unwrap_or_default();
    let traits = spec.map("traits").map(|traits| read_traits(&traits)).unwrap_or_default();
    let roles = spec.texts("roles").unwrap_or_default();
    Some(User { name: header.name, roles, traits, locked, yaml: yaml.to_owned() })
}

fn read_traits(fields: &Fields<'_>) -> BTreeMap<String, Vec<String>> {
    fields.keys().map(|name| (name.to_owned(), fields.texts(name).unwrap_or_default())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{Document, parse_documents};

    fn parse(text: &str) -> User {
        match parse_documents("u.yaml", text).unwrap().remove(0) {
            Document::User(user) => user,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_user_reads_back_as_it_was_made() {
        let traits = BTreeMap::from([
            ("db_users".to_owned(), vec!["reader".to_owned(), "yes".to_owned(), "0123".to_owned()]),
            ("external.mail: x".to_owned(), vec!["a@b.c".to_owned(), "- 'q\"".to_owned(), String::new()]),
            ("none".to_owned(), vec![]),
        ]);
        let made = User::new("김하늘", vec!["redshift-serverless-access".to_owned(), "*".to_owned()], traits);
        let read = parse(made.yaml());
        assert_eq!((&read.name, &read.roles, &read.traits), (&made.name, &made.roles, &made.traits));
        assert_eq!(read.yaml(), made.yaml());
    }

    #[test]
    fn generated_yaml_is_plain_and_always_the_same() {
        let user = User::new("alice", vec!["a".to_owned(), "b".to_owned()], BTreeMap::new());
        assert_eq!(user.yaml(), "kind: user\nversion: v2\nmetadata:\n  name: alice\nspec:\n  roles:\n  - a\n  - b\n");
    }

    #[test]
    fn a_user_as_tctl_prints_it_is_read() {
        let user = parse(
            "kind: user\nmetadata:\n  id: 1\n  name: alice\nspec:\n  created_by:\n    time: 2023-05-01T00:00:00Z\n    user: {name: bob}\n  \
             expires: \"0001-01-01T00:00:00Z\"\n  roles:\n  - access\n  status:\n    is_locked: true\n    lock_expires: \"0001-01-01T00:00:00Z\"\n  \
             traits:\n    db_names: null\n    db_users:\n    - reader\nversion: v2\n",
        );
        assert_eq!(user.roles, ["access"]);
        assert_eq!(user.traits["db_users"], ["reader"]);
        assert!(user.locked);
    }

    #[test]
    fn another_version_is_refused() {
        let errors = parse_documents("u.yaml", "kind: user\nversion: v1\nmetadata: {name: a}\nspec: {roles: [x]}\n")
            .unwrap_err();
        assert_eq!(errors[0].to_string(), "u.yaml:2:10: version: expected v2, the version of users Postern reads");
    }
}
