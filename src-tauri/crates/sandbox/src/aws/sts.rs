//! Security Token Service: `AssumeRole` and `GetCallerIdentity`, Query API of 2011-06-15.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::api::{Api, Sender};
use super::constraints::{Constraints, is_name_character};
use super::reply::{ApiError, Protocol, element, sts_response};
use super::sessions::{NewSession, Session};
use crate::iam::{IdentityPolicy, TargetRole, authorize_role_session};
use crate::world::Role;

const VERSION: &str = "2011-06-15";
const ASSUME_ROLE: &str = "sts:AssumeRole";
const SET_SOURCE_IDENTITY: &str = "sts:SetSourceIdentity";
/// Seconds, unless a request asks for another.
const DEFAULT_DURATION: i64 = 3600;
/// Seconds: longest session of a role assumed from a session, whatever the role allows.
const CHAINED_DURATION: i64 = 3600;
const TIMESTAMP: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

type Parameters = BTreeMap<String, String>;
type Answer = Result<Response<Full<Bytes>>, ApiError>;

/// Answers one request of the Query API, whose parameters are in the URL or in the body.
pub(crate) fn answer(api: &Api, sender: &Sender<'_>, parts: &Parts, body: &[u8], now: OffsetDateTime) -> Answer {
    let mut parameters = form(parts.uri.query().unwrap_or_default());
    parameters.extend(form(&String::from_utf8_lossy(body)));
    let version = parameters.remove("Version").unwrap_or_default();
    match parameters.remove("Action").as_deref() {
        None => Err(ApiError::bad_request("MissingAction", "The request must contain the parameter Action")),
        Some("AssumeRole") if version == VERSION => assume_role(api, sender, &parameters, now),
        Some("GetCallerIdentity") if version == VERSION => Ok(get_caller_identity(sender)),
        Some(other) => Err(ApiError::bad_request(
            "InvalidAction",
            format!("Could not find operation {other} for version {version}"),
        )),
    }
}

/// Needs no permission, and cannot be denied.
fn get_caller_identity(sender: &Sender<'_>) -> Response<Full<Bytes>> {
    let caller = sender.caller();
    let parts = [element("Arn", &caller.arn), element("UserId", &caller.id), element("Account", caller.account)];
    sts_response("GetCallerIdentity", &parts.concat())
}

fn assume_role(api: &Api, sender: &Sender<'_>, parameters: &Parameters, now: OffsetDateTime) -> Answer {
    let request = AssumeRole::read(parameters)?;
    let role = api.world.role(&request.role_arn);
    let source_identity = request.authorize(sender, role)?;
    let Some(role) = role else { return Err(invalid(format!("{} is invalid", request.role_arn))) };
    request.check_duration(sender, role)?;
    let new = NewSession {
        role_arn: role.arn(),
        name: request.session_name,
        source_identity,
        policy: request.policy,
        lasts: Duration::seconds(request.duration),
    };
    let session = api.sessions.start(new, now);
    tracing::info!(role = %session.role_arn, session = %session.name, "role assumed");
    Ok(sts_response("AssumeRole", &assume_role_result(role, &session)))
}

fn assume_role_result(role: &Role, session: &Session) -> String {
    let caller = role.caller(&session.name);
    let expiration = session.expires_at.format(TIMESTAMP).expect("a format of numbers fits every date");
    let credentials = [
        element("AccessKeyId", &session.access_key_id),
        element("SecretAccessKey", session.secret.expose_secret()),
        element("SessionToken", session.token.expose_secret()),
        element("Expiration", &expiration),
    ];
    let user = [element("AssumedRoleId", &caller.id), element("Arn", &caller.arn)];
    let source_identity = session.source_identity.as_deref().map(|identity| element("SourceIdentity", identity));
    format!(
        "<AssumedRoleUser>{}</AssumedRoleUser><Credentials>{}</Credentials>{}",
        user.concat(),
        credentials.concat(),
        source_identity.unwrap_or_default(),
    )
}

/// A request whose members are within their limits.
#[derive(Debug)]
struct AssumeRole {
    role_arn: String,
    session_name: String,
    /// Seconds.
    duration: i64,
    external_id: Option<String>,
    source_identity: Option<String>,
    policy: Option<IdentityPolicy>,
}

impl AssumeRole {
    fn read(parameters: &Parameters) -> Result<Self, ApiError> {
        const KNOWN: [&str; 6] =
            ["DurationSeconds", "ExternalId", "Policy", "RoleArn", "RoleSessionName", "SourceIdentity"];
        // Ignoring session tags or MFA would grant what AWS might refuse.
        if let Some(unknown) = parameters.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            let message = format!("The sandbox does not know the parameter {unknown} of AssumeRole");
            return Err(ApiError::bad_request("UnsupportedOperation", message));
        }
        let get = |name: &str| parameters.get(name).cloned();
        let duration = get("DurationSeconds").map(|text| integer(&text)).transpose()?;
        let (role_arn, session_name) = (get("RoleArn"), get("RoleSessionName"));
        let (external_id, source_identity) = (get("ExternalId"), get("SourceIdentity"));

        let mut members = Constraints::default();
        members.required("roleArn", role_arn.as_ref());
        members.length("roleArn", role_arn.as_deref(), 20, 2048);
        members.required("roleSessionName", session_name.as_ref());
        members.characters("roleSessionName", session_name.as_deref(), r"[\w+=,.@-]*", is_name_character);
        members.length("roleSessionName", session_name.as_deref(), 2, 64);
        members.range("durationSeconds", duration, 900, 43_200);
        members.characters("externalId", external_id.as_deref(), r"[\w+=,.@:\/-]*", |character| {
            is_name_character(character) || character == ':' || character == '/'
        });
        members.length("externalId", external_id.as_deref(), 2, 1224);
        members.characters("sourceIdentity", source_identity.as_deref(), r"[\w+=,.@-]*", is_name_character);
        members.length("sourceIdentity", source_identity.as_deref(), 2, 64);
        members.finish().map_err(invalid)?;

