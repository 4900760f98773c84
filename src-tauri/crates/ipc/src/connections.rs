//! Local proxies and the sessions that run through them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::databases::Target;

/// Start a local proxy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct OpenConnection {
    /// To where.
    pub target: Target,
    /// A port; the one this target keeps when absent.
    pub port: Option<u16>,
    /// Who may use it. When absent: what suits the platform, or whatever a proxy that runs for this target has.
    #[serde(default)]
    #[ts(optional)]
    pub auth: Option<ConnectionAuth>,
    /// Offer TLS with a certificate of this machine's own, for clients that insist on it.
    #[serde(default)]
    #[ts(optional)]
    pub tls: Option<bool>,
    /// An address to listen on in place of 127.0.0.1. One beyond loopback needs `anywhere` and a password.
    #[serde(default)]
    #[ts(optional)]
    pub address: Option<String>,
    /// The person has been told what an address beyond loopback means, and wants it.
    #[serde(default)]
    #[ts(optional)]
    pub anywhere: Option<bool>,
    /// Forward only what is known to only read.
    #[serde(default)]
    #[ts(optional)]
    pub read_only: Option<bool>,
}

impl OpenConnection {
    /// As most people want it.
    #[must_use]
    pub fn to(target: Target) -> Self {
        Self { target, port: None, auth: None, tls: None, address: None, anywhere: None, read_only: None }
    }
}

/// How a local proxy knows who may use it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ConnectionAuth {
    /// Programs of the same OS user; nobody needs a password.
    SameUser,
    /// Whoever knows the password of this proxy. It never reaches the window: `connection_copy` puts it on the
    /// clipboard.
    Password {
        /// How the client proves that it knows it.
        method: PasswordMethod,
    },
}

/// How a client proves that it knows a password.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
pub enum PasswordMethod {
    /// The one to choose: the password itself does not travel.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// For drivers that cannot do SCRAM, such as redshift_connector.
    #[serde(rename = "md5")]
    Md5,
    /// For drivers that can do neither: the password as it is.
    #[serde(rename = "cleartext")]
    Cleartext,
}

/// A running local proxy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Connection {
    /// Names it in commands.
    pub id: String,
    /// To where.
    pub target: Target,
    /// Value of the label `env`.
    pub env: Option<String>,
    /// What clients connect to: `127.0.0.1`, unless another address was asked for.
    pub host: String,
    /// Local port.
    pub port: u16,
    /// Who may use it.
    pub auth: ConnectionAuth,
    /// How a client verifies its certificate, where TLS is offered.
    pub tls: Option<ConnectionTls>,
    /// Other machines can reach it. To be shown as the danger it is.
    pub beyond_loopback: bool,
    /// Its clients may only read.
    pub read_only: bool,
    /// Path of the Unix socket, where there is one.
    pub unix_socket: Option<String>,
    /// Ready-made strings, without the password. `connection_copy` copies them with it.
    pub strings: ConnectionStrings,
    /// Live sessions, oldest first.
    pub sessions: Vec<Session>,
    /// Client to server, all sessions so far.
    #[ts(type = "number")]
    pub bytes_up: u64,
    /// Server to client.
    #[ts(type = "number")]
    pub bytes_down: u64,
    /// What went through in the last minute, ended sessions included.
    pub traffic: Traffic,
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub opened_at: u64,
}

/// Bytes of the last seconds, both ways together. While nothing flows nothing is sent: whoever draws it adds a still
/// second for each that has passed since `at`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Traffic {
    /// Bytes of each second, the latest last; 60 at most, and fewer for what is younger.
    #[ts(type = "Array<number>")]
    pub per_second: Vec<u64>,
    /// When the last of them ended, in milliseconds since 1970.
    #[ts(type = "number")]
    pub at: u64,
}

/// A local proxy that does not run in this process, as it was last started.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct RecentConnection {
    /// To where.
    pub target: Target,
    /// Value of the label `env`.
    pub env: Option<String>,
    /// The port it keeps.
    pub port: u16,
    /// Who could use it.
    pub auth: ConnectionAuth,
    /// It offered TLS.
    pub tls: bool,
    /// The address it listened on in place of 127.0.0.1.
    pub address: Option<String>,
    /// Its clients could only read.
    pub read_only: bool,
    /// When it was last started, in milliseconds since 1970.
    #[ts(type = "number")]
    pub opened_at: u64,
    /// When it was stopped; absent when its process ended without a chance to say so.
    #[ts(type = "number | null")]
    pub stopped_at: Option<u64>,
    /// The other process that runs a proxy on its port right now: `postern, pid 4711`.
    pub runs_in: Option<String>,
}

/// TLS of a local proxy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ConnectionTls {
    /// PEM file of the authority that vouches for the proxy's certificate: `sslrootcert` of libpq and pgjdbc.
    pub ca_file: String,
}

/// Put something of a local proxy on the clipboard.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct CopyConnection {
    /// Of which.
    pub id: String,
    /// What.
    pub what: CopyWhat,
}

/// What of a local proxy to copy. Where it has a password, every string holds it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CopyWhat {
    /// The password alone.
    Password,
    /// `postgresql://…`
    Uri,
    /// A psql command line.
    Psql,
    /// `jdbc:postgresql://…`
    Jdbc,
    /// `export PGHOST=…` lines for sh.
    Env,
}

/// What to paste into a client.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ConnectionStrings {
    /// `postgresql://…`
    pub uri: String,
    /// A psql command line.
    pub psql: String,
    /// `jdbc:postgresql://…`
    pub jdbc: String,
    /// `export PGHOST=…` lines for sh.
    pub env: String,
}

/// One client of a proxy, or the console or the activity panel on its in-memory stream.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Session {
    /// Names it in commands.
    #[ts(type = "number")]
    pub id: u64,
    /// Where it comes from.
    pub origin: SessionOrigin,
    /// `application_name` of the client; empty when it sent none.
    pub program: String,
    /// As whom.
    pub db_user: String,
    /// Into which database.
    pub db_name: String,
    /// The client's address, for one that came over TCP.
    pub peer: Option<String>,
    /// File name of the client's program and its process id, where the system tells.
    pub process: Option<SessionProcess>,
    /// The client's OS user, when it is not the one who runs the proxy: a name, or `user id 1001`.
    pub other_user: Option<String>,
    /// The server's process id, as SYS_QUERY_HISTORY's `session_id`.
    pub backend_pid: Option<i32>,
    /// What it is doing.
    pub state: SessionState,
    /// How many statements were sent.
    #[ts(type = "number")]
    pub statements: u64,
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub started_at: u64,
    /// Client to server.
    #[ts(type = "number")]
    pub bytes_up: u64,
    /// Server to client.
    #[ts(type = "number")]
    pub bytes_down: u64,
    /// What went through in the last minute.
    pub traffic: Traffic,
}

/// The program of a client.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct SessionProcess {
    /// `psql`, `java`, `python3.11`.
    pub program: String,
    /// Its process id on this machine.
    pub pid: u32,
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// The server is being dialled or asked to let it in.
    Connecting,
    /// Waiting for the client, no transaction open.
    Idle,
    /// Waiting for the client, a transaction open.
    InTransaction,
    /// Waiting for the client to roll back.
    FailedTransaction,
    /// The server is at work.
    Running,
}

/// Where a session comes from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum SessionOrigin {
    /// TCP.
    Tcp,
    /// Unix socket.
    Unix,
    /// In-memory: console and activity.
    Internal,
}
