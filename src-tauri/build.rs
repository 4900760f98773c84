//! Gives each command of the contract a permission of its own, so that a window gets exactly those it needs.

fn main() {
    tauri_build::build();
}
