//! What the proxy asks of us for each session: may this client in, and how is the server reached. Here roles, AWS and
//! TLS settings meet; the proxy knows none of them.

use std::sync::{Arc, Weak};

use postern_access::{Database, DatabaseType};
use postern_aws::{CredentialsRequest, Hop, role_arn};
use postern_proxy::{
    BoxFuture, CancelOutcome, Claim, Dial, Endpoint, Freshness, Grant, QueryMark, Refusal, Transport, Upstream,
};
use tokio::runtime::Handle;

use crate::{
    cancel,
    engine::{Engine, Shared, lock},
    error::Error,
    login::Login,
    passfile,
};

/// The way to one database for one login.
#[derive(Debug)]
pub(crate) struct DatabaseUpstream {
    engine: Weak<Shared>,
    /// Where roles are read and AWS is asked: not on the thread that relays, and not given up when a client leaves, for
    /// others may wait for the same answer.
    runtime: Handle,
    /// Used where the client leaves something out, or says it in the server's spelling.
    login: Login,
}

impl DatabaseUpstream {
    /// Has to be called within a tokio runtime.
    pub(crate) fn new(engine: &Arc<Shared>, login: Login) -> Self {
        Self { engine: Arc::downgrade(engine), runtime: Handle::current(), login }
    }

    /// Asks the engine something, on its own runtime.
    async fn ask<T, F>(&self, question: impl FnOnce(Arc<Shared>) -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let engine = self.engine().map_err(refusal)?;
        // It ends early only when the program does.
        self.runtime.spawn(question(engine)).await.unwrap_or(Err(Error::Canceled)).map_err(refusal)
    }

    fn engine(&self) -> Result<Arc<Shared>, Error> {
        self.engine.upgrade().ok_or(Error::Canceled)
    }
}

impl Upstream for DatabaseUpstream {
    fn authorize(&self, claim: Claim) -> BoxFuture<'_, Result<Grant, Refusal>> {
        Box::pin(async move {
            let login = meant(&self.login, &claim);
            self.ask(|engine| async move {
                engine.check(&login).inspect_err(|error| {
                    if matches!(error, Error::SignInExpired { .. }) {
                        engine.sign_in_has_ended();
                    }
                })?;
                Ok(Grant { db_user: login.db_user, db_name: login.db_name })
            })
            .await
        })
    }

    fn dial_plan<'a>(&'a self, grant: &'a Grant, freshness: Freshness) -> BoxFuture<'a, Result<Dial, Refusal>> {
        Box::pin(async move {
            let login = Login {
                database: self.login.database.clone(),
                db_user: grant.db_user.clone(),
                db_name: grant.db_name.clone(),
            };
            self.ask(move |engine| async move { dial_plan(&engine, &login, freshness).await }).await
        })
    }

    fn cancel_requested(&self, query: QueryMark, outcome: &CancelOutcome) {
        let Some(shared) = self.engine.upgrade() else { return };
        let gate = lock(&shared.gates).get(&self.login).map(Arc::clone);
        if let Some(gate) = gate {
            self.runtime.spawn(cancel::pursue(Engine { shared }, gate, query, outcome.clone()));
        }
    }
}

/// Whom the client means. Teleport's rule: what the start-up message says counts, and is then checked. A client
/// that says nothing, or says our login in AWS's spelling, means the login of this connection.
fn meant(own: &Login, claim: &Claim) -> Login {
    let db_name = claim.database.as_ref().filter(|name| !name.is_empty());
    let same = claim.user.is_empty() || claim.user == own.db_user || claim.user == own.server_user();
    Login {
        database: own.database.clone(),
        db_user: if same { own.db_user.clone() } else { claim.user.clone() },
        db_name: db_name.unwrap_or(&own.db_name).clone(),
    }
}

/// Where and as whom to log in: credentials minted, TLS settings read.
pub(crate) async fn dial_plan(engine: &Shared, login: &Login, freshness: Freshness) -> Result<Dial, Error> {
    let (resources, identity) = engine.signed_in()?;
    let database = resources.database(&login.database)?;
    let tls = engine.tls.of(database)?;
    let endpoint = Endpoint {
        host: database.host.clone(),
        port: database.port,
        transport: Transport::Tls { config: tls.config, name: tls.name },
    };
    match &database.database_type {
        DatabaseType::RedshiftServerless(_) => {
            let request = credentials_request(database, login)?;
            let freshness = match freshness {
                Freshness::Cached => postern_aws::Freshness::Cached,
                Freshness::Fresh => postern_aws::Freshness::Fresh,
            };
            let aws = engine.aws_for(&identity.sign_in, &resources);
            let credentials = engine.database_credentials(&aws, &request, freshness).await?;
            Ok(Dial {
                endpoint,
                user: credentials.user,
                database: login.db_name.clone(),
                knows_read_only: false,
                password: credentials.password,
            })
        }
        DatabaseType::Postgres => {
            let file = engine.password_file.as_deref();
            let password = passfile::password(file, &database.host, database.port, &login.db_name, &login.db_user)?;
            Ok(Dial {
                endpoint,
                user: login.db_user.clone(),
                database: login.db_name.clone(),
                knows_read_only: true,
                password,
            })
        }
    }
}

