//! Real clients through a local proxy: drivers as their makers ship them, against the sandbox.
//!
//! - `matrix`: which client is held to what, what is excused and why, and the table that comes of it.
//! - `drive`: runs the drivers' programs and answers what only the server and the audit log know.
//! - `install`: the pinned drivers, in a folder under `target`.
//! - `redshift`: what Amazon's own drivers say at start-up and are told, and a newer protocol.
//! - `drivers`: one small program for each client; `harness` is what they have in common.

mod drive;
mod install;
mod matrix;
mod redshift;

/// The sandbox and a home, as the other tests have them.
#[path = "../it/support.rs"]
#[allow(dead_code, reason = "the other suite needs more of it")]
mod support;
