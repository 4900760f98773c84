//! Discovery: the Redshift Serverless workgroups an account has in a region.

use std::collections::BTreeMap;

use aws_sdk_redshiftserverless::Client;
use aws_sdk_redshiftserverless::types;
use futures_util::StreamExt as _;

use crate::session::Call;
use crate::{Aws, AwsError};

/// Tag look-ups at a time: AWS has one call for each workgroup and throttles.
const TAG_CALLS: usize = 4;

/// A workgroup, joined with its namespace and its tags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Workgroup {
    /// Name.
    pub name: String,
    /// ARN, which ends in the id.
    pub arn: String,
    /// UUID.
    pub id: String,
    /// Its namespace's name.
    pub namespace: String,
    /// `AVAILABLE`, `CREATING`, `MODIFYING`, `DELETING`…
    pub status: String,
    /// Host to connect to; `None` while it is being created.
    pub endpoint: Option<String>,
    /// Port to connect to.
    pub port: u16,
    /// The namespace's first database; `None` when the namespace could not be read.
    pub db_name: Option<String>,
    /// Tags; empty when they could not be read.
    pub tags: BTreeMap<String, String>,
    /// Whether it has a public address.
    pub publicly_accessible: bool,
}

impl Aws {
    /// The workgroups of the base credentials' account in `region`, by name.
    ///
    /// # Errors
    /// [`AwsError`] when they cannot be listed. A namespace or tag that cannot be read only leaves its field empty.
    pub async fn workgroups(&self, region: &str) -> Result<Vec<Workgroup>, AwsError> {
        let client = Client::new(&self.base(region).await?.config);
        let listed = list_workgroups(&client, region).await?;
        let namespaces = list_namespaces(&client, region).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "workgroups are listed without their database names");
            BTreeMap::new()
        });
        let described = listed.into_iter().map(|workgroup| describe(&client, workgroup, &namespaces));
        let mut workgroups = futures_util::stream::iter(described).buffered(TAG_CALLS).collect::<Vec<_>>().await;
        workgroups.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(workgroups)
    }
}

async fn list_workgroups(client: &Client, region: &str) -> Result<Vec<types::Workgroup>, AwsError> {
    let call = Call::new(0, "redshift-serverless:ListWorkgroups", region);
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let page = client.list_workgroups().max_results(100).set_next_token(next);
        let page = call.read(page.customize().interceptor(call.witness()).send().await)?;
        all.extend(page.workgroups);
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// First database of each namespace.
async fn list_namespaces(client: &Client, region: &str) -> Result<BTreeMap<String, String>, AwsError> {
    let call = Call::new(0, "redshift-serverless:ListNamespaces", region);
    let (mut all, mut next) = (BTreeMap::new(), None);
    loop {
        let page = client.list_namespaces().max_results(100).set_next_token(next);
        let page = call.read(page.customize().interceptor(call.witness()).send().await)?;
        all.extend(
            page.namespaces.into_iter().filter_map(|namespace| Some((namespace.namespace_name?, namespace.db_name?))),
        );
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(all);
        }
    }
}

async fn describe(client: &Client, workgroup: types::Workgroup, namespaces: &BTreeMap<String, String>) -> Workgroup {
    let arn = workgroup.workgroup_arn.unwrap_or_default();
    let tags = tags(client, &arn).await;
    let namespace = workgroup.namespace_name.unwrap_or_default();
    // The endpoint's own port is the one to dial; the workgroup's is what it was configured with.
    let port = workgroup.endpoint.as_ref().and_then(|endpoint| endpoint.port).or(workgroup.port);
    Workgroup {
        name: workgroup.workgroup_name.unwrap_or_default(),
        id: workgroup.workgroup_id.unwrap_or_default(),
        status: workgroup.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        endpoint: workgroup.endpoint.and_then(|endpoint| endpoint.address),
        port: port.and_then(|port| u16::try_from(port).ok()).unwrap_or(5439),
        db_name: namespaces.get(&namespace).cloned(),
        publicly_accessible: workgroup.publicly_accessible.unwrap_or_default(),
        arn,
        namespace,
        tags,
    }
}

