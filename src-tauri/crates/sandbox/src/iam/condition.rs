//! The `Condition` element: operators, keys and the facts of a request they are held against.

use std::collections::BTreeMap;

use super::pattern::{Match, arn_like, has_variable, wildcard};

/// Condition keys this sandbox fills in where they apply. One of these that is missing from a request is *absent*, which
/// IAM defines; any other key is *unknown*, and a statement that asks for it is decided by refusing.
const KNOWN_KEYS: &[&str] = &[
    "aws:principalaccount",
    "aws:principalarn",
    "aws:requestedregion",
    "aws:securetransport",
    "aws:sourceidentity",
    "aws:userid",
    "aws:username",
    "sts:externalid",
    "sts:rolesessionname",
    "sts:sourceidentity",
];

/// Families of known keys: what follows the slash is the name of a tag, in its own letter case.
const KNOWN_FAMILIES: &[&str] = &["aws:principaltag/", "aws:requesttag/", "aws:resourcetag/"];

/// Facts of one request, by condition key. Names of keys ignore letter case.
#[derive(Clone, Debug, Default)]
pub struct Context {
    facts: BTreeMap<String, String>,
}

impl Context {
    /// The same context with one more fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.facts.insert(key.to_ascii_lowercase(), value.into());
        self
    }

    /// The same context with one more fact, if there is one.
    #[must_use]
    pub fn with_optional(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.facts.get(&key.to_ascii_lowercase()).map(String::as_str)
    }
}

/// One operator and key with the values it accepts.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    operator: Option<Operator>,
    key: String,
    values: Vec<String>,
}

/// A comparison, whether it is turned round, and whether an absent key satisfies it.
#[derive(Clone, Copy, Debug)]
struct Operator {
    test: Test,
    negated: bool,
    if_exists: bool,
}

#[derive(Clone, Copy, Debug)]
enum Test {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    ArnLike,
    Bool,
    Null,
}

impl Condition {
    /// Takes a condition as the document writes it. An operator that is not implemented is kept as unknown.
    pub(crate) fn new(operator: &str, key: String, values: Vec<String>) -> Self {
        Self { operator: Operator::named(operator), key, values }
    }

    /// Holds the condition against the facts of a request.
    pub(crate) fn evaluate(&self, context: &Context) -> Match {
        let Some(operator) = self.operator else { return Match::Unknown };
        if !is_known(&self.key) || self.values.iter().any(|value| has_variable(value)) {
            return Match::Unknown;
        }
        let actual = context.get(&self.key);
        if let Test::Null = operator.test {
            let wants_absent = self.values.iter().any(|value| value.eq_ignore_ascii_case("true"));
            return Match::from(actual.is_none() == wants_absent);
        }
        match actual {
            None => Match::from(operator.negated || operator.if_exists),
            Some(actual) => {
                let fits = self.values.iter().any(|value| operator.test.fits(value, actual));
                Match::from(fits != operator.negated)
            }
        }
    }
}

impl Operator {
    fn named(name: &str) -> Option<Self> {
        let (base, if_exists) = match name.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (name, false),
        };
        let (test, negated) = match base {
            "StringEquals" => (Test::StringEquals, false),
            "StringNotEquals" => (Test::StringEquals, true),
            "StringEqualsIgnoreCase" => (Test::StringEqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Test::StringEqualsIgnoreCase, true),
            "StringLike" => (Test::StringLike, false),
            "StringNotLike" => (Test::StringLike, true),
            // IAM documents the two as the same test.
            "ArnEquals" | "ArnLike" => (Test::ArnLike, false),
            "ArnNotEquals" | "ArnNotLike" => (Test::ArnLike, true),
            "Bool" => (Test::Bool, false),
            "Null" if !if_exists => (Test::Null, false),
            _ => return None,
        };
        Some(Self { test, negated, if_exists })
    }
}

