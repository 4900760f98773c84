//! An engine error as the failure that the UI can act on.

use std::{collections::BTreeMap, error::Error as _, path::Path};

use postern_engine::{AwsError, AwsErrorKind, DialError, Error, FileProblem, NoDefault, SqlFailure, choice_of};

use crate::error::{ErrorCode, Failure, SqlError};

/// SQLSTATE of a login for which there is no place (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const TOO_MANY_CONNECTIONS: &str = "53300";

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let message = chain(error);
        let mut failure = match error {
            Error::AccessDenied { database, db_user, db_name, decision } => Self::of(
                ErrorCode::AccessDenied,
                [("database", database), ("db_user", db_user), ("db_name", db_name), ("reason", &decision.reason)],
            ),
            Error::AlreadyExists { kind, name } => {
                Self::of(ErrorCode::AlreadyExists, [("kind", &kind.to_string()), ("name", name)])
            }
            Error::Aws(error) => aws(error),
            Error::Canceled => Self::of(ErrorCode::Canceled, []),
            Error::ChoiceNeeded(needed) => {
                let (NoDefault::Several(choices) | NoDefault::Nothing(choices)) = needed;
                Self::of(
                    ErrorCode::ChoiceNeeded,
                    [("what", &choice_of(choices).to_owned()), ("allowed", &choices.allowed.join(", "))],
                )
            }
            Error::ConfirmationNeeded { database, statement } => {
                Self::of(ErrorCode::ConfirmationNeeded, [("database", database), ("statement", statement)])
            }
            Error::ConnectionLost { database, reason } => {
                Self::of(ErrorCode::ConnectionLost, [("database", database), ("reason", reason)])
            }
            Error::Dial { database, .. } => dial(database, error),
            Error::FileExists { path } => Self::of(ErrorCode::FileExists, [("path", &path.display().to_string())]),
            Error::Misfit(misfit) => Self::of(
                ErrorCode::Misfit,
                [
                    ("row", &misfit.row.to_string()),
                    ("column", &misfit.column),
                    ("value", &misfit.value),
                    ("problem", &misfit.reason.to_string()),
                    ("reason", &misfit.reason.code().to_owned()),
                ],
            ),
            Error::InvalidResources(mistakes) => match mistakes.first() {
                Some(first) => Self::of(
                    ErrorCode::InvalidResource,
                    [
                        ("file", &first.file),
                        ("line", &first.line.to_string()),
                        ("column", &first.column.to_string()),
                        ("field", &first.field),
                        ("problem", &first.problem),
                    ],
                ),
                None => Self::of(ErrorCode::Internal, [("detail", &"a file without a mistake".to_owned())]),
            },
            Error::InvalidValue { field, problem } => {
                Self::of(ErrorCode::InvalidValue, [("field", field), ("problem", problem)])
            }
            Error::InvalidQuestion { field, problem } => Self::of(
                ErrorCode::InvalidValue,
                [
                    ("field", &(*field).to_owned()),
                    ("problem", &problem.to_string()),
                    ("reason", &problem.code().to_owned()),
                    ("value", &problem.value().unwrap_or_default().to_owned()),
                ],
            ),
            Error::NotRun(refused) => Self::of(
                ErrorCode::InvalidValue,
                [
                    ("field", &"run".to_owned()),
                    ("problem", &refused.to_string()),
                    ("reason", &refused.code().to_owned()),
                ],
            ),
            Error::SqlFile { path, problem } => sql_file(path, *problem),
            Error::LoginRefused { database, db_user, message, sqlstate } => {
                let code = if sqlstate == TOO_MANY_CONNECTIONS {
                    ErrorCode::TooManyConnections
                } else {
                    ErrorCode::LoginRefused
                };
                let mut failure = Self::of(code, [("address", database), ("db_user", db_user)]);
                failure.server = Some(message.clone());
                failure
            }
            Error::NotFound { kind, name } => {
                Self::of(ErrorCode::NotFound, [("kind", &(*kind).to_owned()), ("name", name)])
            }
            Error::NotSignedIn | Error::SignInExpired { .. } => Self::of(ErrorCode::NotSignedIn, []),
            Error::PortInUse { port, owner, free } => {
                let owner = owner.clone().unwrap_or_default();
                let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
                Self::of(
                    ErrorCode::PortInUse,
                    [
                        ("port", &port.to_string()),
                        ("program", &owner.program.unwrap_or_default()),
                        ("pid", &number(owner.pid)),
                        ("user", &owner.user.unwrap_or_default()),
                        ("database", &owner.database.unwrap_or_default()),
                        ("free", &number(free.map(u32::from))),
                    ],
                )
            }
            Error::Sql(failure) => sql(failure),
            Error::Storage { path, source } => {
                Self::of(ErrorCode::Storage, [("path", &path.display().to_string()), ("reason", &source.to_string())])
            }
            other => Self::of(ErrorCode::Internal, [("detail", &other.to_string())]),
        };
        failure.message = message;
        failure
    }
}

