//! The pretend AWS accounts as plain data: people, roles and workgroups.
//!
//! [`World::standard`] is the one every command starts with; a test that needs another changes its fields or builds its
//! own. Nothing here listens: `aws` answers requests about it, and `iam` judges them.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::iam::{Caller, Denial, IdentityPolicy, TargetRole, TrustPolicy, authorize, authorize_role_session};
use crate::random;

/// Region of everything in the standard world.
pub const REGION: &str = "ap-northeast-2";
/// Account most of it is in.
pub const ACCOUNT: &str = "111111111111";
/// The other account, which is entered only through [`HOP_ROLE`].
pub const PARTNER_ACCOUNT: &str = "222222222222";
/// The IAM user whose access key is the base credential.
pub const BASE_USER: &str = "jiwoo";
/// Role of [`PARTNER_ACCOUNT`] that opens the way to the roles behind it.
pub const HOP_ROLE: &str = "postern-access-hop";
/// What [`HOP_ROLE`] wants to hear as `sts:ExternalId`. Not a secret: it keeps a deputy from being confused.
pub const HOP_EXTERNAL_ID: &str = "postern-sandbox-7f3c91";

/// Two accounts of one organisation.
#[derive(Clone, Debug)]
pub struct World {
    /// The region all of it is in.
    pub region: String,
    /// IAM users with an access key.
    pub users: Vec<User>,
    /// IAM roles.
    pub roles: Vec<Role>,
    /// Redshift Serverless workgroups: compute, and the address to connect to.
    pub workgroups: Vec<Workgroup>,
    /// Redshift Serverless namespaces: the data behind a workgroup.
    pub namespaces: Vec<Namespace>,
}

/// An IAM user.
#[derive(Clone, Debug)]
pub struct User {
    /// Account it is in.
    pub account: String,
    /// Its name.
    pub name: String,
    /// `AIDA…`, as `GetCallerIdentity` shows it.
    pub id: String,
    /// Its only access key.
    pub access_key: AccessKey,
    /// What it may do.
    pub policies: Vec<IdentityPolicy>,
}

/// A long-lived access key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// `AKIA…`.
    pub id: String,
    /// The secret half.
    pub secret: SecretString,
}

/// An IAM role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Account it is in.
    pub account: String,
    /// Its name, which becomes the database user `IAMR:<name>`.
    pub name: String,
    /// `/`, or a path between slashes. Part of the role's ARN, not of its sessions'.
    pub path: String,
    /// `AROA…`, as session identifiers show it.
    pub id: String,
    /// Who may assume it.
    pub trust_policy: TrustPolicy,
    /// What its sessions may do.
    pub policies: Vec<IdentityPolicy>,
    /// Longest session in seconds: 3600 to 43200.
    pub max_session_seconds: i64,
}

/// A Redshift Serverless workgroup.
#[derive(Clone, Debug)]
pub struct Workgroup {
    /// Account it is in.
    pub account: String,
    /// Region it is in.
    pub region: String,
    /// Its name, first label of its host name.
    pub name: String,
    /// The identifier its ARN ends in.
    pub id: Uuid,
    /// Name of its namespace.
    pub namespace: String,
    /// Databases a user can log in to; the first is the namespace's own.
    pub db_names: Vec<String>,
    /// Tags, which become labels.
    pub tags: BTreeMap<String, String>,
    /// Where clients connect.
    pub endpoint: Endpoint,
    /// Life-cycle state.
    pub status: WorkgroupStatus,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Where its database tells what runs on it.
    pub monitoring: Monitoring,
}

/// Which of Redshift's monitoring tables a database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitoring {
    /// SYS_QUERY_HISTORY and its sisters, as Redshift Serverless has them.
    Sys,
    /// STV_RECENTS, STV_SESSIONS and SVV_TRANSACTIONS only, as provisioned clusters of older tracks have them.
    Stv,
}

/// Address of a workgroup as the API reports it. Whoever runs the database behind it sets the real one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address.
    pub address: String,
    /// TCP port.
    pub port: u16,
}

