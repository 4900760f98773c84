//! A login: as whom into which database. Every session, connection and tab has one.

use serde::{Deserialize, Serialize};

/// Database, database user and database name.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Login {
    /// Name of the `kind: db` resource.
    pub database: String,
    /// IAM role name or ARN for Redshift, a plain user elsewhere.
    pub db_user: String,
    /// Database inside the server.
    pub db_name: String,
}

impl Login {
    /// The user as Redshift calls it: `IAMR:` and the last part of the role's name.
    #[must_use]
    pub fn server_user(&self) -> String {
        format!("IAMR:{}", self.db_user.rsplit('/').next().unwrap_or(&self.db_user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_known_to_redshift_by_the_last_part_of_its_name() {
        for db_user in ["analyst", "team/analyst", "arn:aws:iam::111111111111:role/team/analyst"] {
            let login = Login { database: "d".into(), db_user: db_user.into(), db_name: "dev".into() };
            assert_eq!(login.server_user(), "IAMR:analyst");
        }
    }
}
