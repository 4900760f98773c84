//! The one window.

use postern_ipc::contract::Show;
use tauri::{
    AppHandle, Emitter as _, Manager as _, Theme, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent, Wry,
    plugin::TauriPlugin,
};
use tauri_plugin_window_state::StateFlags;

use crate::{invocation::Invocation, quit, tray};

/// Its label, which the capability file names too.
pub(crate) const MAIN: &str = "main";

/// Size and place are remembered; whether it was hidden in the tray is not, since a start always shows it.
pub(crate) fn remember_place() -> TauriPlugin<Wry> {
    tauri_plugin_window_state::Builder::new().with_state_flags(StateFlags::all() - StateFlags::VISIBLE).build()
}

/// Opens the window. What the command line asked for travels in the fragment, because the page is not listening yet.
pub(crate) fn create(app: &AppHandle, invocation: &Invocation) -> tauri::Result<()> {
    let page = match &invocation.show {
        Some(show) => format!("index.html#{}", fragment(show)),
        None => "index.html".to_owned(),
    };
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(page.into()))
        .title("Postern")
        .inner_size(1200.0, 780.0)
        .min_inner_size(900.0, 600.0)
        // The page itself takes files that are dropped on it; Tauri's own handler would swallow them.
        .disable_drag_drop_handler()
        .build()?;
    let app = app.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::CloseRequested { api, .. } = event {
            api.prevent_close();
            close(&app);
        }
    });
    Ok(())
}

/// Brings the window to the front, wherever it was.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = main(app) else { return };
    let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window cannot be shown");
    }
}

/// Asks the page to show something.
pub(crate) fn navigate(app: &AppHandle, show: &Show) {
    if let Err(error) = app.emit("show", show) {
        tracing::warn!(%error, "the page was not asked to show something");
    }
}

/// The theme of the desktop, as far as the window knows.
pub(crate) fn theme(app: &AppHandle) -> Option<Theme> {
    main(app).and_then(|window| window.theme().ok())
}

/// Local proxies go on in the tray. Where the desktop has none nobody could get the window back: it quits then.
fn close(app: &AppHandle) {
    if !tray::is_shown(app) {
        return quit::asked(app);
    }
    if let Some(Err(error)) = main(app).map(|window| window.hide()) {
        tracing::warn!(%error, "the window cannot be hidden");
    }
}

fn main(app: &AppHandle) -> Option<WebviewWindow> {
    app.get_webview_window(MAIN)
}

/// `activity` or `console/sales`. Names of databases hold nothing that a fragment would not take.
fn fragment(show: &Show) -> String {
    match &show.database {
        Some(database) => format!("{}/{database}", show.view),
        None => show.view.clone(),
    }
}
