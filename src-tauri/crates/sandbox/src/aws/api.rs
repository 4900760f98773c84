//! One request in, one answer out: who is asking, which service and operation, and what it says.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::http::request::Parts;
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use super::faults::Faults;
use super::redshift_serverless;
use super::reply::{ApiError, Protocol};
use super::sessions::{Session, Sessions};
use super::signature::{Authorization, SignatureError, single_header};
use super::sts;
use crate::clock::Clock;
use crate::iam::Caller;
use crate::ledger::PasswordLedger;
use crate::world::{Role, User, World};

/// Everything the services share.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) world: Arc<World>,
    pub(crate) ledger: PasswordLedger,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) sessions: Sessions,
}

/// An authenticated sender.
#[derive(Clone, Debug)]
pub(crate) enum Sender<'w> {
    User(&'w User),
    Session { role: &'w Role, session: Arc<Session> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Sts,
    RedshiftServerless,
}

impl Api {
    pub(crate) fn new(world: Arc<World>, ledger: PasswordLedger, clock: Clock) -> Self {
        Self { world, ledger, clock, faults: Faults::default(), sessions: Sessions::default() }
    }

    /// Answers a request whose body has been read.
    pub(crate) fn answer(&self, parts: &Parts, body: &[u8]) -> Response<Full<Bytes>> {
        // Before the service is known, an error is written in the protocol the request looks like.
        let looks_like = if parts.headers.contains_key("x-amz-target") { Protocol::Json } else { Protocol::Query };
        if self.faults.takes_throttle() {
            return ApiError::throttled(looks_like).into_response(looks_like);
        }
        let now = self.clock.now();
        let (sender, service) = match self.authenticate(parts, body, now) {
            Ok(authenticated) => authenticated,
            Err(error) => {
                tracing::info!(%error, "request not authenticated");
                return ApiError::signature(looks_like, &error).into_response(looks_like);
            }
        };
        let protocol = service.protocol();
        let answer = match service {
            Service::Sts => sts::answer(self, &sender, parts, body, now),
            Service::RedshiftServerless => {
                let target = single_header(&parts.headers, "x-amz-target").unwrap_or_default();
                redshift_serverless::answer(self, &sender, target, body, now)
            }
        };
        answer.unwrap_or_else(|error| {
            tracing::info!(code = error.code, message = %error.message, "request refused");
            error.into_response(protocol)
        })
    }

    /// Finds the key a request names and checks its signature.
    fn authenticate(
        &self,
        parts: &Parts,
        body: &[u8],
        now: OffsetDateTime,
    ) -> Result<(Sender<'_>, Service), SignatureError> {
        let authorization = Authorization::of(&parts.headers)?;
        let service = Service::named(&authorization.scope.service)?;
        authorization.scope.check(&service.regions(&self.world.region))?;
        let token = single_header(&parts.headers, "x-amz-security-token");
        let key = authorization.access_key_id.as_str();
        if let Some(session) = self.sessions.find(key) {
            let offered = token.unwrap_or_default().as_bytes();
            if !bool::from(session.token.expose_secret().as_bytes().ct_eq(offered)) {
                return Err(SignatureError::UnknownKey);
            }
            authorization.verify(parts, body, &session.secret, now)?;
            if now >= session.expires_at {
                return Err(SignatureError::ExpiredToken);
            }
            let role = self.world.role(&session.role_arn).ok_or(SignatureError::UnknownKey)?;
            return Ok((Sender::Session { role, session }, service));
        }
        let user = self.world.user_of_key(key).ok_or(SignatureError::UnknownKey)?;
        if token.is_some() {
            return Err(SignatureError::UnknownKey);
        }
        authorization.verify(parts, body, &user.access_key.secret, now)?;
        Ok((Sender::User(user), service))
    }
}

impl Sender<'_> {
    /// The sender as policies see it.
    pub(crate) fn caller(&self) -> Caller<'_> {
        match self {
            Self::User(user) => user.caller(),
            Self::Session { role, session } => Caller {
                source_identity: session.source_identity.as_deref(),
                session_policy: session.policy.as_ref(),
                ..role.caller(&session.name)
            },
        }
    }

    /// The database user it maps to: the role's name or the user's, without path or session name.
    pub(crate) fn db_user(&self) -> String {
        match self {
            Self::User(user) => format!("IAM:{}", user.name),
            Self::Session { role, .. } => format!("IAMR:{}", role.name),
        }
    }

    /// Whether it is itself a session, so that a role it assumes is chained.
    pub(crate) fn is_session(&self) -> bool {
        matches!(self, Self::Session { .. })
    }
}

impl Service {
    fn named(name: &str) -> Result<Self, SignatureError> {
        match name {
            "sts" => Ok(Self::Sts),
            "redshift-serverless" => Ok(Self::RedshiftServerless),
            other => Err(SignatureError::WrongScope(format!(
                "Credential should be scoped to correct service: 'sts' or 'redshift-serverless', not '{other}'. "
            ))),
        }
    }

    fn protocol(self) -> Protocol {
        match self {
            Self::Sts => Protocol::Query,
            Self::RedshiftServerless => Protocol::Json,
        }
    }

    /// Regions a signature may be scoped to: STS has a global endpoint too, which signs for the first region.
    fn regions(self, home: &str) -> Vec<&str> {
        match self {
            Self::Sts => vec![home, "us-east-1"],
            Self::RedshiftServerless => vec![home],
        }
    }
}
