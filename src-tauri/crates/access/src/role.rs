//! `kind: role`: what is allowed, what is denied, and on which terms.

use std::borrow::Borrow;
use std::time::Duration;

use crate::User;
use crate::document::header;
use crate::expression::Expression;
use crate::matcher::{Entry, Selector};
use crate::yaml::{Fields, boolean};

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
    yaml: String,
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

impl RoleVersion {
    const ALL: [(&'static str, Self); 6] =
        [("v3", Self::V3), ("v4", Self::V4), ("v5", Self::V5), ("v6", Self::V6), ("v7", Self::V7), ("v8", Self::V8)];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let expected = Self::ALL.map(|(name, _)| name).join(", ");
        let Some(text) = fields.text("version") else {
            fields.problem("version", format!("missing, expected one of: {expected}"));
            return None;
        };
        let version = Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, version)| *version);
        if version.is_none() {
            fields.problem("version", format!("unrecognized role version {text:?}, expected one of: {expected}"));
        }
        version
    }
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
    pub(crate) selector: Selector,
    pub(crate) expression: Option<Expression>,
    pub(crate) names: Vec<Entry>,
    pub(crate) users: Vec<Entry>,
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

/// The limits that bind `user`'s sessions. Whoever runs the sessions has to keep them.
#[must_use]
pub fn limits<R: Borrow<Role>>(user: &User, catalogue: &[R]) -> SessionLimits {
    let mut limits = SessionLimits::default();
    for options in
        catalogue.iter().map(Borrow::borrow).filter(|role| user.roles.contains(&role.name)).map(|role| &role.options)
    {
        limits.max_session_ttl = shorter(limits.max_session_ttl, options.max_session_ttl);
        limits.client_idle_timeout = shorter(limits.client_idle_timeout, options.client_idle_timeout);
        limits.disconnect_expired_cert |= options.disconnect_expired_cert;
    }
    limits
}

fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

/// Fields of `allow` and `deny` that Teleport knows. Those that are not about databases are accepted and mean nothing here.
const CONDITIONS: &[&str] = &[
    "access_requests",
    "account_assignments",
    "app_labels",
    "app_labels_expression",
    "aws_role_arns",
    "azure_identities",
    "cluster_labels",
    "cluster_labels_expression",
    "db_labels",
    "db_labels_expression",
    "db_names",
    "db_permissions",
    "db_roles",
    "db_service_labels",
    "db_service_labels_expression",
    "db_users",
    "desktop_groups",
    "gcp_service_accounts",
    "github_permissions",
    "group_labels",
    "group_labels_expression",
    "host_groups",
    "host_sudoers",
    "impersonate",
    "join_sessions",
    "kubernetes_groups",
    "kubernetes_labels",
    "kubernetes_labels_expression",
    "kubernetes_resources",
    "kubernetes_users",
    "linux_desktop_labels",
    "linux_desktop_labels_expression",
    "logins",
    "mcp",
    "namespaces",
    "node_labels",
    "node_labels_expression",
    "request",
    "require_session_join",
    "review_requests",
    "rules",
    "spiffe",
    "windows_desktop_labels",
    "windows_desktop_labels_expression",
    "windows_desktop_logins",
    "workload_identity_labels",
    "workload_identity_labels_expression",
];

/// Fields of `options` that Teleport knows.
const OPTIONS: &[&str] = &[
    "cert_extensions",
    "cert_format",
    "client_idle_timeout",
    "create_db_user",
    "create_db_user_mode",
    "create_desktop_user",
    "create_host_user",
    "create_host_user_default_shell",
    "create_host_user_mode",
    "desktop_clipboard",
    "desktop_directory_sharing",
    "device_trust_mode",
    "disconnect_expired_cert",
    "enhanced_recording",
    "forward_agent",
    "idp",
    "lock",
    "max_connections",
    "max_kubernetes_connections",
    "max_session_ttl",
    "max_sessions",
    "mfa_verification_interval",
    "permit_x11_forwarding",
    "pin_source_ip",
    "port_forwarding",
    "record_session",
    "request_access",
    "request_prompt",
    "require_session_mfa",
    "ssh_file_copy",
    "ssh_port_forwarding",
];

