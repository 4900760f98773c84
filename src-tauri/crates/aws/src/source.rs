//! Where base credentials come from: the SDK's default chain, or a profile the person chose.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_http_client::{Builder, ConnectorBuilder, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};
use sha1::{Digest as _, Sha1};

use crate::error::chain;
use crate::{AwsError, AwsErrorKind};

/// Time for one connection to AWS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for one operation, its retries included.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
/// Attempts at one operation.
const ATTEMPTS: u32 = 3;
/// Time to find base credentials. Long enough for a sign-in helper or a token refresh; a laptop that has none, and tries the
/// instance metadata of a machine it is not, gives up well before.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest role session name AWS takes.
const SESSION_NAME_MAX: usize = 64;

/// One way into AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AwsSource {
    /// A profile of the shared files. When set, only this profile counts: no environment variables, no instance metadata.
    pub profile: Option<String>,
    /// Region for calls that are about no particular database; empty for the default of environment or profile.
    pub region: String,
    /// Who asks, as CloudTrail shall name them; see [`session_name`].
    pub session_name: String,
    /// Files to read instead of the usual ones.
    pub files: Option<AwsFiles>,
}

/// Shared AWS files that take the place of `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AwsFiles {
    /// Like `~/.aws/config`.
    pub config: PathBuf,
    /// Like `~/.aws/credentials`.
    pub credentials: PathBuf,
}

impl AwsFiles {
    fn to_sdk(&self) -> EnvConfigFiles {
        EnvConfigFiles::builder()
            .with_file(EnvConfigFileKind::Config, &self.config)
            .with_file(EnvConfigFileKind::Credentials, &self.credentials)
            .build()
    }
}

/// Base credentials, and the settings to call AWS with.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    /// Region, endpoints, time-outs; its own credentials are these.
    pub(crate) config: SdkConfig,
    pub(crate) credentials: Credentials,
    pub(crate) loaded_at: SystemTime,
}

impl Base {
    /// Where the credentials came from, in words.
    pub(crate) fn described(&self, profile: Option<&str>) -> String {
        let features =
            self.credentials.get_property::<Vec<AwsCredentialFeature>>().map(Vec::as_slice).unwrap_or_default();
        let means = features.iter().find_map(|feature| match feature {
            AwsCredentialFeature::CredentialsEnvVars => Some("environment variables"),
            AwsCredentialFeature::CredentialsSso | AwsCredentialFeature::CredentialsProfileSso => {
                Some("IAM Identity Center")
            }
            AwsCredentialFeature::CredentialsProcess | AwsCredentialFeature::CredentialsProfileProcess => {
                Some("credential process")
            }
            AwsCredentialFeature::CredentialsStsAssumeRole => Some("assumed role"),
            AwsCredentialFeature::CredentialsStsAssumeRoleWebId
            | AwsCredentialFeature::CredentialsProfileStsWebIdToken
            | AwsCredentialFeature::CredentialsEnvVarsStsWebIdToken => Some("web identity token"),
            AwsCredentialFeature::CredentialsHttp => Some("container credentials"),
            AwsCredentialFeature::CredentialsImds => Some("EC2 instance metadata"),
            _ => None,
        });
        let profile = match profile {
            Some(profile) => Some(format!("profile {profile}")),
            None if features.contains(&AwsCredentialFeature::CredentialsProfile) => Some("shared profile".to_owned()),
            None => None,
        };
        match (profile, means) {
            (Some(profile), Some(means)) => format!("{profile}, {means}"),
            (Some(profile), None) => profile,
            (None, Some(means)) => means.to_owned(),
            (None, None) => "default chain".to_owned(),
        }
    }
}

