//! One person's way into AWS, from base credentials over roles to database passwords.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use secrecy::SecretString;

use crate::cache::Cache;
use crate::error::Step;
use crate::source::{self, Base};
use crate::{AwsError, AwsErrorKind, AwsSource, Clock, SystemClock, session_name};

/// Base credentials without an expiry are looked up again after this, so that edited files and a changed sign-in count.
const BASE_LIFETIME: Duration = Duration::from_secs(300);
/// Base and role credentials are renewed this long before they expire.
const ROLE_MARGIN: Duration = Duration::from_secs(300);
/// Database passwords are renewed this long before they expire. They are checked at login only, so a minute is plenty.
const DATABASE_MARGIN: Duration = Duration::from_secs(60);
/// Length of a role session. AWS allows no more than an hour for a role assumed from a role, and no role has a lower maximum.
const ROLE_SECONDS: i32 = 3600;
/// Validity of a database password; AWS allows 900 to 3600 seconds.
const DATABASE_SECONDS: i32 = 900;
/// Most roles in a chain: the database's `assume_role_arn` and the database user's role.
const MAX_HOPS: usize = 2;

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
    /// Roles to assume in order, two at most; the last one is the database user.
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
    shared: Arc<Shared>,
}

struct Shared {
    source: AwsSource,
    session_name: String,
    clock: Arc<dyn Clock>,
    http: SharedHttpClient,
    /// By region.
    base: Arc<Cache<String, Base>>,
    /// By region and the roles assumed so far.
    roles: Arc<Cache<(String, Vec<Hop>), Session>>,
    databases: Arc<Cache<CredentialsRequest, DatabaseCredentials>>,
}

/// Credentials of an assumed role, with what a status display wants to know.
#[derive(Clone)]
struct Session {
    credentials: Credentials,
    role: AssumedRole,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("source", &self.shared.source).finish_non_exhaustive()
    }
}

impl Aws {
    /// A way into AWS from `source`.
    #[must_use]
    pub fn new(source: AwsSource) -> Self {
        Self::with_clock(source, Arc::new(SystemClock))
    }

    /// The same with a clock of the caller's.
    #[must_use]
    pub fn with_clock(source: AwsSource, clock: Arc<dyn Clock>) -> Self {
        let session_name = session_name(&source.session_name);
        let (base, roles, databases) = (Cache::new(), Cache::new(), Cache::new());
        Self { shared: Arc::new(Shared { source, session_name, clock, http: source::http_client(), base, roles, databases }) }
    }

    /// Who the base credentials are. Asks AWS every time.
    ///
    /// # Errors
    /// [`AwsError`] when there are none, or AWS does not know them.
    pub async fn caller_identity(&self) -> Result<CallerIdentity, AwsError> {
        let base = self.base(&self.shared.source.region).await?;
        let call = Call::new(0, "sts:GetCallerIdentity", "");
        let request = aws_sdk_sts::Client::new(&base.config).get_caller_identity().customize().interceptor(call.witness());
        let answer = call.read(request.send().await).inspect_err(|error| self.forget_refused(error))?;
        Ok(CallerIdentity {
            account: answer.account.unwrap_or_default(),
            arn: answer.arn.unwrap_or_default(),
            user_id: answer.user_id.unwrap_or_default(),
            source: base.described(self.shared.source.profile.as_deref()),
            expires_at: base.credentials.expiry(),
        })
    }

    /// A temporary login for a database, by assuming the roles in turn and asking `GetCredentials` as the last.
    ///
    /// # Errors
    /// [`AwsError`] naming the hop that failed. Errors are not cached.
    pub async fn database_credentials(
        &self,
        request: &CredentialsRequest,
        freshness: Freshness,
    ) -> Result<DatabaseCredentials, AwsError> {
        if request.hops.len() > MAX_HOPS {
            let kind = AwsErrorKind::Other { code: String::new() };
            let message = format!("role chain contains more than {MAX_HOPS} roles");
            return Err(AwsError::new(MAX_HOPS + 1, ASSUME_ROLE, &request.hops[MAX_HOPS].role_arn, kind, message));
        }
        let now = self.shared.clock.now();
        let good = |kept: &DatabaseCredentials| freshness == Freshness::Cached && kept.expires_at > now + DATABASE_MARGIN;
        let (aws, asked) = (self.clone(), request.clone());
        let answer = self.shared.databases.get(request.clone(), good, || async move { aws.get_credentials(&asked).await });
        answer.await.inspect_err(|error| self.forget_refused(error))
    }

    /// Role sessions cached at the moment and not over yet, for a status display.
    #[must_use]
    pub fn assumed_roles(&self) -> Vec<AssumedRole> {
        let now = self.shared.clock.now();
        let sessions = self.shared.roles.values().into_iter().map(|session| session.role);
        let mut roles = sessions.filter(|role| role.expires_at > now).collect::<Vec<_>>();
        roles.sort_by(|one, other| one.role_arn.cmp(&other.role_arn));
        roles
    }

    /// Forgets every credential. What is in flight is given to those who wait for it but not kept.
    pub fn forget(&self) {
        self.shared.databases.clear();
        self.shared.roles.clear();
        self.shared.base.clear();
    }

    /// Forgets the database password for one request, as `db logout` does.
    pub fn forget_database(&self, request: &CredentialsRequest) {
        self.shared.databases.remove(request);
    }

