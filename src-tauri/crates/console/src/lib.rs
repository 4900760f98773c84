//! Split, run, store and page SQL results, without a screen.
//!
//! A [`tab::Tab`] owns one session and runs what the editor hands it: [`split`], a crate of its own, finds the statements, [`session`]
//! speaks the wire, [`store`] keeps the rows where a window over them can be read while more arrive. [`analysis`]
//! sorts, filters, searches and counts what is kept. [`format`] writes the same rows for the command line instead of
//! keeping them, and [`export`] into files, from either.
//!
//! What is absent on purpose: no sockets, TLS, AWS or access rules. A tab is given its byte stream, and the way to
//! cancel, by a [`tab::Connector`]; the proxy behind it does the rest for the console as for any other client.

pub mod analysis;
pub mod complete;
pub mod export;
pub mod format;
pub mod objects;
pub mod parameters;
pub mod row;
pub mod session;
pub mod store;
pub mod tab;
pub mod types;

pub use postern_sql as split;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod testing;
