//! Decisions: all policies that bear on one request, put together, and AWS's sentence for a refusal.

use std::fmt;

use super::condition::Context;
use super::policy::{IdentityPolicy, Named, Trust, TrustPolicy, Verdict};

/// Who asks, with everything that limits them.
#[derive(Clone, Debug)]
pub struct Caller<'a> {
    /// Twelve digits.
    pub account: &'a str,
    /// The user, or the role session (`arn:aws:sts::…:assumed-role/…`).
    pub arn: String,
    /// The user, or the role behind the session.
    pub entity_arn: String,
    /// Unique id: `AIDA…`, or `AROA…:<session name>`.
    pub id: String,
    /// Set when a session carries one.
    pub source_identity: Option<&'a str>,
    /// Policies attached to the user or role.
    pub policies: &'a [IdentityPolicy],
    /// The policy passed when the session began: the session may do only what both allow.
    pub session_policy: Option<&'a IdentityPolicy>,
}

/// A role somebody wants to assume.
#[derive(Clone, Copy, Debug)]
pub struct TargetRole<'a> {
    /// Account the role is in.
    pub account: &'a str,
    /// Who it trusts.
    pub trust: &'a TrustPolicy,
}

/// A refusal. Its `Display` is the sentence AWS answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Caller's ARN.
    pub user: String,
    /// Action refused.
    pub action: String,
    /// Resource it was refused on.
    pub resource: String,
    /// What AWS lets the caller know of the reason.
    pub reason: Reason,
}

/// Which policy refused, as far as AWS tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Said of trust policies and of other accounts: not even whether the role exists is revealed.
    Undisclosed,
    /// No policy of this type allows it.
    NotAllowedBy(&'static str),
    /// A policy of this type denies it.
    DeniedBy(&'static str),
}

const IDENTITY: &str = "identity-based policy";
const RESOURCE: &str = "resource-based policy";
const SESSION: &str = "session policy";

/// Decides a request on a resource that has no policy of its own.
pub fn authorize(caller: &Caller<'_>, action: &str, resource: &str, context: &Context) -> Result<(), Denial> {
    identity_side(caller, action, resource, context).map_err(|reason| Denial::new(caller, action, resource, reason))
}

/// Decides whether `caller` may start a session of a role: `action` is `sts:AssumeRole` or one that goes with it.
///
/// The role's trust policy must allow it. When that names the caller itself and both are of one account nothing more is
/// needed; otherwise the caller's own policies must allow it too. `role` is `None` for a role that does not exist, which
/// is refused in the same words as one that does not trust the caller.
pub fn authorize_role_session(
    caller: &Caller<'_>,
    action: &str,
    role_arn: &str,
    role: Option<TargetRole<'_>>,
    context: &Context,
) -> Result<(), Denial> {
    let decision = match role {
        None => Err(Reason::Undisclosed),
        Some(role) => {
            let same_account = role.account == caller.account;
            let named = Named { account: caller.account, arn: &caller.arn, entity_arn: &caller.entity_arn };
            let trust = role.trust.decide(named, action, context);
            let identity = identity_side(caller, action, role_arn, context);
            both_sides(trust, identity, same_account)
        }
    };
    decision.map_err(|reason| Denial::new(caller, action, role_arn, reason))
}

fn both_sides(trust: Trust, identity: Result<(), Reason>, same_account: bool) -> Result<(), Reason> {
    match (trust, identity) {
        (_, Err(Reason::DeniedBy(kind))) => Err(Reason::DeniedBy(kind)),
        (Trust::ExplicitDeny, _) if same_account => Err(Reason::DeniedBy(RESOURCE)),
        (Trust::ExplicitDeny | Trust::Silent, _) => Err(Reason::Undisclosed),
        (Trust::Caller, Err(Reason::NotAllowedBy(IDENTITY))) if same_account => Ok(()),
        (Trust::Caller | Trust::Account, Ok(())) => Ok(()),
        (Trust::Caller | Trust::Account, Err(reason)) => Err(reason),
    }
}

/// What the caller's own policies say: those of the user or role, then the one of the session.
fn identity_side(caller: &Caller<'_>, action: &str, resource: &str, context: &Context) -> Result<(), Reason> {
    let attached = IdentityPolicy::combined(caller.policies, action, resource, context);
    let session = caller.session_policy.map(|policy| IdentityPolicy::combined([policy], action, resource, context));
    match (attached, session) {
        (Verdict::ExplicitDeny, _) => Err(Reason::DeniedBy(IDENTITY)),
        (_, Some(Verdict::ExplicitDeny)) => Err(Reason::DeniedBy(SESSION)),
        // Asked before the attached policies: a trust policy that names the caller can stand in for those, not for this.
        (_, Some(Verdict::Silent)) => Err(Reason::NotAllowedBy(SESSION)),
        (Verdict::Silent, _) => Err(Reason::NotAllowedBy(IDENTITY)),
        (Verdict::Allow, None | Some(Verdict::Allow)) => Ok(()),
    }
}

impl Caller<'_> {
    /// The facts every request of this caller comes with.
    pub fn context(&self) -> Context {
        let user_name = self.entity_arn.split_once(":user/").map(|(_, name)| name);
        Context::default()
            .with("aws:PrincipalArn", self.entity_arn.as_str())
            .with("aws:PrincipalAccount", self.account)
            .with("aws:userid", self.id.as_str())
            .with_optional("aws:username", user_name)
            .with_optional("aws:SourceIdentity", self.source_identity)
            // Loopback stands in for TLS here; a policy that insists on it should not fail for that.
            .with("aws:SecureTransport", "true")
    }
}