/// Options that let nobody in without something Postern has no way to check, and the values that switch them off.
const RESTRICTIONS: [(&str, &[&str]); 3] =
    [("require_session_mfa", &["", "0"]), ("device_trust_mode", &["", "optional"]), ("pin_source_ip", &[""])];

pub(crate) fn read(fields: &Fields<'_>, yaml: &str) -> Option<Role> {
    let version = RoleVersion::read(fields);
    let header = header(fields)?;
    let spec = &header.spec;
    spec.known(&["allow", "deny", "options"]);
    let allow = spec.map("allow").map(|fields| conditions(&fields)).unwrap_or_default();
    let deny = spec.map("deny").map(|fields| conditions(&fields)).unwrap_or_default();
    let options = spec.map("options").map(|fields| options(&fields)).unwrap_or_default();
    let mut role = Role {
        name: header.name,
        description: header.description,
        version: version?,
        allow,
        deny,
        options,
        yaml: yaml.to_owned(),
    };
    default_labels(&mut role, spec);
    Some(role)
}

/// v3 roles reach every database unless they say otherwise; later ones reach none. `db_labels: {}` says otherwise.
fn default_labels(role: &mut Role, spec: &Fields<'_>) {
    let written = spec.map("allow").is_some_and(|allow| allow.has("db_labels"));
    if role.version == RoleVersion::V3 && !written {
        role.allow.db_labels = vec![("*".to_owned(), vec!["*".to_owned()])];
        role.allow.selector.add("*", &["*".to_owned()]).expect("'*': '*' is a valid selector");
    }
}

fn conditions(fields: &Fields<'_>) -> Conditions {
    fields.known(CONDITIONS);
    let mut conditions = Conditions {
        namespaces: fields.texts("namespaces").unwrap_or_default(),
        db_names: fields.texts("db_names").unwrap_or_default(),
        db_users: fields.texts("db_users").unwrap_or_default(),
        ..Conditions::default()
    };
    conditions.names = entries(fields, "db_names", &conditions.db_names);
    conditions.users = entries(fields, "db_users", &conditions.db_users);
    if let Some(labels) = fields.map("db_labels") {
        read_labels(&labels, &mut conditions);
    }
    if let Some(source) = fields.filled("db_labels_expression") {
        match Expression::parse(&source) {
            Ok(expression) => conditions.expression = Some(expression),
            Err(why) => fields.problem("db_labels_expression", format!("not a valid expression: {why}")),
        }
        conditions.db_labels_expression = Some(source);
    }
    conditions
}

fn entries(fields: &Fields<'_>, key: &str, texts: &[String]) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match Entry::parse(text) {
            Ok(entry) => entries.push(entry),
            Err(why) => fields.item_problem(key, index, why),
        }
    }
    entries
}

fn read_labels(labels: &Fields<'_>, conditions: &mut Conditions) {
    for key in labels.keys() {
        let values = labels.texts(key).unwrap_or_default();
        if let Err(why) = conditions.selector.add(key, &values) {
            labels.problem(key, why);
        }
        conditions.db_labels.push((key.to_owned(), values));
    }
}

