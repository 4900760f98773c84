//! Roles, users and databases as YAML.

use postern_ipc::{
    error::Failure,
    resources::{CreateResources, StoredResource},
};

use super::Host;

#[tauri::command]
pub(super) async fn resources_create(host: Host<'_>, request: CreateResources) -> Result<Vec<StoredResource>, Failure> {
    host.resources_create(request).await
}
