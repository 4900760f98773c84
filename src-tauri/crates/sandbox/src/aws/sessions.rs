//! Temporary credentials this sandbox has issued.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use time::{Duration, OffsetDateTime};

use crate::iam::IdentityPolicy;
use crate::random;

/// How long after its end a session is still told apart from one that never existed.
const REMEMBER_EXPIRED: Duration = Duration::hours(12);

/// One session of a role.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) access_key_id: String,
    pub(crate) secret: SecretString,
    pub(crate) token: SecretString,
    pub(crate) role_arn: String,
    pub(crate) name: String,
    pub(crate) source_identity: Option<String>,
    pub(crate) policy: Option<IdentityPolicy>,
    pub(crate) expires_at: OffsetDateTime,
}

/// What a session begins with.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) role_arn: String,
    pub(crate) name: String,
    pub(crate) source_identity: Option<String>,
    pub(crate) policy: Option<IdentityPolicy>,
    pub(crate) lasts: Duration,
}

/// All sessions, by access key id.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_key: Mutex<HashMap<String, Arc<Session>>>,
}

impl Sessions {
    /// Starts a session.
    pub(crate) fn start(&self, new: NewSession, now: OffsetDateTime) -> Arc<Session> {
        let session = Arc::new(Session {
            access_key_id: format!("ASIA{}", random::base32_text(16)),
            secret: SecretString::from(random::base64_text(40)),
            token: SecretString::from(random::base64_text(320)),
            role_arn: new.role_arn,
            name: new.name,
            source_identity: new.source_identity,
            policy: new.policy,
            expires_at: now + new.lasts,
        });
        let mut by_key = self.lock();
        by_key.retain(|_, old| now < old.expires_at + REMEMBER_EXPIRED);
        by_key.insert(session.access_key_id.clone(), Arc::clone(&session));
        session
    }

    /// The session with this access key, expired or not.
    pub(crate) fn find(&self, access_key_id: &str) -> Option<Arc<Session>> {
        self.lock().get(access_key_id).cloned()
    }

    /// Ends one session at `now`.
    pub(crate) fn expire(&self, access_key_id: &str, now: OffsetDateTime) {
        if let Some(session) = self.lock().get_mut(access_key_id) {
            let session = Arc::make_mut(session);
            session.expires_at = session.expires_at.min(now);
        }
    }

    /// Ends every session at `now`.
    pub(crate) fn expire_all(&self, now: OffsetDateTime) {
        for session in self.lock().values_mut() {
            let session = Arc::make_mut(session);
            session.expires_at = session.expires_at.min(now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        // Whole entries only: the map is usable even when another thread panicked while it held the lock.
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
