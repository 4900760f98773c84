//! Who is signed in.

use postern_ipc::{
    error::Failure,
    session::{AppStatus, SignIn, SignInOptions},
};

use super::Host;

#[tauri::command]
pub(super) async fn app_status(host: Host<'_>, request: ()) -> Result<AppStatus, Failure> {
    host.app_status(request).await
}

#[tauri::command]
pub(super) async fn sign_in_options(host: Host<'_>, request: ()) -> Result<SignInOptions, Failure> {
    host.sign_in_options(request).await
}

#[tauri::command]
pub(super) async fn sign_in(host: Host<'_>, request: SignIn) -> Result<AppStatus, Failure> {
    host.sign_in(request).await
}

#[tauri::command]
pub(super) async fn sign_out(host: Host<'_>, request: ()) -> Result<AppStatus, Failure> {
    host.sign_out(request).await
}
