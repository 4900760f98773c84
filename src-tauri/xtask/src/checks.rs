//! `test`: every check there is, in one order, each named and timed. What CI runs, and nothing else.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    display::Display,
    fuzz,
    process::{capture, run, run_command},
    setup, walk,
    workspace::{self, pictures, program, root, ui},
};

/// A named check.
struct Stage {
    name: &'static str,
    check: fn() -> Result<()>,
}

/// Cheap ones first, so that a slip is known early. All that is compiled is compiled for the whole workspace with all
/// targets: another selection would mean other features, and most of the dependencies once more.
const STAGES: [Stage; 15] = [
    Stage { name: "setup", check: setup::everything },
    Stage {
        name: "lock file",
        check: || cargo(&["tree", "--locked", "--quiet", "--package", "xtask", "--depth", "0"]),
    },
    Stage { name: "format", check: || cargo(&["fmt", "--all", "--check"]) },
    Stage { name: "ui: lint", check: || npm(&["run", "--silent", "lint"]) },
    Stage { name: "ui: types", check: || npm(&["run", "--silent", "typecheck"]) },
    Stage { name: "ui: tests", check: || npm(&["run", "--silent", "test"]) },
    Stage { name: "ui: build", check: || npm(&["run", "--silent", "build"]) },
    Stage { name: "build", check: || cargo(&["build", "--workspace", "--all-targets"]) },
    Stage { name: "tests", check: tests },
    Stage { name: "clients", check: clients },
    Stage { name: "fuzz", check: fuzz::briefly },
    Stage { name: "bindings", check: bindings_are_current },
    Stage { name: "end to end", check: || drive(&[]) },
    Stage { name: "demo --headless", check: walk::whole },
    Stage { name: "clippy", check: clippy },
];

/// Runs them all, and stops at the first that fails.
pub(crate) fn all() -> Result<()> {
    let mut done: Vec<(&str, Duration)> = Vec::new();
    for stage in &STAGES {
        println!("\n== {} ==", stage.name);
        let start = Instant::now();
        let result = (stage.check)();
        done.push((stage.name, start.elapsed()));
        if let Err(error) = result {
            table(&done);
            return Err(error.context(format!("stage '{}'", stage.name)));
        }
    }
    table(&done);
    println!("\nall {} stages passed", STAGES.len());
    Ok(())
}

/// The end-to-end tests with what they need built first.
pub(crate) fn end_to_end(filter: &[&str]) -> Result<()> {
    workspace::install_ui_packages()?;
    workspace::build_ui()?;
    cargo(&["build", "--workspace", "--all-targets"])?;
    drive(filter)
}

/// Writes the contract's TypeScript where the UI reads it.
pub(crate) fn renew_bindings() -> Result<()> {
    cargo(&["build", "--package", "postern-ipc", "--example", "bindings"])?;
    fs::write(contract(), typescript()?).with_context(|| format!("writing {}", contract().display()))
}

/// The command that they run is the one just built: building it alone would mean other features.
fn tests() -> Result<()> {
    let mut tests = Command::new("cargo");
    tests.args(["test", "--workspace"]).env("POSTERN_PROGRAM", workspace::program("postern")?);
    run_command(tests.current_dir(root()))
}

/// Real drivers through a proxy. The first run installs them.
pub(crate) fn clients() -> Result<()> {
    let mut tests = Command::new("cargo");
    tests.args([
        "test",
        "--workspace",
        "--features",
        "postern-tests/clients",
        "--test",
        "clients",
        "--",
        "--nocapture",
    ]);
    tests.env("POSTERN_PROGRAM", workspace::program("postern")?);
    run_command(tests.current_dir(root()))
}

fn bindings_are_current() -> Result<()> {
    let committed = fs::read(contract()).with_context(|| format!("reading {}", contract().display()))?;
    if committed != typescript()? {
        bail!("ui/src/ipc/contract.ts is not what the contract says: run `cargo xtask bindings`");
    }
    Ok(())
}

fn contract() -> std::path::PathBuf {
    ui().join("src/ipc/contract.ts")
}

/// What the example prints, as it was built last.
fn typescript() -> Result<Vec<u8>> {
    let output = capture(&mut Command::new(program("examples/bindings")?))?;
    if !output.status.success() {
        bail!("the contract cannot be printed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

/// The shell, the libraries, their tests and the end-to-end tests alike.
fn clippy() -> Result<()> {
    let what = ["clippy", "--workspace", "--all-targets", "--features", "postern-tests/e2e,postern-tests/clients"];
    cargo(&[&what[..], &["--", "--deny", "warnings"]].concat())
}

/// One after the other: each test has a window of its own, and there is one pointer and one focus.
fn drive(filter: &[&str]) -> Result<()> {
    fs::create_dir_all(pictures()).context("a folder for pictures")?;
    let display = Display::start()?;
    let mut tests = display.command("cargo");
    tests.args(["test", "--workspace", "--features", "postern-tests/e2e", "--test", "e2e", "--"]);
    tests.args(["--test-threads", "1"]).args(filter);
    tests.env("POSTERN_E2E_PICTURES", pictures());
    run_command(tests.current_dir(root()))
}

fn cargo(arguments: &[&str]) -> Result<()> {
    run("cargo", arguments, &root())
}

fn npm(arguments: &[&str]) -> Result<()> {
    run("npm", arguments, &ui())
}

fn table(done: &[(&str, Duration)]) {
    println!("\n{:<18} {:>8}", "stage", "seconds");
    for (name, time) in done {
        println!("{name:<18} {:>8.1}", time.as_secs_f64());
    }
    let all: Duration = done.iter().map(|(_, time)| *time).sum();
    println!("{:<18} {:>8.1}", "all", all.as_secs_f64());
}
