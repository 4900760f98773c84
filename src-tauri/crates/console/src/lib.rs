//! Split, run, store and page SQL results, without a screen.

pub mod row;
pub mod session;
pub mod split;
pub mod store;
pub mod tab;
pub mod types;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod testing;
