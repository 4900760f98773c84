//! The rules that watch, set in the Activity view.

use postern_ipc::{
    error::Failure,
    watch::{Watch, Watching},
};

use super::Host;

#[tauri::command]
pub(super) async fn watch_list(host: Host<'_>, request: ()) -> Result<Vec<Watching>, Failure> {
    host.watch_list(request).await
}

#[tauri::command]
pub(super) async fn watch_set(host: Host<'_>, request: Watch) -> Result<Vec<Watching>, Failure> {
    host.watch_set(request).await
}
