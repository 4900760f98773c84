//! What a person may choose from: database users and names for drop-downs and defaults.

use std::borrow::Borrow;
use std::fmt;

use serde::Serialize;

use crate::decide::{Asked, Check, Verdict, assigned};
use crate::{Database, Role, User};

/// Database users and names to offer. Each is checked by itself; [`crate::decide`] has the last word on a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Options {
    /// Database users (for Redshift Serverless: IAM roles).
    pub db_users: Choices,
    /// Database names.
    pub db_names: Choices,
}

/// What may be chosen for one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choices {
    /// What is chosen.
    #[serde(skip)]
    pub subject: Subject,
    /// Database the choices are for.
    #[serde(skip)]
    pub database: String,
    /// Literals allowed, in role order.
    pub allowed: Vec<String>,
    /// Anything else is allowed too, but for `denied`.
    pub wildcard: bool,
    /// Literals some role mentions but the whole set denies.
    pub denied: Vec<String>,
}

impl Choices {
    fn nothing(subject: Subject, database: &Database) -> Self {
        Self { subject, database: database.name.clone(), allowed: vec![], wildcard: false, denied: vec![] }
    }

    /// `a, b`, `any`, `any except c` or `none`.
    pub(crate) fn describe(&self) -> String {
        match (self.wildcard, self.allowed.is_empty(), self.denied.is_empty()) {
            (true, _, true) => "any".to_owned(),
            (true, _, false) => format!("any except {}", self.denied.join(", ")),
            (false, true, _) => "none".to_owned(),
            (false, false, _) => self.allowed.join(", "),
        }
    }
}

/// What a [`Choices`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `db_users`, `--db-user`.
    User,
    /// `db_names`, `--db-name`.
    Name,
}

impl Subject {
    /// The field of a role.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::User => "db_users",
            Self::Name => "db_names",
        }
    }

    fn singular(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Name => "name",
        }
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Name => "names",
        }
    }
}

/// Why nothing could be chosen for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoDefault {
    /// More than one is possible.
    Several(Choices),
    /// None is.
    Nothing(Choices),
}

impl fmt::Display for NoDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Several(choices) => {
                let (one, many) = (choices.subject.singular(), choices.subject.plural());
                let mut allowed = choices.allowed.clone();
                if choices.wildcard {
                    allowed.push("*".to_owned());
                }
                write!(f, "please provide the database {one} using the --db-{one} flag, ")?;
                write!(f, "allowed database {many} for {}: [{}]", choices.database, allowed.join(" "))?;
                if choices.denied.is_empty() { Ok(()) } else { write!(f, " except [{}]", choices.denied.join(" ")) }
            }
            Self::Nothing(Choices { subject, database, .. }) => {
                let (one, field) = (subject.singular(), subject.field());
                write!(f, "you are not allowed access to any database {one} for {database}, ")?;
                write!(f, "ask an administrator to ensure your roles have appropriate {field} set")
            }
        }
    }
}

impl std::error::Error for NoDefault {}

/// Lists what `user` may choose for `database`.
#[must_use]
pub fn options<R: Borrow<Role>>(user: &User, catalogue: &[R], database: &Database) -> Options {
    let Ok(roles) = assigned(user, catalogue) else {
        return Options {
            db_users: Choices::nothing(Subject::User, database),
            db_names: Choices::nothing(Subject::Name, database),
        };
    };
    let check = Check::new(user, &roles, database);
    Options { db_users: choices(&check, Subject::User), db_names: choices(&check, Subject::Name) }
}

pub(crate) fn choices(check: &Check<'_>, subject: Subject) -> Choices {
    choices_beside(check, subject, None)
}

/// What may be chosen together with a choice of the other kind that is made already.
pub(crate) fn choices_beside(check: &Check<'_>, subject: Subject, beside: Option<&Asked>) -> Choices {
    let mut choices = Choices::nothing(subject, check.database);
    let allows = |asked: Asked| {
        let both: Vec<_> = std::iter::once(asked).chain(beside.cloned()).collect();
        matches!(check.run(&both, None), Verdict::Allowed(_))
    };
    choices.wildcard = allows(Asked::wildcard(subject));
    for text in check.mentioned(subject) {
        if text == "*" || is_repeated(check.database, &choices, &text) {
            continue;
        }
        let allowed = match subject {
            Subject::User => {
                check.database.impossible_user(&text).is_none() && allows(Asked::user(check.database, &text))
            }
            Subject::Name => allows(Asked::name(&text)),
        };
        if allowed { choices.allowed.push(text) } else { choices.denied.push(text) }
    }
    choices
}

/// An IAM role is offered once, in the spelling that came first.
fn is_repeated(database: &Database, choices: &Choices, text: &str) -> bool {
    choices.subject == Subject::User
        && database
            .spellings(text)
            .iter()
            .any(|spelling| choices.allowed.contains(spelling) || choices.denied.contains(spelling))
}

