//! `cargo xtask`: everything a developer runs, in one place. Works from a clean clone, as root or not, twice in a row.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "telling what happens is what this program is for")]

mod bench;
mod checks;
mod demo;
mod display;
mod fuzz;
mod icons;
mod process;
mod sandbox;
mod setup;
mod walk;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask COMMAND

  setup              install what is missing: system packages, packages of the UI
  demo               build everything and open the app on a sandbox
  demo --headless    the same walk through the command line, with no display
  sandbox [ARGS]     the sandbox alone, until a signal (--dir DIR)
  test               everything: format, lints, tests, UI, end to end, demo
  e2e [FILTER]       the end-to-end tests alone
  fuzz [TARGET] [--seconds N | --runs N] [--keep]
                     the fuzz targets, a minute each; --keep adds what reaches
                     something new to tests/fuzz/corpus
  clients            real drivers through a local proxy; CLIENTS_ONLY=NAME for one
  bindings           renew ui/src/ipc/contract.ts
  icons              renew what is made from icons/postern.svg
  package            build the .deb
  bench proxy [--quick] [--json]
                     the proxy beside PgBouncer and stunnel";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["setup"] => setup::everything(),
        ["demo"] => demo::window(),
        ["demo", "--headless"] => demo::headless(),
        ["sandbox", rest @ ..] => sandbox::foreground(rest),
        ["test"] => checks::all(),
        ["e2e", filter @ ..] => checks::end_to_end(filter),
        ["fuzz", rest @ ..] => fuzz::by_hand(rest),
        ["clients"] => checks::clients(),
        ["bindings"] => checks::renew_bindings(),
        ["icons"] => icons::renew(),
        ["package"] => demo::package(),
        ["bench", rest @ ..] => bench::run(rest),
        // Not for people: `bench` measures it as a program of its own.
        ["bare-relay", port, to] => bench::bare_relay(port, to),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        other => bail!("no command '{}'\n\n{USAGE}", other.join(" ")),
    }
}
