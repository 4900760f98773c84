//! Where base credentials come from: the SDK's default chain, or a profile the person chose.

use std::path::PathBuf;

/// One way into AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AwsSource {
    /// A profile of the shared files. When set, only this profile counts: no environment variables, no instance metadata.
    pub profile: Option<String>,
    /// Region for calls that are about no particular database.
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

/// The name a role session gets: `name` with everything but `[\w+=,.@-]` replaced by `-`, between 2 and 64 characters.
#[must_use]
pub fn session_name(name: &str) -> String {
    unimplemented!("{name}")
}

/// Names of the profiles in the shared config and credentials files, sorted.
///
/// # Errors
/// The SDK's sentence when a file cannot be read or parsed.
pub async fn profiles(files: Option<&AwsFiles>) -> Result<Vec<String>, crate::AwsError> {
    unimplemented!("{files:?}")
}
