//! The decision: Teleport's algorithm, with every condition it looked at.
//!
//! Deny comes first and its conditions are OR-ed: a role whose `deny.db_labels` match denies the database to every user, one whose
//! `deny.db_users` match denies that user on every database. Allow conditions are AND-ed within one role: namespace, labels, user
//! and name must all match in the same role. What no role allows is denied.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde::Serialize;

use crate::expression::Scope;
use crate::matcher::{self, Entry};
use crate::options::{Subject, choices, choices_beside};
use crate::role::Conditions;
use crate::{Database, Role, User};

/// Whether a connection is allowed, by which role, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The answer.
    pub allowed: bool,
    /// The role that decided: the one that allowed, or the one whose deny rule matched. `None` when no role allows.
    pub role: Option<String>,
    /// One sentence for the person who asked.
    pub reason: String,
    /// Every condition looked at, in order.
    pub steps: Vec<Step>,
}

/// One condition of one role, as evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Role name.
    pub role: String,
    /// Which side of the role.
    pub effect: Effect,
    /// Field: `namespaces`, `db_labels`, `db_labels_expression`, `db_users`, `db_names`, or `options`, which matches when it forbids.
    pub condition: &'static str,
    /// Whether it matched.
    pub matched: bool,
    /// What was compared with what.
    pub detail: String,
}

/// Which side of a role a condition stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// `spec.allow`
    Allow,
    /// `spec.deny`
    Deny,
}

/// May `user` connect to `database` as `db_user`, to the database named `db_name`?
///
/// `catalogue` holds all roles that exist; those named by the user count, in the user's order. A user with a role that does not
/// exist is denied, because the missing role may have had a deny rule.
#[must_use]
pub fn decide<R: Borrow<Role>>(
    user: &User,
    catalogue: &[R],
    database: &Database,
    db_user: &str,
    db_name: &str,
) -> Decision {
    let roles = match assigned(user, catalogue) {
        Ok(roles) => roles,
        Err(reason) => {
            return Decision {
                allowed: false,
                role: None,
                reason: denial(database, db_user, db_name, &reason),
                steps: vec![],
            };
        }
    };
    let check = Check::new(user, &roles, database);
    let asked = [Asked::user(database, db_user), Asked::name(db_name)];
    let mut steps = Vec::new();
    let verdict = match database.impossible_user(db_user) {
        Some(why) => Verdict::Impossible(why),
        None => check.run(&asked, Some(&mut steps)),
    };
    let reason = explain(&check, &verdict, &steps, db_user, db_name);
    Decision { allowed: matches!(verdict, Verdict::Allowed(_)), role: verdict.role().map(str::to_owned), reason, steps }
}

/// The user's roles out of all that exist, or why the user has no say at all.
pub(crate) fn assigned<'a, R: Borrow<Role>>(user: &User, catalogue: &'a [R]) -> Result<Vec<&'a Role>, String> {
    if user.locked {
        return Err(format!("user '{}' is locked", user.name));
    }
    if user.roles.is_empty() {
        return Err(format!("user '{}' has no roles", user.name));
    }
    let by_name = catalogue.iter().map(|role| (role.borrow().name.as_str(), role.borrow())).collect::<HashMap<_, _>>();
    let find = |name: &String| {
        let role = by_name.get(name.as_str()).copied();
        role.ok_or_else(|| format!("role '{name}' of user '{}' does not exist", user.name))
    };
    user.roles.iter().map(find).collect()
}

/// What is asked about one of a role's lists.
#[derive(Clone)]
pub(crate) struct Asked {
    subject: Subject,
    spellings: Vec<String>,
}

impl Asked {
    pub(crate) fn user(database: &Database, db_user: &str) -> Self {
        Self { subject: Subject::User, spellings: database.spellings(db_user) }
    }

    pub(crate) fn name(db_name: &str) -> Self {
        Self { subject: Subject::Name, spellings: vec![db_name.to_owned()] }
    }

    /// Asks for `*` itself: allowed only by a list that has it, denied by a list that has it.
    pub(crate) fn wildcard(subject: Subject) -> Self {
        Self { subject, spellings: vec!["*".to_owned()] }
    }

