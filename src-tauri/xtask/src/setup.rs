//! What the machine needs, and how it gets there.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{
    process::{capture, is_there, run_command},
    workspace,
};

/// To build the shell, to run the sandbox, and to test the window. One list, so that one command is enough.
const PACKAGES: [&str; 25] = [
    "build-essential",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libwebkit2gtk-4.1-dev",
    "pkg-config",
    // The sandbox's database, and psql.
    "postgresql",
    "postgresql-client",
    // The AWS tools that check the sandbox, and the clients in Python.
    "python3-venv",
    // The clients that Debian brings.
    "default-jdk-headless",
    "libpostgresql-jdbc-java",
    "odbc-postgresql",
    // What pyodbc loads; the driver names only a part of it.
    "libodbc2",
    // The window in a test.
    "dbus",
    "dbus-x11",
    "desktop-file-utils",
    "fonts-dejavu-core",
    "fonts-noto-cjk",
    "imagemagick",
    "libglib2.0-bin",
    "python3-gi",
    "webkit2gtk-driver",
    "x11-utils",
    "xauth",
    "xdotool",
    "xvfb",
];

/// System packages, then the UI's.
pub(crate) fn everything() -> Result<()> {
    system_packages()?;
    if !is_there("npm") {
        bail!("npm is not on the PATH. Install Node.js 20.19 or newer, which brings it");
    }
    workspace::install_ui_packages()
}

/// What apt brings.
pub(crate) fn system_packages() -> Result<()> {
    if !is_there("dpkg-query") || !is_there("apt-get") {
        println!("setup: no apt here. Needed are, by their Debian names: {}", PACKAGES.join(" "));
        return Ok(());
    }
    let missing = missing()?;
    if missing.is_empty() {
        println!("setup: all {} system packages are here", PACKAGES.len());
        return Ok(());
    }
    println!("setup: missing system packages: {}", missing.join(" "));
    if rustix::process::geteuid().is_root() {
        return install(&[], &missing);
    }
    if may_sudo() {
        println!("setup: installing them with sudo");
        return install(&["sudo"], &missing);
    }
    bail!(
        "these need an administrator. Ask for:\n\n    apt-get update && apt-get install --no-install-recommends {}\n",
        missing.join(" ")
    )
}

fn missing() -> Result<Vec<&'static str>> {
    let mut missing = Vec::new();
    for package in PACKAGES {
        let output = capture(Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]))?;
        if output.stdout != b"installed" {
            missing.push(package);
        }
    }
    Ok(missing)
}

/// Without a password, since nobody may be there to type one.
fn may_sudo() -> bool {
    is_there("sudo") && capture(Command::new("sudo").args(["-n", "true"])).is_ok_and(|output| output.status.success())
}

/// Archives go to a folder of our own: some images delete apt's while another apt runs.
fn install(prefix: &[&str], packages: &[&str]) -> Result<()> {
    let archives = tempfile::tempdir().context("a folder for package archives")?;
    std::fs::create_dir(archives.path().join("partial")).context("a folder for package archives")?;
    let cache = format!("Dir::Cache::archives={}", archives.path().display());
    let options = ["-o", "DPkg::Lock::Timeout=120", "-o", &cache];
    let words = |rest: &[&str]| -> Vec<String> {
        let parts = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], &options, rest];
        parts.concat().into_iter().map(str::to_owned).collect()
    };
    for rest in [vec!["update", "-q"], [&["install", "-q", "-y", "--no-install-recommends"], packages].concat()] {
        let words = words(&rest);
        run_command(Command::new(&words[0]).args(&words[1..]))?;
    }
    Ok(())
}
