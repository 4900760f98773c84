//! The Activity view.

use postern_ipc::{
    activity::{Activity, ActivityRequest, CancelQuery, CancelReport, QueryDetails, QueryDetailsRequest},
    error::Failure,
};

use super::Host;

#[tauri::command]
pub(super) async fn activity_list(host: Host<'_>, request: ActivityRequest) -> Result<Activity, Failure> {
    host.activity_list(request).await
}

#[tauri::command]
pub(super) async fn activity_details(host: Host<'_>, request: QueryDetailsRequest) -> Result<QueryDetails, Failure> {
    host.activity_details(request).await
}

#[tauri::command]
pub(super) async fn activity_cancel(host: Host<'_>, request: CancelQuery) -> Result<CancelReport, Failure> {
    host.activity_cancel(request).await
}