    fn text(&self) -> &str {
        &self.spellings[0]
    }
}

impl Subject {
    pub(crate) fn entries(self, conditions: &Conditions) -> &[Entry] {
        match self {
            Self::User => &conditions.users,
            Self::Name => &conditions.names,
        }
    }
}

/// How a check ended.
pub(crate) enum Verdict<'a> {
    /// The database user cannot exist on this database.
    Impossible(String),
    /// A deny rule matched.
    Denied { role: &'a Role, condition: &'static str },
    /// An expression could not be evaluated, so nobody knows what it would have said.
    Broken { role: &'a Role, why: String },
    /// A role allows, but it, or another that matches, restricts access in a way that cannot be enforced here.
    Unenforceable(&'a Role),
    /// No role allows.
    NoRole,
    /// The first role that allows.
    Allowed(&'a Role),
}

impl Verdict<'_> {
    fn role(&self) -> Option<&str> {
        match self {
            Self::Denied { role, .. } | Self::Broken { role, .. } | Self::Unenforceable(role) | Self::Allowed(role) => {
                Some(&role.name)
            }
            Self::Impossible(_) | Self::NoRole => None,
        }
    }
}

/// A user's roles against one database.
pub(crate) struct Check<'a> {
    roles: &'a [&'a Role],
    pub(crate) database: &'a Database,
    pub(crate) user: &'a User,
}

impl<'a> Check<'a> {
    pub(crate) fn new(user: &'a User, roles: &'a [&'a Role], database: &'a Database) -> Self {
        Self { roles, database, user }
    }

    /// All entries of the roles' lists for `subject`, allow and deny, expanded, in role order.
    pub(crate) fn mentioned(&self, subject: Subject) -> Vec<String> {
        let sides = self.roles.iter().flat_map(|role| [&role.allow, &role.deny]);
        let entries = sides.flat_map(|side| subject.entries(side)).cloned().collect::<Vec<_>>();
        matcher::expand(&entries, &self.scope())
    }

    /// Applies the roles. `steps` collects every condition looked at, for those who want to know.
    pub(crate) fn run(&self, asked: &[Asked], mut steps: Option<&mut Vec<Step>>) -> Verdict<'a> {
        for role in self.roles {
            match self.denies(role, asked, &mut steps) {
                Ok(None) => {}
                Ok(Some(condition)) => return Verdict::Denied { role, condition },
                Err(why) => return Verdict::Broken { role, why },
            }
        }
        let mut allowed = None;
        for role in self.roles {
            match self.allows(role, asked, &mut steps) {
                Ok(false) => {}
                // A later role may be stricter, so the first that allows does not end the search.
                Ok(true) if role.options.unenforceable.is_empty() => allowed = allowed.or(Some(*role)),
                Ok(true) => {
                    note(&mut steps, role, Effect::Allow, "options", true, || role.options.unenforceable.join(", "));
                    return Verdict::Unenforceable(role);
                }
                Err(why) => return Verdict::Broken { role, why },
            }
        }
        allowed.map_or(Verdict::NoRole, Verdict::Allowed)
    }

