//! What can be wrong with bytes from a peer, and with values that should become bytes.

/// Bytes that are not what the protocol says. Always the peer's fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// The message ends before its fields do.
    #[error("the message ends before its fields do")]
    Truncated,
    /// The message goes on after its fields.
    #[error("{count} bytes follow the message's last field")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// A string without its closing zero byte.
    #[error("a string has no closing zero byte")]
    UnterminatedString,
    /// A string that has to be UTF-8 and is not.
    #[error("{what} is not UTF-8")]
    NotUtf8 {
        /// Which field.
        what: &'static str,
    },
    /// An announced length that is impossible, or more than the caller accepts.
    #[error("a length of {announced} is announced, at most {limit} is accepted")]
    Length {
        /// As announced, counting itself.
        announced: i64,
        /// The most that is accepted.
        limit: usize,
    },
    /// A field with a value that has no meaning there.
    #[error("{value} is no {what}")]
    Unexpected {
        /// Which field.
        what: &'static str,
        /// What it held.
        value: i64,
    },
}

/// A value that has no form on the wire.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EncodeError {
    /// Strings end at a zero byte, so they cannot hold one.
    #[error("{what} holds a zero byte")]
    EmbeddedZero {
        /// Which field.
        what: &'static str,
    },
    /// Longer than its length field can say.
    #[error("{what} is too long for the protocol")]
    TooLong {
        /// Which field.
        what: &'static str,
    },
}
