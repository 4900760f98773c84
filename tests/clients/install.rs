//! The drivers, in the versions that the files beside this one pin. Installed once for each content of those files, in a
//! folder under `target`: the first run takes a network, the next ones do not.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

/// Debian's JDBC driver.
const JDBC: &str = "/usr/share/java/postgresql.jar";

/// A Python that has the drivers.
pub(crate) fn python() -> &'static Path {
    static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
        let version = said(Command::new("python3").arg("--version"), "apt-get install python3 python3-venv");
        let folder = made("python", &[REQUIREMENTS, &version], |folder| {
            let requirements = source("requirements.txt");
            run(Command::new("python3").args(["-m", "venv"]).arg(folder), "apt-get install python3 python3-venv");
            // What is pinned is all that is installed, and nothing is built here.
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary"];
            let mut command = Command::new(folder.join("bin/python"));
            command.args(pip).args([":all:", "--requirement"]).arg(requirements);
            run(&mut command, "give pip access to PyPI or a mirror of it (PIP_INDEX_URL)");
        });
        folder.join("bin/python")
    });
    &PYTHON
}

/// A `package.json` beside which the Node drivers are installed.
pub(crate) fn node() -> &'static Path {
    static NODE: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = made("node", &[PACKAGE, PACKAGE_LOCK], |folder| {
            for file in ["package.json", "package-lock.json"] {
                std::fs::copy(source(file), folder.join(file)).expect("a copy of a file of ours");
            }
            let mut npm = Command::new("npm");
            npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
            run(&mut npm, "install Node.js, and give npm access to its registry or a mirror of it");
        });
        folder.join("package.json")
    });
    &NODE
}

/// The class path of the Java program.
pub(crate) fn java() -> &'static str {
    static JAVA: LazyLock<String> = LazyLock::new(|| {
        let folder = made("java", &[JAVA_SOURCE], |folder| {
            let mut javac = Command::new("javac");
            javac.args(["-encoding", "UTF-8", "-cp", JDBC, "-d"]).arg(folder).arg(driver("Jdbc.java"));
            run(&mut javac, "apt-get install default-jdk-headless libpostgresql-jdbc-java");
        });
        format!("{JDBC}:{}", folder.display())
    });
    &JAVA
}

const REQUIREMENTS: &str = include_str!("requirements.txt");
const PACKAGE: &str = include_str!("package.json");
const PACKAGE_LOCK: &str = include_str!("package-lock.json");
const JAVA_SOURCE: &str = include_str!("drivers/Jdbc.java");

/// A program of `drivers`.
pub(crate) fn driver(name: &str) -> PathBuf {
    source("drivers").join(name)
}

/// A file of this suite.
pub(crate) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// Where all of it goes.
pub(crate) fn folder() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("cargo's own folder is in target");
    target.join("clients")
}

/// A folder that is filled once for each content it is made of. Those of older contents are taken away.
fn made(name: &str, content: &[&str], fill: impl FnOnce(&Path)) -> PathBuf {
    let mut hash = DefaultHasher::new();
    content.hash(&mut hash);
    let finished = folder().join(format!("{name}-{:016x}", hash.finish()));
    if finished.exists() {
        return finished;
    }
    std::fs::create_dir_all(folder()).expect("a folder under target");
    for old in std::fs::read_dir(folder()).into_iter().flatten().flatten() {
        if old.file_name().to_string_lossy().starts_with(&format!("{name}-")) {
            std::fs::remove_dir_all(old.path()).expect("it is ours");
        }
    }
    // Filled under a name of its own and moved into place, so that a run that was cut short leaves nothing half made.
    let unfinished =
        tempfile::Builder::new().prefix("unfinished-").tempdir_in(folder()).expect("a folder under target");
    fill(unfinished.path());
    std::fs::rename(unfinished.keep(), &finished).expect("nobody else makes it");
    finished
}

fn said(command: &mut Command, remedy: &str) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} could not start ({error}): {remedy}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {remedy}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn run(command: &mut Command, remedy: &str) {
    said(command, remedy);
}
