//! The Databases view.

use postern_ipc::{
    databases::{AccessDecision, Database, Target},
    error::Failure,
};

use super::Host;

#[tauri::command]
pub(super) async fn databases_list(host: Host<'_>, request: ()) -> Result<Vec<Database>, Failure> {
    host.databases_list(request).await
}

#[tauri::command]
pub(super) async fn access_check(host: Host<'_>, request: Target) -> Result<AccessDecision, Failure> {
    host.access_check(request).await
}
