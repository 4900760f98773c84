//! The way out: sessions are told and closed, then the process ends. Every end comes through here: the tray, the
//! closed window, a signal, the desktop's log-out.

use std::time::Duration;

use postern_ipc::host::Host;
use tauri::{AppHandle, Manager as _, RunEvent};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogKind};

use crate::texts::Texts;

/// How long sessions may take to say good-bye.
const LIMIT: Duration = Duration::from_secs(3);

/// Ends the app for a person, who is asked first where that would roll something back. Signals and the desktop's log-out do not ask:
/// there may be nobody to answer, and little time.
pub(crate) fn asked(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let open = match app.state::<Host>().console_tabs(()).await {
            Ok(tabs) => tabs.iter().filter(|tab| tab.transaction.is_some()).count(),
            // Without an engine there is no session either.
            Err(_) => 0,
        };
        if open == 0 {
            return soon(&app);
        }
        let texts = Texts::of(&app);
        let buttons = MessageDialogButtons::OkCancelCustom(texts.say("leave_do", &[]), texts.say("leave_stay", &[]));
        let dialog = app.dialog().message(texts.count("leave_text", open)).title(texts.say("leave_title", &[]));
        let ended = app.clone();
        dialog.kind(MessageDialogKind::Warning).buttons(buttons).show(move |leave| {
            if leave {
                soon(&ended);
            }
        });
    });
}

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
