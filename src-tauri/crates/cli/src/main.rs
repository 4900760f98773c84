//! The `postern` command: a second host over the engine, and the scriptable face of Postern.

mod args;
mod commands;
mod failure;
mod print;
mod stop;
mod words;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::args::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = ["warn", "postern=debug,warn", "postern=trace,debug"][usize::from(cli.debug.min(2))];
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level)))
        .with_writer(std::io::stderr)
        .init();
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::warn!("another TLS provider was installed before ours");
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            print::say(&format!("ERROR: could not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                print::say(&message);
            }
            failure.code()
        }
    }
}
