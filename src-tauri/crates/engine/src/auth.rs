//! How a local proxy knows who may use it, as its owner chooses it.

use postern_proxy::{Admission, PasswordAdmission, PasswordMethod};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::Error;

/// Who may use a local proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Auth {
    /// Programs of the same OS user.
    SameUser,
    /// Whoever knows its password, which is random and new each time.
    Password {
        /// How it is asked for.
        method: PasswordMethod,
    },
}

impl Default for Auth {
    /// Only Linux tells which user a connection to a port comes from. Elsewhere a port that asks for no password could be used by nobody.
    fn default() -> Self {
        if cfg!(target_os = "linux") { Self::SameUser } else { Self::Password { method: PasswordMethod::ScramSha256 } }
    }
}

/// What is remembered of it. The password itself never is.
const NAMES: [(&str, Auth); 4] = [
    ("same-user", Auth::SameUser),
    ("scram-sha-256", Auth::Password { method: PasswordMethod::ScramSha256 }),
    ("md5", Auth::Password { method: PasswordMethod::Md5 }),
    ("cleartext", Auth::Password { method: PasswordMethod::Cleartext }),
];

impl Serialize for Auth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = NAMES.iter().find(|(_, auth)| auth == self).map(|(name, _)| *name);
        name.ok_or_else(|| serde::ser::Error::custom("an admission without a name"))?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Auth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = String::deserialize(deserializer)?;
        let known = NAMES.iter().find(|(name, _)| *name == given).map(|(_, auth)| *auth);
        known.ok_or_else(|| de::Error::custom(format!("{given:?} is no kind of admission")))
    }
}

impl Auth {
    /// With a fresh password where there is one.
    pub(crate) fn admission(self) -> Result<Admission, Error> {
        match self {
            Self::SameUser => Ok(Admission::SameUser),
            Self::Password { method } => PasswordAdmission::random(method).map(Admission::Password).map_err(|error| {
                Error::Internal { detail: format!("the system gave no random numbers for a password: {error}") }
            }),
        }
    }

    /// What an admission was made from.
    pub(crate) fn of(admission: &Admission) -> Self {
        match admission {
            Admission::Password(password) => Self::Password { method: password.method() },
            Admission::SameUser | Admission::AnyLocalUser => Self::SameUser,
        }
    }
}

/// The password of an admission, if it has one.
pub(crate) fn password(admission: &Admission) -> Option<&SecretString> {
    match admission {
        Admission::Password(password) => Some(password.password()),
        Admission::SameUser | Admission::AnyLocalUser => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn each_password_is_new_and_remembers_its_method() {
        let auth = Auth::Password { method: PasswordMethod::Md5 };
        let (one, other) = (auth.admission().unwrap(), auth.admission().unwrap());
        assert_eq!(Auth::of(&one), auth);
        assert_ne!(password(&one).unwrap().expose_secret(), password(&other).unwrap().expose_secret());
        assert!(password(&Auth::SameUser.admission().unwrap()).is_none());
    }
}
