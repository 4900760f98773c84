//! FunctionCall: the legacy way to call a function by its object id.

use crate::DecodeError;
use crate::reader::Reader;

/// Calls a function. Only what the audit needs is read: no client made here sends it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FunctionCall {
    /// Object id of the function.
    pub oid: u32,
}

impl FunctionCall {
    /// `F`
    pub const TAG: u8 = b'F';

    /// Reads the front of a frame's body; the arguments behind it are not looked at.
    ///
    /// # Errors
    /// When there is not even an object id.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self { oid: Reader::new(body).u32()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_told_whatever_its_arguments() {
        assert_eq!(FunctionCall::decode(b"\0\0\x03\xe8rest"), Ok(FunctionCall { oid: 1000 }));
        assert_eq!(FunctionCall::decode(b"\0\0\x03"), Err(DecodeError::Truncated));
    }
}
