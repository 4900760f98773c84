//! Who is signed in, and as whom towards AWS.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::Failure;

/// All the status bar and the sign-in screen need.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct AppStatus {
    /// Version of the app.
    pub version: String,
    /// Folder with configuration and resources.
    pub home: String,
    /// Nobody is signed in when absent.
    pub identity: Option<Identity>,
}

/// The Postern user and the AWS principal behind it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Identity {
    /// Name of the `kind: user` resource.
    pub user: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// AWS profile in use; the default chain when absent.
    pub aws_profile: Option<String>,
    /// Who AWS says we are; absent while unknown or when it failed.
    pub aws: Option<AwsIdentity>,
    /// Why AWS does not say who we are.
    pub aws_failure: Option<Failure>,
}

/// The answer of GetCallerIdentity.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct AwsIdentity {
    /// Twelve digits.
    pub account: String,
    /// ARN of the caller.
    pub arn: String,
    /// Which source of the chain gave the credentials, in the SDK's words.
    pub source: String,
    /// When they end, milliseconds since 1970; long-lived when absent.
    pub expires_at: Option<u64>,
}

/// What the sign-in form offers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct SignInOptions {
    /// Names of all `kind: user` resources.
    pub users: Vec<String>,
    /// Names of the profiles in the AWS configuration files.
    pub profiles: Vec<String>,
}

/// Sign in.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct SignIn {
    /// Name of a `kind: user` resource.
    pub user: String,
    /// A profile; the default chain when absent.
    pub aws_profile: Option<String>,
}

/// Whose sign-in has ended while it was in use.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SignInEnd {
    /// Postern's own: it is as old as the roles allow.
    Postern,
    /// The one towards AWS: its credentials have expired.
    Aws,
}
