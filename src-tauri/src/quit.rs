//! The way out: sessions are told and closed, then the process ends. Every end comes through here: the tray, the
//! closed window, a signal, the desktop's log-out.

use std::time::Duration;

use postern_ipc::host::Host;
use tauri::{AppHandle, Manager as _, RunEvent};

/// How long sessions may take to say good-bye.
const LIMIT: Duration = Duration::from_secs(3);

/// Ends the app in the background; asking twice does no harm.
pub(crate) fn soon(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        app.state::<Host>().shutdown(LIMIT).await;
        app.exit(0);
    });
}

/// An exit without a code was asked for by the window system: it goes the polite way first.
pub(crate) fn on_run_event(app: &AppHandle, event: RunEvent) {
    if let RunEvent::ExitRequested { code: None, api, .. } = event {
        api.prevent_exit();
        soon(app);
    }
}

/// SIGTERM and SIGINT end the app as the tray's Quit does.
#[cfg(unix)]
pub(crate) fn on_signals(app: &AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};

    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::warn!("signals cannot be watched: they end the app at once");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        soon(&app);
    });
}

/// Elsewhere the window system asks.
#[cfg(not(unix))]
pub(crate) fn on_signals(_app: &AppHandle) {}
