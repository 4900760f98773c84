//! `kind: db`: where a database is, how it is reached and what it is labelled.

use std::collections::BTreeMap;

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
    pub(crate) yaml: String,
}

impl Database {
    /// The document as its author wrote it.
    #[must_use]
    pub fn yaml(&self) -> &str {
        &self.yaml
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
    /// The word in the document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyFull => "verify-full",
            Self::VerifyCa => "verify-ca",
            Self::Insecure => "insecure",
        }
    }
}
