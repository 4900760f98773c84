//! What an AWS host name says about the database behind it.

/// `<workgroup>.<account>.<region>.redshift-serverless.amazonaws.com`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerlessHost {
    /// Workgroup name, or the name of a managed VPC endpoint, which does not tell the workgroup.
    pub(crate) target: Target,
    pub(crate) account_id: String,
    pub(crate) region: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Workgroup(String),
    Endpoint(String),
}

impl ServerlessHost {
    /// `None` for any other host: a custom domain, a tunnel, an address.
    pub(crate) fn parse(host: &str) -> Option<Self> {
        let host = host.to_ascii_lowercase();
        let labels = host.strip_suffix(".redshift-serverless.amazonaws.com")?.split('.').collect::<Vec<_>>();
        let [first, account, region] = labels.as_slice() else { return None };
        if first.is_empty() || region.is_empty() || !is_account_id(account) {
            return None;
        }
        let target = match first.split_once("-endpoint-") {
            Some((name, _)) => Target::Endpoint(name.to_owned()),
            None => Target::Workgroup((*first).to_owned()),
        };
        Some(Self { target, account_id: (*account).to_owned(), region: (*region).to_owned() })
    }
}

pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// AWS partition of a region.
pub(crate) fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// Why a text does not name an IAM role a Redshift Serverless database could have as its user; `None` if it does.
pub(crate) fn not_a_role(db_user: &str, region: &str, account_id: &str) -> Option<String> {
    if db_user.is_empty() || db_user.starts_with("IAM:") || db_user.starts_with("IAMR:") {
        return Some(format!("expecting name or ARN of an AWS IAM role but got {db_user:?}"));
    }
    if !db_user.starts_with("arn:") {
        return None;
    }
    match role_of(db_user) {
        None => Some(format!("{db_user:?} is not the ARN of an IAM role")),
        Some((found, _, _)) if found != partition(region) => {
            Some(format!("role {db_user} is in partition {found}, but the database is in {}", partition(region)))
        }
        Some((_, found, _)) if found != account_id => {
            Some(format!("role {db_user} is in account {found}, but the database is in {account_id}"))
        }
        Some(_) => None,
    }
}

/// The other way to write the same IAM role: its name for an ARN, its ARN for a name.
pub(crate) fn other_spelling(db_user: &str, region: &str, account_id: &str) -> Option<String> {
    if not_a_role(db_user, region, account_id).is_some() {
        return None;
    }
    if db_user.starts_with("arn:") {
        return role_of(db_user).map(|(_, _, name)| name.to_owned());
    }
    let name = db_user.strip_prefix("role/").unwrap_or(db_user);
    Some(format!("arn:{}:iam::{account_id}:role/{name}", partition(region)))
}

/// Partition, account and name with path of a role's ARN.
fn role_of(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let ("arn", partition, "iam", "", account, resource) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?)
    else {
        return None;
    };
    let name = resource.strip_prefix("role/")?;
    (is_account_id(account) && !name.is_empty() && !name.ends_with('/')).then_some((partition, account, name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_host_tells_workgroup_account_and_region() {
        let host = ServerlessHost::parse("My-WG.123456789012.eu-west-1.Redshift-Serverless.amazonaws.com").unwrap();
        assert_eq!(host.target, Target::Workgroup("my-wg".to_owned()));
        assert_eq!((host.account_id.as_str(), host.region.as_str()), ("123456789012", "eu-west-1"));
    }

    #[test]
    fn a_managed_vpc_endpoint_does_not_tell_the_workgroup() {
        let host =
            ServerlessHost::parse("sales-endpoint-abc123.123456789012.us-east-1.redshift-serverless.amazonaws.com")
                .unwrap();
        assert_eq!(host.target, Target::Endpoint("sales".to_owned()));
    }

    #[test]
    fn other_hosts_tell_nothing() {
        for host in [
            "localhost",
            "db.example.com",
            "wg.12345.eu-west-1.redshift-serverless.amazonaws.com",
            "a.b.123456789012.eu-west-1.redshift-serverless.amazonaws.com",
            "wg.123456789012.cn-north-1.redshift-serverless.amazonaws.com.cn",
            "cluster.abc.eu-west-1.redshift.amazonaws.com",
            ".123456789012.eu-west-1.redshift-serverless.amazonaws.com",
        ] {
            assert_eq!(ServerlessHost::parse(host), None, "{host}");
        }
    }

    #[test]
    fn a_role_has_two_spellings() {
        let arn = "arn:aws:iam::123456789012:role/path/reader";
        assert_eq!(other_spelling("path/reader", "eu-west-1", "123456789012").as_deref(), Some(arn));
        assert_eq!(other_spelling("role/path/reader", "eu-west-1", "123456789012").as_deref(), Some(arn));
        assert_eq!(other_spelling(arn, "eu-west-1", "123456789012").as_deref(), Some("path/reader"));
        assert_eq!(other_spelling(arn, "eu-west-1", "999999999999"), None);
        assert_eq!(other_spelling(arn, "cn-north-1", "123456789012"), None);
        assert_eq!(other_spelling("IAMR:reader", "eu-west-1", "123456789012"), None);
    }
}
