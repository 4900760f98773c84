//! Identity and access management: policy documents and what they decide.
//!
//! Enough of IAM to tell an allowed request from a denied one the way AWS would: identity policies, role trust
//! policies, session policies, and conditions. Whatever this evaluator does not understand it decides against: an
//! allow that depends on it does not allow, a deny that depends on it denies.
//!
//! Source: "Policy evaluation logic" and "IAM JSON policy element reference" in the IAM User Guide.

mod authorize;
mod condition;
mod pattern;
mod policy;

pub use authorize::{Caller, Denial, Reason, TargetRole, authorize, authorize_role_session};
pub use condition::Context;
pub use policy::{IdentityPolicy, PolicyError, TrustPolicy};
