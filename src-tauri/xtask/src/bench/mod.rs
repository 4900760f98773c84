//! `bench`: how fast it is, beside the programs people use in its place, in one run on one machine. Never part of the
//! tests: a figure is read by a person, who knows what else the machine was doing.

mod bare;
mod cluster;
mod console;
mod load;
mod proxy;
mod report;
mod ways;

use anyhow::{Result, bail};

/// `bench WHAT [--quick] [--json]`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let (what, options) = words.split_first().map_or(("", words), |(what, options)| (*what, options));
    for option in options {
        if !["--quick", "--json"].contains(option) {
            bail!("no option '{option}': there are --quick and --json");
        }
    }
    let has = |option| options.contains(&option);
    match what {
        "proxy" => proxy::run(has("--quick"), has("--json")),
        "console" => console::run(has("--quick"), has("--json")),
        other => bail!("no benchmark '{other}': there are proxy and console"),
    }
}

/// A bare relay, as a program of its own so that its time can be told from ours. Runs until it is ended.
pub(crate) fn bare_relay(port: &str, to: &str) -> Result<()> {
    bare::relay(port.parse()?, to.parse()?)
}
