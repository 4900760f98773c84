//! The real window, driven from outside: WebDriver for the page, D-Bus for the tray, a second process for a second
//! start. `cargo xtask e2e` builds the app and runs this on a private display and session bus; with no display there is
//! nothing to test, and it says so.

#![allow(clippy::unwrap_used, reason = "tests")]

/// The Activity view: timeline, filters, groups, several servers.
mod activity;
mod cancel;
/// The Connections view.
mod connections;
/// Windows and clipboard of the display.
mod desktop;
/// The SQL editor and the schema tree.
mod editor;
/// Exports and SQL files, through the desktop's own dialogs.
mod files;
/// Ten million rows, and what one does with them.
mod grid;
/// What outlives the app; plots and plans.
mod history;
/// Themes, languages and pictures.
mod looks;
/// What the desktop is told while nobody looks at the window.
mod notices;
/// The window: a driver, and what a person does in it.
mod page;
/// A panel that hosts tray items.
mod panel;
/// Pictures of each view, in both themes and languages, wide and narrow.
mod pictures;
/// Values, transactions, questions and read-only tabs of the console.
mod running;
/// A second start of the app.
mod second_start;
/// The tray, as a desktop's panel sees it.
mod tray;
/// The guide's walk, and what a person sees who may not.
mod walk;
/// Rules that watch, and what they tell.
mod watch;
/// A sandbox, a home and an app on them.
mod world;