/// State of a workgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkgroupStatus {
    /// Being made; it has no endpoint yet.
    Creating,
    /// Ready.
    Available,
    /// Changing its settings.
    Modifying,
    /// Going away.
    Deleting,
}

/// A Redshift Serverless namespace.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Account it is in.
    pub account: String,
    /// Region it is in.
    pub region: String,
    /// Its name.
    pub name: String,
    /// The identifier its ARN ends in.
    pub id: Uuid,
    /// Its first database.
    pub db_name: String,
    /// Its administrator in the database.
    pub admin_username: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl World {
    /// The fictional company of the documentation: two accounts in Seoul, seven warehouses, and roles of which each can
    /// do something another cannot. Access key secrets are made anew each time.
    ///
    /// | db-user role | what is special about it |
    /// |---|---|
    /// | `teleport-redshift-serverless-access` | every workgroup, database `dev` only |
    /// | `bi-readonly` | every workgroup but `finance-prod`, which is explicitly denied |
    /// | `etl-writer` | the analytics and events workgroups |
    /// | `warehouse-admin` | everything, sessions of up to 12 hours |
    /// | `finance-auditor` | does not trust [`BASE_USER`]: refused at `sts:AssumeRole` |
    /// | `marketing-viewer` | may be assumed, but may log in to `events-prod` only: refused at `GetCredentials` elsewhere |
    ///
    /// `logistics-prod` is in [`PARTNER_ACCOUNT`], whose roles trust [`HOP_ROLE`] alone.
    pub fn standard() -> Self {
        let mut world = Self {
            region: REGION.to_owned(),
            users: Vec::new(),
            roles: Vec::new(),
            workgroups: Vec::new(),
            namespaces: Vec::new(),
        };
        for (account, name, databases, tags) in STANDARD_WORKGROUPS {
            world.add_workgroup(account, name, databases, tags);
        }
        world.users.push(User::new(ACCOUNT, BASE_USER, "AKIAPOSTERNSANDBOX01", vec![base_user_policy()]));
        let auditor = identity(&json!({
            "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn(ACCOUNT, "finance-auditor"),
        }));
        world.users.push(User::new(ACCOUNT, "soyeon", "AKIAPOSTERNSANDBOX02", vec![auditor]));
        world.roles.extend(world.home_roles());
        world.roles.extend(partner_roles());
        world
    }

    /// The workgroup of this name. Names are unique in the standard world, as they are within an account and region.
    pub fn workgroup(&self, name: &str) -> Option<&Workgroup> {
        self.workgroups.iter().find(|workgroup| workgroup.name == name)
    }

    /// The same, to change: its endpoint, above all.
    pub fn workgroup_mut(&mut self, name: &str) -> Option<&mut Workgroup> {
        self.workgroups.iter_mut().find(|workgroup| workgroup.name == name)
    }

    /// The user of this name in [`ACCOUNT`] or any other.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The user whose access key has this id.
    pub fn user_of_key(&self, access_key_id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.access_key.id == access_key_id)
    }

    /// The role with this ARN.
    pub fn role(&self, arn: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.arn() == arn)
    }

    /// The roles of a workgroup's account that could be a database user of it: all but the ones that are only a hop.
    pub fn db_user_roles(&self, workgroup: &Workgroup) -> impl Iterator<Item = &Role> {
        self.roles.iter().filter(|role| role.account == workgroup.account && role.name != HOP_ROLE)
    }

    /// Whether [`BASE_USER`], through [`HOP_ROLE`] where the account is another, can log in to `db_name` of a workgroup
    /// with this role as its database user. Decided by the policies themselves, as the requests would be.
    pub fn may_login(&self, role: &Role, workgroup: &Workgroup, db_name: &str) -> bool {
        let Some(user) = self.user(BASE_USER) else { return false };
        let reached = if role.account == user.account {
            role.authorize_session(&user.caller(), None).is_ok()
        } else {
            let hop = self.roles.iter().find(|hop| hop.account == role.account && hop.name == HOP_ROLE);
            hop.is_some_and(|hop| {
                hop.authorize_session(&user.caller(), Some(HOP_EXTERNAL_ID)).is_ok()
                    && role.authorize_session(&hop.caller("postern"), None).is_ok()
            })
        };
        reached
            && role.account == workgroup.account
            && workgroup.authorize_login(&role.caller("postern"), Some(db_name)).is_ok()
    }

    /// One more workgroup of [`ACCOUNT`] with the database `dev`.
    pub fn with_workgroup(mut self, name: &str) -> Self {
        self.add_workgroup(ACCOUNT, name, &["dev"], &[("env", "dev"), ("team", "data")]);
        self
    }

    /// One more workgroup of [`ACCOUNT`] with the database `dev`, whose monitoring is that of a provisioned cluster. The API knows only
    /// workgroups here; what is behind one is for the database to say.
    pub fn with_provisioned(mut self, name: &str) -> Self {
        self.add_workgroup(ACCOUNT, name, &["dev"], &[("env", "stage"), ("team", "data")]);
        if let Some(added) = self.workgroups.last_mut() {
            added.monitoring = Monitoring::Stv;
        }
        self
    }

    fn add_workgroup(&mut self, account: &str, name: &str, databases: &[&str], tags: &[(&str, &str)]) {
        let created_at = datetime!(2025-06-02 01:20 UTC);
        self.namespaces.push(Namespace {
            account: account.to_owned(),
            region: self.region.clone(),
            name: format!("{name}-ns"),
            id: stable_id("namespace", name),
            db_name: databases.first().copied().unwrap_or("dev").to_owned(),
            admin_username: "admin".to_owned(),
            created_at,
        });
        self.workgroups.push(Workgroup {
            account: account.to_owned(),
            region: self.region.clone(),
            name: name.to_owned(),
            id: stable_id("workgroup", name),
            namespace: format!("{name}-ns"),
            db_names: databases.iter().map(|&database| database.to_owned()).collect(),
            tags: tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
            endpoint: Endpoint { address: host_name(name, account, &self.region), port: 5439 },
            status: WorkgroupStatus::Available,
            created_at,
            monitoring: Monitoring::Sys,
        });
    }

    /// Roles of [`ACCOUNT`].
    fn home_roles(&self) -> Vec<Role> {
        let any_workgroup = format!("arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/*");
        let any_database = format!("arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:dbname:*/*");
        let dev_only = format!("arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:dbname:*/dev");
        let everywhere = || may_get_credentials(&[any_workgroup.clone(), any_database.clone()]);
        let not_finance = identity(&json!({
            "Effect": "Deny", "Action": GET_CREDENTIALS, "Resource": self.workgroup_arn("finance-prod"),
        }));
        let some = |names: &[&str]| {
            let workgroups = names.iter().map(|name| self.workgroup_arn(name));
            may_get_credentials(&workgroups.chain([any_database.clone()]).collect::<Vec<_>>())
        };
        let account = || trusting(&json!(format!("arn:aws:iam::{ACCOUNT}:root")));
        let role = |name, trust, policies| Role::new(ACCOUNT, name, trust, policies);
        vec![
            role(
                "teleport-redshift-serverless-access",
                account(),
                vec![may_get_credentials(&[any_workgroup.clone(), dev_only])],
            ),
            role("bi-readonly", account(), vec![everywhere(), not_finance]),
            role(
                "etl-writer",
                account(),
                vec![some(&["analytics-prod", "analytics-stage", "analytics-dev", "events-prod"])],
            ),
            Role {
                max_session_seconds: 43_200,
                ..role("warehouse-admin", account(), vec![everywhere(), may_discover()])
            },
            role("finance-auditor", trusting(&json!(user_arn(ACCOUNT, "soyeon"))), vec![some(&["finance-prod"])]),
            role("marketing-viewer", account(), vec![some(&["events-prod"])]),
        ]
    }

    fn workgroup_arn(&self, name: &str) -> String {
        self.workgroup(name).expect("the standard world names only its own workgroups").arn()
    }
}

