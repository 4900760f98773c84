//! A fake upstream and a fake server for this crate's tests.

use secrecy::SecretString;

use crate::upstream::{Dial, Endpoint, Transport};

/// A plan that no test dials.
pub(crate) fn dial_nowhere() -> Dial {
    Dial {
        endpoint: Endpoint { host: "db.invalid".into(), port: 1, transport: Transport::Plaintext },
        user: "IAMR:analyst".into(),
        database: "dev".into(),
        password: SecretString::from("secret"),
    }
}
