//! The schema tree and completion of the Console view.

use postern_ipc::{
    databases::Target,
    error::Failure,
    objects::{
        CompleteRequest, Completion, ObjectRequest, ObjectRows, ObjectRowsRequest, ObjectSql, ObjectsState, ReadObjects,
    },
};

use super::Host;

#[tauri::command]
pub(super) async fn objects_read(host: Host<'_>, request: ReadObjects) -> Result<ObjectsState, Failure> {
    host.objects_read(request).await
}

#[tauri::command]
pub(super) async fn objects_stop(host: Host<'_>, request: Target) -> Result<(), Failure> {
    host.objects_stop(request).await
}

#[tauri::command]
pub(super) async fn objects_rows(host: Host<'_>, request: ObjectRowsRequest) -> Result<ObjectRows, Failure> {
    host.objects_rows(request).await
}

#[tauri::command]
pub(super) async fn object_sql(host: Host<'_>, request: ObjectRequest) -> Result<ObjectSql, Failure> {
    host.object_sql(request).await
}

#[tauri::command]
pub(super) async fn object_definition(host: Host<'_>, request: ObjectRequest) -> Result<String, Failure> {
    host.object_definition(request).await
}

#[tauri::command]
pub(super) async fn console_complete(host: Host<'_>, request: CompleteRequest) -> Result<Completion, Failure> {
    host.console_complete(request).await
}