impl User {
    /// A user with a fresh secret.
    pub fn new(account: &str, name: &str, access_key_id: &str, policies: Vec<IdentityPolicy>) -> Self {
        Self {
            account: account.to_owned(),
            name: name.to_owned(),
            id: stable_unique_id("AIDA", account, name),
            access_key: AccessKey { id: access_key_id.to_owned(), secret: SecretString::from(random::base64_text(40)) },
            policies,
        }
    }

    /// `arn:aws:iam::<account>:user/<name>`.
    pub fn arn(&self) -> String {
        user_arn(&self.account, &self.name)
    }

    /// The user as a caller.
    pub fn caller(&self) -> Caller<'_> {
        Caller {
            account: &self.account,
            arn: self.arn(),
            entity_arn: self.arn(),
            id: self.id.clone(),
            source_identity: None,
            policies: &self.policies,
            session_policy: None,
        }
    }
}

impl Role {
    /// A role without path whose sessions last up to an hour, as IAM makes them unless told otherwise.
    pub fn new(account: &str, name: &str, trust_policy: TrustPolicy, policies: Vec<IdentityPolicy>) -> Self {
        Self {
            account: account.to_owned(),
            name: name.to_owned(),
            path: "/".to_owned(),
            id: stable_unique_id("AROA", account, name),
            trust_policy,
            policies,
            max_session_seconds: 3600,
        }
    }

