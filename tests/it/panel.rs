//! Cancels from the activity panel, with a sandbox of their own: they queue, hold and limit a whole server, which tests that count its
//! sessions would see.

#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(dead_code, reason = "what is shared with the other tests is not all needed here")]

mod app;
mod bystander;
mod canceling;
mod support;
