//! Development only: an AWS account and Redshift Serverless workgroups on this machine.

pub mod aws;
pub mod clock;
pub mod iam;
pub mod ledger;
pub mod world;

mod random;
