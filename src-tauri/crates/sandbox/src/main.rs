//! `postern-sandbox`: the sandbox alone, in the foreground, until SIGINT or SIGTERM.
//!
//! The first line on stdout, once everything can be used, is one JSON object; see [`postern_sandbox::Description`].

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use postern_sandbox::{Sandbox, SandboxOptions};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

const USAGE: &str = "usage: postern-sandbox [--dir DIR] [--with-samples] [--orders N]";

#[tokio::main]
async fn main() -> Result<()> {
    let filter = EnvFilter::try_from_env("POSTERN_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopped = async {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    };
    tokio::pin!(stopped);
    let options = arguments(std::env::args().skip(1))?;
    let sandbox = tokio::select! {
        started = Sandbox::start(options) => started?,
        () = &mut stopped => return Ok(()),
    };
    announce(&sandbox)?;
    stopped.await;
    sandbox.stop().await;
    Ok(())
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<SandboxOptions> {
    // Does not exist yet, so that the sandbox makes it and takes it away again.
    let mut dir = std::env::temp_dir().join(format!("postern-sandbox-{}", std::process::id()));
    let (mut with_samples, mut orders) = (false, None);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--dir" => dir = PathBuf::from(given.next().context("--dir needs a folder")?),
            "--with-samples" => with_samples = true,
            // Fewer are there sooner: four lines each, a million lines unless told otherwise.
            "--orders" => orders = Some(given.next().context("--orders needs a number")?.parse()?),
            unknown => bail!("unknown argument {unknown}\n{USAGE}"),
        }
    }
    let options = SandboxOptions::new(dir).with_samples(with_samples);
    Ok(match orders {
        Some(orders) => options.orders(orders),
        None => options,
    })
}

fn announce(sandbox: &Sandbox) -> Result<()> {
    let line = serde_json::to_string(sandbox.description())?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush().context("nobody reads the description")
}
