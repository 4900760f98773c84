//! Local proxies and the sessions that run through them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::databases::Target;

/// Start a local proxy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct OpenConnection {
    /// To where.
    pub target: Target,
    /// A port; the one this database keeps when absent.
    pub port: Option<u16>,
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
    /// `127.0.0.1`.
    pub host: String,
    /// Local port.
    pub port: u16,
    /// Path of the Unix socket, where there is one.
    pub unix_socket: Option<String>,
    /// Ready-made strings.
    pub strings: ConnectionStrings,
    /// Live sessions, oldest first.
    pub sessions: Vec<Session>,
    /// Client to server, all sessions so far.
    #[ts(type = "number")]
    pub bytes_up: u64,
    /// Server to client.
    #[ts(type = "number")]
    pub bytes_down: u64,
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub opened_at: u64,
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
    /// The server's process id, as SYS_QUERY_HISTORY's `session_id`.
    pub backend_pid: Option<i32>,
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub started_at: u64,
    /// Client to server.
    #[ts(type = "number")]
    pub bytes_up: u64,
    /// Server to client.
    #[ts(type = "number")]
    pub bytes_down: u64,
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
