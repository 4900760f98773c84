//! Development only: an AWS account and Redshift Serverless workgroups on this machine.
//!
//! [`Sandbox::start`] is all of it at once. Its parts stand alone too: [`world`] is the pretend accounts as data,
//! [`iam`] judges policies, [`aws`] answers the official SDKs, [`ledger`] is what AWS and the databases share. Every
//! server listens on loopback only, and ends with the sandbox.

pub mod aws;
pub mod clock;
pub mod description;
pub mod iam;
pub mod ledger;
pub mod world;

mod database;
mod faults;
mod files;
mod random;
mod sandbox;

pub use database::PlainPostgres;
pub use description::Description;
pub use faults::WorkgroupFaults;
pub use sandbox::{Sandbox, SandboxOptions};