async fn tags(client: &Client, arn: &str) -> BTreeMap<String, String> {
    let call = Call::new(0, "redshift-serverless:ListTagsForResource", arn);
    let asked = client.list_tags_for_resource().resource_arn(arn).customize().interceptor(call.witness());
    match call.read(asked.send().await) {
        Ok(answer) => answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
        Err(error) => {
            tracing::debug!(%error, "workgroup is listed without its tags");
            BTreeMap::new()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::AwsErrorKind;
    use crate::testing::{Answer, PretendAws, Seen};

    const ARN: &str = "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/";

    fn account(seen: &Seen) -> Answer {
        let first = seen.body.contains("nextToken");
        match seen.action.as_str() {
            "ListWorkgroups" if !first => Answer::ok(format!(
                r#"{{"workgroups":[{{"workgroupName":"sales","workgroupArn":"{ARN}u1","workgroupId":"u1","namespaceName":"ns","status":"AVAILABLE",
                "endpoint":{{"address":"sales.example","port":5440}},"port":5439,"publiclyAccessible":true}}],"nextToken":"2"}}"#
            )),
            "ListWorkgroups" => Answer::ok(format!(
                r#"{{"workgroups":[{{"workgroupName":"fresh","workgroupArn":"{ARN}u2","workgroupId":"u2","namespaceName":"other","status":"CREATING"}}]}}"#
            )),
            "ListNamespaces" => Answer::ok(r#"{"namespaces":[{"namespaceName":"ns","dbName":"dev"}]}"#),
            "ListTagsForResource" if seen.body.contains("u1") => {
                Answer::ok(r#"{"tags":[{"key":"env","value":"prod"}]}"#)
            }
            _ => Answer::json_error(400, "AccessDeniedException", "no"),
        }
    }

    #[tokio::test]
    async fn workgroups_are_joined_with_namespaces_and_tags_over_all_pages() {
        let server = PretendAws::start(account).await;
        let found = Aws::new(server.source()).workgroups("eu-west-1").await.unwrap();
        assert_eq!(found.iter().map(|workgroup| workgroup.name.as_str()).collect::<Vec<_>>(), ["fresh", "sales"]);
        let sales = Workgroup {
            name: "sales".to_owned(),
            arn: format!("{ARN}u1"),
            id: "u1".to_owned(),
            namespace: "ns".to_owned(),
            status: "AVAILABLE".to_owned(),
            endpoint: Some("sales.example".to_owned()),
            port: 5440,
            db_name: Some("dev".to_owned()),
            tags: BTreeMap::from([("env".to_owned(), "prod".to_owned())]),
            publicly_accessible: true,
        };
        assert_eq!(found[1], sales);
        assert_eq!((found[0].endpoint.as_deref(), found[0].port, found[0].db_name.as_deref()), (None, 5439, None));
        assert!(found[0].tags.is_empty());
    }

    #[tokio::test]
    async fn a_denied_namespace_hides_nothing_else_and_a_denied_list_says_so() {
        let server = PretendAws::start(|seen| match seen.action.as_str() {
            "ListNamespaces" => Answer::json_error(400, "AccessDeniedException", "no"),
            _ => account(seen),
        })
        .await;
        let aws = Aws::new(server.source());
        assert_eq!(aws.workgroups("eu-west-1").await.unwrap().len(), 2);
        server.answer(|_| Answer::json_error(400, "AccessDeniedException", "User: x is not authorized to perform: y"));
        let error = aws.workgroups("eu-west-1").await.unwrap_err();
        assert_eq!((error.step.hop, error.step.action), (0, "redshift-serverless:ListWorkgroups"));
        assert!(matches!(error.kind, AwsErrorKind::Denied(_)), "{error:?}");
    }
}
