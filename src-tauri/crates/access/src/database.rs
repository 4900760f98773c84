//! `kind: db`: where a database is, how it is reached and what it is labelled.

use std::collections::BTreeMap;

use crate::document::header;
use crate::endpoint::{self, ServerlessHost, Target, is_account_id};
use crate::yaml::Fields;

/// A database document.
#[derive(Debug, Clone)]
pub struct Database {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.description`; empty if none.
    pub description: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// Host part of `spec.uri`.
    pub host: String,
    /// Port part of `spec.uri`; 5439 for Redshift and 5432 for others when it has none.
    pub port: u16,
    /// What kind of server this is, told from `spec.aws` and the host.
    pub database_type: DatabaseType,
    /// AWS settings, completed from the host; `None` for a plain PostgreSQL.
    pub aws: Option<Aws>,
    /// How its certificate is checked.
    pub tls: Tls,
    yaml: String,
}

impl Database {
    /// The document as its author wrote it.
    #[must_use]
    pub fn yaml(&self) -> &str {
        &self.yaml
    }

    /// Every way to write one database user. For Redshift Serverless a user is an IAM role: by name, as `role/<name>`, or by ARN.
    pub(crate) fn spellings(&self, db_user: &str) -> Vec<String> {
        let mut spellings = vec![db_user.to_owned()];
        if let DatabaseType::RedshiftServerless(serverless) = &self.database_type {
            let other = |text: &str| endpoint::other_spelling(text, &serverless.region, &serverless.account_id);
            if let Some(spelling) = other(db_user) {
                let name =
                    if db_user.starts_with("arn:") { spelling.clone() } else { other(&spelling).unwrap_or_default() };
                spellings.extend([spelling, format!("role/{name}"), name]);
            }
        }
        spellings
    }

    /// Why `db_user` cannot be a user of this database at all, whatever the roles say.
    pub(crate) fn impossible_user(&self, db_user: &str) -> Option<String> {
        match &self.database_type {
            DatabaseType::RedshiftServerless(serverless) => {
                endpoint::not_a_role(db_user, &serverless.region, &serverless.account_id)
            }
            DatabaseType::Postgres => db_user.is_empty().then(|| "user name must not be empty".to_owned()),
        }
    }
}

/// What answers at the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseType {
    /// Redshift Serverless: database users are IAM roles, and passwords come from `GetCredentials`.
    RedshiftServerless(RedshiftServerless),
    /// Any other server that speaks PostgreSQL, reached with a password the person has.
    Postgres,
}

/// What `GetCredentials` needs. Never incomplete: a document that leaves one of these unknown is refused when it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedshiftServerless {
    /// Workgroup name.
    pub workgroup_name: String,
    /// AWS region.
    pub region: String,
    /// Account of the workgroup, 12 digits.
    pub account_id: String,
    /// Workgroup UUID, if the document has it: the resource in IAM policies.
    pub workgroup_id: Option<String>,
    /// Managed VPC endpoint name, if the host is one.
    pub endpoint_name: Option<String>,
}

/// `spec.aws`, completed from the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aws {
    /// AWS region; empty if unknown.
    pub region: String,
    /// Account, 12 digits; empty if unknown.
    pub account_id: String,
    /// Role to assume before the database user's role.
    pub assume_role_arn: Option<String>,
    /// External ID of the first role assumed.
    pub external_id: Option<String>,
}

/// `spec.tls`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// How much of the certificate is checked.
    pub mode: TlsMode,
    /// Name to send and to check instead of the host.
    pub server_name: Option<String>,
    /// PEM certificates to trust, and only these unless `trust_system_cert_pool`.
    pub ca_cert: Option<String>,
    /// Trust the system's certificates beside `ca_cert`.
    pub trust_system_cert_pool: bool,
}

/// `spec.tls.mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Chain and name.
    #[default]
    VerifyFull,
    /// Chain only.
    VerifyCa,
    /// Nothing: anybody on the way can read and change everything.
    Insecure,
}

impl TlsMode {
    const ALL: [Self; 3] = [Self::VerifyFull, Self::VerifyCa, Self::Insecure];

    /// The word in the document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyFull => "verify-full",
            Self::VerifyCa => "verify-ca",
            Self::Insecure => "insecure",
        }
    }

    /// By name, or by the number Teleport stores.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .zip(["0", "1", "2"])
            .find(|(mode, number)| mode.as_str() == text || *number == text)
            .map(|(mode, _)| mode)
    }
}

/// Fields of a database's `spec` that Teleport knows. Those of other protocols mean nothing here.
const SPEC: &[&str] = &[
    "ad",
    "admin_user",
    "aws",
    "azure",
    "ca_cert",
    "dynamic_labels",
    "gcp",
    "mongo_atlas",
    "mysql",
    "oracle",
    "protocol",
    "tls",
    "uri",
];

