//! Programs started from here, none of which outlives us.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Runs a program, showing what it says, and fails when it does.
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S], folder: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    run_command(&mut command)
}

/// The same with a command made elsewhere.
pub(crate) fn run_command(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{} cannot be started", shown(command)))?;
    if !status.success() {
        bail!("{} failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs a program and takes what it prints; its exit code is for the caller to judge.
pub(crate) fn capture(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().with_context(|| format!("{} cannot be started", shown(command)))
}

/// Whether a program can be started at all.
pub(crate) fn is_there(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// A program in the background; ended with us.
pub(crate) struct Background {
    child: Child,
    name: String,
}

impl Background {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("{} cannot be started", shown(command)))?;
        Ok(Self { child, name: command.get_program().to_string_lossy().into_owned() })
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, when it has within the limit.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().context("waiting for a program")? {
                return Ok(Some(status));
            }
            if Instant::now() > until {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to end, and says whether it did so by itself within the limit.
    pub(crate) fn stop(&mut self, limit: Duration) -> Result<()> {
        signal(&self.child, Signal::TERM);
        if self.wait(limit)?.is_none() {
            bail!("{} did not end within {limit:?} of being asked", self.name);
        }
        Ok(())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.stop(Duration::from_secs(10)).is_err() {
            // It was asked; it gets no second chance. Failing means that it is gone.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal; a program that has ended needs none.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = kill_process(pid, signal);
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let program = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    format!("`{program}`")
}
