//! The desktop app. All it does is in the library, so that tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    postern_shell::run(tauri::generate_context!())
}