        let role_arn = role_arn.unwrap_or_default();
        if !is_role_arn(&role_arn) {
            return Err(invalid(format!("{role_arn} is invalid")));
        }
        let policy = get("Policy").map(|text| IdentityPolicy::parse(&text)).transpose();
        let policy = policy.map_err(|error| ApiError::bad_request("MalformedPolicyDocument", error.to_string()))?;
        Ok(Self {
            role_arn,
            session_name: session_name.unwrap_or_default(),
            duration: duration.unwrap_or(DEFAULT_DURATION),
            external_id,
            source_identity,
            policy,
        })
    }

    /// Asks the policies of both sides. The answer is the source identity of the new session, which a chain keeps.
    fn authorize(&self, sender: &Sender<'_>, role: Option<&Role>) -> Result<Option<String>, ApiError> {
        let caller = sender.caller();
        let inherited = caller.source_identity;
        let source_identity = self.source_identity.as_deref().or(inherited);
        let context = caller
            .context()
            .with("sts:RoleSessionName", self.session_name.as_str())
            .with_optional("sts:ExternalId", self.external_id.as_deref())
            .with_optional("sts:SourceIdentity", source_identity);
        let target = role.map(|role| TargetRole { account: &role.account, trust: &role.trust_policy });
        let actions = [Some(ASSUME_ROLE), source_identity.map(|_| SET_SOURCE_IDENTITY)];
        for action in actions.into_iter().flatten() {
            authorize_role_session(&caller, action, &self.role_arn, target, &context)
                .map_err(|denial| ApiError::denied(Protocol::Query, &denial))?;
        }
        Ok(source_identity.map(str::to_owned))
    }

    fn check_duration(&self, sender: &Sender<'_>, role: &Role) -> Result<(), ApiError> {
        if sender.is_session() && self.duration > CHAINED_DURATION {
            return Err(invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        if self.duration > role.max_session_seconds {
            return Err(invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
        }
        Ok(())
    }
}

fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else { return false };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    *arn == "arn"
        && partition.starts_with("aws")
        && *service == "iam"
        && region.is_empty()
        && is_account
        && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty())
}

fn integer(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::bad_request("MalformedInput", "Invalid Integer"))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad_request("ValidationError", message)
}

/// `application/x-www-form-urlencoded`.
fn form(text: &str) -> Parameters {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decode(k), decode(v))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111111111111:role/bi-readonly";

    fn read(pairs: &[(&str, &str)]) -> Result<AssumeRole, ApiError> {
        AssumeRole::read(&pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    fn complaint(pairs: &[(&str, &str)]) -> String {
        let error = read(pairs).unwrap_err();
        assert_eq!(error.code, "ValidationError");
        error.message
    }

    #[test]
    fn a_session_lasts_an_hour_unless_asked_otherwise() {
        assert_eq!(read(&[("RoleArn", ROLE), ("RoleSessionName", "jiwoo")]).unwrap().duration, 3600);
    }

    #[test]
    fn members_outside_their_limits_are_named() {
        for (member, value, part) in [
            ("RoleSessionName", "j", "greater than or equal to 2"),
            ("RoleSessionName", "ji woo", r"[\w+=,.@-]*"),
            ("RoleSessionName", &"j".repeat(65), "less than or equal to 64"),
            ("RoleArn", "role", "greater than or equal to 20"),
            ("DurationSeconds", "899", "greater than or equal to 900"),
            ("DurationSeconds", "43201", "less than or equal to 43200"),
            ("ExternalId", "x", "greater than or equal to 2"),
            ("ExternalId", "a;b", r"[\w+=,.@:\/-]*"),
            ("SourceIdentity", "a/b", r"[\w+=,.@-]*"),
        ] {
            let mut pairs = vec![("RoleArn", ROLE), ("RoleSessionName", "jiwoo")];
            pairs.retain(|(name, _)| *name != member);
            pairs.push((member, value));
            let message = complaint(&pairs);
            assert!(message.starts_with("1 validation error detected: "), "{message}");
            assert!(message.contains(part), "{member} {value}: {message}");
        }
        assert!(complaint(&[]).starts_with("2 validation errors detected: Value null at 'roleArn'"));
    }

    #[test]
    fn an_arn_of_something_else_is_invalid() {
        for arn in [
            "arn:aws:iam::111111111111:user/bi-readonly",
            "arn:aws:iam::1111:role/bi-readonly",
            "arn:aws:iam::111111111111:role/",
            "arn:aws:sts::111111111111:assumed-role/bi-readonly/x",
            "bi-readonly-bi-readonly",
        ] {
            assert_eq!(complaint(&[("RoleArn", arn), ("RoleSessionName", "jiwoo")]), format!("{arn} is invalid"));
        }
    }

    #[test]
    fn parameters_it_does_not_honour_are_refused() {
        let pairs = [("RoleArn", ROLE), ("RoleSessionName", "jiwoo"), ("Tags.member.1.Key", "team")];
        assert!(read(&pairs).unwrap_err().message.contains("Tags.member.1.Key"));
    }

    #[test]
    fn form_decoding_knows_plus_and_percent() {
        let parameters = form("Action=AssumeRole&Name=a+b%2Bc&Empty=&Flag");
        assert_eq!(parameters["Name"], "a b+c");
        assert_eq!(parameters["Empty"], "");
        assert_eq!(parameters["Flag"], "");
    }
}
