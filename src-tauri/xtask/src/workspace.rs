//! Where things are, and the builds that several commands share.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context as _, Result};

use crate::process::run;

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    // This crate lies two folders below it.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
}

/// The folder of the UI.
pub(crate) fn ui() -> PathBuf {
    root().join("ui")
}

/// A program of this workspace, built beside this one.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("where this program is")?;
    let folder = own.parent().context("a program is in a folder")?;
    Ok(folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Where tests leave pictures and reports.
pub(crate) fn pictures() -> PathBuf {
    root().join("target/e2e")
}

/// Builds packages of this workspace.
pub(crate) fn build(packages: &[&str]) -> Result<()> {
    let mut arguments = vec!["build", "--locked"];
    arguments.extend(packages.iter().flat_map(|package| ["--package", package]));
    run("cargo", &arguments, &root())
}

/// Builds the UI unless it is newer than everything it is made of.
pub(crate) fn build_ui() -> Result<()> {
    let built = modified(&ui().join("dist/index.html"));
    let sources = ["src", "index.html", "package-lock.json", "tsconfig.json", "vite.config.ts"];
    let changed = sources.iter().filter_map(|source| newest(&ui().join(source))).max();
    if built.is_some() && built >= changed {
        return Ok(());
    }
    run("npm", &["run", "--silent", "build"], &ui())
}

/// Installs the packages of the UI unless they are as the lock file says.
pub(crate) fn install_ui_packages() -> Result<()> {
    let installed = modified(&ui().join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= modified(&ui().join("package-lock.json")) {
        return Ok(());
    }
    run("npm", &["ci", "--no-audit", "--no-fund"], &ui())
}

/// The latest change below a path.
fn newest(path: &Path) -> Option<SystemTime> {
    let below = std::fs::read_dir(path).into_iter().flatten().flatten().filter_map(|entry| newest(&entry.path()));
    below.chain(modified(path)).max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|data| data.modified()).ok()
}
