//! The keys that clients may cancel with, and the real ones they stand for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq as _;

use super::wire::{self, CancelKey};

/// Added to PostgreSQL's process ids; Redshift's begin there.
pub(crate) const SESSION_ID_BASE: i32 = 1 << 30;

/// SQLSTATE of the notice in which `pg_cancel_backend` tells the front whose statement to cancel, see catalog.sql: one
/// that is held back is not PostgreSQL's to cancel.
const CANCELS_HELD: &str = "ZZ001";

/// The session that a notice of the server's names to the front; None for a notice that is the client's.
pub(crate) fn meant_for_the_front(notice: &[u8]) -> Option<i32> {
    let code = wire::error_field(notice, b'C')?;
    (code == CANCELS_HELD).then(|| wire::error_field(notice, b'M')?.parse().ok()).flatten()
}

/// Keys of the open sessions of a workgroup, by session id.
#[derive(Debug, Default)]
pub(crate) struct CancelKeys(Mutex<HashMap<i32, Issued>>);

#[derive(Clone, Copy, Debug)]
struct Issued {
    secret: i32,
    real: CancelKey,
}

impl CancelKeys {
    /// Makes the key that a client gets for the server's own.
    pub(crate) fn issue(&self, real: CancelKey) -> CancelKey {
        let pid = real.pid.wrapping_add(SESSION_ID_BASE);
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).expect("the operating system's random source works on every platform supported");
        let secret = i32::from_be_bytes(bytes);
        self.lock().insert(pid, Issued { secret, real });
        CancelKey { pid, secret }
    }

    /// The server's own key behind a client's, or None when the client made it up.
    pub(crate) fn real(&self, offered: CancelKey) -> Option<CancelKey> {
        let issued = *self.lock().get(&offered.pid)?;
        bool::from(issued.secret.ct_eq(&offered.secret)).then_some(issued.real)
    }

    /// How many sessions are open.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Forgets a session.
    pub(crate) fn revoke(&self, session_id: i32) {
        self.lock().remove(&session_id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i32, Issued>> {
        // Inserts and removals are whole or not at all.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_secret_leads_to_the_real_key() {
        let keys = CancelKeys::default();
        let real = CancelKey { pid: 77, secret: 5 };
        let given = keys.issue(real);

        assert_eq!(given.pid, 1_073_741_901);
        assert_eq!(keys.real(given), Some(real));
        assert_eq!(keys.real(CancelKey { secret: given.secret ^ 1, ..given }), None);
        assert_eq!(keys.real(real), None);
        keys.revoke(given.pid);
        assert_eq!(keys.real(given), None);
    }
}
