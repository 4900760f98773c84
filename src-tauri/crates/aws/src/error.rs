//! What AWS said when it refused, sorted by who has to do something about it.

use std::error::Error;
use std::fmt;
use std::sync::LazyLock;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId as _;
use regex::Regex;

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
    /// Role ARN, workgroup or region the call was about; empty if none.
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
    /// AWS's reason, such as "because no identity-based policy allows the sts:AssumeRole action"; empty when AWS gave none.
    pub because: String,
}

impl Denial {
    /// Reads AWS's sentence. The user can be missing, and so can everything after the action.
    fn parse(message: &str) -> Option<Self> {
        static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(
                r"User: (\S*) is not authorized to perform: (\S+)(?: on resource: (\S+))?(?: ((?:because|with) .*))?",
            )
            .expect("the expression is valid")
        });
        let found = SENTENCE.captures(message)?;
        let part =
            |group| found.get(group).map(|part| part.as_str().trim_end_matches('.').to_owned()).unwrap_or_default();
        Some(Self { principal: part(1), action: part(2), resource: part(3), because: part(4) })
    }
}

impl AwsError {
    pub(crate) fn new(
        hop: usize,
        action: &'static str,
        resource: impl Into<String>,
        kind: AwsErrorKind,
        message: impl Into<String>,
    ) -> Self {
        Self { step: Step { hop, action, resource: resource.into() }, kind, message: message.into(), request_id: None }
    }

    /// Reads the failure of one SDK call to `endpoint`.
    pub(crate) fn of_call<E>(step: Step, endpoint: Option<String>, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let request_id = error.request_id().map(Into::into);
        let (kind, message) = match error {
            SdkError::ServiceError(answer) => {
                let meta = answer.err().meta();
                let code = meta.code().unwrap_or_default();
                let message = meta.message().map_or_else(|| chain(answer.err()), str::to_owned);
                (kind_of(code, &message, &step), message)
            }
            // A request that could not even be built is about what we asked with or for, not about the network.
            SdkError::ConstructionFailure(_) => (AwsErrorKind::Other { code: String::new() }, chain(error)),
            _ => (AwsErrorKind::Unreachable { endpoint }, chain(error)),
        };
        Self { step, kind, message, request_id }
    }

    /// Reads the failure to find base credentials.
    pub(crate) fn of_credentials(profile: Option<&str>, error: &CredentialsError) -> Self {
        let message = chain(error);
        let missing = || AwsErrorKind::CredentialsMissing { profile: profile.map(str::to_owned) };
        // Providers hide their own error types, so an expired sign-in and a refused role can only be told by what they say.
        let kind = match (Denial::parse(&message), error) {
            (Some(denial), _) => AwsErrorKind::Denied(Box::new(denial)),
            (None, CredentialsError::ProviderError(_)) if message.contains("expired") => {
                AwsErrorKind::CredentialsExpired
            }
            _ => missing(),
        };
        Self::new(0, "", profile.unwrap_or_default(), kind, message)
    }
}

fn kind_of(code: &str, message: &str, step: &Step) -> AwsErrorKind {
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            let denial = Denial::parse(message).unwrap_or_else(|| Denial {
                action: step.action.to_owned(),
                resource: step.resource.clone(),
                ..Denial::default()
            });
            AwsErrorKind::Denied(Box::new(denial))
        }
        "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId" | "UnrecognizedClientException" => {
            AwsErrorKind::CredentialsExpired
        }
        "ResourceNotFoundException" => AwsErrorKind::NotFound,
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" | "RequestLimitExceeded" => {
            AwsErrorKind::Throttled
        }
        code => AwsErrorKind::Other { code: code.to_owned() },
    }
}

