//! From what a person types as database user to the ARN of an IAM role, by Teleport's rules.

use std::fmt;

/// ARN of an IAM role, well formed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleArn(String);

impl RoleArn {
    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The role's name: what follows the last `/`. Redshift's user is `IAMR:` and this.
    #[must_use]
    pub fn role_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a database user does not name an IAM role of this database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleArnError {
    /// Redshift's own spelling, `IAM:` or `IAMR:`, or nothing at all.
    #[error("expecting name or ARN of an AWS IAM role but got {0:?}")]
    NotARole(String),
    /// An ARN, but not `arn:<partition>:iam::<account>:role/<name>`.
    #[error("{arn:?} is not the ARN of an IAM role: {problem}")]
    BadArn {
        /// What was given.
        arn: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The role belongs to another partition than the database.
    #[error("role {arn} is in partition {partition}, but the database is in {expected}")]
    OtherPartition {
        /// What was given.
        arn: String,
        /// Its partition.
        partition: String,
        /// The database's partition.
        expected: &'static str,
    },
    /// The role belongs to another account than the database.
    #[error("role {arn} is in account {account}, but the database is in {expected}")]
    OtherAccount {
        /// What was given.
        arn: String,
        /// Its account.
        account: String,
        /// The database's account.
        expected: String,
    },
}

/// The ARN of the role that `db_user` names: a full ARN, `role/<path/name>`, or a bare name or path and name.
///
/// # Errors
/// [`RoleArnError`] when it names none, or one that cannot belong to the database's account or partition.
pub fn role_arn(db_user: &str, region: &str, account: &str) -> Result<RoleArn, RoleArnError> {
    unimplemented!("{db_user} {region} {account}")
}

/// AWS partition of a region.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}
