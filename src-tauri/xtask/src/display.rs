//! A private X display and session bus for whatever opens a window in a test, so that it neither needs nor disturbs
//! a person's desktop.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use crate::process::Background;

/// A running X server and the folders of a desktop session.
pub(crate) struct Display {
    _server: Background,
    name: String,
    folders: tempfile::TempDir,
}

impl Display {
    pub(crate) fn start() -> Result<Self> {
        // It picks a free display number itself and says which: no race for one.
        let mut server = Background::start(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1280x860x24", "-nolisten", "tcp", "-noreset"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        let output = server.child().stdout.take().context("Xvfb has no output")?;
        let mut number = String::new();
        BufReader::new(output).read_line(&mut number).context("Xvfb did not say its display")?;
        let folders = tempfile::tempdir().context("folders for a session")?;
        for name in ["run", "config", "data", "cache", "state"] {
            owner_only(&folders.path().join(name))?;
        }
        Ok(Self { _server: server, name: format!(":{}", number.trim()), folders })
    }

    /// A command that runs on this display with a session bus of its own.
    pub(crate) fn command(&self, program: &str) -> Command {
        let folder = |name: &str| self.folders.path().join(name);
        let mut command = Command::new("dbus-run-session");
        command
            .args(["--", program])
            .env("DISPLAY", &self.name)
            .env_remove("WAYLAND_DISPLAY")
            .env("GDK_BACKEND", "x11")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("NO_AT_BRIDGE", "1")
            .env("XDG_RUNTIME_DIR", folder("run"))
            .env("XDG_CONFIG_HOME", folder("config"))
            .env("XDG_DATA_HOME", folder("data"))
            .env("XDG_CACHE_HOME", folder("cache"))
            .env("XDG_STATE_HOME", folder("state"));
        command
    }
}

/// Whether a person's desktop can be reached from here.
pub(crate) fn is_there() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// XDG_RUNTIME_DIR must be closed to others.
fn owner_only(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    std::fs::DirBuilder::new().mode(0o700).create(folder).with_context(|| format!("making {}", folder.display()))
}
