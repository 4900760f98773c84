//! SQL as text: tokens, statements, and what can be known of a statement without asking its server.
//!
//! It lives below both of those who need it: the console splits scripts, and the proxy judges what a read-only session
//! may send. No IO, no parser: PostgreSQL and Redshift differ in their grammars and both grow, but they share the
//! rules by which a text falls into tokens.

#![warn(missing_docs)]

pub mod guard;
pub mod lexer;
pub mod parameters;
pub mod read_only;
pub mod transaction;

mod offsets;
mod statements;
mod words;

pub use lexer::Strings;
pub use offsets::{Utf16Offsets, byte_to_utf16, utf16_to_byte};
pub use statements::{is_explainable, statement_at, statements, token_at_offset, token_at_position};
