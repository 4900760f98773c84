//! What can go wrong in the engine, with the data a person needs: what failed, why, and what to do.
//!
//! `Display` says what failed and why in one English sentence for the command line and the log; the window writes its
//! own sentence from the variant's data. Sources carry the words of AWS, of the server or of the system.

use std::{io, path::PathBuf, sync::Arc};

use postern_access::{Choices, Decision, Kind, NoDefault, ResourceError, Subject};
use postern_aws::{AwsError, AwsErrorKind};
use postern_console::{analysis::Problem, format::Misfit, tab::RunRefused};
use postern_proxy::DialError;

use crate::{ports::PortOwner, sql_file::FileProblem};

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Roles do not allow it. The decision's reason names everything: database, user, name, and what is allowed.
    #[error("{}", decision.reason)]
    AccessDenied {
        /// Database resource.
        database: String,
        /// As whom.
        db_user: String,
        /// Into which database of the server.
        db_name: String,
        /// How it was decided.
        decision: Box<Decision>,
    },
    /// A resource of that name exists.
    #[error("{kind} '{name}' already exists")]
    AlreadyExists {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// AWS, or the way to it, failed.
    #[error(transparent)]
    Aws(AwsError),
    /// The person stopped it.
    #[error("stopped")]
    Canceled,
    /// A database user or name has to be named.
    #[error("{0}")]
    ChoiceNeeded(NoDefault),
    /// A statement would change or remove more than may be meant, where that matters.
    #[error("{statement:?} is to be confirmed before it runs in {database}")]
    ConfirmationNeeded {
        /// Database resource.
        database: String,
        /// The first of them; its first hundred characters.
        statement: String,
    },
    /// The connection ended in the middle.
    #[error("the connection to {database} was lost: {reason}")]
    ConnectionLost {
        /// Database resource.
        database: String,
        /// What was noticed.
        reason: String,
    },
    /// The server could not be reached, or not safely.
    #[error("could not reach {database}")]
    Dial {
        /// Database resource.
        database: String,
        /// At which stage, and why: a [`DialError`].
        source: Arc<dyn std::error::Error + Send + Sync>,
        /// What to do about it.
        hint: Option<String>,
    },
    /// There is a file where one is to be written.
    #[error("{} exists already", path.display())]
    FileExists {
        /// Which.
        path: PathBuf,
    },
    /// A bug or a broken machine.
    #[error("internal error: {detail}")]
    Internal {
        /// For a bug report.
        detail: String,
    },
    /// A question about a result that makes no sense.
    #[error("{field}: {problem}")]
    InvalidQuestion {
        /// Which part of it.
        field: &'static str,
        /// Why.
        problem: Problem,
    },
    /// Resource files with mistakes.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    InvalidResources(Vec<ResourceError>),
    /// A value that cannot be.
    #[error("{field}: {problem}")]
    InvalidValue {
        /// Which.
        field: String,
        /// Why.
        problem: String,
    },
    /// The server, or this proxy, refused the login.
    #[error("{database} refused the login of {db_user:?}: {message}")]
    LoginRefused {
        /// Database resource.
        database: String,
        /// As whom.
        db_user: String,
        /// SQLSTATE.
        sqlstate: String,
        /// Its words.
        message: String,
    },
    /// A value has no exact form in the format that was asked for.
    #[error("{0}")]
    Misfit(Box<Misfit>),
    /// No such resource, connection, tab or result.
    #[error("{kind} '{name}' does not exist")]
    NotFound {
        /// What kind of thing.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// There is nothing that the console could run.
    #[error("{0}")]
    NotRun(RunRefused),
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// The local port is taken.
    #[error("port {port} is taken{}", owner.as_ref().map(|owner| format!(": {owner} listens on it")).unwrap_or_default())]
    PortInUse {
        /// Which.
        port: u16,
        /// By whom, as far as the system tells.
        owner: Option<PortOwner>,
        /// A port that was free a moment ago and that no other proxy keeps. To be offered, never taken unasked.
        free: Option<u16>,
    },
    /// As old as the roles allow a sign-in to be (`max_session_ttl`).
    #[error("the sign-in of '{user}' has expired")]
    SignInExpired {
        /// Who it was.
        user: String,
    },
    /// A file of SQL is none that can be opened, or is no longer the one that was.
    #[error("{}: {problem}", path.display())]
    SqlFile {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: FileProblem,
    },
    /// The server refused a statement.
    #[error("{}: {} (SQLSTATE {})", .0.severity, .0.message, .0.sqlstate)]
    Sql(Box<SqlFailure>),
    /// A file could not be read or written.
    #[error("{}", path.display())]
    Storage {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// An ErrorResponse of the server to a statement of ours.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SqlFailure {
    /// `ERROR`, `FATAL`, …
    pub severity: String,
    /// Five characters.
    pub sqlstate: String,
    /// Primary message.
    pub message: String,
    /// Detail.
    pub detail: Option<String>,
    /// Hint.
    pub hint: Option<String>,
}

impl Error {
    /// A resource that does not exist.
    #[must_use]
    pub fn not_found(kind: Kind, name: &str) -> Self {
        Self::NotFound { kind: kind.as_str(), name: name.to_owned() }
    }

    /// Why the server could not be reached, when that is what failed.
    #[must_use]
    pub fn dial_error(&self) -> Option<&DialError> {
        match self {
            Self::Dial { source, .. } => source.downcast_ref(),
            _ => None,
        }
    }

    /// What to do about it, in one or two English sentences or commands.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        Some(match self {
            Self::AlreadyExists { kind, name } => format!("Use --force to replace {kind} '{name}'."),
            Self::Aws(error) => return aws_advice(error),
            Self::Misfit(_) => {
                "Cast the column to text in the statement, leave it out, or choose another format.".to_owned()
            }
            Self::FileExists { .. } => "Use --force to replace it, or choose another name.".to_owned(),
            Self::NotSignedIn | Self::SignInExpired { .. } => "Sign in: postern login --user NAME".to_owned(),
            Self::PortInUse { free: Some(free), .. } => {
                format!("Stop it, or use another port: {free} is free (--port {free}).")
            }
            Self::PortInUse { free: None, .. } => "Stop it, or choose another port with --port.".to_owned(),
            Self::Dial { hint, .. } => return hint.clone(),
            Self::AccessDenied { .. } => {
                "Choose what is allowed, or ask for a role that allows more. All conditions: postern access check"
                    .to_owned()
            }
            Self::NotFound { kind: "user", .. } => "Add the user: postern users add NAME --roles ROLE".to_owned(),
            _ => return None,
        })
    }
}

