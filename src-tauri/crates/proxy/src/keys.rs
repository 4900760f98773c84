//! Makes the cancel keys that clients get in place of the server's.
//!
//! The server's own key never leaves the process: a CancelRequest with it could be sent past the audit, and most drivers send theirs in
//! the clear.

use postern_wire::CancelKey;

/// A key with a positive process id that `taken` does not know yet, and four random bytes of secret.
pub(crate) fn fresh(taken: impl Fn(i32) -> bool) -> Result<CancelKey, getrandom::Error> {
    loop {
        let mut random = [0; 8];
        getrandom::fill(&mut random)?;
        let [a, b, c, d, secret @ ..] = random;
        // Some drivers keep the number in a signed field and show it: keep it positive.
        let pid = i32::from_be_bytes([a & 0x7f, b, c, d]);
        if pid != 0 && !taken(pid) {
            return Ok(CancelKey::new(pid, secret));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn keys_are_positive_and_never_taken_twice() {
        let first_asked = Cell::new(None);
        let key = fresh(|pid| first_asked.replace(first_asked.get().or(Some(pid))).is_none()).unwrap();
        assert!(key.pid > 0);
        assert_ne!(Some(key.pid), first_asked.get());
        assert_ne!(fresh(|_| false).unwrap(), fresh(|_| false).unwrap());
    }
}
