//! Who am I, role hops, temporary database credentials, discovery: AWS as far as a Redshift Serverless session needs it.
//!
//! [`Aws`] is one person's way into AWS: a source of base credentials (the SDK's default chain or a named profile), the roles
//! assumed from them, and the temporary database passwords those roles may ask for. It caches what it got until shortly before
//! expiry, lets concurrent askers share one request, and says which hop failed, on which resource, in AWS's own words.
//! Only this crate calls AWS, always through the official SDK.

mod arn;
mod cache;
mod clock;
mod error;
mod session;
mod source;
#[cfg(test)]
mod testing;
mod workgroups;

pub use arn::{RoleArn, RoleArnError, partition, role_arn};
pub use clock::{Clock, SystemClock};
pub use error::{AwsError, AwsErrorKind, Denial, Step};
pub use session::{AssumedRole, Aws, CallerIdentity, CredentialsRequest, DatabaseCredentials, Freshness, Hop};
pub use source::{AwsFiles, AwsSource, profiles, session_name};
pub use workgroups::Workgroup;
