//! Where a file is to go or comes from, asked by the system's own dialog, and the folder of one that is there. The page names no path
//! and learns of one only what it shows.

use std::path::PathBuf;

use postern_ipc::error::Failure;
use tauri::{AppHandle, Manager as _};
use tauri_plugin_dialog::{DialogExt as _, FilePath};
use tokio::sync::oneshot;

/// A place that a person chose.
pub(crate) struct Chosen {
    pub(crate) path: PathBuf,
    /// The dialog has asked about a file that is there.
    pub(crate) overwrite: bool,
}

/// Asks where a file with this ending is to go; nothing when the person goes back.
pub(crate) async fn choose(app: &AppHandle, name: &str, ending: &str) -> Result<Option<Chosen>, Failure> {
    let (tell, told) = oneshot::channel();
    let mut dialog = app.dialog().file().set_file_name(proposed(name, ending)).add_filter(ending, &[ending]);
    if let Some(window) = app.get_webview_window(crate::window::MAIN) {
        dialog = dialog.set_parent(&window);
    }
    if let Ok(folder) = app.path().download_dir() {
        dialog = dialog.set_directory(folder);
    }
    dialog.save_file(move |chosen| {
        // Nobody waits any more when the app ends.
        let _ = tell.send(chosen);
    });
    let chosen = told.await.map_err(|_| Failure::internal("the file dialog gave no answer"))?;
    chosen.map(|path| with_ending(path, ending)).transpose()
}

/// Asks for a file that is there; those with this ending are offered first. Nothing when the person goes back.
pub(crate) async fn choose_existing(app: &AppHandle, ending: &str) -> Result<Option<PathBuf>, Failure> {
    let (tell, told) = oneshot::channel();
    let mut dialog = app.dialog().file().add_filter(ending, &[ending]).add_filter("*", &["*"]);
    if let Some(window) = app.get_webview_window(crate::window::MAIN) {
        dialog = dialog.set_parent(&window);
    }
    dialog.pick_file(move |chosen| {
        // Nobody waits any more when the app ends.
        let _ = tell.send(chosen);
    });
    let chosen = told.await.map_err(|_| Failure::internal("the file dialog gave no answer"))?;
    chosen.map(FilePath::into_path).transpose().map_err(|error| Failure::internal(&error.to_string()))
}

/// Without an ending typed, the usual one. The dialog has not asked about a file of that name then.
fn with_ending(chosen: FilePath, ending: &str) -> Result<Chosen, Failure> {
    let path = chosen.into_path().map_err(|error| Failure::internal(&error.to_string()))?;
    if path.extension().is_some() {
        return Ok(Chosen { path, overwrite: true });
    }
    let mut name = path.into_os_string();
    name.push(format!(".{ending}"));
    Ok(Chosen { path: name.into(), overwrite: false })
}

/// A name that every file system takes, with its ending.
fn proposed(name: &str, ending: &str) -> String {
    let plain = |character: char| match character {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '-',
        other if other.is_control() => '-',
        other => other,
    };
    let name: String = name.chars().map(plain).take(80).collect();
    let name = name.trim_matches([' ', '.']);
    format!("{}.{ending}", if name.is_empty() { "export" } else { name })
}

/// Shows a file in its folder.
pub(crate) async fn reveal(path: PathBuf) -> Result<(), Failure> {
    let show = move || match tauri_plugin_opener::reveal_item_in_dir(&path) {
        Ok(()) => Ok(()),
        // Not every desktop has a file manager that points at a file; the folder opens in all that have any.
        Err(error) => path.parent().map_or(Err(error), |folder| tauri_plugin_opener::open_path(folder, None::<&str>)),
    };
    // It waits for the file manager.
    match tauri::async_runtime::spawn_blocking(show).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::internal(&error.to_string())),
        Err(error) => Err(Failure::internal(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposed_name_is_one_that_every_file_system_takes() {
        assert_eq!(proposed("sales/orders: \"2024\"", "csv"), "sales-orders- -2024-.csv");
        assert_eq!(proposed("..", "xlsx"), "export.xlsx");
        assert_eq!(proposed("주문", "sql"), "주문.sql");
    }

    #[test]
    fn a_name_without_an_ending_gets_the_usual_one_and_replaces_nothing() {
        let chosen = |path: &str| {
            let chosen = with_ending(FilePath::Path(path.into()), "csv").ok();
            chosen.map(|chosen| (chosen.path.display().to_string(), chosen.overwrite))
        };
        assert_eq!(chosen("/a/b.txt"), Some(("/a/b.txt".into(), true)));
        assert_eq!(chosen("/a/b"), Some(("/a/b.csv".into(), false)));
    }
}
