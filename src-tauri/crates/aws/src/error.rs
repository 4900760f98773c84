//! What AWS said when it refused, sorted by who has to do something about it.

use std::fmt;

/// A call to AWS that failed: where in the chain, why, and AWS's own sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// Which call.
    pub step: Step,
    /// What kind of failure.
    pub kind: AwsErrorKind,
    /// The sentence of AWS or of the SDK, word for word.
    pub message: String,
    /// AWS's request id, for its support.
    pub request_id: Option<Box<str>>,
}

/// A place in the chain from base credentials to database password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// 0 finds the base credentials (and makes discovery's calls); 1 and up assume roles; the last, after all roles, is `GetCredentials`.
    pub hop: usize,
    /// `sts:AssumeRole`, `redshift-serverless:GetCredentials`…; empty for finding the base credentials.
    pub action: &'static str,
    /// Role ARN, workgroup or region the call was about.
    pub resource: String,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AwsErrorKind {
    /// AWS knows who asks and says no.
    Denied(Box<Denial>),
    /// No credentials to ask with.
    CredentialsMissing {
        /// The profile asked for, if one was.
        profile: Option<String>,
    },
    /// The credentials asked with have expired or were revoked.
    CredentialsExpired,
    /// What was asked about does not exist.
    NotFound,
    /// Too many requests.
    Throttled,
    /// No answer: name, route, TLS or time.
    Unreachable {
        /// Host that did not answer, when known.
        endpoint: Option<String>,
    },
    /// Anything else, by AWS's error code; empty if there was none.
    Other {
        /// AWS's error code.
        code: String,
    },
}

/// The parts of AWS's sentence "User: … is not authorized to perform: … on resource: … because …".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Denial {
    /// ARN that asked; empty when AWS did not say.
    pub principal: String,
    /// Action refused.
    pub action: String,
    /// Resource it was refused on.
    pub resource: String,
    /// AWS's reason, such as "no identity-based policy allows the sts:AssumeRole action"; empty when AWS gave none.
    pub because: String,
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for AwsError {}