    /// `arn:aws:iam::<account>:role/<path><name>`.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:role{}{}", self.account, self.path, self.name)
    }

    /// ARN of one of its sessions, in which the role's path plays no part.
    pub fn session_arn(&self, session_name: &str) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", self.account, self.name)
    }

    /// One of its sessions as a caller.
    pub fn caller(&self, session_name: &str) -> Caller<'_> {
        Caller {
            account: &self.account,
            arn: self.session_arn(session_name),
            entity_arn: self.arn(),
            id: format!("{}:{session_name}", self.id),
            source_identity: None,
            policies: &self.policies,
            session_policy: None,
        }
    }

    fn authorize_session(&self, caller: &Caller<'_>, external_id: Option<&str>) -> Result<(), Denial> {
        let context = caller.context().with_optional("sts:ExternalId", external_id);
        let target = TargetRole { account: &self.account, trust: &self.trust_policy };
        authorize_role_session(caller, "sts:AssumeRole", &self.arn(), Some(target), &context)
    }
}

impl Workgroup {
    /// `arn:aws:redshift-serverless:<region>:<account>:workgroup/<uuid>`: the identifier, not the name.
    pub fn arn(&self) -> String {
        format!("arn:aws:redshift-serverless:{}:{}:workgroup/{}", self.region, self.account, self.id)
    }

    /// The `dbname` resource that `GetCredentials` also asks about when it names a database.
    ///
    /// The API reference says that the policy "must allow access to the resource dbname"; AWS publishes no form of its
    /// ARN for Redshift Serverless, so this is the one of provisioned clusters with the workgroup's name for theirs.
    pub fn db_name_arn(&self, db_name: &str) -> String {
        format!("arn:aws:redshift-serverless:{}:{}:dbname:{}/{db_name}", self.region, self.account, self.name)
    }

    /// The name clients verify in its certificate.
    pub fn host_name(&self) -> String {
        host_name(&self.name, &self.account, &self.region)
    }

    /// Whether `caller` may have credentials for it, and for one of its databases if it names one.
    pub fn authorize_login(&self, caller: &Caller<'_>, db_name: Option<&str>) -> Result<(), Denial> {
        let mut context = caller.context().with("aws:RequestedRegion", self.region.as_str());
        for (key, value) in &self.tags {
            context = context.with(&format!("aws:ResourceTag/{key}"), value.as_str());
        }
        authorize(caller, GET_CREDENTIALS, &self.arn(), &context)?;
        db_name.map_or(Ok(()), |name| authorize(caller, GET_CREDENTIALS, &self.db_name_arn(name), &context))
    }
}