    /// Base credentials and settings for a region.
    pub(crate) async fn base(&self, region: &str) -> Result<Base, AwsError> {
        let now = self.shared.clock.now();
        let good = |base: &Base| match base.credentials.expiry() {
            Some(expiry) => expiry > now + ROLE_MARGIN,
            None => now < base.loaded_at + BASE_LIFETIME,
        };
        let (source, http) = (self.shared.source.clone(), self.shared.http.clone());
        let wanted = region.to_owned();
        self.shared.base.get(region.to_owned(), good, || source::load(source, wanted, http, now)).await
    }

    /// Settings with the credentials the chain `hops` ends in.
    async fn chain(&self, region: &str, hops: &[Hop]) -> Result<SdkConfig, AwsError> {
        let mut config = self.base(region).await?.config;
        for end in 1..=hops.len() {
            let now = self.shared.clock.now();
            let good = |session: &Session| session.role.expires_at > now + ROLE_MARGIN;
            let assume = assume_role(config.clone(), self.shared.session_name.clone(), hops[end - 1].clone(), end);
            let session = self.shared.roles.get((region.to_owned(), hops[..end].to_vec()), good, || assume).await?;
            config = source::with_credentials(&config, session.credentials);
        }
        Ok(config)
    }

    async fn get_credentials(&self, request: &CredentialsRequest) -> Result<DatabaseCredentials, AwsError> {
        let config = self.chain(&request.region, &request.hops).await?;
        let call = Call::new(request.hops.len() + 1, "redshift-serverless:GetCredentials", &request.workgroup);
        let client = aws_sdk_redshiftserverless::Client::new(&config);
        let asked = client.get_credentials().workgroup_name(&request.workgroup).db_name(&request.db_name).duration_seconds(DATABASE_SECONDS);
        let answer = call.read(asked.customize().interceptor(call.witness()).send().await)?;
        // Only `expiration` tells when to renew; AWS's `nextRefreshTime` can lie after it.
        let expires_at = answer.expiration.and_then(|time| SystemTime::try_from(time).ok());
        match (answer.db_user, answer.db_password, expires_at) {
            (Some(user), Some(password), Some(expires_at)) => {
                tracing::debug!(user, workgroup = request.workgroup, db_name = request.db_name, "got a temporary database password");
                Ok(DatabaseCredentials { user, password: SecretString::from(password), expires_at })
            }
            _ => Err(call.incomplete()),
        }
    }

    /// Expired or revoked credentials are of no use to the next asker either.
    fn forget_refused(&self, error: &AwsError) {
        if error.kind == AwsErrorKind::CredentialsExpired {
            self.shared.roles.clear();
            self.shared.base.clear();
        }
    }
}

const ASSUME_ROLE: &str = "sts:AssumeRole";

async fn assume_role(config: SdkConfig, session_name: String, hop: Hop, number: usize) -> Result<Session, AwsError> {
    let call = Call::new(number, ASSUME_ROLE, &hop.role_arn);
    let asked = aws_sdk_sts::Client::new(&config)
        .assume_role()
        .role_arn(&hop.role_arn)
        .role_session_name(session_name)
        .duration_seconds(ROLE_SECONDS)
        .set_external_id(hop.external_id);
    let answer = call.read(asked.customize().interceptor(call.witness()).send().await)?;
    let (Some(found), Some(user)) = (answer.credentials, answer.assumed_role_user) else {
        return Err(call.incomplete());
    };
    let expires_at = SystemTime::try_from(found.expiration).map_err(|_| call.incomplete())?;
    tracing::debug!(role = hop.role_arn, session = user.arn, "assumed a role");
    let credentials =
        Credentials::new(found.access_key_id, found.secret_access_key, Some(found.session_token), Some(expires_at), "postern role chain");
    Ok(Session { credentials, role: AssumedRole { role_arn: hop.role_arn, assumed_arn: user.arn, expires_at } })
}

/// One call to AWS: its place in the chain, and the host it went to.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    step: Step,
    host: Arc<Mutex<Option<String>>>,
}

impl Call {
    pub(crate) fn new(hop: usize, action: &'static str, resource: &str) -> Self {
        Self { step: Step { hop, action, resource: resource.to_owned() }, host: Arc::default() }
    }

    /// What notes the host, so that an unreachable one can be named.
    pub(crate) fn witness(&self) -> HostWitness {
        HostWitness(Arc::clone(&self.host))
    }

    /// Reads the outcome of the call.
    pub(crate) fn read<T, E>(
        &self,
        outcome: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        outcome.map_err(|error| {
            let host = self.host.lock().unwrap_or_else(PoisonError::into_inner).clone();
            AwsError::of_call(self.step.clone(), host, &error)
        })
    }

    fn incomplete(&self) -> AwsError {
        let kind = AwsErrorKind::Other { code: String::new() };
        AwsError::new(self.step.hop, self.step.action, self.step.resource.clone(), kind, "the answer lacks a part that it must have")
    }
}

/// Notes the host of a request about to be sent.
#[derive(Debug)]
pub(crate) struct HostWitness(Arc<Mutex<Option<String>>>);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for HostWitness {
    fn name(&self) -> &'static str {
        "HostWitness"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let host = context.request().uri().split('/').nth(2).map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = host;
        Ok(())
    }
}
