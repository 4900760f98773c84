//! One local proxy per connection: admit, authorise, dial, relay, cancel, drain.
//!
//! A [`Proxy`] takes PostgreSQL clients in on a loopback port, a Unix socket or an in-memory stream, asks its [`Upstream`] whether they
//! may go on and how, logs in to the server in their place, and copies bytes until one side ends. It knows no AWS and no roles; whoever
//! supplies the [`Upstream`] and the [`Recorder`] does. Every way in runs through the same code, so that access, audit and cancel exist
//! once.
//!
//! What is deliberately absent: a fall-back to plaintext, a password in a log or an error, a listener beyond loopback that nobody asked
//! for, and any reading of result rows.

#![warn(missing_docs)]

mod activity;
mod audit;
mod cancel;
mod clock;
mod dial;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod hold;
mod keys;
mod listener;
mod login;
mod password;
mod peer;
mod proxy;
mod read_ahead;
mod read_only;
mod relay;
mod scram;
mod serve;
mod session;
mod startup;
mod stream;
mod tcp;
mod throttle;
mod upstream;

pub use audit::{CancelledBy, Event, Parameter, Recorder, Text, Unrecorded};
pub use cancel::CancelOutcome;
pub use dial::{CONNECT_LIMIT, DialError, probe};
pub use listener::{ListenError, ListenOptions, Listening};
pub use login::{LoginError, probe_login};
pub use password::{PasswordAdmission, PasswordMethod, UnusablePassword};
pub use peer::Admission;
pub use proxy::{Failure, Proxy, ProxyOptions, ShutdownReport, Totals};
pub use session::{EndReason, QueryMark, SessionFacts, SessionId, SessionInfo, SessionState, StopReason};
pub use throttle::LoginDelay;
pub use upstream::{BoxFuture, Claim, Dial, Endpoint, Freshness, Grant, Origin, Refusal, Transport, Upstream};
