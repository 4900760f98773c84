//! Policy documents: JSON in, statements out, and what a document alone says about a request.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::condition::{Condition, Context};
use super::pattern::{Match, has_variable, wildcard};

/// Why a text is not a policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON, or not of the shape of a policy.
    #[error("the policy document is malformed")]
    Json(#[from] serde_json::Error),
    /// Only the two versions IAM ever published exist.
    #[error("policy version {0:?} does not exist")]
    Version(String),
    /// An element is missing, given in both its forms, or does not belong in this kind of policy.
    #[error("statement {index} must have exactly one of {expected}")]
    Element {
        /// Position of the statement in the document, from 0.
        index: usize,
        /// The element and its negated form.
        expected: &'static str,
    },
    /// An element that does not belong in this kind of policy.
    #[error("statement {index} must not have {element}")]
    Misplaced {
        /// Position of the statement in the document, from 0.
        index: usize,
        /// Name of the element.
        element: &'static str,
    },
}

/// A policy attached to a user or role, or passed with a session: what its holder may do, to what.
#[derive(Clone, Debug)]
pub struct IdentityPolicy {
    statements: Vec<Statement<Selection>>,
}

/// The trust policy of a role: who may assume it.
#[derive(Clone, Debug)]
pub struct TrustPolicy {
    statements: Vec<Statement<Vec<PrincipalPattern>>>,
}

/// What a set of identity policies says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    ExplicitDeny,
    Allow,
    Silent,
}

/// What a trust policy says about a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    ExplicitDeny,
    /// The caller itself is named: in its own account it needs nothing else.
    Caller,
    /// The caller's account is named: that account's identity policies decide.
    Account,
    Silent,
}

/// The caller, as trust policies may name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a> {
    pub(crate) account: &'a str,
    /// User, or role session.
    pub(crate) arn: &'a str,
    /// User, or the role behind the session.
    pub(crate) entity_arn: &'a str,
}

#[derive(Clone, Debug)]
struct Statement<T> {
    effect: Effect,
    actions: Selection,
    target: T,
    conditions: Vec<Condition>,
}

/// `Action`/`NotAction` or `Resource`/`NotResource`.
#[derive(Clone, Debug)]
struct Selection {
    patterns: Vec<String>,
    inverted: bool,
}

#[derive(Clone, Debug)]
enum PrincipalPattern {
    Anyone,
    Account(String),
    Arn(String),
    /// A service or a federated identity: never one of this sandbox's callers.
    Other,
}

impl IdentityPolicy {
    /// Reads a document. Statements need `Resource` or `NotResource` and may not have a principal.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::from_document(serde_json::from_str(text)?)
    }

    /// The same from JSON already parsed.
    pub fn from_value(value: Value) -> Result<Self, PolicyError> {
        Self::from_document(serde_json::from_value(value)?)
    }

    fn from_document(document: Document) -> Result<Self, PolicyError> {
        let statements = document.statements()?.map(|(index, raw)| {
            if raw.principal.is_some() {
                return Err(PolicyError::Misplaced { index, element: "Principal" });
            }
            Ok(Statement {
                effect: raw.effect,
                actions: selection(index, raw.action, raw.not_action, "Action, NotAction")?,
                target: selection(index, raw.resource, raw.not_resource, "Resource, NotResource")?,
                conditions: conditions(raw.condition),
            })
        });
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// What several policies together say: any deny wins over any allow.
    pub(crate) fn combined<'a>(
        policies: impl IntoIterator<Item = &'a Self>,
        action: &str,
        resource: &str,
        context: &Context,
    ) -> Verdict {
        let mut verdict = Verdict::Silent;
        for statement in policies.into_iter().flat_map(|policy| &policy.statements) {
            let applies = statement.target.selects(resource, wildcard);
            match statement.outcome(action, applies, context) {
                Some(Effect::Deny) => return Verdict::ExplicitDeny,
                Some(Effect::Allow) => verdict = Verdict::Allow,
                None => {}
            }
        }
        verdict
    }
}

