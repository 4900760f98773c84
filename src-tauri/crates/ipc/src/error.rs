//! What went wrong, in a form the UI can act on: a code it matches, the values its sentences need, and the words of
//! the server or of AWS as they came. The UI writes the sentence from its translation files; `message` is for the log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What failed. Each code has a sentence for what, why and what to do in every translation file; the parameters named
/// here are the keys of [`Failure::params`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Roles do not allow it: `database`, `db_user`, `db_name`, `reason`.
    AccessDenied,
    /// A resource of that name exists and `force` was not given: `kind`, `name`.
    AlreadyExists,
    /// The AWS credentials have run out: `profile`.
    AwsCredentialsExpired,
    /// No source of the default chain, or not the profile asked for, gave credentials: `profile`.
    AwsCredentialsMissing,
    /// AWS said no: `hop` (1 is the first), `principal`, `action`, `resource`. `server` holds AWS's sentence.
    AwsDenied,
    /// Any other answer of AWS: `action`. `server` holds its sentence.
    AwsFailed,
    /// No answer from AWS: `action`, `endpoint`.
    AwsUnreachable,
    /// The person stopped it. Not shown as an error.
    Canceled,
    /// A choice is needed: `what` (`db_user` or `db_name`), `allowed`.
    ChoiceNeeded,
    /// A statement would change or remove more than may be meant, and nobody has confirmed it: `database`, `statement`.
    ConfirmationNeeded,
    /// TCP to the database failed: `address`, `reason`.
    ConnectFailed,
    /// No answer within the limit: `address`, `seconds`.
    ConnectTimedOut,
    /// The connection ended in the middle: `database`, `reason`.
    ConnectionLost,
    /// The server refused a statement; `sql` says what and where.
    DatabaseError,
    /// A file of SQL is no longer as the tab last saw it: `path`, `reason` (`changed`, `gone`).
    FileChanged,
    /// A file is where one was to be written: `path`.
    FileExists,
    /// A file of SQL cannot be opened or saved: `path`, `reason` (`not_utf8`, `utf16`, `binary`, `too_large`, `no_file`,
    /// `name`).
    FileUnusable,
    /// The name of the database's host has no address: `host`.
    HostNotFound,
    /// A bug or a broken machine: `detail`.
    Internal,
    /// A file is not what it should be: `file`, `line`, `column`, `field`, `problem`.
    InvalidResource,
    /// A value is not acceptable: `field`, `problem`; where there is a name for the problem, `reason` and the `value` it is
    /// about.
    InvalidValue,
    /// The server refused the login: `address`, `db_user`. `server` holds its sentence.
    LoginRefused,
    /// A value has no exact form in the format of an export: `row` (1 is the first), `column`, `value`,
    /// `problem`, and its name `reason`.
    Misfit,
    /// No such thing: `kind`, `name`.
    NotFound,
    /// Nobody is signed in.
    NotSignedIn,
    /// The local port is taken: `port`; who has it, each empty when unknown: `program`, `pid`, `user` (when it is not our
    /// own), `database` (when it is a local proxy); `free`, a port that may be offered.
    PortInUse,
    /// The query to cancel is no longer what that session runs: `session`, `query`.
    QueryChanged,
    /// Files could not be read or written: `path`, `reason`.
    Storage,
    /// The certificate is for another name: `address`, `name`, `reason`.
    TlsNameMismatch,
    /// No certificate authority we trust signed for this server: `address`, `name`, `reason`.
    TlsUntrusted,
    /// The server does not speak TLS, or not ours: `address`, `reason`.
    TlsFailed,
    /// The server takes no more sessions, at all or of this user: `address`, `db_user`. `server` holds its sentence.
    TooManyConnections,
}

/// A failed command.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Failure {
    /// What the UI acts on.
    pub code: ErrorCode,
    /// Values for the sentence of this code.
    pub params: BTreeMap<String, String>,
    /// One English sentence for logs and bug reports.
    pub message: String,
    /// The words of the database or of AWS, verbatim.
    pub server: Option<String>,
    /// Where in the SQL, when a statement was refused.
    pub sql: Option<SqlError>,
}

/// An ErrorResponse of the server, and the place it marks in the text that the person sees.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct SqlError {
    /// `ERROR`, `FATAL` or `PANIC`, as sent.
    pub severity: String,
    /// SQLSTATE, five characters.
    pub sqlstate: String,
    /// The server's primary message.
    pub message: String,
    /// Its detail.
    pub detail: Option<String>,
    /// Its hint.
    pub hint: Option<String>,
    /// The token it marks, as UTF-16 offsets into the text that was handed to `console_run`.
    pub from: Option<u32>,
    /// End of that token.
    pub to: Option<u32>,
}
