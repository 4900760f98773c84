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
    /// A name was given, and the account to look for it in is not known.
    #[error("cannot tell the account of role {0:?}: give its full ARN, or the database's account")]
    UnknownAccount(String),
}

/// The ARN of the role that `db_user` names: a full ARN, `role/<path/name>`, or a bare name or path and name.
///
/// `region` decides the partition; an empty `account` means that it is not known.
///
/// # Errors
/// [`RoleArnError`] when it names none, or one that cannot belong to the database's account or partition.
pub fn role_arn(db_user: &str, region: &str, account: &str) -> Result<RoleArn, RoleArnError> {
    if db_user.is_empty() || db_user.starts_with("IAM:") || db_user.starts_with("IAMR:") {
        return Err(RoleArnError::NotARole(db_user.to_owned()));
    }
    if db_user.starts_with("arn:") {
        return check(db_user, region, account);
    }
    let name = db_user.strip_prefix("role/").unwrap_or(db_user);
    if name.is_empty() || name.ends_with('/') {
        return Err(RoleArnError::NotARole(db_user.to_owned()));
    }
    if account.is_empty() {
        return Err(RoleArnError::UnknownAccount(db_user.to_owned()));
    }
    Ok(RoleArn(format!("arn:{}:iam::{account}:role/{name}", partition(region))))
}

/// A full ARN is taken as it is, if it is the ARN of a role in the database's partition and account.
fn check(arn: &str, region: &str, account: &str) -> Result<RoleArn, RoleArnError> {
    let bad = |problem| Err(RoleArnError::BadArn { arn: arn.to_owned(), problem });
    let parts = arn.splitn(6, ':').collect::<Vec<_>>();
    let [_, found_partition, service, _, found_account, resource] = parts.as_slice() else {
        return bad("it has too few parts");
    };
    if *service != "iam" {
        return bad("its service is not iam");
    }
    if !resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.ends_with('/')) {
        return bad("its resource is not role/<name>");
    }
    if found_account.len() != 12 || !found_account.bytes().all(|byte| byte.is_ascii_digit()) {
        return bad("its account is not 12 digits");
    }
    let expected = partition(region);
    if *found_partition != expected {
        return Err(RoleArnError::OtherPartition {
            arn: arn.to_owned(),
            partition: (*found_partition).to_owned(),
            expected,
        });
    }
    if !account.is_empty() && *found_account != account {
        let (arn, account, expected) = (arn.to_owned(), (*found_account).to_owned(), account.to_owned());
        return Err(RoleArnError::OtherAccount { arn, account, expected });
    }
    Ok(RoleArn(arn.to_owned()))
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ACCOUNT: &str = "123456789012";

    fn arn(db_user: &str) -> Result<String, String> {
        role_arn(db_user, "eu-west-1", ACCOUNT).map(|arn| arn.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_becomes_a_role_of_the_databases_account() {
        assert_eq!(arn("reader").unwrap(), "arn:aws:iam::123456789012:role/reader");
        assert_eq!(arn("path/reader").unwrap(), "arn:aws:iam::123456789012:role/path/reader");
        assert_eq!(arn("role/path/reader").unwrap(), "arn:aws:iam::123456789012:role/path/reader");
        assert_eq!(role_arn("path/reader", "eu-west-1", ACCOUNT).unwrap().role_name(), "reader");
    }

    #[test]
    fn the_region_tells_the_partition() {
        assert_eq!(role_arn("r", "cn-north-1", ACCOUNT).unwrap().as_str(), "arn:aws-cn:iam::123456789012:role/r");
        assert_eq!(
            role_arn("r", "us-gov-west-1", ACCOUNT).unwrap().as_str(),
            "arn:aws-us-gov:iam::123456789012:role/r"
        );
        assert_eq!(partition("us-east-1"), "aws");
    }

    #[test]
    fn a_full_arn_is_taken_as_it_is() {
        let full = "arn:aws:iam::123456789012:role/a/b/reader";
        assert_eq!(arn(full).unwrap(), full);
        assert_eq!(role_arn(full, "eu-west-1", "").unwrap().as_str(), full);
    }

    #[test]
    fn an_arn_of_another_account_or_partition_is_refused() {
        assert_eq!(
            arn("arn:aws:iam::999999999999:role/r").unwrap_err(),
            "role arn:aws:iam::999999999999:role/r is in account 999999999999, but the database is in 123456789012"
        );
        assert_eq!(
            arn("arn:aws-cn:iam::123456789012:role/r").unwrap_err(),
            "role arn:aws-cn:iam::123456789012:role/r is in partition aws-cn, but the database is in aws"
        );
    }

    #[test]
    fn what_is_not_a_role_is_refused() {
        for db_user in ["IAM:alice", "IAMR:reader", "", "role/", "path/"] {
            assert_eq!(
                role_arn(db_user, "eu-west-1", ACCOUNT),
                Err(RoleArnError::NotARole(db_user.to_owned())),
                "{db_user}"
            );
        }
        for (bad, problem) in [
            ("arn:aws:iam::123456789012:user/alice", "its resource is not role/<name>"),
            ("arn:aws:iam::123456789012:role/", "its resource is not role/<name>"),
            ("arn:aws:iam::123456789012:role/path/", "its resource is not role/<name>"),
            ("arn:aws:sts::123456789012:assumed-role/r/s", "its service is not iam"),
            ("arn:aws:iam::12:role/r", "its account is not 12 digits"),
            ("arn:aws:iam", "it has too few parts"),
        ] {
            assert_eq!(arn(bad).unwrap_err(), format!("{bad:?} is not the ARN of an IAM role: {problem}"));
        }
        assert_eq!(role_arn("r", "eu-west-1", ""), Err(RoleArnError::UnknownAccount("r".to_owned())));
    }
}