const AWS: &[&str] = &[
    "account_id",
    "assume_role_arn",
    "docdb",
    "elasticache",
    "elasticache_serverless",
    "external_id",
    "iam_policy_status",
    "memorydb",
    "opensearch",
    "rds",
    "rdsproxy",
    "redshift",
    "redshift_serverless",
    "region",
    "secret_store",
    "session_tags",
];

pub(crate) fn read(fields: &Fields<'_>, yaml: &str) -> Option<Database> {
    if fields.text("version").as_deref() != Some("v3") {
        fields.problem("version", "expected v3, the version of databases Postern reads");
    }
    let header = header(fields)?;
    let spec = &header.spec;
    spec.known(SPEC);
    if !is_name(&header.name) {
        header.metadata.problem(
            "name",
            "a database's name begins with a letter and has only letters, digits and hyphens, 63 at most",
        );
    }
    check_protocol(spec);
    if spec.has("dynamic_labels") {
        // A label nobody computes would let a deny rule on it pass unseen.
        spec.key_problem(
            "dynamic_labels",
            "Postern runs no commands to compute labels: write them under metadata.labels",
        );
    }
    let labels = header.metadata.map("labels").map(|labels| read_labels(&labels)).unwrap_or_default();
    let tls = read_tls(spec);
    let aws = spec.map("aws");
    let (host, port) = read_uri(spec)?;
    let (database_type, aws) = read_aws(spec, aws.as_ref(), &host)?;
    let port = port.unwrap_or(if is_redshift(&database_type, &host) { 5439 } else { 5432 });
    let (name, description) = (header.name, header.description);
    Some(Database { name, description, labels, host, port, database_type, aws, tls, yaml: yaml.to_owned() })
}

/// Teleport's rule for database names, which also makes them safe in file names and URIs.
fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    letters && name.len() <= 63 && name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.ends_with('-')
}

fn check_protocol(spec: &Fields<'_>) {
    match spec.text("protocol").as_deref() {
        Some("postgres") => {}
        Some(other) => {
            spec.problem("protocol", format!("protocol {other:?} is not supported: Postern speaks postgres"))
        }
        None if spec.has("protocol") => {}
        None => spec.problem("protocol", "missing, expected postgres"),
    }
}

fn read_labels(fields: &Fields<'_>) -> BTreeMap<String, String> {
    fields.keys().map(|key| (key.to_owned(), fields.text(key).unwrap_or_default())).collect()
}

/// Host and port of `spec.uri`.
fn read_uri(spec: &Fields<'_>) -> Option<(String, Option<u16>)> {
    let Some(uri) = spec.filled("uri") else {
        spec.problem("uri", "missing, expected host:port");
        return None;
    };
    let parsed = parse_uri(&uri);
    if parsed.is_none() {
        spec.problem("uri", format!("expected host:port, found {uri:?}"));
    }
    parsed
}

fn parse_uri(uri: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match uri.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':')?)),
        None => match uri.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (uri, None),
        },
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(allowed) {
        return None;
    }
    let port = match port {
        Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port > 0)?),
        None => None,
    };
    Some((host.to_owned(), port))
}

fn read_tls(spec: &Fields<'_>) -> Tls {
    let mut tls = Tls { ca_cert: spec.filled("ca_cert"), ..Tls::default() };
    let Some(fields) = spec.map("tls") else { return tls };
    fields.known(&["mode", "ca_cert", "server_name", "trust_system_cert_pool"]);
    if let Some(text) = fields.filled("mode") {
        match TlsMode::parse(&text) {
            Some(mode) => tls.mode = mode,
            None => fields.problem("mode", format!("expected verify-full, verify-ca or insecure, found {text:?}")),
        }
    }
    tls.server_name = fields.filled("server_name");
    tls.ca_cert = fields.filled("ca_cert").or(tls.ca_cert);
    tls.trust_system_cert_pool = fields.flag("trust_system_cert_pool").unwrap_or_default();
    if tls.ca_cert.as_ref().is_some_and(|pem| !pem.contains("-----BEGIN CERTIFICATE-----")) {
        fields.problem("ca_cert", "expected certificates in PEM form, beginning with -----BEGIN CERTIFICATE-----");
    }
    tls
}

