//! `demo` and `package`: the product as a person gets it.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use crate::{
    display,
    process::{Background, run, run_command},
    sandbox::Sandbox,
    setup, walk,
    workspace::{self, program, root},
};

/// Opens the app, signed in to a sandbox that ends with it.
pub(crate) fn window() -> Result<()> {
    if !display::is_there() {
        anyhow::bail!(
            "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window can open.\n\
             The same walk without one:\n\n    cargo xtask demo --headless\n"
        );
    }
    setup::everything()?;
    workspace::build_ui()?;
    workspace::build(&["postern-desktop", "postern-cli", "postern-sandbox"])?;
    let folder = tempfile::tempdir().context("a folder for the sandbox")?;
    println!("demo: starting the sandbox");
    let mut sandbox = Sandbox::start(&folder.path().join("sandbox"), true)?;
    walk::sign_in_to_samples(&sandbox, folder.path())?;
    println!("demo: opening the window. The sandbox ends when the app quits");
    let result = open(&sandbox, folder.path());
    let id = sandbox.id();
    sandbox.stop()?;
    walk::nothing_is_left(folder.path(), id)?;
    result
}

fn open(sandbox: &Sandbox, folder: &Path) -> Result<()> {
    let mut app = Background::start(
        Command::new(program("postern-desktop")?)
            .envs(&sandbox.env)
            // Preferences of the demo are not those of the person.
            .env("XDG_DATA_HOME", folder.join("data"))
            .env("XDG_CONFIG_HOME", folder.join("config"))
            .stdin(Stdio::null()),
    )?;
    let status = app.child().wait().context("waiting for the app")?;
    anyhow::ensure!(status.success(), "the app ended with {status}");
    Ok(())
}

/// The guide's walk through the command line.
pub(crate) fn headless() -> Result<()> {
    setup::system_packages()?;
    workspace::build(&["postern-cli", "postern-sandbox"])?;
    walk::whole()
}

/// Builds the .deb, with the command line beside the app.
pub(crate) fn package() -> Result<()> {
    setup::everything()?;
    run("cargo", &["build", "--release", "--package", "postern-cli"], &root())?;
    let mut build = Command::new("npx");
    build.args(["--yes", "@tauri-apps/cli@2", "build", "--bundles", "deb"]).current_dir(root().join("src-tauri"));
    run_command(&mut build)
}
