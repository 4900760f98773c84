//! What must hold whatever bytes come: one module for each kind of stranger, with one `check` that panics when it does not.
//!
//! The programs in `targets` hand inputs of libFuzzer to these, and `tests/corpus.rs` hands them the inputs that are kept, so that
//! each input that once found a mistake stays a test of every build.

// Saying what must hold is what this crate is for.
#![allow(clippy::unwrap_used, reason = "a panic is how a target fails")]

pub mod backend;
pub mod frontend;
pub mod read_only;
pub mod split;
pub mod startup;

mod stream;
