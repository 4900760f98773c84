//! The whole engine against the sandbox.