fn options(fields: &Fields<'_>) -> RoleOptions {
    fields.known(OPTIONS);
    let unenforceable = RESTRICTIONS
        .iter()
        .filter_map(|(option, off)| {
            let value = fields.text(option)?;
            let harmless = off.contains(&value.as_str()) || boolean(&value) == Some(false);
            (!harmless).then(|| format!("{option}: {value}"))
        })
        .collect();
    RoleOptions {
        max_session_ttl: fields.duration("max_session_ttl"),
        client_idle_timeout: fields.duration("client_idle_timeout"),
        disconnect_expired_cert: fields.flag("disconnect_expired_cert").unwrap_or_default(),
        unenforceable,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{Document, parse_documents};

    fn parse(version: &str, spec: &str) -> Result<Role, Vec<String>> {
        let text = format!("kind: role\nversion: {version}\nmetadata: {{name: r}}\nspec:\n{spec}");
        match parse_documents("r.yaml", &text) {
            Ok(mut documents) => match documents.remove(0) {
                Document::Role(role) => Ok(role),
                other => panic!("{other:?}"),
            },
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn only_v3_reaches_every_database_by_default() {
        assert_eq!(parse("v3", "  allow: {}\n").unwrap().allow.db_labels, [("*".to_owned(), vec!["*".to_owned()])]);
        assert_eq!(parse("v3", "  allow: {db_labels: {}}\n").unwrap().allow.db_labels, []);
        for version in ["v4", "v5", "v6", "v7", "v8"] {
            assert_eq!(parse(version, "  allow: {}\n").unwrap().allow.db_labels, [], "{version}");
        }
    }

    #[test]
    fn a_role_from_the_wild_is_accepted_with_all_its_other_fields() {
        let spec = "  allow:
    logins: ['{{internal.logins}}', ubuntu]
    node_labels: {'*': '*'}
    kubernetes_groups: [viewers]
    kubernetes_resources: [{kind: pod, namespace: '*', name: '*', verbs: ['*']}]
    app_labels: {env: [dev, stage]}
    db_labels: {env: [dev, stage], team: data}
    db_names: ['*']
    db_users: ['{{internal.db_users}}', reader]
    rules:
    - resources: [session]
      verbs: [read, list]
      where: contains(session.participants, user.metadata.name)
    impersonate: {users: [jenkins], roles: [jenkins]}
    review_requests: {roles: [dba]}
    windows_desktop_logins: [admin]
  deny: {db_users: root}
  options:
    max_session_ttl: 8h
    client_idle_timeout: 15m
    disconnect_expired_cert: yes
    forward_agent: true
    cert_format: standard
    enhanced_recording: [command, network]
    record_session: {desktop: true, default: best_effort}
    require_session_mfa: false
    device_trust_mode: optional
";
        let role = parse("v7", spec).unwrap();
        assert_eq!(role.allow.db_users, ["{{internal.db_users}}", "reader"]);
        assert_eq!(role.deny.db_users, ["root"]);
        assert_eq!(role.options.client_idle_timeout, Some(Duration::from_secs(900)));
        assert!(role.options.disconnect_expired_cert);
        assert_eq!(role.options.unenforceable, Vec::<String>::new());
    }

    #[test]
    fn options_that_cannot_be_enforced_are_remembered() {
        let role = parse(
            "v7",
            "  options: {require_session_mfa: hardware_key_touch, device_trust_mode: required, pin_source_ip: true}\n",
        );
        let expected =
            ["require_session_mfa: hardware_key_touch", "device_trust_mode: required", "pin_source_ip: true"];
        assert_eq!(role.unwrap().options.unenforceable, expected);
    }

    #[test]
    fn bad_values_are_reported_where_they_stand() {
        let errors = parse("v7", "  allow:\n    db_labels: {env: '^($', '*': prod}\n    db_users: [ok, '{{internal.nope}}']\n    db_labels_expression: 'labels['\n  options:\n    max_session_ttl: tomorrow\n").unwrap_err();
        assert_eq!(
            errors,
            [
                "r.yaml:6:22: spec.allow.db_labels.env: \"^($\" is not a valid regular expression",
                "r.yaml:6:34: spec.allow.db_labels.*: selector *:prod is not supported, only '*': '*'",
                "r.yaml:7:20: spec.allow.db_users[1]: \"{{internal.nope}}\": unsupported variable internal.nope",
                "r.yaml:8:27: spec.allow.db_labels_expression: not a valid expression: it ends too early",
                "r.yaml:10:22: spec.options.max_session_ttl: expected a duration such as 8h or 1h30m, found \"tomorrow\"",
            ]
        );
    }

    #[test]
    fn the_strictest_limit_of_all_roles_binds() {
        let roles = [
            parse("v7", "  options: {max_session_ttl: 8h, client_idle_timeout: 1h}\n").unwrap(),
            parse("v7", "  options: {client_idle_timeout: 10m, disconnect_expired_cert: true}\n").unwrap(),
        ];
        let user = User::new("alice", vec!["r".to_owned()], std::collections::BTreeMap::new());
        assert_eq!(
            limits(&user, &roles),
            SessionLimits {
                max_session_ttl: Some(Duration::from_secs(8 * 3600)),
                client_idle_timeout: Some(Duration::from_secs(600)),
                disconnect_expired_cert: true
            }
        );
    }
}