impl Denial {
    fn new(caller: &Caller<'_>, action: &str, resource: &str, reason: Reason) -> Self {
        Self { user: caller.arn.clone(), action: action.to_owned(), resource: resource.to_owned(), reason }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, action, resource, reason } = self;
        write!(f, "User: {user} is not authorized to perform: {action} on resource: {resource}")?;
        match reason {
            Reason::Undisclosed => Ok(()),
            Reason::NotAllowedBy(kind) => write!(f, " because no {kind} allows the {action} action"),
            Reason::DeniedBy(kind) => {
                let article = if kind.starts_with('i') { "an" } else { "a" };
                write!(f, " with an explicit deny in {article} {kind}")
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const HERE: &str = "111111111111";
    const THERE: &str = "222222222222";
    const JIWOO: &str = "arn:aws:iam::111111111111:user/jiwoo";
    const ROLE: &str = "arn:aws:iam::111111111111:role/etl-writer";

    fn policies(effect: &str, action: &str) -> Vec<IdentityPolicy> {
        let document = json!({"Statement": {"Effect": effect, "Action": action, "Resource": "*"}});
        vec![IdentityPolicy::from_value(document).unwrap()]
    }

    fn trust(principal: Value, condition: Value) -> TrustPolicy {
        TrustPolicy::from_value(json!({"Statement": {
            "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", "Condition": condition,
        }}))
        .unwrap()
    }

    fn jiwoo(policies: &[IdentityPolicy]) -> Caller<'_> {
        Caller {
            account: HERE,
            arn: JIWOO.to_owned(),
            entity_arn: JIWOO.to_owned(),
            id: "AIDAJIWOO".to_owned(),
            source_identity: None,
            policies,
            session_policy: None,
        }
    }

    fn assume(caller: &Caller<'_>, account: &str, trust: &TrustPolicy) -> Result<(), String> {
        let role = Some(TargetRole { account, trust });
        authorize_role_session(caller, "sts:AssumeRole", ROLE, role, &Context::default()).map_err(|d| d.to_string())
    }

    const BARE: &str = "User: arn:aws:iam::111111111111:user/jiwoo is not authorized to perform: sts:AssumeRole \
                        on resource: arn:aws:iam::111111111111:role/etl-writer";

    #[test]
    fn trusting_the_account_leaves_the_decision_to_the_callers_policies() {
        let root = trust(json!("arn:aws:iam::111111111111:root"), json!({}));
        assert_eq!(assume(&jiwoo(&policies("Allow", "sts:AssumeRole")), HERE, &root), Ok(()));
        let refused = assume(&jiwoo(&[]), HERE, &root).unwrap_err();
        assert_eq!(refused, format!("{BARE} because no identity-based policy allows the sts:AssumeRole action"));
    }

    #[test]
    fn a_caller_named_by_a_role_of_its_own_account_needs_no_policy() {
        let named = trust(json!(JIWOO), json!({}));
        assert_eq!(assume(&jiwoo(&[]), HERE, &named), Ok(()));
    }

    #[test]
    fn another_accounts_role_needs_both_sides() {
        let named = trust(json!(JIWOO), json!({}));
        let stranger = trust(json!("arn:aws:iam::333333333333:root"), json!({}));
        let allowed = policies("Allow", "sts:AssumeRole");
        assert_eq!(assume(&jiwoo(&allowed), THERE, &named), Ok(()));
        assert!(assume(&jiwoo(&[]), THERE, &named).is_err());
        assert_eq!(assume(&jiwoo(&allowed), THERE, &stranger), Err(BARE.to_owned()));
    }

    #[test]
    fn an_untrusted_caller_and_a_missing_role_are_refused_in_the_same_words() {
        let stranger = trust(json!("arn:aws:iam::111111111111:user/soyeon"), json!({}));
        let allowed = policies("Allow", "*");
        assert_eq!(assume(&jiwoo(&allowed), HERE, &stranger), Err(BARE.to_owned()));
        let missing = authorize_role_session(&jiwoo(&allowed), "sts:AssumeRole", ROLE, None, &Context::default());
        assert_eq!(missing.unwrap_err().to_string(), BARE);
    }

    #[test]
    fn an_explicit_deny_beats_a_trust_policy_that_names_the_caller() {
        let named = trust(json!(JIWOO), json!({}));
        let refused = assume(&jiwoo(&policies("Deny", "sts:*")), HERE, &named).unwrap_err();
        assert_eq!(refused, format!("{BARE} with an explicit deny in an identity-based policy"));
    }

    #[test]
    fn the_external_id_of_a_trust_policy_must_be_given_and_right() {
        let guarded = trust(json!(JIWOO), json!({"StringEquals": {"sts:ExternalId": "door-7"}}));
        let allowed = policies("Allow", "sts:AssumeRole");
        let with = |id: Option<&str>| {
            let context = Context::default().with_optional("sts:ExternalId", id);
            let role = Some(TargetRole { account: THERE, trust: &guarded });
            authorize_role_session(&jiwoo(&allowed), "sts:AssumeRole", ROLE, role, &context).is_ok()
        };
        assert!(with(Some("door-7")));
        assert!(!with(Some("door-8")));
        assert!(!with(None));
    }

    #[test]
    fn a_session_policy_narrows_what_the_role_allows() {
        let wide = policies("Allow", "*");
        let narrow = policies("Allow", "redshift-serverless:ListWorkgroups").remove(0);
        let caller = Caller { session_policy: Some(&narrow), ..jiwoo(&wide) };
        let decide = |action| authorize(&caller, action, "*", &Context::default());
        assert_eq!(decide("redshift-serverless:ListWorkgroups"), Ok(()));
        let refused = decide("redshift-serverless:GetCredentials").unwrap_err();
        assert_eq!(refused.reason, Reason::NotAllowedBy(SESSION));
    }

    #[test]
    fn the_sentence_for_a_plain_request_names_user_action_resource_and_policy_type() {
        let refused = authorize(&jiwoo(&[]), "redshift-serverless:GetCredentials", "arn:x", &Context::default());
        assert_eq!(
            refused.unwrap_err().to_string(),
            "User: arn:aws:iam::111111111111:user/jiwoo is not authorized to perform: \
             redshift-serverless:GetCredentials on resource: arn:x because no identity-based policy allows the \
             redshift-serverless:GetCredentials action"
        );
    }
}
