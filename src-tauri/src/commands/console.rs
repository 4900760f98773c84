//! The Console view.

use postern_ipc::{
    console::{
        Cell, CellRequest, ColumnStats, ConsoleRun, ConsoleTab, EndTransaction, EndedTransaction, FindRequest, Found,
        KeptResult, OpenConsole, PinResult, RowWindow, Run, RunCheck, SetManual, StatsRequest, View, ViewRequest,
        WindowRequest,
    },
    error::Failure,
};

use super::Host;

#[tauri::command]
pub(super) async fn console_open(host: Host<'_>, request: OpenConsole) -> Result<ConsoleTab, Failure> {
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
pub(super) async fn console_results(host: Host<'_>, request: String) -> Result<Vec<KeptResult>, Failure> {
    host.console_results(request).await
}

#[tauri::command]
pub(super) async fn console_check(host: Host<'_>, request: ConsoleRun) -> Result<RunCheck, Failure> {
    host.console_check(request).await
}

#[tauri::command]
pub(super) async fn console_set_manual(host: Host<'_>, request: SetManual) -> Result<ConsoleTab, Failure> {
    host.console_set_manual(request).await
}

#[tauri::command]
pub(super) async fn console_end_transaction(
    host: Host<'_>,
    request: EndTransaction,
) -> Result<EndedTransaction, Failure> {
    host.console_end_transaction(request).await
}

#[tauri::command]
pub(super) async fn result_window(host: Host<'_>, request: WindowRequest) -> Result<RowWindow, Failure> {
    host.result_window(request).await
}

#[tauri::command]
pub(super) async fn result_cell(host: Host<'_>, request: CellRequest) -> Result<Cell, Failure> {
    host.result_cell(request).await
}

#[tauri::command]
pub(super) async fn result_view(host: Host<'_>, request: ViewRequest) -> Result<View, Failure> {
    host.result_view(request).await
}

#[tauri::command]
pub(super) async fn result_view_close(host: Host<'_>, request: String) -> Result<(), Failure> {
    host.result_view_close(request).await
}

#[tauri::command]
pub(super) async fn result_find(host: Host<'_>, request: FindRequest) -> Result<Option<Found>, Failure> {
    host.result_find(request).await
}

#[tauri::command]
pub(super) async fn result_stats(host: Host<'_>, request: StatsRequest) -> Result<ColumnStats, Failure> {
    host.result_stats(request).await
}

#[tauri::command]
pub(super) async fn result_cancel(host: Host<'_>, request: String) -> Result<(), Failure> {
    host.result_cancel(request).await
}

#[tauri::command]
pub(super) async fn result_pin(host: Host<'_>, request: PinResult) -> Result<(), Failure> {
    host.result_pin(request).await
}

#[tauri::command]
pub(super) async fn result_close(host: Host<'_>, request: String) -> Result<(), Failure> {
    host.result_close(request).await
}
