//! The Connections view.

use postern_ipc::{
    connections::{Connection, CopyConnection, OpenConnection, RecentConnection},
    databases::Target,
    error::Failure,
};
use tauri::AppHandle;

use super::Host;
use crate::clipboard;

#[tauri::command]
pub(super) async fn connections_list(host: Host<'_>, request: ()) -> Result<Vec<Connection>, Failure> {
    host.connections_list(request).await
}

#[tauri::command]
pub(super) async fn connections_recent(host: Host<'_>, request: ()) -> Result<Vec<RecentConnection>, Failure> {
    host.connections_recent(request).await
}

#[tauri::command]
pub(super) async fn connection_open(host: Host<'_>, request: OpenConnection) -> Result<Connection, Failure> {
    host.connection_open(request).await
}

#[tauri::command]
pub(super) async fn connection_stop(host: Host<'_>, request: String) -> Result<(), Failure> {
    host.connection_stop(request).await
}

#[tauri::command]
pub(super) async fn connection_forget(host: Host<'_>, request: Target) -> Result<(), Failure> {
    host.connection_forget(request).await
}

#[tauri::command]
pub(super) async fn connection_copy(host: Host<'_>, app: AppHandle, request: CopyConnection) -> Result<(), Failure> {
    clipboard::write(&app, &host.connection_copy(request).await?)
}

#[tauri::command]
pub(super) async fn session_stop(host: Host<'_>, request: u64) -> Result<(), Failure> {
    host.session_stop(request).await
}