impl Test {
    fn fits(self, expected: &str, actual: &str) -> bool {
        match self {
            Self::StringEquals => expected == actual,
            Self::StringEqualsIgnoreCase | Self::Bool => expected.eq_ignore_ascii_case(actual),
            Self::StringLike => wildcard(expected, actual),
            Self::ArnLike => arn_like(expected, actual),
            // Decided by presence alone, before any value is compared.
            Self::Null => false,
        }
    }
}

fn is_known(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    KNOWN_KEYS.contains(&key.as_str()) || KNOWN_FAMILIES.iter().any(|family| key.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(operator: &str, key: &str, values: &[&str]) -> Condition {
        Condition::new(operator, key.to_owned(), values.iter().map(|&value| value.to_owned()).collect())
    }

    fn with_external_id(id: &str) -> Context {
        Context::default().with("sts:ExternalId", id)
    }

    #[test]
    fn string_equals_wants_the_key_present_and_one_value_equal() {
        let wanted = condition("StringEquals", "sts:ExternalId", &["alpha", "beta"]);
        assert_eq!(wanted.evaluate(&with_external_id("beta")), Match::Yes);
        assert_eq!(wanted.evaluate(&with_external_id("Beta")), Match::No);
        assert_eq!(wanted.evaluate(&Context::default()), Match::No);
    }

    #[test]
    fn key_names_ignore_letter_case() {
        let wanted = condition("StringEquals", "STS:externalid", &["alpha"]);
        assert_eq!(wanted.evaluate(&with_external_id("alpha")), Match::Yes);
    }

    #[test]
    fn a_negated_operator_holds_for_an_absent_key_and_only_without_any_equal_value() {
        let unwanted = condition("StringNotEquals", "sts:ExternalId", &["alpha", "beta"]);
        assert_eq!(unwanted.evaluate(&Context::default()), Match::Yes);
        assert_eq!(unwanted.evaluate(&with_external_id("gamma")), Match::Yes);
        assert_eq!(unwanted.evaluate(&with_external_id("alpha")), Match::No);
    }

    #[test]
    fn if_exists_lets_an_absent_key_pass() {
        let wanted = condition("StringLikeIfExists", "sts:RoleSessionName", &["postern-*"]);
        assert_eq!(wanted.evaluate(&Context::default()), Match::Yes);
        assert_eq!(wanted.evaluate(&Context::default().with("sts:RoleSessionName", "other")), Match::No);
    }

    #[test]
    fn arn_and_bool_and_null_operators_compare_as_documented() {
        let context = Context::default()
            .with("aws:PrincipalArn", "arn:aws:iam::111111111111:user/jiwoo")
            .with("aws:SecureTransport", "true");
        for (operator, key, value, expected) in [
            ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/ji*", Match::Yes),
            ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::222222222222:user/*", Match::No),
            ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::222222222222:user/*", Match::Yes),
            ("StringEqualsIgnoreCase", "aws:PrincipalArn", "ARN:aws:iam::111111111111:user/JIWOO", Match::Yes),
            ("Bool", "aws:SecureTransport", "True", Match::Yes),
            ("Bool", "aws:SecureTransport", "false", Match::No),
            ("Null", "sts:ExternalId", "true", Match::Yes),
            ("Null", "aws:PrincipalArn", "true", Match::No),
            ("Null", "aws:PrincipalArn", "false", Match::Yes),
        ] {
            assert_eq!(condition(operator, key, &[value]).evaluate(&context), expected, "{operator} {key} {value}");
        }
    }

    #[test]
    fn operators_keys_and_variables_it_does_not_know_cannot_be_told() {
        let context = with_external_id("alpha");
        for unknown in [
            condition("IpAddress", "sts:ExternalId", &["10.0.0.0/8"]),
            condition("ForAnyValue:StringEquals", "sts:ExternalId", &["alpha"]),
            condition("StringEquals", "aws:MultiFactorAuthPresent", &["true"]),
            condition("StringEquals", "sts:ExternalId", &["${aws:username}"]),
        ] {
            assert_eq!(unknown.evaluate(&context), Match::Unknown, "{unknown:?}");
        }
    }
}