/// An error and its causes in one line, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.action, self.resource.as_str()) {
            ("", "") => f.write_str("finding AWS credentials"),
            ("", profile) => write!(f, "finding AWS credentials of profile {profile}"),
            (action, "") => f.write_str(action),
            (action, resource) => write!(f, "{action} on {resource}"),
        }?;
        if self.hop > 0 { write!(f, " (hop {})", self.hop) } else { Ok(()) }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match &self.kind {
            AwsErrorKind::Denied(_) => "was denied",
            AwsErrorKind::CredentialsMissing { .. } => "found none",
            AwsErrorKind::CredentialsExpired => "failed because the credentials have expired",
            AwsErrorKind::NotFound => "found nothing",
            AwsErrorKind::Throttled => "was throttled",
            AwsErrorKind::Unreachable { .. } => "got no answer",
            AwsErrorKind::Other { .. } => "failed",
        };
        write!(f, "{} {outcome}", self.step)?;
        if let AwsErrorKind::Unreachable { endpoint: Some(endpoint) } = &self.kind {
            write!(f, " from {endpoint}")?;
        }
        if let AwsErrorKind::Other { code } = &self.kind
            && !code.is_empty()
        {
            write!(f, " with {code}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Error for AwsError {}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn aws_sentences_are_taken_apart() {
        let denial = |principal: &str, action: &str, resource: &str, because: &str| {
            Some(Denial {
                principal: principal.into(),
                action: action.into(),
                resource: resource.into(),
                because: because.into(),
            })
        };
        let user = "arn:aws:sts::111111111111:assumed-role/svc/i-0";
        let role = "arn:aws:iam::111111111111:role/db-user-role";
        assert_eq!(
            Denial::parse(&format!("User: {user} is not authorized to perform: sts:AssumeRole on resource: {role}")),
            denial(user, "sts:AssumeRole", role, "")
        );
        let because = "because no identity-based policy allows the sts:AssumeRole action";
        assert_eq!(
            Denial::parse(&format!(
                "User: {user} is not authorized to perform: sts:AssumeRole on resource: {role} {because}"
            )),
            denial(user, "sts:AssumeRole", role, because)
        );
        let explicit = "with an explicit deny in a service control policy";
        assert_eq!(
            Denial::parse(&format!(
                "User:  is not authorized to perform: redshift-serverless:GetCredentials {explicit}"
            )),
            denial("", "redshift-serverless:GetCredentials", "", explicit)
        );
        assert_eq!(Denial::parse("Access Denied"), None);
    }

    #[test]
    fn codes_are_sorted_by_who_has_to_act() {
        let step = Step { hop: 2, action: "redshift-serverless:GetCredentials", resource: "sales".to_owned() };
        let AwsErrorKind::Denied(denial) = kind_of("AccessDeniedException", "no", &step) else { panic!() };
        assert_eq!((denial.action.as_str(), denial.resource.as_str()), ("redshift-serverless:GetCredentials", "sales"));
        assert_eq!(kind_of("ExpiredTokenException", "", &step), AwsErrorKind::CredentialsExpired);
        assert_eq!(kind_of("ResourceNotFoundException", "", &step), AwsErrorKind::NotFound);
        assert_eq!(kind_of("ThrottlingException", "", &step), AwsErrorKind::Throttled);
        assert_eq!(kind_of("ValidationError", "", &step), AwsErrorKind::Other { code: "ValidationError".to_owned() });
    }

    #[test]
    fn an_error_names_hop_action_and_resource() {
        let denied = AwsErrorKind::Denied(Box::default());
        let error = AwsError::new(2, "sts:AssumeRole", "arn:aws:iam::1:role/r", denied, "User: x is not authorized");
        assert_eq!(
            error.to_string(),
            "sts:AssumeRole on arn:aws:iam::1:role/r (hop 2) was denied: User: x is not authorized"
        );
        let error = AwsError::new(
            0,
            "",
            "dev",
            AwsErrorKind::CredentialsMissing { profile: Some("dev".into()) },
            "no such profile",
        );
        assert_eq!(error.to_string(), "finding AWS credentials of profile dev found none: no such profile");
        assert!(size_of::<AwsError>() < 128);
    }
}
