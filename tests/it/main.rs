//! The whole engine against the sandbox, and the repository's own rules.
//!
//! - `tidy`: what a test can see of the invariants in `src-tauri/ARCHITECTURE.md`.
//! - `activity`: what runs on servers of three kinds, and what a login is told of what it cannot see.
//! - `admission`: who may use a local proxy.
//! - `cancel`: a client's own cancel, in its three steps, and that it never meets another query.
//! - `command`: the guide's walk and the rest of the `postern` command.
//! - `connections`: local proxies as the window sees them, and the ports they keep.
//! - `console`: the commands of the contract, as the window calls them.
//! - `export`: rows into files, complete or absent.
//! - `expiry`: the end of the sign-in towards AWS.
//! - `history`: what outlives the app: history, tabs, files of SQL; and plots and plans of what it brings.
//! - `objects`: the schema tree and completion over the catalogue views.
//! - `proxy`: real clients through a local proxy, and what happens when something breaks.
//! - `read_only`: that nothing writes through a read-only session, whatever a client tries.
//! - `running`: transactions, values and questions of a console tab.
//! - `watch`: rules that watch one's own queries.
//! - `faults`: a proxy process between real clients and a network and a server that fail; `link` is that network.
//! - `support`: the sandbox they share, and a home for each; `app`: the app behind the contract on such a home.

mod activity;
mod admission;
mod app;
mod cancel;
mod command;
mod connections;
mod console;
mod expiry;
mod export;
mod faults;
mod history;
mod link;
mod objects;
mod proxy;
mod read_only;
mod running;
mod support;
mod tidy;
mod watch;