fn aws_advice(error: &AwsError) -> Option<String> {
    Some(match &error.kind {
        AwsErrorKind::Denied(denial) if denial.action == "sts:AssumeRole" => format!(
            "The trust policy of {role} must name {principal}, and that principal must be allowed sts:AssumeRole on it. \
             Check with: aws sts assume-role --role-arn {role} --role-session-name test-trust-relationship",
            role = denial.resource,
            principal = if denial.principal.is_empty() { "the caller" } else { &denial.principal },
        ),
        AwsErrorKind::Denied(denial) => {
            format!("Attach a policy to the role that allows {} on {}.", denial.action, denial.resource)
        }
        AwsErrorKind::CredentialsMissing { profile: Some(_) } => {
            "Check the profile in the AWS configuration files, or sign in with another --aws-profile.".to_owned()
        }
        AwsErrorKind::CredentialsMissing { profile: None } => {
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run `aws configure`, or sign in with --aws-profile."
                .to_owned()
        }
        AwsErrorKind::CredentialsExpired => "Renew them (for IAM Identity Center: aws sso login).".to_owned(),
        AwsErrorKind::Unreachable { .. } => "Check the network, the proxy settings and the region.".to_owned(),
        _ => return None,
    })
}

/// Whether a choice was about users or names, for the window.
#[must_use]
pub fn choice_of(choices: &Choices) -> &'static str {
    match choices.subject {
        Subject::User => "db_user",
        Subject::Name => "db_name",
    }
}
