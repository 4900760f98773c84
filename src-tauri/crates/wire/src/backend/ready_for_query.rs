//! ReadyForQuery: the server waits for the next statement.

use bytes::BytesMut;

use crate::DecodeError;
use crate::frame::put_small;
use crate::reader::Reader;

/// The server waits for the next statement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReadyForQuery {
    /// Whether a transaction is open.
    pub status: TransactionStatus,
}

/// Whether a transaction is open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TransactionStatus {
    /// `I`: none.
    Idle,
    /// `T`: one.
    InTransaction,
    /// `E`: one that has failed and waits for ROLLBACK.
    Failed,
}

impl ReadyForQuery {
    /// `Z`
    pub const TAG: u8 = b'Z';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When the status is none of `I`, `T` and `E`.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let status = match reader.u8()? {
            b'I' => TransactionStatus::Idle,
            b'T' => TransactionStatus::InTransaction,
            b'E' => TransactionStatus::Failed,
            other => return Err(DecodeError::Unexpected { what: "transaction status", value: other.into() }),
        };
        reader.finish()?;
        Ok(Self { status })
    }

    /// Appends the message.
    pub fn encode(self, out: &mut BytesMut) {
        let status = match self.status {
            TransactionStatus::Idle => b'I',
            TransactionStatus::InTransaction => b'T',
            TransactionStatus::Failed => b'E',
        };
        put_small(out, Self::TAG, &[status]);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn each_status_comes_back_as_it_went() {
        for status in [TransactionStatus::Idle, TransactionStatus::InTransaction, TransactionStatus::Failed] {
            let mut out = BytesMut::new();
            ReadyForQuery { status }.encode(&mut out);
            assert_eq!(ReadyForQuery::decode(&out[5..]).unwrap().status, status);
        }
        assert!(ReadyForQuery::decode(b"x").is_err());
    }
}
