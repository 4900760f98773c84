//! PostgreSQL v3 messages: bytes in, values out.
//!
//! No sockets, no clock, no async, no panic on any bytes: whoever has the bytes brings them, and gets a value or a [`DecodeError`].
//! The start-up phase, which has no message tags, is in [`startup`]; everything after it is a [`Frame`] with a tag, decoded by one of
//! the types in [`frontend`] (client to server) or [`backend`] (server to client). Each message has its own file with its `TAG`,
//! `decode` (from a frame's body) and `encode` (a whole frame appended to a buffer), and its tests beneath.
//!
//! Names and layouts follow "Message Formats" in PostgreSQL's documentation of the frontend/backend protocol.

#![warn(missing_docs)]

pub mod backend;
pub mod frontend;
pub mod startup;

mod cancel_key;
mod copy;
mod error;
mod frame;
mod reader;

pub use backend::error_response::{ErrorResponse, Severity};
pub use cancel_key::{CancelKey, MAX_SECRET_LENGTH};
pub use copy::{CopyData, CopyDone};
pub use error::{DecodeError, EncodeError};
pub use frame::{Frame, Header, take_frame};

/// Whether a value travels as text or in the type's binary form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// 0
    Text,
    /// 1
    Binary,
}

impl Format {
    pub(crate) fn from_code(code: i16) -> Result<Self, DecodeError> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            other => Err(DecodeError::Unexpected { what: "format code", value: other.into() }),
        }
    }

    pub(crate) fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }
}