impl WorkgroupStatus {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Available => "AVAILABLE",
            Self::Modifying => "MODIFYING",
            Self::Deleting => "DELETING",
        }
    }
}

impl Namespace {
    /// `arn:aws:redshift-serverless:<region>:<account>:namespace/<uuid>`.
    pub fn arn(&self) -> String {
        format!("arn:aws:redshift-serverless:{}:{}:namespace/{}", self.region, self.account, self.id)
    }
}

const GET_CREDENTIALS: &str = "redshift-serverless:GetCredentials";

type Tags = [(&'static str, &'static str)];

/// Account, name, databases and tags of the standard workgroups.
#[rustfmt::skip]
const STANDARD_WORKGROUPS: [(&str, &str, &[&str], &Tags); 7] = [
    (ACCOUNT, "analytics-prod", &["dev", "analytics"], &[("env", "prod"), ("team", "data"), ("tier", "1")]),
    (ACCOUNT, "analytics-stage", &["dev", "analytics"], &[("env", "stage"), ("team", "data")]),
    (ACCOUNT, "analytics-dev", &["dev", "analytics"], &[("env", "dev"), ("team", "data")]),
    (ACCOUNT, "events-prod", &["dev", "events"], &[("env", "prod"), ("team", "data"), ("tier", "1")]),
    (ACCOUNT, "finance-prod", &["dev", "finance"], &[("env", "prod"), ("team", "finance")]),
    (ACCOUNT, "ml-dev", &["dev", "features"], &[("env", "dev"), ("team", "ml")]),
    (PARTNER_ACCOUNT, "logistics-prod", &["dev", "logistics"], &[("env", "prod"), ("team", "물류")]),
];

