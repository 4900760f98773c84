//! Gives each command of the contract a permission of its own, so that a window gets exactly those it needs. A test of
//! the shell compares this list with the contract.

const COMMANDS: &[&str] = &[
    "app_status",
    "sign_in_options",
    "sign_in",
    "sign_out",
    "resources_create",
    "databases_list",
    "access_check",
    "connections_list",
    "connections_recent",
    "connection_open",
    "connection_stop",
    "connection_forget",
    "connection_copy",
    "session_stop",
    "console_open",
    "console_close",
    "console_run",
    "console_cancel",
    "console_results",
    "console_check",
    "console_set_manual",
    "console_end_transaction",
    "result_window",
    "result_cell",
    "export_start",
    "export_stop",
    "export_forget",
    "export_reveal",
    "exports_list",
    "result_view",
    "result_view_close",
    "result_find",
    "result_stats",
    "result_cancel",
    "result_pin",
    "result_close",
    "history_list",
    "history_sql",
    "history_forget",
    "console_remembering",
    "console_remember",
    "console_restore",
    "console_retarget",
    "draft_save",
    "sql_open",
    "sql_save",
    "sql_reload",
    "plot_choices",
    "result_plot",
    "result_plan",
    "objects_read",
    "objects_stop",
    "objects_rows",
    "object_sql",
    "object_definition",
    "console_complete",
    "activity_list",
    "activity_details",
    "activity_cancel",
    "watch_list",
    "watch_set",
];

fn main() {
    println!("cargo::rustc-env=POSTERN_COMMANDS={}", COMMANDS.join(","));
    // The app has its front-end within itself: a new one makes a new app.
    println!("cargo::rerun-if-changed=../ui/dist");
    let attributes = tauri_build::Attributes::new().app_manifest(tauri_build::AppManifest::new().commands(COMMANDS));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