/// Reads settings and finds base credentials. Everything is read anew each time, so that an edited file counts at once.
pub(crate) async fn load(
    source: AwsSource,
    region: String,
    http: SharedHttpClient,
    now: SystemTime,
) -> Result<Base, AwsError> {
    let profile = source.profile.as_deref();
    let region = if region.is_empty() { default_region(&source).await } else { Region::new(region) };
    let config = settings(&source, region, http).await;
    let provider = config.credentials_provider().expect("the loader always sets a provider");
    let found = match tokio::time::timeout(CREDENTIALS_TIMEOUT, provider.provide_credentials()).await {
        Ok(found) => found,
        Err(_) => Err(CredentialsError::provider_timed_out(CREDENTIALS_TIMEOUT)),
    };
    let credentials = found.map_err(|error| AwsError::of_credentials(profile, &error))?;
    let config = with_credentials(&config, credentials.clone());
    Ok(Base { config, credentials, loaded_at: now })
}

/// The same settings with other credentials.
pub(crate) fn with_credentials(config: &SdkConfig, credentials: Credentials) -> SdkConfig {
    config.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

async fn settings(source: &AwsSource, region: Region, http: SharedHttpClient) -> SdkConfig {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(OPERATION_TIMEOUT).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .region(region.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts);
    if let Some(files) = &source.files {
        loader = loader.profile_files(files.to_sdk());
    }
    if let Some(profile) = &source.profile {
        loader = loader.profile_name(profile).credentials_provider(chosen_profile(source, profile, region, http));
    }
    loader.load().await
}

/// Environment, then profile. The SDK's own chain would ask the instance metadata too, which takes seconds where there is none;
/// who-am-I is answered the same everywhere, and calls about a database bring its region.
async fn default_region(source: &AwsSource) -> Region {
    let env = Env::real();
    if let Some(region) = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| env.get(name).ok()) {
        return Region::new(region);
    }
    let files = source.files.as_ref().map(AwsFiles::to_sdk).unwrap_or_default();
    let profile = source.profile.clone().map(Cow::Owned);
    let set = aws_config::profile::load(&Fs::real(), &env, &files, profile).await.ok();
    let region = set.as_ref().and_then(|set| set.get("region")).unwrap_or("us-east-1");
    Region::new(region.to_owned())
}

/// A profile chosen by name is meant: variables left over in the environment must not win over it, as they would in the default chain.
fn chosen_profile(
    source: &AwsSource,
    profile: &str,
    region: Region,
    http: SharedHttpClient,
) -> ProfileFileCredentialsProvider {
    let config = ProviderConfig::without_region().with_region(Some(region)).with_http_client(http);
    let mut provider = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile);
    if let Some(files) = &source.files {
        provider = provider.profile_files(files.to_sdk());
    }
    provider.build()
}

/// One pool of connections for all calls. The SDK would otherwise make one, and read the system's certificates, for every client.
pub(crate) fn http_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
        let mut connector = ConnectorBuilder::default().tls_provider(provider);
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

/// The name a role session gets, between 2 and 64 characters of `[A-Za-z0-9_+=,.@-]`; anything else in `name` becomes `-`.
///
/// A longer name keeps its first 47 characters and gets `-` and 16 hexadecimal digits of its SHA-1, as Teleport does. A name of
/// which nothing would be left to read gets digits of the SHA-1 too, so that two of them still differ in CloudTrail.
#[must_use]
pub fn session_name(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let clean = name.chars().map(|c| if allowed(c) { c } else { '-' }).collect::<String>();
    if !clean.contains(|c: char| c.is_ascii_alphanumeric()) {
        return format!("postern-{}", digest(name));
    }
    match clean.len() {
        0..2 => format!("postern-{clean}"),
        2..=SESSION_NAME_MAX => clean,
        _ => format!("{}-{}", &clean[..47], digest(&clean)),
    }
}