    /// The first deny condition of `role` that matches.
    fn denies(
        &self,
        role: &Role,
        asked: &[Asked],
        steps: &mut Option<&mut Vec<Step>>,
    ) -> Result<Option<&'static str>, String> {
        let (deny, scope) = (&role.deny, self.scope());
        if !in_namespace(deny) {
            return Ok(None);
        }
        if !deny.selector.is_empty() {
            let matched = deny.selector.matches(&self.database.labels, &scope);
            note(steps, role, Effect::Deny, "db_labels", matched, || self.label_detail(deny, matched));
            if matched {
                return Ok(Some("db_labels"));
            }
        }
        if let Some(matched) = self.expression(role, Effect::Deny, deny, steps)?
            && matched
        {
            return Ok(Some("db_labels_expression"));
        }
        for asked in asked {
            let entries = asked.subject.entries(deny);
            if entries.is_empty() {
                continue;
            }
            let matched = matcher::allows(entries, &scope, &asked.spellings);
            note(steps, role, Effect::Deny, asked.subject.field(), matched, || self.list_detail(asked, deny, matched));
            if matched {
                return Ok(Some(asked.subject.field()));
            }
        }
        Ok(None)
    }

    /// Whether every allow condition of `role` matches.
    fn allows(&self, role: &Role, asked: &[Asked], steps: &mut Option<&mut Vec<Step>>) -> Result<bool, String> {
        let (allow, scope) = (&role.allow, self.scope());
        if !in_namespace(allow) {
            note(steps, role, Effect::Allow, "namespaces", false, || {
                format!("default is not in {}", allow.namespaces.join(", "))
            });
            return Ok(false);
        }
        if !self.labels_allow(role, steps)? {
            return Ok(false);
        }
        // All lists are looked at even after one failed, so that the explanation is whole.
        let mut all = true;
        for asked in asked {
            let matched = matcher::allows(asked.subject.entries(allow), &scope, &asked.spellings);
            note(steps, role, Effect::Allow, asked.subject.field(), matched, || {
                self.list_detail(asked, allow, matched)
            });
            all &= matched;
        }
        Ok(all)
    }

    /// Labels and expression must both match where both are written; a role with neither reaches nothing.
    fn labels_allow(&self, role: &Role, steps: &mut Option<&mut Vec<Step>>) -> Result<bool, String> {
        let allow = &role.allow;
        if allow.expression.is_none() || !allow.selector.is_empty() {
            let matched = allow.selector.matches(&self.database.labels, &self.scope());
            note(steps, role, Effect::Allow, "db_labels", matched, || self.label_detail(allow, matched));
            if !matched {
                return Ok(false);
            }
        }
        Ok(self.expression(role, Effect::Allow, allow, steps)?.unwrap_or(true))
    }

    fn expression(
        &self,
        role: &Role,
        effect: Effect,
        conditions: &Conditions,
        steps: &mut Option<&mut Vec<Step>>,
    ) -> Result<Option<bool>, String> {
        let Some(expression) = &conditions.expression else { return Ok(None) };
        let answer = expression.holds(&self.scope());
        let detail = || match &answer {
            Ok(answer) => format!("{} is {answer}", conditions.db_labels_expression.as_deref().unwrap_or_default()),
            Err(why) => why.clone(),
        };
        note(steps, role, effect, "db_labels_expression", answer == Ok(true), detail);
        answer.map(Some)
    }

    fn scope(&self) -> Scope<'a> {
        Scope { user: &self.user.name, traits: &self.user.traits, labels: Some(&self.database.labels) }
    }

    fn label_detail(&self, conditions: &Conditions, matched: bool) -> String {
        if conditions.selector.is_empty() {
            return "the role selects no databases".to_owned();
        }
        let wanted = conditions
            .db_labels
            .iter()
            .map(|(key, values)| format!("{key}: {}", values.join(" | ")))
            .collect::<Vec<_>>();
        let labels = show_labels(&self.database.labels);
        match conditions.selector.first_miss(&self.database.labels, &self.scope()) {
            Some(key) if !matched => format!("'{key}' of {labels} does not match {}", wanted.join(", ")),
            _ => format!("{labels} matches {}", wanted.join(", ")),
        }
    }

    fn list_detail(&self, asked: &Asked, conditions: &Conditions, matched: bool) -> String {
        let list = matcher::expand(asked.subject.entries(conditions), &self.scope());
        let list = if list.is_empty() { "an empty list".to_owned() } else { list.join(", ") };
        format!("'{}' {} {list}", asked.text(), if matched { "is in" } else { "is not in" })
    }
}

/// The only namespace there is.
fn in_namespace(conditions: &Conditions) -> bool {
    conditions.namespaces.is_empty()
        || conditions.namespaces.iter().any(|namespace| namespace == "default" || namespace == "*")
}

fn note(
    steps: &mut Option<&mut Vec<Step>>,
    role: &Role,
    effect: Effect,
    condition: &'static str,
    matched: bool,
    detail: impl FnOnce() -> String,
) {
    if let Some(steps) = steps {
        steps.push(Step { role: role.name.clone(), effect, condition, matched, detail: detail() });
    }
}

