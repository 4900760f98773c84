//! The Connections view.

use postern_ipc::{
    connections::{Connection, OpenConnection},
    error::Failure,
};

use super::Host;

#[tauri::command]
pub(super) async fn connections_list(host: Host<'_>, request: ()) -> Result<Vec<Connection>, Failure> {
    host.connections_list(request).await
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
pub(super) async fn session_stop(host: Host<'_>, request: u64) -> Result<(), Failure> {
    host.session_stop(request).await
}
