//! How a command fails: a sentence for the person, and an exit code for the script.

use std::{error::Error as _, process::ExitCode};

use postern_engine::{Error, SqlFailure};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine says why. Exit code 2 when the file or the value given is wrong, 1 otherwise.
    Engine(Error),
    /// The command line makes no sense. Exit code 2.
    Usage(String),
    /// The same, and the engine says why.
    Misuse(Error),
    /// The server refused a statement.
    Statement {
        /// In its words.
        error: Box<SqlFailure>,
        /// The line it points at.
        place: Option<String>,
        /// Which of how many.
        number: Option<(usize, usize)>,
    },
    /// A signal ended it.
    Stopped,
    /// A program we started ended so.
    Exit(u8),
    /// Something on this machine.
    Local(String),
}

impl Failure {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn misuse(error: Error) -> Self {
        Self::Misuse(error)
    }

    pub(crate) fn internal(what: &str, error: impl std::fmt::Display) -> Self {
        Self::Local(format!("{what}: {error}"))
    }

    /// What to print on standard error; nothing when the program we started has said it.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Engine(error) | Self::Misuse(error) => {
                // A server's refusal says its severity itself.
                let mut text = match error {
                    Error::Sql(_) => error.to_string(),
                    other => format!("ERROR: {other}"),
                };
                let mut source = error.source();
                while let Some(cause) = source {
                    text.push_str(&format!("\n  {cause}"));
                    source = cause.source();
                }
                if let Some(advice) = error.advice() {
                    text.push_str(&format!("\n{advice}"));
                }
                Some(text)
            }
            Self::Usage(text) | Self::Local(text) => Some(format!("ERROR: {text}")),
            Self::Statement { error, place, number } => {
                let SqlFailure { severity, sqlstate, message, detail, hint } = &**error;
                let mut lines = vec![format!("{severity}: {message} (SQLSTATE {sqlstate})")];
                lines.extend(place.clone());
                lines.extend(detail.as_ref().map(|detail| format!("DETAIL: {detail}")));
                lines.extend(hint.as_ref().map(|hint| format!("HINT: {hint}")));
                lines.extend(number.map(|(number, all)| format!("In statement {number} of {all}.")));
                Some(lines.join("\n"))
            }
            Self::Stopped => Some("ERROR: stopped".to_owned()),
            Self::Exit(_) => None,
        }
    }

    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Engine(Error::InvalidResources(_) | Error::InvalidValue { .. })
            | Self::Usage(_)
            | Self::Misuse(_) => ExitCode::from(2),
            Self::Exit(code) => ExitCode::from(*code),
            Self::Engine(_) | Self::Local(_) | Self::Statement { .. } | Self::Stopped => ExitCode::from(1),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}
