//! The whole engine against the sandbox, and the repository's own rules.
//!
//! - `tidy`: what a test can see of the invariants in `src-tauri/ARCHITECTURE.md`.
//! - `command`: the guide's walk and the rest of the `postern` command.
//! - `console`: the commands of the contract, as the window calls them.
//! - `proxy`: real clients through a local proxy, and what happens when something breaks.
//! - `faults`: a proxy process between real clients and a network and a server that fail; `link` is that network.
//! - `support`: the sandbox they share, and a home for each.

mod command;
mod console;
mod faults;
mod link;
mod proxy;
mod support;
mod tidy;