/// The chain of roles for a login. With `assume_role_arn` the external id belongs to that first hop; without it, to the
/// role of the database user (Teleport, `lib/srv/db/common/auth.go`).
pub(crate) fn credentials_request(database: &Database, login: &Login) -> Result<CredentialsRequest, Error> {
    let DatabaseType::RedshiftServerless(serverless) = &database.database_type else {
        return Err(Error::InvalidValue {
            field: format!("db '{}'", database.name),
            problem: "is no Redshift Serverless workgroup".to_owned(),
        });
    };
    let role = role_arn(&login.db_user, &serverless.region, &serverless.account_id)
        .map_err(|error| Error::InvalidValue { field: "db_user".to_owned(), problem: error.to_string() })?;
    let aws = database.aws.clone().unwrap_or_default();
    let mut hops = Vec::new();
    let mut external_id = aws.external_id;
    if let Some(first) = aws.assume_role_arn {
        hops.push(Hop { role_arn: first, external_id: external_id.take() });
    }
    hops.push(Hop { role_arn: role.as_str().to_owned(), external_id });
    Ok(CredentialsRequest {
        region: serverless.region.clone(),
        workgroup: serverless.workgroup_name.clone(),
        db_name: login.db_name.clone(),
        hops,
    })
}

/// What the client of the proxy is told, with the SQLSTATE that drivers act on.
pub(crate) fn refusal(error: Error) -> Refusal {
    use std::error::Error as _;
    let sqlstate = match &error {
        Error::AccessDenied { .. } | Error::NotSignedIn | Error::SignInExpired { .. } | Error::NotFound { .. } => {
            "28000"
        }
        Error::Aws(_) => "28000",
        Error::InvalidValue { .. } | Error::InvalidResources(_) => "22023",
        Error::Canceled => "57P01",
        _ => "08001",
    };
    let mut refusal = Refusal::new(sqlstate, error.to_string());
    if let Some(source) = error.source() {
        refusal = refusal.detail(source.to_string());
    }
    if let Some(advice) = error.advice() {
        refusal = refusal.hint(advice);
    }
    refusal.source(error)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use postern_access::{Document, decide, parse_documents};
    use postern_proxy::Origin;

    use super::*;

    const RESOURCES: &str = "
kind: db
version: v3
metadata: {name: sales}
spec: {protocol: postgres, uri: 'wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com:5439'}
---
kind: role
version: v7
metadata: {name: reading}
spec: {allow: {db_labels: {'*': '*'}, db_users: [reader], db_names: [dev]}}
---
kind: user
version: v2
metadata: {name: alice}
spec: {roles: [reading]}
";

    fn login(db_user: &str, db_name: &str) -> Login {
        Login { database: "sales".into(), db_user: db_user.into(), db_name: db_name.into() }
    }

    fn meant(user: &str, database: Option<&str>) -> Login {
        let claim = Claim {
            user: user.into(),
            database: database.map(str::to_owned),
            application_name: String::new(),
            origin: Origin::Unix,
        };
        super::meant(&login("team/reader", "dev"), &claim)
    }

    #[test]
    fn what_a_client_says_counts_and_what_it_leaves_out_is_the_logins() {
        for user in ["", "team/reader", "IAMR:reader"] {
            assert_eq!(meant(user, None), login("team/reader", "dev"), "{user}");
            assert_eq!(meant(user, Some("")), login("team/reader", "dev"), "{user}");
            assert_eq!(meant(user, Some("prod")), login("team/reader", "prod"), "{user}");
        }
        // Somebody else in the server's spelling is somebody else.
        for user in ["reader", "writer", "IAMR:writer", "IAMR:READER", "IAMR:"] {
            assert_eq!(meant(user, None), login(user, "dev"));
        }
    }

    #[test]
    fn a_denial_names_user_and_name_and_what_is_allowed() {
        let documents = parse_documents("t.yaml", RESOURCES).unwrap();
        let [Document::Database(database), Document::Role(role), Document::User(user)] = documents.as_slice() else {
            panic!("{documents:?}")
        };
        let roles = [role.clone()];
        let decision = decide(user, &roles, database, "writer", "prod");
        assert!(!decision.allowed);
        let told = refusal(Error::AccessDenied {
            database: "sales".into(),
            db_user: "writer".into(),
            db_name: "prod".into(),
            decision: Box::new(decision),
        });
        assert_eq!(told.sqlstate, "28000");
        assert_eq!(
            told.message,
            "access to 'sales' as database user 'writer' to database 'prod' denied: no role of user 'alice' allows database user \
             'writer' or database 'prod'; allowed database users: reader; allowed database names: dev"
        );
        assert!(told.hint.unwrap().contains("postern access check"));
    }
}
