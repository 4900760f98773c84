//! ErrorResponse and NoticeResponse: a list of fields, each one letter and a string.

use std::fmt;

use bytes::{BufMut, BytesMut};

use crate::frame::put_frame;
use crate::reader::Reader;
use crate::{DecodeError, EncodeError};

/// What went wrong, or a remark. Both messages have the same layout; only the tag and the severity differ.
///
/// Fields keep their order and unknown ones are kept too, so that a server's own message can be shown and sent on as it came.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ErrorResponse {
    /// Field letter and value, in order.
    pub fields: Vec<(u8, String)>,
}

/// How bad it is. An error ends a statement, a fatal one the session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// The statement failed.
    Error,
    /// The session ends.
    Fatal,
    /// All sessions end.
    Panic,
    /// A remark: NOTICE, WARNING, INFO, LOG, DEBUG.
    Remark,
}

impl ErrorResponse {
    /// `E`
    pub const TAG: u8 = b'E';
    /// `N`, for a notice
    pub const NOTICE_TAG: u8 = b'N';
    /// SQLSTATE `query_canceled`
    pub const QUERY_CANCELED: &'static str = "57014";

    /// An error of our own that ends a statement.
    pub fn error(sqlstate: &str, message: &str) -> Self {
        Self::own("ERROR", sqlstate, message)
    }

    /// An error of our own that ends the session.
    pub fn fatal(sqlstate: &str, message: &str) -> Self {
        Self::own("FATAL", sqlstate, message)
    }

    fn own(severity: &str, sqlstate: &str, message: &str) -> Self {
        // V is what programs read, S is what people read: servers translate S.
        Self::default().with(b'S', severity).with(b'V', severity).with(b'C', sqlstate).with(b'M', message)
    }

    /// Adds why.
    #[must_use]
    pub fn detail(self, detail: &str) -> Self {
        self.with(b'D', detail)
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(self, hint: &str) -> Self {
        self.with(b'H', hint)
    }

    /// Adds where in the statement, counted in characters from 1.
    #[must_use]
    pub fn position(self, position: u32) -> Self {
        self.with(b'P', &position.to_string())
    }

    /// Adds any field.
    #[must_use]
    pub fn with(mut self, letter: u8, value: &str) -> Self {
        self.fields.push((letter, value.to_owned()));
        self
    }

    /// Value of a field by its letter.
    pub fn field(&self, letter: u8) -> Option<&str> {
        self.fields.iter().find(|(known, _)| *known == letter).map(|(_, value)| value.as_str())
    }

    /// How bad. Redshift, like servers before 9.6, sends no `V`; what it does not say counts as an error.
    pub fn severity(&self) -> Severity {
        match self.field(b'V').or_else(|| self.field(b'S')) {
            Some("FATAL") => Severity::Fatal,
            Some("PANIC") => Severity::Panic,
            Some("WARNING" | "NOTICE" | "DEBUG" | "INFO" | "LOG") => Severity::Remark,
            _ => Severity::Error,
        }
    }

    /// Five-character SQLSTATE; empty when there is none.
    pub fn sqlstate(&self) -> &str {
        self.field(b'C').unwrap_or_default()
    }

    /// What happened; empty when there is none.
    pub fn message(&self) -> &str {
        self.field(b'M').unwrap_or_default()
    }

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is not a list of fields with its closing zero byte.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let mut fields = Vec::new();
        loop {
            match reader.u8()? {
                0 => break,
                letter => fields.push((letter, reader.string()?.into_owned())),
            }
        }
        reader.finish()?;
        Ok(Self { fields })
    }

    /// Appends it as an ErrorResponse.
    pub fn encode(&self, out: &mut BytesMut) {
        self.encode_as(Self::TAG, out);
    }

    /// Appends it as a NoticeResponse.
    pub fn encode_notice(&self, out: &mut BytesMut) {
        self.encode_as(Self::NOTICE_TAG, out);
    }

    /// An error about an error helps no one: a zero byte in a field ends it there, and gigabytes are cut to nothing but the closing byte.
    fn encode_as(&self, tag: u8, out: &mut BytesMut) {
        let filled = put_frame(out, tag, |out| {
            for (letter, value) in &self.fields {
                let text = value.split('\0').next().unwrap_or_default();
                out.put_u8(*letter);
                out.put_slice(text.as_bytes());
                out.put_u8(0);
            }
            out.put_u8(0);
            Ok(())
        });
        if matches!(filled, Err(EncodeError::TooLong { .. })) {
            crate::frame::put_small(out, tag, &[0]);
        }
    }
}

/// `FATAL: password authentication failed (28P01)`
impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field(b'S').unwrap_or("ERROR"), self.message())?;
        match self.sqlstate() {
            "" => Ok(()),
            sqlstate => write!(f, " ({sqlstate})"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn our_own_errors_have_all_that_a_client_shows() {
        let error = ErrorResponse::fatal("28000", "access denied").detail("why").hint("do this");
        let mut out = BytesMut::new();
        error.encode(&mut out);
        assert_eq!(out[0], b'E');
        let back = ErrorResponse::decode(&out[5..]).unwrap();
        assert_eq!(back, error);
        assert_eq!((back.severity(), back.sqlstate(), back.message()), (Severity::Fatal, "28000", "access denied"));
        assert_eq!((back.field(b'D'), back.field(b'H')), (Some("why"), Some("do this")));
        assert_eq!(back.to_string(), "FATAL: access denied (28000)");
    }

    #[test]
    fn unknown_fields_are_kept() {
        let body = b"SERROR\0CXX000\0M multi\nline\0zodd\0\0";
        let error = ErrorResponse::decode(body).unwrap();
        assert_eq!(error.severity(), Severity::Error);
        let mut out = BytesMut::new();
        error.encode_notice(&mut out);
        assert_eq!(out[0], b'N');
        assert_eq!(&out[5..], body);
    }

    #[test]
    fn a_zero_byte_in_our_own_text_ends_that_field_only() {
        let mut out = BytesMut::new();
        ErrorResponse::error("XX000", "a\0b").hint("c").encode(&mut out);
        let back = ErrorResponse::decode(&out[5..]).unwrap();
        assert_eq!((back.message(), back.field(b'H')), ("a", Some("c")));
    }

    #[test]
    fn a_list_without_its_end_is_refused() {
        assert_eq!(ErrorResponse::decode(b"SERROR\0"), Err(DecodeError::Truncated));
        assert_eq!(ErrorResponse::decode(b"SERROR"), Err(DecodeError::UnterminatedString));
        assert_eq!(ErrorResponse::decode(b""), Err(DecodeError::Truncated));
    }
}
