//! The only place of this crate that asks for the time of day.

use std::time::SystemTime;

/// Time of day, for showing to people. Durations are measured with `tokio::time::Instant`.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