impl TrustPolicy {
    /// Reads a document. Statements need `Principal` and may not name a resource: the role is the resource.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::from_document(serde_json::from_str(text)?)
    }

    /// The same from JSON already parsed.
    pub fn from_value(value: Value) -> Result<Self, PolicyError> {
        Self::from_document(serde_json::from_value(value)?)
    }

    fn from_document(document: Document) -> Result<Self, PolicyError> {
        let statements = document.statements()?.map(|(index, raw)| {
            if raw.resource.is_some() || raw.not_resource.is_some() {
                return Err(PolicyError::Misplaced { index, element: "Resource" });
            }
            let principal = raw.principal.ok_or(PolicyError::Element { index, expected: "Principal" })?;
            Ok(Statement {
                effect: raw.effect,
                actions: selection(index, raw.action, raw.not_action, "Action, NotAction")?,
                target: principal.patterns(),
                conditions: conditions(raw.condition),
            })
        });
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// What the policy says about `caller`: any deny wins over any allow, and naming the caller over naming its account.
    pub(crate) fn decide(&self, caller: Named<'_>, action: &str, context: &Context) -> Trust {
        let mut trust = Trust::Silent;
        for statement in &self.statements {
            let named = statement.target.iter().map(|pattern| pattern.names(caller)).fold(Trust::Silent, stronger);
            let applies = Match::from(named != Trust::Silent);
            match statement.outcome(action, applies, context) {
                Some(Effect::Deny) => return Trust::ExplicitDeny,
                Some(Effect::Allow) => trust = stronger(trust, named),
                None => {}
            }
        }
        trust
    }
}

impl<T> Statement<T> {
    /// Its effect, if it applies to the request. What cannot be told never allows and always denies.
    fn outcome(&self, action: &str, target: Match, context: &Context) -> Option<Effect> {
        let action = self
            .actions
            .selects(action, |pattern, action| wildcard(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase()));
        let conditions = self.conditions.iter().map(|condition| condition.evaluate(context));
        match (conditions.fold(action.and(target), Match::and), self.effect) {
            (Match::Yes, effect) => Some(effect),
            (Match::Unknown, Effect::Deny) => Some(Effect::Deny),
            (Match::Unknown, Effect::Allow) | (Match::No, _) => None,
        }
    }
}

impl Selection {
    fn selects(&self, text: &str, fits: impl Fn(&str, &str) -> bool) -> Match {
        let any = self.patterns.iter().fold(Match::No, |found, pattern| {
            found.or(if has_variable(pattern) { Match::Unknown } else { Match::from(fits(pattern, text)) })
        });
        if self.inverted { any.not() } else { any }
    }
}

impl PrincipalPattern {
    fn aws(text: &str) -> Self {
        let account = text.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(text);
        if text == "*" {
            Self::Anyone
        } else if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) {
            Self::Account(account.to_owned())
        } else {
            Self::Arn(text.to_owned())
        }
    }

    fn names(&self, caller: Named<'_>) -> Trust {
        match self {
            // Of the two readings the stricter: "anyone" does not spare a caller the permission of its own account.
            Self::Anyone => Trust::Account,
            Self::Account(account) if account == caller.account => Trust::Account,
            // A principal is matched whole: IAM allows no wildcard inside its ARN.
            Self::Arn(arn) if arn == caller.arn || arn == caller.entity_arn => Trust::Caller,
            Self::Account(_) | Self::Arn(_) | Self::Other => Trust::Silent,
        }
    }
}

fn stronger(one: Trust, other: Trust) -> Trust {
    match (one, other) {
        (Trust::Caller, _) | (_, Trust::Caller) => Trust::Caller,
        (Trust::Account, _) | (_, Trust::Account) => Trust::Account,
        _ => Trust::Silent,
    }
}

/// A document as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<RawStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawStatement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    principal: Option<RawPrincipal>,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, OneOrMany<Scalar>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawPrincipal {
    Anyone(String),
    Kinds(PrincipalKinds),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrincipalKinds {
    #[serde(rename = "AWS")]
    aws: Option<OneOrMany<String>>,
    #[serde(rename = "Service")]
    service: Option<OneOrMany<String>>,
    #[serde(rename = "Federated")]
    federated: Option<OneOrMany<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// Condition values may be written as JSON strings, booleans or numbers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Flag(bool),
    Number(serde_json::Number),
}

impl Document {
    fn statements(self) -> Result<impl Iterator<Item = (usize, RawStatement)>, PolicyError> {
        match self.version.as_deref() {
            None | Some("2012-10-17" | "2008-10-17") => Ok(self.statement.into_vec().into_iter().enumerate()),
            Some(other) => Err(PolicyError::Version(other.to_owned())),
        }
    }
}

