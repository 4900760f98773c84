//! Redshift Serverless: credentials and discovery, JSON 1.1 of 2021-04-21.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::api::{Api, Sender};
use super::constraints::Constraints;
use super::reply::{ApiError, Protocol, json_response};
use crate::iam::{Denial, authorize};
use crate::world::{Namespace, Workgroup, WorkgroupStatus};

/// Seconds, unless a request asks for another.
const DEFAULT_DURATION: i64 = 900;
/// Seen in answers of the real service, where it comes later than the expiry: not a time to refresh by.
const NEXT_REFRESH: Duration = Duration::hours(2);

type Result<T> = std::result::Result<T, ApiError>;

/// Answers the operation named in `X-Amz-Target`.
pub(crate) fn answer(
    api: &Api,
    sender: &Sender<'_>,
    target: &str,
    body: &[u8],
    now: OffsetDateTime,
) -> Result<Response<Full<Bytes>>> {
    let operation = target.strip_prefix("RedshiftServerless.").unwrap_or_default();
    let answer = match operation {
        "GetCredentials" => get_credentials(api, sender, read(body)?, now),
        "GetWorkgroup" => get_workgroup(api, sender, &read(body)?),
        "ListWorkgroups" => list_workgroups(api, sender, &read(body)?),
        "ListNamespaces" => list_namespaces(api, sender, &read(body)?),
        "ListTagsForResource" => list_tags_for_resource(api, sender, &read(body)?),
        "ListEndpointAccess" => list_endpoint_access(api, sender, &read(body)?),
        _ => Err(ApiError::bad_request("UnknownOperationException", "")),
    };
    answer.map(|body| json_response(&body))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetCredentials {
    workgroup_name: Option<String>,
    custom_domain_name: Option<String>,
    db_name: Option<String>,
    duration_seconds: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetWorkgroup {
    workgroup_name: Option<String>,
}

/// Members common to the List operations; each reads those it has.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    max_results: Option<i64>,
    next_token: Option<String>,
    owner_account: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListTagsForResource {
    resource_arn: Option<String>,
}

fn get_credentials(api: &Api, sender: &Sender<'_>, request: GetCredentials, now: OffsetDateTime) -> Result<Value> {
    let duration = request.duration_seconds.unwrap_or(DEFAULT_DURATION);
    let mut members = Constraints::default();
    check_workgroup_name(&mut members, request.workgroup_name.as_deref());
    members.length("customDomainName", request.custom_domain_name.as_deref(), 1, 253);
    check_db_name(&mut members, request.db_name.as_deref());
    members.range("durationSeconds", Some(duration), 900, 3600);
    members.finish().map_err(invalid)?;

    let name = match (&request.workgroup_name, &request.custom_domain_name) {
        (Some(name), None) => name,
        (None, Some(_)) => {
            return Err(invalid("To use get credentials, you must provide an active custom domain name."));
        }
        _ => return Err(invalid("Exactly one of workgroupName and customDomainName must be provided.")),
    };
    let workgroup = find_workgroup(api, sender, name)?;
    workgroup.authorize_login(&sender.caller(), request.db_name.as_deref()).map_err(|denial| denied(&denial))?;

    // The wire carries whole seconds, so that is what the ledger holds the client to.
    let issued_at = now.replace_nanosecond(0).unwrap_or(now);
    let expires_at = issued_at + Duration::seconds(duration);
    let db_user = sender.db_user();
    let password = api.ledger.issue(name, &db_user, request.db_name, expires_at);
    tracing::info!(workgroup = %name, %db_user, "database credentials issued");
    Ok(json!({
        "dbUser": db_user,
        "dbPassword": password.expose_secret(),
        "expiration": expires_at.unix_timestamp(),
        "nextRefreshTime": (issued_at + NEXT_REFRESH).unix_timestamp(),
    }))
}

fn get_workgroup(api: &Api, sender: &Sender<'_>, request: &GetWorkgroup) -> Result<Value> {
    let mut members = Constraints::default();
    members.required("workgroupName", request.workgroup_name.as_ref());
    check_workgroup_name(&mut members, request.workgroup_name.as_deref());
    members.finish().map_err(invalid)?;
    let workgroup = find_workgroup(api, sender, request.workgroup_name.as_deref().unwrap_or_default())?;
    allow(sender, "GetWorkgroup", &workgroup.arn())?;
    Ok(json!({"workgroup": workgroup_json(workgroup)}))
}

fn list_workgroups(api: &Api, sender: &Sender<'_>, page: &Page) -> Result<Value> {
    allow(sender, "ListWorkgroups", &all_of(api, sender, "workgroup"))?;
    let account = page.owner_account.as_deref().unwrap_or(sender_account(sender));
    let visible = account == sender_account(sender);
    let workgroups = api.world.workgroups.iter().filter(|workgroup| visible && workgroup.account == account);
    page.answer("workgroups", workgroups.map(workgroup_json).collect())
}

fn list_namespaces(api: &Api, sender: &Sender<'_>, page: &Page) -> Result<Value> {
    allow(sender, "ListNamespaces", &all_of(api, sender, "namespace"))?;
    let account = sender_account(sender);
    let namespaces = api.world.namespaces.iter().filter(|namespace| namespace.account == account);
    page.answer("namespaces", namespaces.map(namespace_json).collect())
}

/// There are no managed VPC endpoints here, but the permission is asked for as if there were.
fn list_endpoint_access(api: &Api, sender: &Sender<'_>, page: &Page) -> Result<Value> {
    allow(sender, "ListEndpointAccess", &all_of(api, sender, "endpointaccess"))?;
    page.answer("endpoints", Vec::new())
}

fn list_tags_for_resource(api: &Api, sender: &Sender<'_>, request: &ListTagsForResource) -> Result<Value> {
    let mut members = Constraints::default();
    members.required("resourceArn", request.resource_arn.as_ref());
    members.length("resourceArn", request.resource_arn.as_deref(), 1, 1011);
    members.finish().map_err(invalid)?;
    let arn = request.resource_arn.as_deref().unwrap_or_default();
    allow(sender, "ListTagsForResource", arn)?;
    let workgroup = api.world.workgroups.iter().find(|workgroup| workgroup.arn() == arn);
    let namespace = api.world.namespaces.iter().any(|namespace| namespace.arn() == arn);
    let tags: Vec<Value> = match workgroup {
        Some(workgroup) => workgroup.tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect(),
        None if namespace => Vec::new(),
        None => return Err(not_found(format!("The resource {arn} was not found."))),
    };
    Ok(json!({"tags": tags}))
}

impl Page {
    /// One page of `items` under `member`. The token is the position of the next item, made opaque.
    fn answer(&self, member: &str, items: Vec<Value>) -> Result<Value> {
        let mut members = Constraints::default();
        members.range("maxResults", self.max_results, 1, 100);
        members.finish().map_err(invalid)?;
        let start = match self.next_token.as_deref() {
            None => 0,
            Some(token) => position(token).ok_or_else(|| invalid("The nextToken is not valid."))?,
        };
        let size = self.max_results.and_then(|size| usize::try_from(size).ok()).unwrap_or(100);
        let end = start.saturating_add(size);
        let more = end < items.len();
        let page: Vec<Value> = items.into_iter().skip(start).take(size).collect();
        let mut answer = json!({member: page});
        if more {
            answer["nextToken"] = json!(format!("{TOKEN_PREFIX}{end:08x}"));
        }
        Ok(answer)
    }
}

const TOKEN_PREFIX: &str = "eyJwYWdlIjp7";

fn position(token: &str) -> Option<usize> {
    usize::from_str_radix(token.strip_prefix(TOKEN_PREFIX)?, 16).ok()
}

fn workgroup_json(workgroup: &Workgroup) -> Value {
    let mut json = json!({
        "workgroupName": workgroup.name,
        "workgroupArn": workgroup.arn(),
        "workgroupId": workgroup.id.to_string(),
        "namespaceName": workgroup.namespace,
        "status": workgroup.status.as_str(),
        "port": workgroup.endpoint.port,
        "publiclyAccessible": false,
        "enhancedVpcRouting": false,
        "ipAddressType": "ipv4",
        "baseCapacity": 8,
        "maxCapacity": 64,
        "configParameters": [{"parameterKey": "require_ssl", "parameterValue": "true"}],
        "securityGroupIds": [],
        "subnetIds": [],
        "crossAccountVpcs": [],
        "patchVersion": "1.0.124000",
        "workgroupVersion": "1.0.124000",
        "trackName": "current",
        "creationDate": iso(workgroup.created_at),
    });
    if workgroup.status != WorkgroupStatus::Creating {
        json["endpoint"] =
            json!({"address": workgroup.endpoint.address, "port": workgroup.endpoint.port, "vpcEndpoints": []});
    }
    json
}

fn namespace_json(namespace: &Namespace) -> Value {
    json!({
        "namespaceName": namespace.name,
        "namespaceArn": namespace.arn(),
        "namespaceId": namespace.id.to_string(),
        "dbName": namespace.db_name,
        "adminUsername": namespace.admin_username,
        "status": "AVAILABLE",
        "iamRoles": [],
        "logExports": [],
        "creationDate": iso(namespace.created_at),
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| ApiError::bad_request("SerializationException", error.to_string()))
}

fn find_workgroup<'a>(api: &'a Api, sender: &Sender<'_>, name: &str) -> Result<&'a Workgroup> {
    let account = sender_account(sender);
    let found = api.world.workgroups.iter().find(|workgroup| workgroup.account == account && workgroup.name == name);
    found.ok_or_else(|| not_found(format!("Serverless workgroup {name} not found.")))
}

fn allow(sender: &Sender<'_>, operation: &str, resource: &str) -> Result<()> {
    let caller = sender.caller();
    let action = format!("redshift-serverless:{operation}");
    authorize(&caller, &action, resource, &caller.context()).map_err(|denial| denied(&denial))
}

/// What a List operation asks permission on.
fn all_of(api: &Api, sender: &Sender<'_>, kind: &str) -> String {
    format!("arn:aws:redshift-serverless:{}:{}:{kind}/*", api.world.region, sender_account(sender))
}

fn sender_account<'a>(sender: &'a Sender<'_>) -> &'a str {
    match sender {
        Sender::User(user) => &user.account,
        Sender::Session { role, .. } => &role.account,
    }
}

fn check_workgroup_name(members: &mut Constraints, name: Option<&str>) {
    members.characters("workgroupName", name, "^[a-z0-9-]+$", |character| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
    });
    members.length("workgroupName", name, 3, 64);
}

fn check_db_name(members: &mut Constraints, name: Option<&str>) {
    let starts_with_letter = name.and_then(|name| name.chars().next()).is_none_or(|first| first.is_ascii_alphabetic());
    members.characters("dbName", name, "^[a-zA-Z][a-zA-Z0-9_+.@-]*$", |character| {
        starts_with_letter && (character.is_ascii_alphanumeric() || "_+.@-".contains(character))
    });
    members.length("dbName", name, 1, 64);
}

fn iso(instant: OffsetDateTime) -> String {
    instant.format(&Rfc3339).expect("years of four digits fit RFC 3339")
}

fn denied(denial: &Denial) -> ApiError {
    ApiError::denied(Protocol::Json, denial)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad_request("ValidationException", message)
}

fn not_found(message: impl Into<String>) -> ApiError {
    ApiError::bad_request("ResourceNotFoundException", message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn page(max_results: Option<i64>, next_token: Option<&str>) -> Result<Value> {
        let page = Page { max_results, next_token: next_token.map(str::to_owned), owner_account: None };
        page.answer("items", (0..5).map(|n| json!(n)).collect())
    }

    #[test]
    fn pages_follow_each_other_to_the_last_which_has_no_token() {
        let first = page(Some(2), None).unwrap();
        assert_eq!(first["items"], json!([0, 1]));
        let second = page(Some(2), first["nextToken"].as_str()).unwrap();
        assert_eq!(second["items"], json!([2, 3]));
        let third = page(Some(2), second["nextToken"].as_str()).unwrap();
        assert_eq!(third, json!({"items": [4]}));
    }

    #[test]
    fn a_page_size_or_token_of_ones_own_making_is_refused() {
        assert!(page(Some(0), None).unwrap_err().message.contains("greater than or equal to 1"));
        assert!(page(Some(101), None).unwrap_err().message.contains("less than or equal to 100"));
        for token in ["", "2", "eyJwYWdlIjp7-1", "eyJwYWdlIjp7zz"] {
            assert_eq!(page(None, Some(token)).unwrap_err().code, "ValidationException", "{token}");
        }
        assert_eq!(page(None, Some("eyJwYWdlIjp7ffffffffffffffff")).unwrap(), json!({"items": []}));
    }

    #[test]
    fn database_names_begin_with_a_letter_and_have_no_colon_or_slash() {
        let fits = |name: &str| {
            let mut members = Constraints::default();
            check_db_name(&mut members, Some(name));
            members.finish().is_ok()
        };
        assert!(fits("dev") && fits("a+b@c.d-e_f") && fits(&"d".repeat(64)));
        assert!(!fits("") && !fits("1dev") && !fits("a:b") && !fits("a/b") && !fits(&"d".repeat(65)));
    }
}
