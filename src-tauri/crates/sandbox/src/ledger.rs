//! The temporary database passwords this sandbox has given out.
//!
//! In AWS one service issues a password (`GetCredentials`) and another checks it at login; here the ledger is what the
//! two halves share. Only logins consult it: like Redshift, an open session outlives its password.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use crate::random;

/// How many passwords are remembered, expired ones included, so that an expired one can be told from a wrong one.
const REMEMBERED: usize = 4096;

/// Passwords issued so far. Clones share one ledger.
#[derive(Clone, Debug, Default)]
pub struct PasswordLedger {
    issued: Arc<Mutex<VecDeque<IssuedPassword>>>,
}

/// One temporary password and what it opens.
#[derive(Clone)]
pub struct IssuedPassword {
    /// Name of the workgroup it was asked for.
    pub workgroup: String,
    /// Database user it belongs to: `IAMR:<role>` or `IAM:<user>`.
    pub db_user: String,
    /// The only database it opens, when `GetCredentials` named one; otherwise any.
    pub db_name: Option<String>,
    /// The password as the client will send it.
    pub password: SecretString,
    /// The instant from which logins with it are refused.
    pub expires_at: OffsetDateTime,
}

/// What the ledger says about a password offered at login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Issued for this workgroup and user, and not expired.
    Valid,
    /// Issued for this workgroup and user, but too long ago: Redshift says `IAM Authentication token has expired`.
    Expired,
    /// Never issued for this workgroup and user.
    Unknown,
}

impl PasswordLedger {
    /// Makes a new password for `db_user` on `workgroup`, good for logins before `expires_at`.
    pub fn issue(
        &self,
        workgroup: &str,
        db_user: &str,
        db_name: Option<String>,
        expires_at: OffsetDateTime,
    ) -> SecretString {
        let password = SecretString::from(random::base64_text(96));
        let mut issued = self.lock();
        issued.truncate(REMEMBERED - 1);
        issued.push_front(IssuedPassword {
            workgroup: workgroup.to_owned(),
            db_user: db_user.to_owned(),
            db_name,
            password: password.clone(),
            expires_at,
        });
        password
    }

    /// Judges a password that arrived in clear text. `now` is the caller's clock.
    pub fn check(&self, workgroup: &str, db_user: &str, password: &str, now: OffsetDateTime) -> Verdict {
        let matching = self.passwords_for(workgroup, db_user).into_iter().find(|issued| issued.matches(password));
        match matching {
            None => Verdict::Unknown,
            Some(issued) if issued.is_expired(now) => Verdict::Expired,
            Some(_) => Verdict::Valid,
        }
    }

    /// Every password remembered for a user of a workgroup, newest first, expired ones included: an MD5 or SCRAM
    /// exchange never shows the password, so the server has to try each.
    pub fn passwords_for(&self, workgroup: &str, db_user: &str) -> Vec<IssuedPassword> {
        let issued = self.lock();
        issued.iter().filter(|p| p.workgroup == workgroup && p.db_user == db_user).cloned().collect()
    }

    /// Ends every password at once: the fault "expire now". Passwords issued later are good again.
    pub fn expire_all(&self) {
        for issued in self.lock().iter_mut() {
            issued.expires_at = OffsetDateTime::UNIX_EPOCH;
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<IssuedPassword>> {
        // A list of finished entries is whole even when another thread panicked while it held the lock.
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IssuedPassword {
    /// Whether `password` is this one, in time that does not depend on where they differ.
    pub fn matches(&self, password: &str) -> bool {
        self.password.expose_secret().as_bytes().ct_eq(password.as_bytes()).into()
    }

    /// Whether logins with it are refused at `now`.
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        now >= self.expires_at
    }

    /// Whether it may open `database`.
    pub fn opens(&self, database: &str) -> bool {
        self.db_name.as_deref().is_none_or(|only| only == database)
    }
}

impl fmt::Debug for IssuedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedPassword")
            .field("workgroup", &self.workgroup)
            .field("db_user", &self.db_user)
            .field("db_name", &self.db_name)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const NOON: OffsetDateTime = time::macros::datetime!(2026-03-02 12:00 UTC);
    const USER: &str = "IAMR:bi-readonly";

    #[test]
    fn a_password_is_valid_for_its_own_workgroup_and_user_until_it_expires() {
        let ledger = PasswordLedger::default();
        let password = ledger.issue("analytics-prod", USER, None, NOON);
        let password = password.expose_secret();
        let before = NOON - time::Duration::seconds(1);

        assert_eq!(ledger.check("analytics-prod", USER, password, before), Verdict::Valid);
        assert_eq!(ledger.check("analytics-prod", USER, password, NOON), Verdict::Expired);
        assert_eq!(ledger.check("events-prod", USER, password, before), Verdict::Unknown);
        assert_eq!(ledger.check("analytics-prod", "IAMR:etl-writer", password, before), Verdict::Unknown);
        assert_eq!(ledger.check("analytics-prod", USER, "guess", before), Verdict::Unknown);
    }

    #[test]
    fn expire_all_ends_what_was_issued_before_and_nothing_later() {
        let ledger = PasswordLedger::default();
        let old = ledger.issue("ml-dev", USER, None, NOON);
        ledger.expire_all();
        let new = ledger.issue("ml-dev", USER, None, NOON);
        let before = NOON - time::Duration::minutes(1);

        assert_eq!(ledger.check("ml-dev", USER, old.expose_secret(), before), Verdict::Expired);
        assert_eq!(ledger.check("ml-dev", USER, new.expose_secret(), before), Verdict::Valid);
    }

    #[test]
    fn a_password_asked_for_one_database_opens_only_that_one() {
        let ledger = PasswordLedger::default();
        ledger.issue("ml-dev", USER, Some("features".to_owned()), NOON);
        let issued = ledger.passwords_for("ml-dev", USER).remove(0);

        assert!(issued.opens("features"));
        assert!(!issued.opens("dev"));
    }

    #[test]
    fn debug_output_does_not_show_the_password() {
        let ledger = PasswordLedger::default();
        let password = ledger.issue("ml-dev", USER, None, NOON);

        assert!(!format!("{ledger:?}").contains(password.expose_secret()));
    }
}
