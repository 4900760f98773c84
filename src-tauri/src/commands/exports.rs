//! Exports, begun in the Console view and shown everywhere.

use postern_ipc::{
    error::Failure,
    exports::{Export, StartExport},
};
use tauri::AppHandle;

use super::Host;
use crate::files;

#[tauri::command]
pub(super) async fn export_start(
    host: Host<'_>,
    app: AppHandle,
    request: StartExport,
) -> Result<Option<Export>, Failure> {
    let Some(chosen) = files::choose(&app, &request.name, request.format.ending()).await? else { return Ok(None) };
    host.export_start(request, chosen.path, chosen.overwrite).await.map(Some)
}

#[tauri::command]
pub(super) async fn export_stop(host: Host<'_>, request: String) -> Result<(), Failure> {
    host.export_stop(request).await
}

#[tauri::command]
pub(super) async fn export_forget(host: Host<'_>, request: String) -> Result<(), Failure> {
    host.export_forget(request).await
}

#[tauri::command]
pub(super) async fn export_reveal(host: Host<'_>, request: String) -> Result<(), Failure> {
    files::reveal(host.export_reveal(request).await?).await
}

#[tauri::command]
pub(super) async fn exports_list(host: Host<'_>, request: ()) -> Result<Vec<Export>, Failure> {
    host.exports_list(request).await
}
