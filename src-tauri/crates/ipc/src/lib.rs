//! The contract between the desktop shell and the UI: what each command takes and gives, which events there are, and
//! how failures look. Everything here is a plain twin of an engine type, converted in [`host`]; the engine's own types
//! never cross. [`contract`] lists all commands and events and writes the TypeScript.

pub mod activity;
pub mod connections;
pub mod console;
pub mod contract;
pub mod databases;
pub mod error;
pub mod exports;
pub mod history;
pub mod host;
pub mod objects;
pub mod plots;
pub mod resources;
pub mod session;
pub mod watch;

pub use host::{Event, Host};
