//! A whole proxy from outside: a client on one side, a fake PostgreSQL server on the other.
//!
//! - `client`, `server`, `world`: what the tests are made with.
//! - `login`: from the first byte to ReadyForQuery, and every way not to get there.
//! - `relay`: what passes, what is rewritten, what is recorded, how a session ends.
//! - `cancel`: keys and CancelRequests.
//! - `listen`: sockets, shutdown.
//! - `admission`: passwords.
//! - `strangers`: another user of this machine.
//! - `tls`: clients that speak TLS.
#![allow(clippy::unwrap_used, reason = "tests")]

mod admission;
mod cancel;
mod client;
mod listen;
mod login;
mod relay;
mod server;
#[cfg(unix)]
mod strangers;
mod tls;
mod world;
