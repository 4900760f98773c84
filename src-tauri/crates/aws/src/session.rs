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
    held: Mutex<Arc<Held>>,
}

/// Everything secret that is held. [`Aws::forget`] puts an empty one in its place; requests under way go on with the old one.
struct Held {
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
        let held = Mutex::new(Held::nothing());
        Self { shared: Arc::new(Shared { source, session_name, clock, http: source::http_client(), held }) }
    }

    /// Who the base credentials are. Asks AWS every time.
    ///
    /// # Errors
    /// [`AwsError`] when there are none, or AWS does not know them.
    pub async fn caller_identity(&self) -> Result<CallerIdentity, AwsError> {
        let held_some = self.held().has_credentials();
        match self.caller_identity_once().await {
            // As in `database_credentials`: newer ones may be there by now.
            Err(error) if held_some && error.kind == AwsErrorKind::CredentialsExpired => {
                self.caller_identity_once().await
            }
            answer => answer,
        }
    }

    async fn caller_identity_once(&self) -> Result<CallerIdentity, AwsError> {
        let asking = self.asking();
        let base = asking.base(&self.shared.source.region).await?;
        let call = Call::new(0, "sts:GetCallerIdentity", "");
        let request =
            aws_sdk_sts::Client::new(&base.config).get_caller_identity().customize().interceptor(call.witness());
        let answer = call.read(request.send().await).inspect_err(|error| asking.held.forget_refused(error))?;
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
    /// When AWS says that credentials have expired, those that were held may be to blame where newer ones are to be had: a file
    /// that was edited, a sign-in that was renewed elsewhere. They are looked up once more before that is said.
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
        let held_some = self.held().has_credentials();
        match self.database_credentials_once(request, freshness).await {
            Err(error) if held_some && error.kind == AwsErrorKind::CredentialsExpired => {
                self.database_credentials_once(request, freshness).await
            }
            answer => answer,
        }
    }

    async fn database_credentials_once(
        &self,
        request: &CredentialsRequest,
        freshness: Freshness,
    ) -> Result<DatabaseCredentials, AwsError> {
        let now = self.shared.clock.now();
        let good =
            |kept: &DatabaseCredentials| freshness == Freshness::Cached && kept.expires_at > now + DATABASE_MARGIN;
        let asking = self.asking();
        let (held, asked) = (Arc::clone(&asking.held), request.clone());
        let answer = held.databases.get(request.clone(), good, || async move { asking.get_credentials(&asked).await });
        answer.await.inspect_err(|error| held.forget_refused(error))
    }

    /// Role sessions cached at the moment and not over yet, for a status display.
    #[must_use]
    pub fn assumed_roles(&self) -> Vec<AssumedRole> {
        let now = self.shared.clock.now();
        let sessions = self.held().roles.values().into_iter().map(|session| session.role);
        let mut roles = sessions.filter(|role| role.expires_at > now).collect::<Vec<_>>();
        roles.sort_by(|one, other| one.role_arn.cmp(&other.role_arn));
        roles
    }

    /// Forgets every credential. What is in flight is given to those who wait for it but not kept.
    pub fn forget(&self) {
        *self.shared.held.lock().unwrap_or_else(PoisonError::into_inner) = Held::nothing();
    }

    /// Forgets the database password for one request, as `db logout` does.
    pub fn forget_database(&self, request: &CredentialsRequest) {
        self.held().databases.remove(request);
    }

    /// Base credentials and settings for a region.
    pub(crate) async fn base(&self, region: &str) -> Result<Base, AwsError> {
        self.asking().base(region).await
    }

    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.shared.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn asking(&self) -> Asking {
        Asking { shared: Arc::clone(&self.shared), held: self.held() }
    }
}

impl Held {
    fn nothing() -> Arc<Self> {
        Arc::new(Self { base: Cache::new(), roles: Cache::new(), databases: Cache::new() })
    }

    /// There are credentials that a failure can be blamed on.
    fn has_credentials(&self) -> bool {
        !self.base.is_empty() || !self.roles.is_empty()
    }

    /// Expired or revoked credentials are of no use to the next asker either.
    fn forget_refused(&self, error: &AwsError) {
        if error.kind == AwsErrorKind::CredentialsExpired {
            self.roles.clear();
            self.base.clear();
        }
    }
}

/// One question on its way through the chain, with the caches it began with.
struct Asking {
    shared: Arc<Shared>,
    held: Arc<Held>,
}

