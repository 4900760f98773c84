//! The Console view.

use postern_ipc::{
    console::{Cell, CellRequest, ConsoleRun, ConsoleTab, RowWindow, Run, WindowRequest},
    databases::Target,
    error::Failure,
};

use super::Host;

#[tauri::command]
pub(super) async fn console_open(host: Host<'_>, request: Target) -> Result<ConsoleTab, Failure> {
    host.console_open(request).await
}

#[tauri::command]
pub(super) async fn console_close(host: Host<'_>, request: String) -> Result<(), Failure> {
    host.console_close(request).await
}

#[tauri::command]
pub(super) async fn console_run(host: Host<'_>, request: ConsoleRun) -> Result<Run, Failure> {
    host.console_run(request).await
}

#[tauri::command]
pub(super) async fn console_cancel(host: Host<'_>, request: String) -> Result<(), Failure> {
    host.console_cancel(request).await
}

#[tauri::command]
pub(super) async fn console_tabs(host: Host<'_>, request: ()) -> Result<Vec<ConsoleTab>, Failure> {
    host.console_tabs(request).await
}

#[tauri::command]
pub(super) async fn result_window(host: Host<'_>, request: WindowRequest) -> Result<RowWindow, Failure> {
    host.result_window(request).await
}

#[tauri::command]
pub(super) async fn result_cell(host: Host<'_>, request: CellRequest) -> Result<Cell, Failure> {
    host.result_cell(request).await
}
