//! One person's way into AWS, from base credentials over roles to database passwords.

use std::sync::Arc;
use std::time::SystemTime;

use secrecy::SecretString;

use crate::{AwsError, AwsSource, Clock, Workgroup};

/// Who AWS says we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// Account, 12 digits.
    pub account: String,
    /// ARN of the user or of the assumed-role session.
    pub arn: String,
    /// AWS's unique id for it.
    pub user_id: String,
    /// Where the credentials came from, in words: "environment variables", "profile dev", …
    pub source: String,
    /// When the credentials expire; `None` for long-term keys.
    pub expires_at: Option<SystemTime>,
}

/// One role to assume.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hop {
    /// Role to assume.
    pub role_arn: String,
    /// External ID its trust policy asks for. Only the first hop of a chain should have one.
    pub external_id: Option<String>,
}

/// What a database password is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CredentialsRequest {
    /// Region of the workgroup.
    pub region: String,
    /// Workgroup name.
    pub workgroup: String,
    /// Database name; IAM then checks the database too.
    pub db_name: String,
    /// Roles to assume in order, one or two; the last one is the database user.
    pub hops: Vec<Hop>,
}

/// A temporary database login.
#[derive(Debug, Clone)]
pub struct DatabaseCredentials {
    /// What to send as PostgreSQL user: `IAMR:<role>`.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// When new logins with it stop working; open sessions live on.
    pub expires_at: SystemTime,
}

/// Whether a cached database password will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Cached is fine while it is valid for a minute more.
    Cached,
    /// Ask AWS, because the server has just refused the cached one. Assumed roles stay cached.
    Fresh,
}

/// A role session held at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumedRole {
    /// The role.
    pub role_arn: String,
    /// The session's ARN, `arn:aws:sts::…:assumed-role/<role>/<session>`.
    pub assumed_arn: String,
    /// When it ends.
    pub expires_at: SystemTime,
}

/// One person's way into AWS. Cheap to clone; clones share what is cached. Nothing is read or called before it is needed.
#[derive(Clone)]
pub struct Aws {
    source: Arc<AwsSource>,
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aws").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Aws {
    /// A way into AWS from `source`.
    #[must_use]
    pub fn new(source: AwsSource) -> Self {
        Self { source: Arc::new(source) }
    }

    /// The same with a clock of the caller's.
    #[must_use]
    pub fn with_clock(source: AwsSource, clock: Arc<dyn Clock>) -> Self {
        let _ = clock;
        Self::new(source)
    }

    /// Who the base credentials are. Asks AWS every time.
    ///
    /// # Errors
    /// [`AwsError`] when there are none, or AWS does not know them.
    pub async fn caller_identity(&self) -> Result<CallerIdentity, AwsError> {
        unimplemented!()
    }

    /// A temporary login for a database, by assuming the roles in turn and asking `GetCredentials` as the last.
    ///
    /// # Errors
    /// [`AwsError`] naming the hop that failed. Errors are not cached.
    pub async fn database_credentials(&self, request: &CredentialsRequest, freshness: Freshness) -> Result<DatabaseCredentials, AwsError> {
        unimplemented!("{request:?} {freshness:?}")
    }

    /// Role sessions cached at the moment, for a status display.
    #[must_use]
    pub fn assumed_roles(&self) -> Vec<AssumedRole> {
        unimplemented!()
    }

    /// Forgets every credential. What is in flight is given to those who wait for it but not kept.
    pub fn forget(&self) {
        unimplemented!()
    }

    /// Forgets the database password for one request, as `db logout` does.
    pub fn forget_database(&self, request: &CredentialsRequest) {
        unimplemented!("{request:?}")
    }

    /// The workgroups of the base credentials' account in `region`.
    ///
    /// # Errors
    /// [`AwsError`] when they cannot be listed. A namespace or tag that cannot be read only leaves its field empty.
    pub async fn workgroups(&self, region: &str) -> Result<Vec<Workgroup>, AwsError> {
        unimplemented!("{region}")
    }
}