impl Failure {
    /// A bug or a broken machine, noticed by the host of the contract.
    #[must_use]
    pub fn internal(detail: &str) -> Self {
        let mut failure = Self::of(ErrorCode::Internal, [("detail", &detail.to_owned())]);
        failure.message = detail.to_owned();
        failure
    }

    /// A code and the values of its sentence.
    pub(crate) fn of<const N: usize>(code: ErrorCode, params: [(&'static str, &String); N]) -> Self {
        Self {
            code,
            params: params
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).clone()))
                .collect::<BTreeMap<_, _>>(),
            message: String::new(),
            server: None,
            sql: None,
        }
    }
}

/// The whole chain in one line, for the log.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn sql_file(path: &Path, problem: FileProblem) -> Failure {
    let (code, reason) = match problem {
        FileProblem::Changed => (ErrorCode::FileChanged, "changed"),
        FileProblem::Gone => (ErrorCode::FileChanged, "gone"),
        FileProblem::NotUtf8 => (ErrorCode::FileUnusable, "not_utf8"),
        FileProblem::Utf16 => (ErrorCode::FileUnusable, "utf16"),
        FileProblem::Binary => (ErrorCode::FileUnusable, "binary"),
        FileProblem::TooLarge => (ErrorCode::FileUnusable, "too_large"),
        FileProblem::NoFile => (ErrorCode::FileUnusable, "no_file"),
        FileProblem::Name => (ErrorCode::FileUnusable, "name"),
    };
    Failure::of(code, [("path", &path.display().to_string()), ("reason", &reason.to_owned())])
}

fn aws(error: &AwsError) -> Failure {
    let step = &error.step;
    let action = step.action.to_owned();
    let mut failure = match &error.kind {
        AwsErrorKind::Denied(denial) => Failure::of(
            ErrorCode::AwsDenied,
            [
                ("hop", &step.hop.to_string()),
                ("principal", &denial.principal),
                ("action", if denial.action.is_empty() { &action } else { &denial.action }),
                ("resource", if denial.resource.is_empty() { &step.resource } else { &denial.resource }),
            ],
        ),
        AwsErrorKind::CredentialsMissing { profile } => {
            Failure::of(ErrorCode::AwsCredentialsMissing, [("profile", &profile.clone().unwrap_or_default())])
        }
        AwsErrorKind::CredentialsExpired => Failure::of(ErrorCode::AwsCredentialsExpired, []),
        AwsErrorKind::Unreachable { endpoint } => Failure::of(
            ErrorCode::AwsUnreachable,
            [("action", &action), ("endpoint", &endpoint.clone().unwrap_or_default())],
        ),
        _ => Failure::of(ErrorCode::AwsFailed, [("action", &action)]),
    };
    failure.server = Some(error.message.clone());
    failure
}

fn dial(database: &str, error: &Error) -> Failure {
    let at = |host: &str, port: u16| format!("{host}:{port}");
    match error.dial_error() {
        Some(DialError::Unresolvable { host, .. }) => Failure::of(ErrorCode::HostNotFound, [("host", host)]),
        Some(DialError::Connect { host, port, source }) => {
            Failure::of(ErrorCode::ConnectFailed, [("address", &at(host, *port)), ("reason", &source.to_string())])
        }
        Some(DialError::Timeout { host, port, limit }) => Failure::of(
            ErrorCode::ConnectTimedOut,
            [("address", &at(host, *port)), ("seconds", &limit.as_secs().to_string())],
        ),
        Some(DialError::Untrusted { host, source }) => {
            Failure::of(ErrorCode::TlsUntrusted, [("address", host), ("name", host), ("reason", &source.to_string())])
        }
        Some(DialError::WrongName { host, expected, presented }) => Failure::of(
            ErrorCode::TlsNameMismatch,
            [("address", host), ("name", expected), ("reason", &presented.join(", "))],
        ),
        Some(other) => {
            let reason = other.source().map_or_else(|| other.to_string(), |source| format!("{other}: {source}"));
            Failure::of(ErrorCode::TlsFailed, [("address", &database.to_owned()), ("reason", &reason)])
        }
        None => Failure::of(ErrorCode::Internal, [("detail", &error.to_string())]),
    }
}

/// The server's refusal of a statement.
pub(super) fn sql(failure: &SqlFailure) -> Failure {
    let mut out = Failure::of(ErrorCode::DatabaseError, []);
    out.server = Some(failure.message.clone());
    out.sql = Some(SqlError {
        severity: failure.severity.clone(),
        sqlstate: failure.sqlstate.clone(),
        message: failure.message.clone(),
        detail: failure.detail.clone(),
        hint: failure.hint.clone(),
        from: None,
        to: None,
    });
    out
}
