//! Takes fields off the front of a message body, never past its end.

use std::borrow::Cow;

use crate::DecodeError;

/// A message body that shrinks as fields are taken.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn i16(&mut self) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A count of things that follow. Drivers send up to 65535 through this signed field, as PostgreSQL itself reads it.
    pub(crate) fn count(&mut self) -> Result<usize, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?).into())
    }

    /// Bytes up to a zero byte, which is taken too.
    pub(crate) fn string_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let end = self.rest.iter().position(|&byte| byte == 0).ok_or(DecodeError::UnterminatedString)?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(text)
    }

    /// The same as text. Servers and clients may use other encodings: what is not UTF-8 is replaced, not refused.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        Ok(String::from_utf8_lossy(self.string_bytes()?))
    }

    /// Says that the last field has been taken.
    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(DecodeError::TrailingBytes { count }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn fields_never_reach_past_the_end() {
        let mut reader = Reader::new(b"\x00\x01ab");
        assert_eq!(reader.count(), Ok(1));
        assert_eq!(reader.i32(), Err(DecodeError::Truncated));
        assert_eq!(reader.string(), Err(DecodeError::UnterminatedString));
        assert_eq!(reader.finish(), Err(DecodeError::TrailingBytes { count: 2 }));
        assert_eq!(reader.take(2), Ok(&b"ab"[..]));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn text_in_another_encoding_is_replaced_not_refused() {
        assert_eq!(Reader::new(b"caf\xe9\0").string().unwrap(), "caf\u{fffd}");
    }
}