fn base_user_policy() -> IdentityPolicy {
    identity(&json!([
        {
            "Sid": "ConnectAsIamRole",
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": [format!("arn:aws:iam::{ACCOUNT}:role/*"), role_arn(PARTNER_ACCOUNT, HOP_ROLE)],
        },
        discovery_statement(),
    ]))
}

/// Roles of [`PARTNER_ACCOUNT`]: the hop, and what it leads to.
fn partner_roles() -> Vec<Role> {
    let resources = [
        format!("arn:aws:redshift-serverless:{REGION}:{PARTNER_ACCOUNT}:workgroup/*"),
        format!("arn:aws:redshift-serverless:{REGION}:{PARTNER_ACCOUNT}:dbname:*/*"),
    ];
    let hop_trust = TrustPolicy::from_value(json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": HOP_EXTERNAL_ID}},
    }}));
    let hop_rights = identity(&json!([
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": format!("arn:aws:iam::{PARTNER_ACCOUNT}:role/*")},
        discovery_statement(),
    ]));
    let behind_the_hop = |name| {
        let trust = trusting(&json!(role_arn(PARTNER_ACCOUNT, HOP_ROLE)));
        Role::new(PARTNER_ACCOUNT, name, trust, vec![may_get_credentials(&resources)])
    };
    vec![
        Role::new(PARTNER_ACCOUNT, HOP_ROLE, hop_trust.expect("the standard world's policies parse"), vec![hop_rights]),
        behind_the_hop("teleport-redshift-serverless-access"),
        behind_the_hop("bi-readonly"),
        behind_the_hop("warehouse-admin"),
    ]
}

fn may_get_credentials(resources: &[String]) -> IdentityPolicy {
    identity(&json!({"Effect": "Allow", "Action": GET_CREDENTIALS, "Resource": resources}))
}

fn may_discover() -> IdentityPolicy {
    identity(&discovery_statement())
}

fn discovery_statement() -> Value {
    json!({
        "Sid": "Discover",
        "Effect": "Allow",
        "Action": [
            "redshift-serverless:GetWorkgroup",
            "redshift-serverless:ListEndpointAccess",
            "redshift-serverless:ListNamespaces",
            "redshift-serverless:ListTagsForResource",
            "redshift-serverless:ListWorkgroups",
        ],
        "Resource": "*",
    })
}

fn identity(statement: &Value) -> IdentityPolicy {
    IdentityPolicy::from_value(json!({"Version": "2012-10-17", "Statement": statement}))
        .expect("the standard world's policies parse")
}

fn trusting(principal: &Value) -> TrustPolicy {
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"});
    TrustPolicy::from_value(json!({"Version": "2012-10-17", "Statement": statement}))
        .expect("the standard world's policies parse")
}

fn user_arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:user/{name}")
}

fn role_arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

fn host_name(workgroup: &str, account: &str, region: &str) -> String {
    format!("{workgroup}.{account}.{region}.redshift-serverless.amazonaws.com")
}

/// The same identifier for the same thing each time, so that ARNs written down once stay true.
fn stable_id(kind: &str, name: &str) -> Uuid {
    let digest = Sha256::digest(format!("{kind}/{name}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// An IAM unique id: four letters for the kind, then seventeen letters and digits.
fn stable_unique_id(prefix: &str, account: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{prefix}/{account}/{name}"));
    format!("{prefix}{}", random::base32_of(&digest[..17]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn may(world: &World, role: &str, workgroup: &str, db_name: &str) -> bool {
        let workgroup = world.workgroup(workgroup).unwrap();
        let role = world.role(&role_arn(&workgroup.account, role)).unwrap();
        world.may_login(role, workgroup, db_name)
    }

    #[test]
    fn every_role_of_the_standard_world_can_do_something_another_cannot() {
        let world = World::standard();
        for (role, workgroup, db_name, expected) in [
            ("teleport-redshift-serverless-access", "analytics-prod", "dev", true),
            ("teleport-redshift-serverless-access", "analytics-prod", "analytics", false),
            ("bi-readonly", "analytics-prod", "analytics", true),
            ("bi-readonly", "finance-prod", "finance", false),
            ("etl-writer", "events-prod", "events", true),
            ("etl-writer", "ml-dev", "dev", false),
            ("warehouse-admin", "finance-prod", "finance", true),
            ("finance-auditor", "finance-prod", "finance", false),
            ("marketing-viewer", "events-prod", "events", true),
            ("marketing-viewer", "analytics-prod", "analytics", false),
            ("bi-readonly", "logistics-prod", "logistics", true),
        ] {
            assert_eq!(may(&world, role, workgroup, db_name), expected, "{role} on {workgroup}/{db_name}");
        }
    }

    #[test]
    fn a_role_is_no_database_user_of_another_accounts_workgroup() {
        let world = World::standard();
        let role = world.role(&role_arn(ACCOUNT, "warehouse-admin")).unwrap();
        assert!(!world.may_login(role, world.workgroup("logistics-prod").unwrap(), "dev"));
    }

    #[test]
    fn identifiers_stay_the_same_and_secrets_do_not() {
        let (one, other) = (World::standard(), World::standard());
        assert_eq!(one.workgroup("ml-dev").unwrap().arn(), other.workgroup("ml-dev").unwrap().arn());
        let secret = |world: &World| world.user(BASE_USER).unwrap().access_key.secret.expose_secret().to_owned();
        assert_ne!(secret(&one), secret(&other));
        assert!(!format!("{one:?}").contains(&secret(&one)));
    }

    #[test]
    fn a_session_arn_leaves_out_the_path_of_its_role() {
        let mut role = World::standard().roles.remove(0);
        role.path = "/data/team/".to_owned();
        assert_eq!(role.arn(), "arn:aws:iam::111111111111:role/data/team/teleport-redshift-serverless-access");
        assert_eq!(
            role.session_arn("jiwoo"),
            "arn:aws:sts::111111111111:assumed-role/teleport-redshift-serverless-access/jiwoo"
        );
    }
}