impl RawPrincipal {
    fn patterns(self) -> Vec<PrincipalPattern> {
        match self {
            Self::Anyone(text) if text == "*" => vec![PrincipalPattern::Anyone],
            Self::Anyone(_) => vec![PrincipalPattern::Other],
            Self::Kinds(kinds) => {
                let aws = kinds.aws.map_or_else(Vec::new, OneOrMany::into_vec);
                let others = kinds.service.is_some() || kinds.federated.is_some();
                let aws = aws.iter().map(|text| PrincipalPattern::aws(text));
                aws.chain(others.then_some(PrincipalPattern::Other)).collect()
            }
        }
    }
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

fn selection(
    index: usize,
    plain: Option<OneOrMany<String>>,
    negated: Option<OneOrMany<String>>,
    expected: &'static str,
) -> Result<Selection, PolicyError> {
    match (plain, negated) {
        (Some(patterns), None) => Ok(Selection { patterns: patterns.into_vec(), inverted: false }),
        (None, Some(patterns)) => Ok(Selection { patterns: patterns.into_vec(), inverted: true }),
        _ => Err(PolicyError::Element { index, expected }),
    }
}

fn conditions(raw: BTreeMap<String, BTreeMap<String, OneOrMany<Scalar>>>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (operator, keys) in raw {
        for (key, values) in keys {
            let values = values.into_vec().into_iter().map(Scalar::into_text).collect();
            conditions.push(Condition::new(&operator, key, values));
        }
    }
    conditions
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    const WORKGROUP: &str = "arn:aws:redshift-serverless:ap-northeast-2:111111111111:workgroup/0f3a";
    const GET: &str = "redshift-serverless:GetCredentials";
    const JIWOO: Named<'_> = Named {
        account: "111111111111",
        arn: "arn:aws:iam::111111111111:user/jiwoo",
        entity_arn: "arn:aws:iam::111111111111:user/jiwoo",
    };
    const SESSION: Named<'_> = Named {
        account: "111111111111",
        arn: "arn:aws:sts::111111111111:assumed-role/hop/jiwoo",
        entity_arn: "arn:aws:iam::111111111111:role/hop",
    };

    fn identity(statement: Value) -> IdentityPolicy {
        IdentityPolicy::from_value(json!({"Version": "2012-10-17", "Statement": statement})).unwrap()
    }

    fn says(statement: Value) -> Verdict {
        IdentityPolicy::combined(&[identity(statement)], GET, WORKGROUP, &Context::default())
    }

    fn trusts(statement: Value, caller: Named<'_>) -> Trust {
        let policy = TrustPolicy::from_value(json!({"Statement": statement})).unwrap();
        policy.decide(caller, "sts:AssumeRole", &Context::default())
    }

    #[test]
    fn one_statement_or_a_list_one_action_or_a_list_are_the_same() {
        let one = json!({"Effect": "Allow", "Action": GET, "Resource": WORKGROUP});
        let many = json!([{"Effect": "Allow", "Action": ["s3:GetObject", GET], "Resource": ["x", WORKGROUP]}]);
        assert_eq!(says(one), Verdict::Allow);
        assert_eq!(says(many), Verdict::Allow);
    }

    #[test]
    fn actions_ignore_letter_case_and_resources_do_not() {
        let loud = json!({"Effect": "Allow", "Action": "REDSHIFT-SERVERLESS:get*", "Resource": "*"});
        let other = json!({"Effect": "Allow", "Action": GET, "Resource": WORKGROUP.to_uppercase()});
        assert_eq!(says(loud), Verdict::Allow);
        assert_eq!(says(other), Verdict::Silent);
    }

    #[test]
    fn negated_elements_select_everything_else() {
        let not_action = json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"});
        let not_resource = json!({"Effect": "Allow", "Action": "*", "NotResource": WORKGROUP});
        assert_eq!(says(not_action), Verdict::Allow);
        assert_eq!(says(not_resource), Verdict::Silent);
    }

    #[test]
    fn an_explicit_deny_wins_wherever_it_stands() {
        let allow = identity(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        let deny = identity(json!({"Effect": "Deny", "Action": GET, "Resource": "*"}));
        for order in [[&allow, &deny], [&deny, &allow]] {
            let verdict = IdentityPolicy::combined(order, GET, WORKGROUP, &Context::default());
            assert_eq!(verdict, Verdict::ExplicitDeny);
        }
    }

    #[test]
    fn what_cannot_be_told_never_allows_and_always_denies() {
        for condition in [
            json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            json!({"StringEquals": {"ec2:Vpc": "vpc-1"}}),
            json!({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}),
        ] {
            let statement =
                |effect| json!({"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition.clone()});
            assert_eq!(says(statement("Allow")), Verdict::Silent, "{condition}");
            assert_eq!(says(statement("Deny")), Verdict::ExplicitDeny, "{condition}");
        }
        let variable = |effect| json!({"Effect": effect, "Action": "*", "Resource": "arn:aws:x:::${aws:username}"});
        assert_eq!(says(variable("Allow")), Verdict::Silent);
        assert_eq!(says(variable("Deny")), Verdict::ExplicitDeny);
    }

    #[test]
    fn all_conditions_of_a_statement_must_hold() {
        let policy = identity(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
            "StringEquals": {"aws:ResourceTag/env": ["dev", "stage"]},
            "Bool": {"aws:SecureTransport": true},
        }}));
        let verdict = |context: &Context| IdentityPolicy::combined([&policy], GET, WORKGROUP, context);
        let secure = Context::default().with("aws:SecureTransport", "true");
        assert_eq!(verdict(&secure.clone().with("aws:ResourceTag/env", "stage")), Verdict::Allow);
        assert_eq!(verdict(&secure.clone().with("aws:ResourceTag/env", "prod")), Verdict::Silent);
        assert_eq!(verdict(&secure), Verdict::Silent);
    }

    #[test]
    fn trust_tells_a_named_caller_from_a_named_account() {
        let statement =
            |principal: Value| json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
        for (principal, caller, expected) in [
            (json!({"AWS": "arn:aws:iam::111111111111:user/jiwoo"}), JIWOO, Trust::Caller),
            (json!({"AWS": ["arn:aws:iam::111111111111:root", JIWOO.arn]}), JIWOO, Trust::Caller),
            (json!({"AWS": "arn:aws:iam::111111111111:root"}), JIWOO, Trust::Account),
            (json!({"AWS": "111111111111"}), JIWOO, Trust::Account),
            (json!("*"), JIWOO, Trust::Account),
            (json!({"AWS": "*"}), JIWOO, Trust::Account),
            (json!({"AWS": "arn:aws:iam::222222222222:root"}), JIWOO, Trust::Silent),
            (json!({"AWS": "arn:aws:iam::111111111111:user/*"}), JIWOO, Trust::Silent),
            (json!({"Service": "redshift.amazonaws.com"}), JIWOO, Trust::Silent),
            (json!({"AWS": "arn:aws:iam::111111111111:role/hop"}), SESSION, Trust::Caller),
            (json!({"AWS": "arn:aws:sts::111111111111:assumed-role/hop/jiwoo"}), SESSION, Trust::Caller),
            (json!({"AWS": "arn:aws:sts::111111111111:assumed-role/hop/other"}), SESSION, Trust::Silent),
        ] {
            assert_eq!(trusts(statement(principal.clone()), caller), expected, "{principal}");
        }
    }

    #[test]
    fn a_trust_deny_beats_the_allow_beside_it() {
        let statements = json!([
            {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "Principal": {"AWS": JIWOO.arn}, "Action": "sts:*"},
        ]);
        assert_eq!(trusts(statements.clone(), JIWOO), Trust::ExplicitDeny);
        assert_eq!(trusts(statements, SESSION), Trust::Account);
    }

    #[test]
    fn documents_of_the_wrong_shape_are_refused() {
        let action = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        for (text, part) in [
            ("{".to_owned(), "malformed"),
            (json!({"Version": "2020-01-01", "Statement": action}).to_string(), "2020-01-01"),
            (json!({"Statement": {"Effect": "Allow", "Action": "*"}}).to_string(), "Resource, NotResource"),
            (json!({"Statement": {"Effect": "Allow", "Resource": "*"}}).to_string(), "Action, NotAction"),
            (json!({"Statement": {"Effect": "Permit", "Action": "*", "Resource": "*"}}).to_string(), "malformed"),
            (json!({"Statement": {"Effect": "Allow", "Actions": "*", "Resource": "*"}}).to_string(), "malformed"),
            (
                json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}).to_string(),
                "must not have Principal",
            ),
        ] {
            let error = IdentityPolicy::parse(&text).unwrap_err();
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
        let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole"}}).to_string();
        assert!(TrustPolicy::parse(&trust).unwrap_err().to_string().contains("Principal"));
    }
}
