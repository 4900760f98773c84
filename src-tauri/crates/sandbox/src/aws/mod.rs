//! AWS on loopback: STS and Redshift Serverless as official SDKs expect them.
//!
//! One listener answers for all services, as SDKs are pointed at it by `AWS_ENDPOINT_URL_STS` and
//! `AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS`; which service is meant follows from the scope of the request's signature.
//! Requests are held to AWS's rules: signatures, policies, limits, and its own codes and sentences for errors.

mod api;
mod constraints;
mod faults;
mod redshift_serverless;
mod reply;
mod server;
mod sessions;
mod signature;
mod sts;

pub use faults::Faults;
pub use server::{AwsServer, PortalCredentials};
