//! How a command fails: a sentence for the person, and an exit code for the script.

use std::{error::Error as _, process::ExitCode};

use postern_engine::Error;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine says why. Exit code 2 when the file or the value given is wrong, 1 otherwise.
    Engine(Error),
    /// The command line makes no sense. Exit code 2.
    Usage(String),
    /// A program we started ended so.
    Exit(u8),
    /// Something on this machine.
    Local(String),
}

impl Failure {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn internal(what: &str, error: impl std::fmt::Display) -> Self {
        Self::Local(format!("{what}: {error}"))
    }

    /// What to print on standard error; nothing when the program we started has said it.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Engine(error) => {
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
            Self::Exit(_) => None,
        }
    }

    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Engine(Error::InvalidResources(_) | Error::InvalidValue { .. }) | Self::Usage(_) => ExitCode::from(2),
            Self::Exit(code) => ExitCode::from(*code),
            Self::Engine(_) | Self::Local(_) => ExitCode::from(1),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}