fn denial(database: &Database, db_user: &str, db_name: &str, why: &str) -> String {
    format!("access to '{}' as database user '{db_user}' to database '{db_name}' denied: {why}", database.name)
}

fn explain(check: &Check<'_>, verdict: &Verdict<'_>, steps: &[Step], db_user: &str, db_name: &str) -> String {
    let database = check.database;
    let why = match verdict {
        Verdict::Allowed(role) => {
            return format!(
                "role '{}' allows database user '{db_user}' and database '{db_name}' on '{}'",
                role.name, database.name
            );
        }
        Verdict::Impossible(why) => why.clone(),
        Verdict::Broken { role, why } => {
            format!("role '{}' has an expression that cannot be evaluated: {why}", role.name)
        }
        Verdict::Unenforceable(role) => {
            let options = role.options.unenforceable.join(", ");
            format!("role '{}' requires {options}, which cannot be enforced without a Teleport cluster", role.name)
        }
        Verdict::Denied { role, condition } => match *condition {
            "db_users" => {
                allowed(check, format!("role '{}' denies database user '{db_user}'", role.name), &[Subject::User])
            }
            "db_names" => allowed(check, format!("role '{}' denies database '{db_name}'", role.name), &[Subject::Name]),
            condition => format!(
                "role '{}' denies '{}' by its {condition} ({})",
                role.name,
                database.name,
                show_labels(&database.labels)
            ),
        },
        Verdict::NoRole => no_role(check, steps, db_user, db_name),
    };
    denial(database, db_user, db_name, &why)
}

/// Which condition kept every role from allowing, and what would be allowed instead.
fn no_role(check: &Check<'_>, steps: &[Step], db_user: &str, db_name: &str) -> String {
    let matched = |condition: &str| {
        steps.iter().any(|step| step.effect == Effect::Allow && step.condition == condition && step.matched)
    };
    let looked_at =
        |condition: &str| steps.iter().any(|step| step.effect == Effect::Allow && step.condition == condition);
    let user = &check.user.name;
    if !looked_at("db_users") {
        return format!("no role of user '{user}' selects it by its labels ({})", show_labels(&check.database.labels));
    }
    let why = match (matched("db_users"), matched("db_names")) {
        (true, true) => {
            let users = choices_beside(check, Subject::User, Some(&Asked::name(db_name)));
            let names = choices_beside(check, Subject::Name, Some(&Asked::user(check.database, db_user)));
            return format!(
                "no single role of user '{user}' allows both database user '{db_user}' and database '{db_name}'; allowed database \
                 users of '{db_name}': {}; allowed database names as '{db_user}': {}",
                users.describe(),
                names.describe()
            );
        }
        (false, true) => format!("no role of user '{user}' allows database user '{db_user}'"),
        (true, false) => format!("no role of user '{user}' allows database '{db_name}'"),
        (false, false) => format!("no role of user '{user}' allows database user '{db_user}' or database '{db_name}'"),
    };
    let missed: Vec<_> = [Subject::User, Subject::Name].into_iter().filter(|it| !matched(it.field())).collect();
    allowed(check, why, &missed)
}

/// What would be allowed instead.
fn allowed(check: &Check<'_>, mut why: String, subjects: &[Subject]) -> String {
    for subject in subjects {
        let _ = write!(why, "; allowed database {}: {}", subject.plural(), choices(check, *subject).describe());
    }
    why
}