impl Asking {
    async fn base(&self, region: &str) -> Result<Base, AwsError> {
        let now = self.shared.clock.now();
        let good = |base: &Base| match base.credentials.expiry() {
            Some(expiry) => expiry > now + ROLE_MARGIN,
            None => now < base.loaded_at + BASE_LIFETIME,
        };
        let (source, http) = (self.shared.source.clone(), self.shared.http.clone());
        let wanted = region.to_owned();
        self.held.base.get(region.to_owned(), good, || source::load(source, wanted, http, now)).await
    }

    /// Settings with the credentials the chain `hops` ends in.
    async fn chain(&self, region: &str, hops: &[Hop]) -> Result<SdkConfig, AwsError> {
        let mut config = self.base(region).await?.config;
        for end in 1..=hops.len() {
            let now = self.shared.clock.now();
            let good = |session: &Session| session.role.expires_at > now + ROLE_MARGIN;
            let assume = assume_role(config.clone(), self.shared.session_name.clone(), hops[end - 1].clone(), end);
            let session = self.held.roles.get((region.to_owned(), hops[..end].to_vec()), good, || assume).await?;
            config = source::with_credentials(&config, session.credentials);
        }
        Ok(config)
    }

    async fn get_credentials(&self, request: &CredentialsRequest) -> Result<DatabaseCredentials, AwsError> {
        let config = self.chain(&request.region, &request.hops).await?;
        let call = Call::new(request.hops.len() + 1, "redshift-serverless:GetCredentials", &request.workgroup);
        let client = aws_sdk_redshiftserverless::Client::new(&config);
        let asked = client
            .get_credentials()
            .workgroup_name(&request.workgroup)
            .db_name(&request.db_name)
            .duration_seconds(DATABASE_SECONDS);
        let answer = call.read(asked.customize().interceptor(call.witness()).send().await)?;
        // Only `expiration` tells when to renew; AWS's `nextRefreshTime` can lie after it.
        let expires_at = answer.expiration.and_then(|time| SystemTime::try_from(time).ok());
        match (answer.db_user, answer.db_password, expires_at) {
            (Some(user), Some(password), Some(expires_at)) => {
                tracing::debug!(
                    user,
                    workgroup = request.workgroup,
                    db_name = request.db_name,
                    "got a temporary database password"
                );
                Ok(DatabaseCredentials { user, password: SecretString::from(password), expires_at })
            }
            _ => Err(call.incomplete()),
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
    let credentials = Credentials::new(
        found.access_key_id,
        found.secret_access_key,
        Some(found.session_token),
        Some(expires_at),
        "postern role chain",
    );
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
    pub(crate) fn read<T, E>(&self, outcome: Result<T, SdkError<E, HttpResponse>>) -> Result<T, AwsError>
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
        AwsError::new(
            self.step.hop,
            self.step.action,
            self.step.resource.clone(),
            kind,
            "the answer lacks a part that it must have",
        )
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::testing::{Answer, PretendAws, Seen, StoppedClock, assumed, database_login};

    const ACCESS: &str = "arn:aws:iam::123456789012:role/access";
    const READER: &str = "arn:aws:iam::123456789012:role/reader";

    fn hop(role: &str, external_id: Option<&str>) -> Hop {
        Hop { role_arn: role.to_owned(), external_id: external_id.map(str::to_owned) }
    }

    fn request(hops: Vec<Hop>) -> CredentialsRequest {
        CredentialsRequest {
            region: "eu-west-1".to_owned(),
            workgroup: "sales".to_owned(),
            db_name: "dev".to_owned(),
            hops,
        }
    }

    /// An AWS that grants everything: roles for an hour, passwords for a quarter.
    fn generous(clock: &Arc<StoppedClock>) -> impl Fn(&Seen) -> Answer + Send + Sync + 'static {
        let clock = Arc::clone(clock);
        move |seen| match seen.action.as_str() {
            "AssumeRole" => {
                let key = if seen.body.contains("role%2Faccess") { "ACCESS" } else { "READER" };
                assumed(seen, key, clock.in_future(3600))
            }
            "GetCredentials" => database_login("pw", clock.in_future(900)),
            other => Answer::json_error(400, "ValidationException", other),
        }
    }

    #[tokio::test]
    async fn a_chain_of_two_roles_ends_in_a_database_password() {
        let clock = StoppedClock::new();
        let server = PretendAws::start(generous(&clock)).await;
        let aws = Aws::with_clock(server.source(), Arc::clone(&clock) as _);
        let request = request(vec![hop(ACCESS, Some("0xE1")), hop(READER, None)]);
        let login = aws.database_credentials(&request, Freshness::Cached).await.unwrap();
        assert_eq!((login.user.as_str(), login.password.expose_secret()), ("IAMR:reader", "pw"));
        assert!(!format!("{login:?}").contains("pw"), "{login:?}");

        let seen = server.seen();
        assert_eq!(server.actions(), ["AssumeRole", "AssumeRole", "GetCredentials"]);
        assert_eq!(seen.iter().map(|seen| seen.key.as_str()).collect::<Vec<_>>(), ["BASE", "ACCESS", "READER"]);
        assert!(
            seen[0].body.contains("RoleSessionName=alice") && seen[0].body.contains("DurationSeconds=3600"),
            "{seen:?}"
        );
        assert!(seen[0].body.contains("ExternalId=0xE1") && !seen[1].body.contains("ExternalId"), "{seen:?}");
        for part in [r#""workgroupName":"sales""#, r#""dbName":"dev""#, r#""durationSeconds":900"#] {
            assert!(seen[2].body.contains(part), "{seen:?}");
        }
        let roles = aws.assumed_roles();
        assert_eq!(roles.iter().map(|role| role.role_arn.as_str()).collect::<Vec<_>>(), [ACCESS, READER]);
        assert_eq!(roles[1].assumed_arn, "arn:aws:sts::123456789012:assumed-role/reader/alice");
    }

    #[tokio::test]
    async fn a_password_is_kept_until_a_minute_before_it_expires_and_roles_until_five() {
        let clock = StoppedClock::new();
        let server = PretendAws::start(generous(&clock)).await;
        let aws = Aws::with_clock(server.source(), Arc::clone(&clock) as _);
        let request = request(vec![hop(READER, None)]);
        let ask = async || aws.database_credentials(&request, Freshness::Cached).await.unwrap();
        ask().await;
        clock.advance(Duration::from_secs(900 - 62));
        ask().await;
        assert_eq!(server.actions(), ["AssumeRole", "GetCredentials"]);
        clock.advance(Duration::from_secs(3));
        ask().await;
        assert_eq!(server.actions()[2..], ["GetCredentials"]);
        clock.advance(Duration::from_secs(3600 - 300 - (900 - 60)));
        ask().await;
        assert_eq!(server.actions()[3..], ["AssumeRole", "GetCredentials"]);
    }

    #[tokio::test]
    async fn fresh_asks_for_a_new_password_with_the_same_role() {
        let clock = StoppedClock::new();
        let server = PretendAws::start(generous(&clock)).await;
        let aws = Aws::with_clock(server.source(), Arc::clone(&clock) as _);
        let request = request(vec![hop(READER, None)]);
        aws.database_credentials(&request, Freshness::Cached).await.unwrap();
        aws.database_credentials(&request, Freshness::Fresh).await.unwrap();
        aws.database_credentials(&request, Freshness::Cached).await.unwrap();
        assert_eq!(server.actions(), ["AssumeRole", "GetCredentials", "GetCredentials"]);
        aws.forget_database(&request);
        aws.database_credentials(&request, Freshness::Cached).await.unwrap();
        assert_eq!(server.actions()[3..], ["GetCredentials"]);
        aws.forget();
        assert_eq!(aws.assumed_roles(), []);
        aws.database_credentials(&request, Freshness::Cached).await.unwrap();
        assert_eq!(server.actions()[4..], ["AssumeRole", "GetCredentials"]);
    }

    #[tokio::test]
    async fn concurrent_connections_share_one_request() {
        let clock = StoppedClock::new();
        let server = PretendAws::start(generous(&clock)).await;
        let aws = Aws::with_clock(server.source(), Arc::clone(&clock) as _);
        let request = request(vec![hop(READER, None)]);
        server.hold();
        let asking =
            futures_util::future::join_all((0..20).map(|_| aws.database_credentials(&request, Freshness::Cached)));
        let (logins, ()) = tokio::join!(asking, async {
            server.arrived(1).await;
            server.release();
        });
        assert!(logins.iter().all(Result::is_ok), "{logins:?}");
        assert_eq!(server.actions(), ["AssumeRole", "GetCredentials"]);
    }

    #[tokio::test]
    async fn what_is_in_flight_when_all_is_forgotten_is_given_but_not_kept() {
        let clock = StoppedClock::new();
        let server = PretendAws::start(generous(&clock)).await;
        let aws = Aws::with_clock(server.source(), Arc::clone(&clock) as _);
        let request = request(vec![hop(ACCESS, None), hop(READER, None)]);
        server.hold();
        let (login, ()) = tokio::join!(aws.database_credentials(&request, Freshness::Cached), async {
            server.arrived(1).await;
            aws.forget();
            server.release();
        });
        assert!(login.is_ok(), "{login:?}");
        assert_eq!(aws.assumed_roles(), []);
        aws.database_credentials(&request, Freshness::Cached).await.unwrap();
        assert_eq!(server.actions().len(), 6);
    }

    #[tokio::test]
    async fn a_denied_hop_is_named_and_not_remembered() {
        let clock = StoppedClock::new();
        let principal = "arn:aws:sts::123456789012:assumed-role/access/alice";
        let sentence = format!("User: {principal} is not authorized to perform: sts:AssumeRole on resource: {READER}");
        let (grant, told) = (generous(&clock), sentence.clone());
        let server = PretendAws::start(move |seen| {
            if seen.body.contains("role%2Freader") {
                Answer::sts_error(403, "AccessDenied", &told)
            } else {
                grant(seen)
            }
        })
        .await;
        let aws = Aws::with_clock(server.source(), Arc::clone(&clock) as _);
        let request = request(vec![hop(ACCESS, None), hop(READER, None)]);
        let error = aws.database_credentials(&request, Freshness::Cached).await.unwrap_err();
        assert_eq!(error.step, Step { hop: 2, action: "sts:AssumeRole", resource: READER.to_owned() });
        let AwsErrorKind::Denied(denial) = &error.kind else { panic!("{error:?}") };
        assert_eq!((denial.principal.as_str(), denial.resource.as_str()), (principal, READER));
        assert_eq!((error.message.as_str(), error.request_id.as_deref()), (sentence.as_str(), Some("r-1")));
        assert_eq!(error.to_string(), format!("sts:AssumeRole on {READER} (hop 2) was denied: {sentence}"));

        server.answer(generous(&clock));
        aws.database_credentials(&request, Freshness::Cached).await.unwrap();
        assert_eq!(server.actions(), ["AssumeRole", "AssumeRole", "AssumeRole", "GetCredentials"]);
    }

    #[tokio::test]
    async fn a_denied_password_is_the_last_hop() {
        let clock = StoppedClock::new();
        let grant = generous(&clock);
        let sentence = "User: arn:aws:sts::123456789012:assumed-role/reader/alice is not authorized to perform: \
                        redshift-serverless:GetCredentials on resource: arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/u \
                        because no identity-based policy allows the redshift-serverless:GetCredentials action";
        let server = PretendAws::start(move |seen| match seen.action.as_str() {
            "GetCredentials" => Answer::json_error(400, "AccessDeniedException", sentence),
            _ => grant(seen),
        })
        .await;
        let aws = Aws::with_clock(server.source(), clock);
        let error = aws.database_credentials(&request(vec![hop(READER, None)]), Freshness::Cached).await.unwrap_err();
        assert_eq!(
            (error.step.hop, error.step.action, error.step.resource.as_str()),
            (2, "redshift-serverless:GetCredentials", "sales")
        );
        let AwsErrorKind::Denied(denial) = &error.kind else { panic!("{error:?}") };
        assert_eq!(
            denial.because,
            "because no identity-based policy allows the redshift-serverless:GetCredentials action"
        );
    }

    #[tokio::test]
    async fn a_workgroup_that_does_not_exist_is_not_found() {
        let clock = StoppedClock::new();
        let grant = generous(&clock);
        let server = PretendAws::start(move |seen| match seen.action.as_str() {
            "GetCredentials" => {
                Answer::json_error(400, "ResourceNotFoundException", "Serverless workgroup sales not found.")
            }
            _ => grant(seen),
        })
        .await;
        let aws = Aws::with_clock(server.source(), clock);
        let error = aws.database_credentials(&request(vec![hop(READER, None)]), Freshness::Cached).await.unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (AwsErrorKind::NotFound, "Serverless workgroup sales not found.")
        );
    }