fn read_aws(spec: &Fields<'_>, fields: Option<&Fields<'_>>, host: &str) -> Option<(DatabaseType, Option<Aws>)> {
    let canonical = ServerlessHost::parse(host);
    let serverless = fields.and_then(|fields| {
        fields.known(AWS);
        fields.map("redshift_serverless")
    });
    let mut aws = fields.map(read_aws_fields).unwrap_or_default();
    if let Some(canonical) = &canonical {
        aws.region = Some(aws.region).filter(|region| !region.is_empty()).unwrap_or_else(|| canonical.region.clone());
        aws.account_id =
            Some(aws.account_id).filter(|account| !account.is_empty()).unwrap_or_else(|| canonical.account_id.clone());
    }
    if serverless.is_none() && canonical.is_none() {
        return Some((DatabaseType::Postgres, fields.map(|_| aws)));
    }
    let database = read_serverless(spec, fields, serverless.as_ref(), canonical, &aws)?;
    Some((DatabaseType::RedshiftServerless(database), Some(aws)))
}

fn read_aws_fields(fields: &Fields<'_>) -> Aws {
    let account_id = fields.text("account_id").unwrap_or_default();
    if !account_id.is_empty() && !is_account_id(&account_id) {
        fields.problem("account_id", format!("expected 12 digits, found {account_id:?}"));
    }
    let assume_role_arn = fields.filled("assume_role_arn");
    if assume_role_arn.as_deref().is_some_and(|arn| !arn.starts_with("arn:") || !arn.contains(":role/")) {
        fields.problem("assume_role_arn", "expected the ARN of an IAM role, arn:aws:iam::<account>:role/<name>");
    }
    Aws {
        region: fields.text("region").unwrap_or_default(),
        account_id,
        assume_role_arn,
        external_id: fields.filled("external_id"),
    }
}

/// The workgroup, from what is written and else from the host; every part that stays unknown is reported.
fn read_serverless(
    spec: &Fields<'_>,
    aws_fields: Option<&Fields<'_>>,
    fields: Option<&Fields<'_>>,
    canonical: Option<ServerlessHost>,
    aws: &Aws,
) -> Option<RedshiftServerless> {
    let text = |key| fields.and_then(|fields| fields.filled(key));
    if let Some(fields) = fields {
        fields.known(&["workgroup_name", "endpoint_name", "workgroup_id"]);
    }
    let (host_workgroup, host_endpoint) = match canonical.map(|host| host.target) {
        Some(Target::Workgroup(name)) => (Some(name), None),
        Some(Target::Endpoint(name)) => (None, Some(name)),
        None => (None, None),
    };
    let workgroup = text("workgroup_name").or(host_workgroup);
    let place = aws_fields.unwrap_or(spec);
    let key = |name: &str| if aws_fields.is_some() { name.to_owned() } else { format!("aws.{name}") };
    let missing = |what: &str, unknown: bool| {
        if unknown {
            place.problem(&key(what), "missing: the host does not tell it");
        }
        unknown
    };
    let lacking = [
        missing("redshift_serverless.workgroup_name", workgroup.is_none()),
        missing("region", aws.region.is_empty()),
        missing("account_id", aws.account_id.is_empty()),
    ];
    if lacking.contains(&true) {
        return None;
    }
    Some(RedshiftServerless {
        workgroup_name: workgroup?,
        region: aws.region.clone(),
        account_id: aws.account_id.clone(),
        workgroup_id: text("workgroup_id"),
        endpoint_name: text("endpoint_name").or(host_endpoint),
    })
}