/// The one choice there is.
///
/// # Errors
/// [`NoDefault`] when there is none, or more than one.
pub fn default_choice(choices: &Choices) -> Result<&str, NoDefault> {
    match (choices.allowed.as_slice(), choices.wildcard) {
        ([only], false) => Ok(only),
        ([], false) => Err(NoDefault::Nothing(choices.clone())),
        _ => Err(NoDefault::Several(choices.clone())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Document, parse_documents};

    const RESOURCES: &str = "
kind: db
version: v3
metadata: {name: my-redshift, labels: {env: prod}}
spec: {protocol: postgres, uri: 'sales.123456789012.eu-west-1.redshift-serverless.amazonaws.com:5439'}
---
kind: role
version: v7
metadata: {name: analyst}
spec:
  allow: {db_labels: {env: prod}, db_users: [reader, 'arn:aws:iam::123456789012:role/reader', '{{internal.db_users}}'], db_names: [dev]}
---
kind: role
version: v7
metadata: {name: anything}
spec: {allow: {db_labels: {'*': '*'}, db_users: ['*'], db_names: ['*']}}
---
kind: role
version: v7
metadata: {name: stage-only}
spec: {allow: {db_labels: {env: stage}, db_users: [stager], db_names: [stage]}}
---
kind: role
version: v7
metadata: {name: no-root}
spec: {deny: {db_users: [root], db_names: [secret]}}
---
kind: role
version: v7
metadata: {name: no-one}
spec: {deny: {db_users: ['*']}}
---
kind: role
version: v7
metadata: {name: mfa}
spec: {allow: {db_labels: {'*': '*'}, db_users: [careful], db_names: [dev]}, options: {require_session_mfa: true}}
";

    fn offered(roles: &[&str], traits: &[(&str, &str)]) -> Options {
        let mut catalogue = Vec::new();
        let mut database = None;
        for document in parse_documents("t.yaml", RESOURCES).unwrap() {
            match document {
                Document::Role(role) => catalogue.push(role),
                Document::Database(found) => database = Some(found),
                Document::User(_) => {}
            }
        }
        let traits = traits
            .iter()
            .map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]))
            .collect::<BTreeMap<_, _>>();
        let user = User::new("alice", roles.iter().map(|role| (*role).to_owned()).collect(), traits);
        options(&user, &catalogue, &database.unwrap())
    }

    #[test]
    fn literals_are_offered_once_in_the_order_of_the_roles() {
        let options = offered(&["analyst"], &[("db_users", "writer")]);
        assert_eq!(options.db_users.allowed, ["reader", "writer"]);
        assert_eq!(options.db_names.allowed, ["dev"]);
        assert!(!options.db_users.wildcard && options.db_users.denied.is_empty());
    }

    #[test]
    fn what_the_whole_set_denies_is_listed_as_denied() {
        let options = offered(&["analyst", "anything", "no-root", "stage-only"], &[]);
        assert!(options.db_users.wildcard);
        assert_eq!(options.db_users.allowed, ["reader", "stager"]);
        assert_eq!(options.db_users.denied, ["root"]);
        assert_eq!(options.db_names.denied, ["secret"]);
        let options = offered(&["analyst", "stage-only"], &[]);
        assert_eq!(
            (options.db_users.allowed, options.db_users.denied),
            (vec!["reader".to_owned()], vec!["stager".to_owned()])
        );
    }

    #[test]
    fn a_wildcard_denial_leaves_nothing() {
        let options = offered(&["anything", "analyst", "no-one"], &[]);
        assert!(!options.db_users.wildcard);
        assert_eq!(options.db_users.allowed, Vec::<String>::new());
        assert!(options.db_names.wildcard);
    }

    #[test]
    fn a_role_that_cannot_be_enforced_offers_nothing() {
        let options = offered(&["mfa"], &[]);
        assert_eq!(options.db_users.allowed, Vec::<String>::new());
        assert_eq!(options.db_users.denied, ["careful"]);
    }

    #[test]
    fn a_default_is_chosen_only_if_there_is_exactly_one() {
        let options = offered(&["analyst"], &[]);
        assert_eq!(default_choice(&options.db_users), Ok("reader"));
        assert_eq!(
            default_choice(&offered(&["analyst", "anything", "no-root"], &[]).db_users).unwrap_err().to_string(),
            "please provide the database user using the --db-user flag, allowed database users for my-redshift: [reader *] except [root]"
        );
        assert_eq!(
            default_choice(&offered(&["stage-only"], &[]).db_names).unwrap_err().to_string(),
            "you are not allowed access to any database name for my-redshift, ask an administrator to ensure your roles have appropriate \
             db_names set"
        );
    }

    #[test]
    fn someone_without_roles_is_offered_nothing() {
        let options = offered(&[], &[]);
        assert_eq!(default_choice(&options.db_users), Err(NoDefault::Nothing(options.db_users.clone())));
    }

    #[test]
    fn json_has_the_documented_shape() {
        let json = serde_json::to_value(offered(&["analyst"], &[])).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "db_users": {"allowed": ["reader"], "wildcard": false, "denied": []},
                "db_names": {"allowed": ["dev"], "wildcard": false, "denied": []},
            })
        );
    }
}
