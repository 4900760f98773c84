//! What the app itself puts on the clipboard: things the page must not see.

use postern_ipc::error::Failure;
use secrecy::{ExposeSecret as _, SecretString};
use tauri::AppHandle;
use tauri_plugin_clipboard_manager::ClipboardExt as _;

/// Puts a text on the clipboard.
pub(crate) fn write(app: &AppHandle, text: &SecretString) -> Result<(), Failure> {
    // The error speaks of the clipboard, not of what was to be on it.
    app.clipboard().write_text(text.expose_secret()).map_err(|error| Failure::internal(&error.to_string()))
}
