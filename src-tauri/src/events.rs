//! Events of the host, on their way to the window.

use postern_ipc::host::{Event, Host};
use tauri::{AppHandle, Emitter as _};
use tokio::sync::broadcast::error::RecvError;

/// Forwards every event until the host is gone.
pub(crate) fn forward(app: &AppHandle, host: &Host) {
    let (app, host, mut events) = (app.clone(), host.clone(), host.events());
    tauri::async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => send(&app, &event),
                // The last event of a run may be among those missed, and no other would follow it.
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "the window is behind with events");
                    host.everything().await.iter().flatten().for_each(|event| send(&app, event));
                }
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