fn is_redshift(database_type: &DatabaseType, host: &str) -> bool {
    matches!(database_type, DatabaseType::RedshiftServerless(_)) || host.ends_with(".redshift.amazonaws.com")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{Document, parse_documents};

    fn parse(spec: &str) -> Result<Database, Vec<String>> {
        let text = format!(
            "kind: db\nversion: v3\nmetadata:\n  name: my-redshift\n  labels: {{env: prod, tier: 1}}\nspec:\n{spec}"
        );
        match parse_documents("db.yaml", &text) {
            Ok(mut documents) => match documents.remove(0) {
                Document::Database(database) => Ok(database),
                other => panic!("{other:?}"),
            },
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
        }
    }

    const HOST: &str = "sales.123456789012.eu-west-1.redshift-serverless.amazonaws.com";

    #[test]
    fn the_host_tells_everything_a_workgroup_needs() {
        let database = parse(&format!("  protocol: postgres\n  uri: {HOST}:5439\n")).unwrap();
        assert_eq!(
            database.database_type,
            DatabaseType::RedshiftServerless(RedshiftServerless {
                workgroup_name: "sales".to_owned(),
                region: "eu-west-1".to_owned(),
                account_id: "123456789012".to_owned(),
                workgroup_id: None,
                endpoint_name: None,
            })
        );
        assert_eq!((database.host.as_str(), database.port), (HOST, 5439));
        assert_eq!(database.labels["tier"], "1");
        assert_eq!(database.tls, Tls::default());
        assert_eq!(parse(&format!("  protocol: postgres\n  uri: {HOST}\n")).unwrap().port, 5439);
    }

    #[test]
    fn what_is_written_wins_over_the_host() {
        let database = parse(&format!(
            "  protocol: postgres\n  uri: {HOST}\n  aws:\n    account_id: 012345678901\n    region: us-east-1\n    \
             assume_role_arn: arn:aws:iam::012345678901:role/hop\n    external_id: '0xE1'\n    redshift_serverless: {{workgroup_name: other, workgroup_id: u-u}}\n"
        ))
        .unwrap();
        let DatabaseType::RedshiftServerless(serverless) = &database.database_type else { panic!() };
        assert_eq!((serverless.workgroup_name.as_str(), serverless.account_id.as_str()), ("other", "012345678901"));
        assert_eq!((serverless.region.as_str(), serverless.workgroup_id.as_deref()), ("us-east-1", Some("u-u")));
        let aws = database.aws.unwrap();
        assert_eq!(aws.assume_role_arn.as_deref(), Some("arn:aws:iam::012345678901:role/hop"));
        assert_eq!(aws.external_id.as_deref(), Some("0xE1"));
    }

    #[test]
    fn a_workgroup_behind_another_name_must_be_spelled_out() {
        let errors = parse(
            "  protocol: postgres\n  uri: localhost:15439\n  aws:\n    redshift_serverless: {endpoint_name: x}\n",
        )
        .unwrap_err();
        assert_eq!(
            errors,
            [
                "db.yaml:9:3: spec.aws.redshift_serverless.workgroup_name: missing: the host does not tell it",
                "db.yaml:9:3: spec.aws.region: missing: the host does not tell it",
                "db.yaml:9:3: spec.aws.account_id: missing: the host does not tell it",
            ]
        );
        let endpoint = "sales-endpoint-x1.123456789012.eu-west-1.redshift-serverless.amazonaws.com";
        let errors = parse(&format!("  protocol: postgres\n  uri: {endpoint}:5439\n")).unwrap_err();
        assert_eq!(
            errors,
            ["db.yaml:6:1: spec.aws.redshift_serverless.workgroup_name: missing: the host does not tell it"]
        );
    }

    #[test]
    fn a_plain_postgres_needs_no_aws() {
        let database =
            parse("  protocol: postgres\n  uri: '[::1]:5433'\n  tls: {mode: verify-ca, server_name: db.example.com}\n")
                .unwrap();
        assert_eq!(database.database_type, DatabaseType::Postgres);
        assert_eq!((database.host.as_str(), database.port, database.aws), ("::1", 5433, None));
        assert_eq!(
            (database.tls.mode, database.tls.server_name.as_deref()),
            (TlsMode::VerifyCa, Some("db.example.com"))
        );
        assert_eq!(parse("  protocol: postgres\n  uri: db.example.com\n").unwrap().port, 5432);
    }

    #[test]
    fn bad_values_are_reported_where_they_stand() {
        let errors = parse(
            "  protocol: mysql\n  uri: 'db.example.com:70000'\n  dynamic_labels: {x: {command: [date]}}\n  tls:\n    mode: strict\n    ca_cert: none\n  aws:\n    account_id: '12'\n",
        )
        .unwrap_err();
        assert_eq!(
            errors,
            [
                "db.yaml:7:13: spec.protocol: protocol \"mysql\" is not supported: Postern speaks postgres",
                "db.yaml:8:8: spec.uri: expected host:port, found \"db.example.com:70000\"",
                "db.yaml:9:3: spec.dynamic_labels: Postern runs no commands to compute labels: write them under metadata.labels",
                "db.yaml:11:11: spec.tls.mode: expected verify-full, verify-ca or insecure, found \"strict\"",
                "db.yaml:12:14: spec.tls.ca_cert: expected certificates in PEM form, beginning with -----BEGIN CERTIFICATE-----",
            ]
        );
    }

    #[test]
    fn a_name_is_safe_in_file_names_and_uris() {
        for good in ["my-redshift", "a", "Sales2"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a/b", "..", "a b", "2a", &"a".repeat(64)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn one_iam_role_has_all_its_spellings() {
        let database = parse(&format!("  protocol: postgres\n  uri: {HOST}\n")).unwrap();
        let mut all = ["arn:aws:iam::123456789012:role/p/reader", "p/reader", "role/p/reader"].map(str::to_owned);
        all.sort();
        for one in &all {
            let mut spellings = database.spellings(one);
            spellings.sort();
            spellings.dedup();
            assert_eq!(spellings, all, "{one}");
        }
    }
}
