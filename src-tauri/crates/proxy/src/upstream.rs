//! What the proxy needs of whoever knows the database: may this client in, and how is it reached.
//!
//! The proxy knows no AWS. The engine implements [`Upstream`] with roles, credentials and TLS settings; tests implement it with a
//! fake. Everything here is a plain value, so that the seam can be faked without a cloud.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use postern_wire::ErrorResponse;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use secrecy::SecretString;

use crate::cancel::CancelOutcome;
use crate::session::QueryMark;

/// A future on the heap, so that [`Upstream`] can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Decides about a session and says how to reach the server for it.
pub trait Upstream: Send + Sync + 'static {
    /// May this client in? Called once per session, before anything is dialled.
    fn authorize(&self, claim: Claim) -> BoxFuture<'_, Result<Grant, Refusal>>;

    /// Where and as whom to log in. Called with [`Freshness::Cached`] first, and at most once more with [`Freshness::Fresh`] when the
    /// server says that the password has expired.
    fn dial_plan<'a>(&'a self, grant: &'a Grant, freshness: Freshness) -> BoxFuture<'a, Result<Dial, Refusal>>;

    /// A client has asked to cancel what its session runs, and `outcome` is what became of the CancelRequest. Whoever knows other ways to
    /// cancel a query watches it with [`crate::Proxy::still_runs`] and goes on from here; must not block.
    fn cancel_requested(&self, query: QueryMark, outcome: &CancelOutcome);
}

/// Who the client says it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// `user` of the start-up message; empty when it sent none.
    pub user: String,
    /// `database` of the start-up message. PostgreSQL takes the user's name when there is none; here the engine decides.
    pub database: Option<String>,
    /// `application_name` of the start-up message, or the name given to [`crate::Proxy::attach`].
    pub application_name: String,
    /// Where it came in.
    pub origin: Origin,
}

/// Where a session comes in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Through the loopback port, from this address.
    Tcp(SocketAddr),
    /// Through the Unix socket.
    Unix,
    /// Through memory: the console and the activity panel.
    Internal,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(peer) => write!(f, "tcp {peer}"),
            Self::Unix => f.write_str("unix socket"),
            Self::Internal => f.write_str("internal"),
        }
    }
}

/// A session that may go on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// The database user as the person knows it: a role name for Redshift, not the `IAMR:` name.
    pub db_user: String,
    /// The database.
    pub db_name: String,
}

/// Whether a cached password will do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Freshness {
    /// One from the cache is fine.
    Cached,
    /// The server has just refused the cached one as expired: mint another.
    Fresh,
}

/// How to reach the server and log in.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The server.
    pub endpoint: Endpoint,
    /// User to log in as, such as `IAMR:analyst`.
    pub user: String,
    /// Database to log in to.
    pub database: String,
    /// The server has a setting `default_transaction_read_only`, which Redshift has not: it is turned on for read-only sessions, so that the
    /// server itself refuses what a function would write.
    pub knows_read_only: bool,
    /// Its password. `SecretString` keeps it out of `Debug` and logs.
    pub password: SecretString,
}

/// A server's address and how to speak to it. Holds nothing secret.
#[derive(Clone)]
pub struct Endpoint {
    /// Name or address to dial. May differ from the name in [`Transport::Tls`] when there is a tunnel or an alias between.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS or not.
    pub transport: Transport,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ({:?})", self.host, self.port, self.transport)
    }
}

/// How bytes travel to the server.
#[derive(Clone)]
pub enum Transport {
    /// PostgreSQL's SSLRequest, then TLS. A server that answers no is an error: there is no falling back.
    Tls {
        /// Roots and verification mode.
        config: Arc<ClientConfig>,
        /// Name sent in SNI and looked for in the certificate.
        name: ServerName<'static>,
    },
    /// No encryption at all. Only ever by explicit choice.
    Plaintext,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls { name, .. } => write!(f, "tls as {}", name.to_str()),
            Self::Plaintext => f.write_str("plaintext"),
        }
    }
}

/// Why a session may not go on, in the form its client sees as an ErrorResponse.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Five-character SQLSTATE, such as `28000`.
    pub sqlstate: Cow<'static, str>,
    /// What failed, in one line.
    pub message: String,
    /// Why.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// The typed error behind it, for logs and for whoever gave it and wants it back.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Refusal {
    /// A refusal with a message only.
    pub fn new(sqlstate: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { sqlstate: sqlstate.into(), message: message.into(), detail: None, hint: None, source: None }
    }

    /// Says why.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Keeps the typed error behind it.
    #[must_use]
    pub fn source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// What the client is sent.
    pub fn to_response(&self) -> ErrorResponse {
        let mut response = ErrorResponse::fatal(&self.sqlstate, &self.message);
        if let Some(detail) = &self.detail {
            response = response.detail(detail);
        }
        if let Some(hint) = &self.hint {
            response = response.hint(hint);
        }
        response
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
