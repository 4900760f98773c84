//! Split, run, store and page SQL results, without a screen.

pub mod row;
pub mod split;
pub mod store;
pub mod types;
