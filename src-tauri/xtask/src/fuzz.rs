//! `fuzz`: builds the targets in `tests/fuzz` with what libFuzzer needs, and runs them.
//!
//! Coverage comes from the compiler's own pass, which a stable compiler has too. The flags go to everything that is compiled for these
//! programs and to nothing else, so they have a target folder of their own.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    process::{capture, run_command},
    workspace::root,
};

/// An input that takes this much memory, or this long in seconds, is a finding too.
const LIMITS: [&str; 4] = ["-max_len=4096", "-rss_limit_mb=1024", "-timeout=20", "-print_final_stats=1"];

/// `--cfg fuzzing` opens the proxy's door; the others count which edges were taken. Comparisons are not traced: that makes a run four
/// times as slow, and the numbers to guess are in the kept inputs.
const FLAGS: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Clink-dead-code",
];

/// A program in `tests/fuzz/targets`.
struct Target {
    name: &'static str,
    /// Where its kept inputs are, below `tests/fuzz/corpus`.
    corpus: &'static str,
    /// Runs the proxy's code: compiling that takes minutes.
    proxy: bool,
    /// Runs that the check makes of it.
    briefly: u32,
}

const fn target(name: &'static str, corpus: &'static str, proxy: bool, briefly: u32) -> Target {
    Target { name, corpus, proxy, briefly }
}

const TARGETS: [Target; 10] = [
    target("startup", "startup", false, 400_000),
    target("frontend", "frontend", false, 400_000),
    target("backend", "backend", false, 400_000),
    target("split", "split", false, 100_000),
    target("read_only", "read_only", false, 100_000),
    target("relay_client", "frontend", true, 0),
    target("relay_read_only", "frontend", true, 0),
    target("relay_server", "backend", true, 0),
    target("admission", "admission", true, 0),
    target("login", "login", true, 0),
];

/// How long each target runs.
enum Length {
    Seconds(u64),
    Runs(u64),
}

/// `fuzz [TARGET] [--seconds N | --runs N] [--keep]`
pub(crate) fn by_hand(words: &[&str]) -> Result<()> {
    let (mut only, mut length, mut keep) = (None, Length::Seconds(60), false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64> {
            let value = words.next().with_context(|| format!("{word} needs a number"))?;
            value.parse().with_context(|| format!("'{value}' is no number"))
        };
        match *word {
            "--seconds" => length = Length::Seconds(number()?),
            "--runs" => length = Length::Runs(number()?),
            "--keep" => keep = true,
            name => only = Some(name),
        }
    }
    let chosen: Vec<&Target> = TARGETS.iter().filter(|target| only.is_none_or(|only| target.name == only)).collect();
    if chosen.is_empty() {
        let names = TARGETS.map(|target| target.name).join(", ");
        bail!("no target '{}': there are {names}", only.unwrap_or_default());
    }
    let programs = build(chosen.iter().any(|target| target.proxy))?;
    for target in chosen {
        let length = match length {
            Length::Seconds(seconds) => format!("-max_total_time={seconds}"),
            Length::Runs(runs) => format!("-runs={runs}"),
        };
        run(&programs, target, &[&length])?;
        if keep {
            self::keep(&programs, target)?;
        }
    }
    Ok(())
}

/// The kept inputs of each target that is compiled quickly, then as many new ones as a minute allows; the same ones each time.
pub(crate) fn briefly() -> Result<()> {
    let programs = build(false)?;
    for target in TARGETS.iter().filter(|target| !target.proxy) {
        // From the kept inputs alone: what earlier runs found here must not decide what this one tries.
        let _ = fs::remove_dir_all(found(target));
        run(&programs, target, &[&format!("-runs={}", target.briefly), "-seed=1", "-verbosity=0"])?;
    }
    Ok(())
}

/// Builds the programs; gives the folder that they are in.
fn build(with_proxy: bool) -> Result<PathBuf> {
    let system = system()?;
    let features = if with_proxy { "libfuzzer,proxy" } else { "libfuzzer" };
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--package", "postern-fuzz", "--bins", "--profile", "fuzz"]);
    // The system is named so that the flags do not go to build scripts and macros.
    cargo.args(["--features", features, "--target", &system]).arg("--target-dir").arg(folder());
    cargo.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")).env_remove("RUSTFLAGS");
    run_command(cargo.current_dir(root()))?;
    Ok(folder().join(system).join("fuzz"))
}

/// What rustc calls this system.
fn system() -> Result<String> {
    let output = capture(Command::new("rustc").arg("-vV"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).context("rustc does not say what system this is")
}

fn folder() -> PathBuf {
    root().join("target/fuzz")
}

/// Where inputs that reach something new are put.
fn found(target: &Target) -> PathBuf {
    folder().join("found").join(target.name)
}

fn kept(target: &Target) -> PathBuf {
    root().join("tests/fuzz/corpus").join(target.corpus)
}

/// Runs one target; an input that breaks it is in `target/fuzz/failures` afterwards.
fn run(programs: &std::path::Path, target: &Target, length: &[&str]) -> Result<()> {
    let failures = folder().join("failures");
    for needed in [&failures, &found(target)] {
        fs::create_dir_all(needed).with_context(|| format!("a folder {}", needed.display()))?;
    }
    println!("{}: {}", target.name, length.join(" "));
    let mut program = Command::new(programs.join(target.name));
    program.args(LIMITS).args(length);
    program.arg(format!("-artifact_prefix={}/{}-", failures.display(), target.name));
    program.arg(found(target)).arg(kept(target)).stdin(Stdio::null());
    let status = program.status().with_context(|| format!("{} cannot be started", target.name))?;
    if !status.success() {
        bail!(
            "{name} found an input that breaks it ({status}). The line 'Test unit written to' above names its file; once more with it \
             alone:\n  {program} FILE\nMove it to {kept} when it is fixed: it is a test of every build there.",
            name = target.name,
            program = programs.join(target.name).display(),
            kept = kept(target).display(),
        );
    }
    Ok(())
}

/// Adds to the kept inputs those found ones that reach an edge which the kept ones do not.
fn keep(programs: &std::path::Path, target: &Target) -> Result<()> {
    let mut program = Command::new(programs.join(target.name));
    // By edges alone, and as few inputs as cover them: how often each is taken would keep hundreds.
    program.args(["-set_cover_merge=1", "-use_counters=0", "-max_len=1024"]);
    run_command(program.arg(kept(target)).arg(found(target)))
}
