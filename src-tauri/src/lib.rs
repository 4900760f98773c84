//! The desktop shell: a window, a tray and the commands of the contract, each handed straight to [`postern_ipc::host`].
//! Nothing is decided here; whatever has no screen lives in the crates below.

#![deny(unsafe_code)]

mod clipboard;
mod commands;
mod environment;
mod events;
mod files;
mod invocation;
mod notices;
mod quit;
mod texts;
mod tray;
mod window;

use std::process::ExitCode;

use postern_ipc::host::Host;
use tauri::Manager as _;

use crate::invocation::Invocation;

/// Runs the app until it quits. A second start hands its arguments to the first and ends with success.
///
/// `context` holds the window's page and the settings. It comes from `main.rs`, which is compiled once: the macro that makes it writes
/// the page's files for its crate, and two compilations at the same time met half-written ones.
#[must_use]
pub fn run(context: tauri::Context) -> ExitCode {
    environment::log_to_stderr();
    environment::settle_webkit();
    environment::install_crypto_provider();
    match build(context) {
        Ok(app) => {
            app.run(quit::on_run_event);
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "Postern cannot start");
            ExitCode::FAILURE
        }
    }
}

fn build(context: tauri::Context) -> tauri::Result<tauri::App> {
    tauri::Builder::default()
        // First, so that a second start ends before anything else of it begins.
        .plugin(invocation::single_instance())
        .plugin(tauri_plugin_store::Builder::new().build())
        .plugin(window::remember_place())
        .plugin(tauri_plugin_clipboard_manager::init())
        // For the shell itself: the page may ask nothing of it.
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(commands::handler())
        .setup(|app| {
            let app = app.handle();
            // It wants the runtime around it. A home that cannot be read is no reason to stop here: every command then
            // says what is wrong, and the window can show it.
            let host = tauri::async_runtime::block_on(async { Host::open() });
            events::forward(app, &host);
            notices::follow(app, &host);
            app.manage(host);
            window::create(app, &Invocation::of_this_process())?;
            tray::start(app);
            quit::on_signals(app);
            Ok(())
        })
        .build(context)
}