/// 16 hexadecimal digits of the SHA-1. It tells names apart; nothing relies on its strength.
fn digest(text: &str) -> String {
    Sha1::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Names of the profiles in the shared config and credentials files, sorted.
///
/// # Errors
/// The SDK's sentence when a file cannot be read or parsed.
pub async fn profiles(files: Option<&AwsFiles>) -> Result<Vec<String>, AwsError> {
    let files = files.map(AwsFiles::to_sdk).unwrap_or_default();
    let set = aws_config::profile::load(&Fs::real(), &Env::real(), &files, None).await.map_err(|error| {
        let kind = AwsErrorKind::Other { code: String::new() };
        AwsError::new(0, "", "", kind, chain(&error))
    })?;
    let mut names = set.profiles().map(str::to_owned).collect::<Vec<_>>();
    names.sort();
    Ok(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_says_who_in_the_letters_aws_takes() {
        assert_eq!(session_name("alice@example.com"), "alice@example.com");
        assert_eq!(session_name("alice smith/ops"), "alice-smith-ops");
        assert_eq!(session_name("a"), "postern-a");
        assert_eq!(session_name(&"x".repeat(64)), "x".repeat(64));
    }

    #[test]
    fn a_long_name_keeps_its_beginning_and_gets_a_digest() {
        // Teleport's rule: 47 characters, a hyphen and the first 16 digits of the SHA-1, known here from sha1sum.
        assert_eq!(session_name(&"x".repeat(65)), format!("{}-{}", "x".repeat(47), "78c741ddc482e4cd"));
        assert_ne!(session_name(&format!("{}a", "x".repeat(64))), session_name(&format!("{}b", "x".repeat(64))));
    }

    #[test]
    fn names_in_other_scripts_stay_apart() {
        let (one, other) = (session_name("김하늘"), session_name("이바다"));
        assert_ne!(one, other);
        for name in [one, other, session_name(""), session_name("--")] {
            assert!((2..=64).contains(&name.len()) && name.is_ascii() && name.starts_with("postern-"), "{name}");
        }
    }

    #[tokio::test]
    async fn profiles_are_read_from_both_files() {
        let dir = tempfile::tempdir().unwrap();
        let files = AwsFiles { config: dir.path().join("config"), credentials: dir.path().join("credentials") };
        std::fs::write(
            &files.config,
            "[default]\nregion = eu-west-1\n[profile dev]\nregion = eu-west-1\n[sso-session s]\n",
        )
        .unwrap();
        std::fs::write(&files.credentials, "[ops]\naws_access_key_id = AKIA\naws_secret_access_key = s\n").unwrap();
        assert_eq!(profiles(Some(&files)).await.unwrap(), ["default", "dev", "ops"]);
    }

    #[tokio::test]
    async fn without_a_region_the_profiles_own_counts() {
        let dir = tempfile::tempdir().unwrap();
        let files = AwsFiles { config: dir.path().join("config"), credentials: dir.path().join("credentials") };
        std::fs::write(&files.config, "[profile dev]\nregion = ap-northeast-2\n").unwrap();
        std::fs::write(&files.credentials, "[dev]\naws_access_key_id = AKIA\naws_secret_access_key = s\n").unwrap();
        let source = AwsSource { profile: Some("dev".to_owned()), files: Some(files), ..AwsSource::default() };
        let base = load(source, String::new(), http_client(), SystemTime::UNIX_EPOCH).await.unwrap();
        // A region in the environment wins, as for every AWS tool.
        let from_env = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| Env::real().get(name).ok());
        assert_eq!(base.config.region().unwrap().as_ref(), from_env.as_deref().unwrap_or("ap-northeast-2"));
        assert_eq!(base.described(Some("dev")), "profile dev");
    }

    #[tokio::test]
    async fn a_profile_that_does_not_exist_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let files = AwsFiles { config: dir.path().join("config"), credentials: dir.path().join("credentials") };
        std::fs::write(&files.config, "[profile dev]\nregion = eu-west-1\n").unwrap();
        std::fs::write(&files.credentials, "").unwrap();
        let source = AwsSource { profile: Some("prod".to_owned()), files: Some(files), ..AwsSource::default() };
        let error = load(source, "eu-west-1".to_owned(), http_client(), SystemTime::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::CredentialsMissing { profile: Some("prod".to_owned()) });
        assert!(error.to_string().starts_with("finding AWS credentials of profile prod found none: "), "{error}");
        assert!(error.message.contains("`prod`"), "{error}");
    }
}
