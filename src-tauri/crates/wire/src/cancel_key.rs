//! The pair that lets whoever holds it cancel a session's query: a process id and a secret.

use std::fmt;

use secrecy::{ExposeSecret, SecretSlice};
use subtle::ConstantTimeEq;

/// The longest secret of protocol 3.2; protocol 3.0 always has four bytes.
pub const MAX_SECRET_LENGTH: usize = 256;

/// What BackendKeyData gives a client and CancelRequest brings back.
///
/// `==` compares the secret in constant time: a listener that answered faster for a nearly right key would let a local program guess it
/// byte by byte. The process id is not secret.
#[derive(Clone)]
pub struct CancelKey {
    /// Process id of the session, as the giver counts.
    pub pid: i32,
    secret: SecretSlice<u8>,
}

impl CancelKey {
    /// A key. The caller sees to it that the secret is not empty and at most [`MAX_SECRET_LENGTH`] long; decoders do.
    pub fn new(pid: i32, secret: impl Into<Vec<u8>>) -> Self {
        Self { pid, secret: SecretSlice::from(secret.into()) }
    }

    /// The secret part, to be put on the wire and nowhere else.
    pub fn expose_secret(&self) -> &[u8] {
        self.secret.expose_secret()
    }
}

impl PartialEq for CancelKey {
    fn eq(&self, other: &Self) -> bool {
        let pid = self.pid.ct_eq(&other.pid);
        let secret = self.expose_secret().ct_eq(other.expose_secret());
        (pid & secret).into()
    }
}

impl Eq for CancelKey {}

impl fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelKey").field("pid", &self.pid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_equal_only_when_both_parts_are() {
        let key = CancelKey::new(7, *b"abcd");
        assert_eq!(key, CancelKey::new(7, *b"abcd"));
        assert_ne!(key, CancelKey::new(8, *b"abcd"));
        assert_ne!(key, CancelKey::new(7, *b"abce"));
        assert_ne!(key, CancelKey::new(7, *b"abcde"));
    }

    #[test]
    fn the_secret_is_not_in_debug_output() {
        assert_eq!(format!("{:?}", CancelKey::new(7, *b"abcd")), "CancelKey { pid: 7, .. }");
    }
}