    #[tokio::test]
    async fn expired_role_credentials_are_forgotten() {
        let clock = StoppedClock::new();
        let grant = generous(&clock);
        let server = PretendAws::start(move |seen| match seen.action.as_str() {
            "GetCredentials" => Answer::json_error(
                400,
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ),
            _ => grant(seen),
        })
        .await;
        let aws = Aws::with_clock(server.source(), Arc::clone(&clock) as _);
        let request = request(vec![hop(READER, None)]);
        let error = aws.database_credentials(&request, Freshness::Cached).await.unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::CredentialsExpired);
        assert_eq!(aws.assumed_roles(), []);
    }

    #[tokio::test]
    async fn credentials_that_expire_while_they_are_held_are_looked_up_again_before_a_refusal() {
        let clock = StoppedClock::new();
        let server = PretendAws::start(generous(&clock)).await;
        let source = server.source();
        let credentials = source.files.clone().unwrap().credentials;
        let aws = Aws::with_clock(source, Arc::clone(&clock) as _);
        let request = request(vec![hop(READER, None)]);
        aws.database_credentials(&request, Freshness::Cached).await.unwrap();

        let grant = generous(&clock);
        let expired = |seen: &Seen| matches!(seen.key.as_str(), "BASE" | "READER");
        server.answer(move |seen| match (expired(seen), seen.action.as_str()) {
            (true, "GetCredentials") => Answer::json_error(400, "ExpiredTokenException", "expired"),
            (true, _) => Answer::sts_error(403, "ExpiredToken", "expired"),
            (false, "AssumeRole") => assumed(seen, "READER2", clock.in_future(3600)),
            _ => grant(seen),
        });
        // Nothing newer is to be had: said after one more look.
        let error = aws.database_credentials(&request, Freshness::Fresh).await.unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::CredentialsExpired);
        assert_eq!(server.actions(), ["AssumeRole", "GetCredentials", "GetCredentials", "AssumeRole"]);

        std::fs::write(&credentials, "[test]\naws_access_key_id = NEW\naws_secret_access_key = s\n").unwrap();
        aws.database_credentials(&request, Freshness::Fresh).await.unwrap();
    }

    #[tokio::test]
    async fn throttling_is_retried_a_little_and_then_said() {
        let server = PretendAws::start(|_| Answer::sts_error(400, "Throttling", "Rate exceeded")).await;
        let aws = Aws::new(server.source());
        let error = aws.caller_identity().await.unwrap_err();
        assert_eq!((&error.kind, error.message.as_str()), (&AwsErrorKind::Throttled, "Rate exceeded"));
        assert_eq!(server.actions().len(), 3);
    }

    #[tokio::test]
    async fn a_host_that_does_not_answer_is_named() {
        let server = PretendAws::start(|_| Answer::ok("")).await;
        let (source, address) = (server.source(), server.address());
        server.stop().await;
        let error = Aws::new(source).caller_identity().await.unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::Unreachable { endpoint: Some(address.to_string()) });
        assert!(
            error.to_string().starts_with(&format!("sts:GetCallerIdentity got no answer from {address}: ")),
            "{error}"
        );
    }

    #[tokio::test]
    async fn the_identity_says_where_its_credentials_came_from() {
        let server = PretendAws::start(|_| {
            Answer::ok(
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/alice</Arn><UserId>AIDA</UserId>\
                 <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
            )
        })
        .await;
        let identity = Aws::new(server.source()).caller_identity().await.unwrap();
        assert_eq!(identity.arn, "arn:aws:iam::123456789012:user/alice");
        assert_eq!((identity.account.as_str(), identity.user_id.as_str()), ("123456789012", "AIDA"));
        assert_eq!((identity.source.as_str(), identity.expires_at), ("profile test", None));
        assert_eq!(server.seen()[0].key, "BASE");
    }

    #[tokio::test]
    async fn an_edited_credentials_file_counts_after_five_minutes_or_when_all_is_forgotten() {
        let clock = StoppedClock::new();
        let server = PretendAws::start(generous(&clock)).await;
        let source = server.source();
        let credentials = source.files.clone().unwrap().credentials;
        let aws = Aws::with_clock(source, Arc::clone(&clock) as _);
        let key = async || aws.base("eu-west-1").await.unwrap().credentials.access_key_id().to_owned();
        assert_eq!(key().await, "BASE");
        std::fs::write(&credentials, "[test]\naws_access_key_id = NEW\naws_secret_access_key = s\n").unwrap();
        assert_eq!(key().await, "BASE");
        clock.advance(BASE_LIFETIME);
        assert_eq!(key().await, "NEW");
        std::fs::write(&credentials, "[test]\naws_access_key_id = NEWER\naws_secret_access_key = s\n").unwrap();
        aws.forget();
        assert_eq!(key().await, "NEWER");
    }

    #[tokio::test]
    async fn a_chain_of_three_roles_is_refused_before_any_call() {
        let server = PretendAws::start(|_| Answer::ok("")).await;
        let aws = Aws::new(server.source());
        let three = request(vec![hop(ACCESS, None), hop(ACCESS, None), hop(READER, None)]);
        let error = aws.database_credentials(&three, Freshness::Cached).await.unwrap_err();
        assert_eq!(error.message, "role chain contains more than 2 roles");
        assert_eq!(server.actions(), Vec::<String>::new());
    }
}
