//! Templates in roles: `{{external.email}}`, `{{email.local(external.email)}}`, `prefix-{{internal.db_users}}`.

use crate::expression::{Expression, Scope, Value};

/// Names `internal.` may have; all of them read the user's traits, as `external.` does for any name.
const INTERNAL: [&str; 11] = [
    "logins",
    "windows_logins",
    "kubernetes_groups",
    "kubernetes_users",
    "db_names",
    "db_users",
    "db_roles",
    "aws_role_arns",
    "azure_identities",
    "gcp_service_accounts",
    "jwt",
];

/// Functions a template may call. The rest of the expression language is for conditions.
const FUNCTIONS: [&str; 2] = ["email.local", "regexp.replace"];

/// A text with one expression in double braces.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    prefix: String,
    expression: Expression,
    suffix: String,
}

impl Template {
    /// `None` when the text has no braces at all.
    pub(crate) fn parse(source: &str) -> Result<Option<Self>, String> {
        if !source.contains("{{") && !source.contains("}}") {
            return Ok(None);
        }
        let malformed = || format!("{source:?} uses template brackets '{{{{' or '}}}}' but is not a template");
        let (prefix, rest) = source.split_once("{{").ok_or_else(malformed)?;
        let (inner, suffix) = rest.rsplit_once("}}").ok_or_else(malformed)?;
        if [prefix, suffix].iter().any(|text| text.contains(['{', '}'])) || inner.contains("{{") || inner.contains("}}")
        {
            return Err(malformed());
        }
        let expression = Expression::parse(inner.trim()).map_err(|why| format!("{source:?}: {why}"))?;
        check(&expression).map_err(|why| format!("{source:?}: {why}"))?;
        Ok(Some(Self { prefix: prefix.trim_start().to_owned(), expression, suffix: suffix.trim_end().to_owned() }))
    }

    /// One text for each value. Values that cannot be computed, and empty ones, are left out: they stand for nothing.
    pub(crate) fn expand(&self, scope: &Scope<'_>) -> Vec<String> {
        let values = match self.expression.evaluate(scope) {
            Ok(Value::List(values)) => values,
            Ok(Value::Text(value)) => vec![value],
            Ok(Value::Bool(_)) | Err(_) => Vec::new(),
        };
        values
            .into_iter()
            .filter(|value| !value.is_empty())
            .map(|value| format!("{}{value}{}", self.prefix, self.suffix))
            .collect()
    }
}

fn check(expression: &Expression) -> Result<(), String> {
    let mut problem = None;
    expression.visit(&mut |part| {
        let fault = match part {
            Expression::Name(name) => check_name(name),
            Expression::Index(name, _) if name == "internal" || name == "external" => None,
            Expression::Call(name, _) if FUNCTIONS.contains(&name.as_str()) => None,
            Expression::Call(name, _) => Some(format!("function {name} is not for templates")),
            Expression::Text(_) => None,
            _ => Some("a template holds a trait, or a function of one".to_owned()),
        };
        problem = problem.take().or(fault);
    });
    problem.map_or(Ok(()), Err)
}

fn check_name(name: &str) -> Option<String> {
    let known = match name.split_once('.') {
        Some(("external", of)) => !of.is_empty(),
        Some(("internal", of)) => INTERNAL.contains(&of),
        _ => false,
    };
    (!known).then(|| format!("unsupported variable {name}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn expand(source: &str) -> Vec<String> {
        let traits = BTreeMap::from([
            ("email".to_owned(), vec!["alice@example.com".to_owned()]),
            ("db_users".to_owned(), vec!["reader".to_owned(), "writer".to_owned()]),
            ("groups".to_owned(), vec!["db-sales".to_owned(), "ops".to_owned()]),
        ]);
        Template::parse(source).unwrap().unwrap().expand(&Scope { user: "alice", traits: &traits, labels: None })
    }

    #[test]
    fn a_template_becomes_one_text_for_each_value() {
        assert_eq!(expand("{{internal.db_users}}"), ["reader", "writer"]);
        assert_eq!(expand("role/{{ external.db_users }}-x"), ["role/reader-x", "role/writer-x"]);
        assert_eq!(expand(r#"{{external["email"]}}"#), ["alice@example.com"]);
        assert_eq!(expand("{{email.local(external.email)}}"), ["alice"]);
        assert_eq!(expand(r#"{{regexp.replace(external.groups, "^db-(.*)$", "$1")}}"#), ["sales"]);
        assert_eq!(expand(r#"{{regexp.replace(email.local(external.email), "a", "b")}}"#), ["blice"]);
        assert_eq!(expand("{{external.missing}}"), Vec::<String>::new());
    }

    #[test]
    fn a_text_without_braces_is_no_template_and_a_bad_one_is_an_error() {
        assert!(Template::parse("teleport-redshift-serverless-access").unwrap().is_none());
        for (bad, why) in [
            ("{{internal.nope}}", "unsupported variable internal.nope"),
            ("{{external.a", "is not a template"),
            ("{{external.a}}{{external.b}}", "is not a template"),
            ("{{strings.upper(external.a)}}", "is not for templates"),
            ("{{external.a == \"b\"}}", "a template holds a trait"),
            ("{{}}", "ends too early"),
        ] {
            let error = Template::parse(bad).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
