//! Events of the host, on their way to the window.

use postern_ipc::host::Event;
use tauri::{AppHandle, Emitter as _};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Forwards every event until the host is gone.
pub(crate) fn forward(app: &AppHandle, mut events: Receiver<Event>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => send(&app, &event),
                // Every event carries the whole of what changed, so the next one makes good what was lost.
                Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "the window is behind with events"),
                Err(RecvError::Closed) => break,
            }
        }
    });
}

fn send(app: &AppHandle, event: &Event) {
    if let Err(error) = app.emit(event.name(), event.payload()) {
        tracing::warn!(event = event.name(), %error, "an event did not reach the window");
    }
}
