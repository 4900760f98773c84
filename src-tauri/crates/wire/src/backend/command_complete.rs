//! CommandComplete: a statement is done.

use std::borrow::Cow;

use bytes::BytesMut;

use crate::frame::{put_frame, put_string};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// A statement is done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandComplete<'a> {
    /// The command tag: `SELECT 5`, `INSERT 0 1`, `CREATE TABLE`.
    pub command: Cow<'a, str>,
}

impl<'a> CommandComplete<'a> {
    /// `C`
    pub const TAG: u8 = b'C';

    /// With this command tag.
    pub fn new(command: impl Into<Cow<'a, str>>) -> Self {
        Self { command: command.into() }
    }

    /// Rows affected or returned, for the commands that count them.
    pub fn rows(&self) -> Option<u64> {
        self.command.rsplit(' ').next()?.parse().ok()
    }

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not one string.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let command = reader.string()?;
        reader.finish()?;
        Ok(Self { command })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When the command tag holds a zero byte.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| put_string(out, "a command tag", self.command.as_bytes()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went() {
        let mut out = BytesMut::new();
        CommandComplete::new("INSERT 0 12").encode(&mut out).unwrap();
        assert_eq!(CommandComplete::decode(&out[5..]).unwrap(), CommandComplete::new("INSERT 0 12"));
    }

    #[test]
    fn rows_are_told_where_the_command_counts_them() {
        for (command, rows) in [("SELECT 5", Some(5)), ("INSERT 0 12", Some(12)), ("CREATE TABLE", None), ("", None)] {
            assert_eq!(CommandComplete::new(command).rows(), rows, "{command}");
        }
    }
}