fn show_labels(labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return "no labels".to_owned();
    }
    labels.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{Document, parse_documents};

    fn documents(text: &str) -> Vec<Document> {
        parse_documents("t.yaml", text).unwrap()
    }

    fn role(name: &str, spec: &str) -> Role {
        let text = format!("kind: role\nversion: v7\nmetadata: {{name: {name}}}\nspec: {spec}\n");
        let Document::Role(role) = documents(&text).remove(0) else { panic!() };
        role
    }

    fn database(labels: &str) -> Database {
        let host = "sales.123456789012.eu-west-1.redshift-serverless.amazonaws.com:5439";
        let text = format!(
            "kind: db\nversion: v3\nmetadata: {{name: my-redshift, labels: {labels}}}\nspec: {{protocol: postgres, uri: '{host}'}}\n"
        );
        let Document::Database(database) = documents(&text).remove(0) else { panic!() };
        database
    }

    fn alice(roles: &[Role]) -> User {
        let traits = BTreeMap::from([
            ("db_users".to_owned(), vec!["reader".to_owned()]),
            ("team".to_owned(), vec!["sales".to_owned()]),
        ]);
        User::new("alice", roles.iter().map(|role| role.name.clone()).collect(), traits)
    }

    /// Decides on a database labelled `env: prod, team: sales`.
    fn ask(roles: &[Role], db_user: &str, db_name: &str) -> Decision {
        decide(&alice(roles), roles, &database("{env: prod, team: sales}"), db_user, db_name)
    }

    fn all() -> Role {
        role("all", "{allow: {db_labels: {'*': '*'}, db_users: ['*'], db_names: ['*']}}")
    }

    #[test]
    fn the_guides_role_allows_the_guides_connection_and_nothing_else() {
        let roles = [role(
            "redshift-serverless-access",
            "{allow: {db_labels: {'*': '*'}, db_names: [dev], db_users: [teleport-redshift-serverless-access]}}",
        )];
        let decision = ask(&roles, "teleport-redshift-serverless-access", "dev");
        assert!(decision.allowed);
        assert_eq!(decision.role.as_deref(), Some("redshift-serverless-access"));
        assert_eq!(
            decision.reason,
            "role 'redshift-serverless-access' allows database user 'teleport-redshift-serverless-access' and database 'dev' on 'my-redshift'"
        );
        let decision = ask(&roles, "admin", "dev");
        assert!(!decision.allowed);
        assert_eq!(
            decision.reason,
            "access to 'my-redshift' as database user 'admin' to database 'dev' denied: no role of user 'alice' allows database user \
             'admin'; allowed database users: teleport-redshift-serverless-access"
        );
        let decision = ask(&roles, "teleport-redshift-serverless-access", "prod");
        assert!(
            decision.reason.ends_with("no role of user 'alice' allows database 'prod'; allowed database names: dev"),
            "{decision:?}"
        );
    }

    #[test]
    fn denied_by_default() {
        let nothing = role("nothing", "{allow: {db_users: ['*'], db_names: ['*']}}");
        assert!(!ask(&[nothing], "reader", "dev").allowed);
        assert!(!ask(&[role("empty", "{allow: {db_labels: {'*': '*'}}}")], "reader", "dev").allowed);
        let decision = ask(&[], "reader", "dev");
        assert!(!decision.allowed);
        assert!(decision.reason.ends_with("user 'alice' has no roles"), "{decision:?}");
    }

    #[test]
    fn deny_conditions_are_ored_and_come_first() {
        for (deny, condition) in [
            ("{db_labels: {env: prod}}", "db_labels"),
            ("{db_users: [reader]}", "db_users"),
            ("{db_users: ['*']}", "db_users"),
            ("{db_names: [dev]}", "db_names"),
            ("{db_labels: {env: stage}, db_names: [dev]}", "db_names"),
            ("{db_labels_expression: 'labels[\"env\"] == \"prod\"'}", "db_labels_expression"),
        ] {
            let decision = ask(&[all(), role("no", &format!("{{deny: {deny}}}"))], "reader", "dev");
            assert!(!decision.allowed, "{deny}");
            assert_eq!(decision.role.as_deref(), Some("no"), "{deny}");
            let last = decision.steps.last().unwrap();
            assert_eq!((last.effect, last.condition, last.matched), (Effect::Deny, condition, true), "{deny}");
        }
        assert!(
            ask(&[all(), role("no", "{deny: {db_labels: {env: prod, team: hr}, db_users: [root]}}")], "reader", "dev")
                .allowed
        );
    }

    #[test]
    fn a_denied_user_or_name_is_told_what_is_left() {
        let allow = role("some", "{allow: {db_labels: {'*': '*'}, db_users: [reader, writer], db_names: ['*']}}");
        let deny = role("no", "{deny: {db_users: [writer], db_names: [prod]}}");
        let roles = [allow, deny];
        let decision = ask(&roles, "writer", "dev");
        assert!(
            decision.reason.ends_with("role 'no' denies database user 'writer'; allowed database users: reader"),
            "{decision:?}"
        );
        let decision = ask(&roles, "reader", "prod");
        assert!(
            decision.reason.ends_with("role 'no' denies database 'prod'; allowed database names: any except prod"),
            "{decision:?}"
        );
    }

    #[test]
    fn allow_conditions_must_meet_in_one_role() {
        let one = role("one", "{allow: {db_labels: {'*': '*'}, db_users: [reader], db_names: [dev]}}");
        let two = role("two", "{allow: {db_labels: {'*': '*'}, db_users: [writer], db_names: [prod]}}");
        let roles = [one, two];
        assert!(ask(&roles, "reader", "dev").allowed);
        assert!(ask(&roles, "writer", "prod").allowed);
        let decision = ask(&roles, "reader", "prod");
        assert!(!decision.allowed);
        assert!(
            decision
                .reason
                .ends_with(
                    "no single role of user 'alice' allows both database user 'reader' and database 'prod'; allowed database users of \
                     'prod': writer; allowed database names as 'reader': dev"
                ),
            "{decision:?}"
        );
    }

    #[test]
    fn labels_that_do_not_match_are_named() {
        let decision = ask(
            &[role("stage", "{allow: {db_labels: {env: [stage, dev]}, db_users: ['*'], db_names: ['*']}}")],
            "reader",
            "dev",
        );
        assert!(
            decision.reason.ends_with("no role of user 'alice' selects it by its labels (env: prod, team: sales)"),
            "{decision:?}"
        );
        assert_eq!(decision.steps.len(), 1);
        assert_eq!(decision.steps[0].detail, "'env' of env: prod, team: sales does not match env: stage | dev");
    }

    #[test]
    fn an_iam_role_is_the_same_by_name_and_by_arn() {
        let arn = "arn:aws:iam::123456789012:role/reader";
        let by_name = role("by-name", "{allow: {db_labels: {'*': '*'}, db_users: [reader], db_names: ['*']}}");
        let by_arn =
            role("by-arn", &format!("{{allow: {{db_labels: {{'*': '*'}}, db_users: ['{arn}'], db_names: ['*']}}}}"));
        for one in [by_name, by_arn] {
            for user in ["reader", "role/reader", arn] {
                assert!(ask(std::slice::from_ref(&one), user, "dev").allowed, "{} {user}", one.name);
            }
            assert!(!ask(&[one], "arn:aws:iam::999999999999:role/reader", "dev").allowed);
        }
    }

    #[test]
    fn a_denied_iam_role_is_denied_in_every_spelling() {
        let no_admin = role("no-admin", "{deny: {db_users: [admin]}}");
        for user in ["admin", "role/admin", "arn:aws:iam::123456789012:role/admin"] {
            assert!(!ask(&[all(), no_admin.clone()], user, "dev").allowed, "{user}");
        }
    }

    #[test]
    fn what_cannot_be_an_iam_role_is_refused_even_by_a_wildcard() {
        for (user, why) in [
            ("IAMR:reader", "expecting name or ARN of an AWS IAM role but got \"IAMR:reader\""),
            ("IAM:alice", "expecting name or ARN of an AWS IAM role but got \"IAM:alice\""),
            ("", "expecting name or ARN of an AWS IAM role but got \"\""),
            ("arn:aws:iam::123456789012:user/alice", "is not the ARN of an IAM role"),
            ("arn:aws:iam::999999999999:role/x", "is in account 999999999999, but the database is in 123456789012"),
            ("arn:aws-cn:iam::123456789012:role/x", "is in partition aws-cn, but the database is in aws"),
        ] {
            let decision = ask(&[all()], user, "dev");
            assert!(!decision.allowed);
            assert!(decision.reason.contains(why), "{decision:?}");
        }
    }

    #[test]
    fn an_option_that_cannot_be_enforced_denies_and_says_so() {
        let strict = role(
            "strict",
            "{allow: {db_labels: {env: prod}, db_users: ['*'], db_names: ['*']}, options: {require_session_mfa: true}}",
        );
        let decision = ask(&[all(), strict.clone()], "reader", "dev");
        assert!(!decision.allowed);
        assert_eq!(decision.role.as_deref(), Some("strict"));
        assert!(
            decision.reason.contains("role 'strict' requires require_session_mfa: true, which cannot be enforced"),
            "{decision:?}"
        );
        // A role that does not match this database asks nothing of it.
        let roles = [all(), strict];
        assert!(decide(&alice(&roles), &roles, &database("{env: dev}"), "reader", "dev").allowed);
    }

    #[test]
    fn a_missing_role_and_a_locked_user_are_denied() {
        let roles = [all()];
        let mut user = alice(&roles);
        user.roles.push("gone".to_owned());
        let decision = decide(&user, &roles, &database("{}"), "reader", "dev");
        assert!(decision.reason.ends_with("role 'gone' of user 'alice' does not exist"), "{decision:?}");
        let mut user = alice(&roles);
        user.locked = true;
        let decision = decide(&user, &roles, &database("{}"), "reader", "dev");
        assert!(!decision.allowed && decision.reason.ends_with("user 'alice' is locked"), "{decision:?}");
    }

    #[test]
    fn templates_take_the_users_traits() {
        let roles = [role(
            "by-trait",
            "{allow: {db_labels: {team: '{{external.team}}'}, db_users: ['{{internal.db_users}}'], db_names: ['{{external.missing}}', dev]}}",
        )];
        assert!(ask(&roles, "reader", "dev").allowed);
        assert!(!ask(&roles, "writer", "dev").allowed);
        assert!(!ask(&roles, "reader", "").allowed);
        let nobody = User::new("bob", vec!["by-trait".to_owned()], BTreeMap::new());
        assert!(!decide(&nobody, &roles, &database("{team: ''}"), "reader", "dev").allowed);
    }

    #[test]
    fn labels_and_expression_must_both_match() {
        let spec = |labels: &str, env: &str| {
            format!(
                "{{allow: {{{labels}db_labels_expression: 'labels[\"env\"] == \"{env}\"', db_users: ['*'], db_names: ['*']}}}}"
            )
        };
        assert!(ask(&[role("r", &spec("", "prod"))], "reader", "dev").allowed);
        assert!(!ask(&[role("r", &spec("", "dev"))], "reader", "dev").allowed);
        assert!(ask(&[role("r", &spec("db_labels: {team: sales}, ", "prod"))], "reader", "dev").allowed);
        assert!(!ask(&[role("r", &spec("db_labels: {team: hr}, ", "prod"))], "reader", "dev").allowed);
    }

    #[test]
    fn an_expression_that_cannot_be_evaluated_denies_everything() {
        let broken = role(
            "broken",
            "{allow: {db_labels_expression: 'email.local(user.metadata.name) == \"x\"', db_users: [z], db_names: [z]}}",
        );
        let decision = ask(&[all(), broken], "reader", "dev");
        assert!(!decision.allowed);
        assert!(decision.reason.contains("role 'broken' has an expression that cannot be evaluated"), "{decision:?}");
    }

    #[test]
    fn another_namespace_does_not_count() {
        let elsewhere = role(
            "elsewhere",
            "{allow: {namespaces: [other], db_labels: {'*': '*'}, db_users: ['*'], db_names: ['*']}}",
        );
        assert!(!ask(&[elsewhere], "reader", "dev").allowed);
        let deny_elsewhere = role("deny", "{deny: {namespaces: [other], db_labels: {'*': '*'}}}");
        assert!(ask(&[all(), deny_elsewhere], "reader", "dev").allowed);
    }

    #[test]
    fn json_has_the_documented_shape() {
        let decision = ask(&[all()], "reader", "dev");
        let json = serde_json::to_value(&decision).unwrap();
        assert_eq!(json["allowed"], true);
        assert_eq!(json["role"], "all");
        assert_eq!(json["steps"][0]["effect"], "allow");
        assert_eq!(json["steps"][0]["condition"], "db_labels");
        assert_eq!(serde_json::to_value(ask(&[], "reader", "dev")).unwrap()["role"], serde_json::Value::Null);
    }
}
