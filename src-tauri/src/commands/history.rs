//! The console's history, its restored tabs and their files.

use postern_ipc::{
    console::ConsoleTab,
    databases::Target,
    error::Failure,
    history::{
        ForgetHistory, HistoryPage, HistoryRequest, Remembering, RestoredTab, RestoredTabs, RetargetTab, SaveDraft,
        SaveSql, SqlFile,
    },
};
use tauri::AppHandle;

use super::Host;
use crate::files;

/// Ending of files of SQL.
const SQL: &str = "sql";

#[tauri::command]
pub(super) async fn history_list(host: Host<'_>, request: HistoryRequest) -> Result<HistoryPage, Failure> {
    host.history_list(request).await
}

#[tauri::command]
pub(super) async fn history_sql(host: Host<'_>, request: i64) -> Result<String, Failure> {
    host.history_sql(request).await
}

#[tauri::command]
pub(super) async fn history_forget(host: Host<'_>, request: ForgetHistory) -> Result<u64, Failure> {
    host.history_forget(request).await
}

#[tauri::command]
pub(super) async fn console_remembering(host: Host<'_>, request: ()) -> Result<Remembering, Failure> {
    host.console_remembering(request).await
}

#[tauri::command]
pub(super) async fn console_remember(host: Host<'_>, request: Remembering) -> Result<(), Failure> {
    host.console_remember(request).await
}

#[tauri::command]
pub(super) async fn console_restore(host: Host<'_>, request: ()) -> Result<RestoredTabs, Failure> {
    host.console_restore(request).await
}

#[tauri::command]
pub(super) async fn console_retarget(host: Host<'_>, request: RetargetTab) -> Result<ConsoleTab, Failure> {
    host.console_retarget(request).await
}

#[tauri::command]
pub(super) async fn draft_save(host: Host<'_>, request: SaveDraft) -> Result<(), Failure> {
    host.draft_save(request).await
}

#[tauri::command]
pub(super) async fn sql_open(host: Host<'_>, app: AppHandle, request: Target) -> Result<Option<RestoredTab>, Failure> {
    let Some(path) = files::choose_existing(&app, SQL).await? else { return Ok(None) };
    host.sql_open(request, path).await.map(Some)
}

#[tauri::command]
pub(super) async fn sql_save(host: Host<'_>, app: AppHandle, request: SaveSql) -> Result<Option<SqlFile>, Failure> {
    let SaveSql { tab, draft, elsewhere, replace, name } = request;
    if !elsewhere && host.has_sql_file(&tab)? {
        return host.sql_save(&tab, draft, replace).await.map(Some);
    }
    let Some(chosen) = files::choose(&app, &name, SQL).await? else { return Ok(None) };
    host.sql_save_as(&tab, draft, chosen.path, chosen.overwrite).await.map(Some)
}

#[tauri::command]
pub(super) async fn sql_reload(host: Host<'_>, request: String) -> Result<RestoredTab, Failure> {
    host.sql_reload(request).await
}
