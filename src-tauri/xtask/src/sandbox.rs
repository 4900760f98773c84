//! The sandbox as a program of its own.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    process::Background,
    workspace::{self, program},
};

/// How long PostgreSQL may take to be made, filled and started.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// How long it may take to stop and to remove its files.
pub(crate) const GONE_WITHIN: Duration = Duration::from_secs(30);

/// Runs it in the foreground until a signal, in place of this program.
pub(crate) fn foreground(arguments: &[&str]) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    workspace::build(&["postern-sandbox"])?;
    let error = Command::new(program("postern-sandbox")?).args(arguments).exec();
    Err(error).context("the sandbox cannot be started")
}

/// A running sandbox; ended with us.
pub(crate) struct Sandbox {
    process: Background,
    /// What a client of it needs in its environment.
    pub(crate) env: BTreeMap<String, String>,
    /// The databases it offers, as it announced them.
    pub(crate) databases: Vec<Value>,
}

impl Sandbox {
    /// Starts one in a folder and waits until it can be used. With samples there are roles and people to sign in as.
    pub(crate) fn start(folder: &Path, with_samples: bool) -> Result<Self> {
        let mut process = Background::start(
            Command::new(program("postern-sandbox")?)
                .arg("--dir")
                .arg(folder)
                .args(with_samples.then_some("--with-samples"))
                .stdin(Stdio::null())
                .stdout(Stdio::piped()),
        )?;
        let announced = first_line(&mut process)?;
        let announced: Value = serde_json::from_str(&announced)
            .with_context(|| format!("the sandbox announced something else than JSON: {announced}"))?;
        let env = announced["env"].as_object().context("the sandbox announced no environment")?;
        let env = env.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        let databases = announced["databases"].as_array().cloned().unwrap_or_default();
        Ok(Self { process, env, databases })
    }

    /// The id of its process.
    pub(crate) fn id(&mut self) -> u32 {
        self.process.child().id()
    }

    /// Ends it, and fails when it does not end by itself.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.process.stop(GONE_WITHIN)
    }
}

/// The line that says that all is ready. Read in a thread, so that a sandbox that hangs is noticed.
fn first_line(process: &mut Background) -> Result<String> {
    let output = process.child().stdout.take().context("the sandbox has no output")?;
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(output);
        let mut line = String::new();
        let read = lines.read_line(&mut line);
        // Nobody listens when the wait is over.
        let _ = send.send(read.map(|_| line));
        // Whatever it prints later must not stop it at a full pipe.
        let _ = std::io::copy(&mut lines, &mut std::io::sink());
    });
    match receive.recv_timeout(READY_WITHIN) {
        Ok(Ok(line)) if !line.is_empty() => Ok(line),
        Ok(_) => bail!("the sandbox ended before it was ready"),
        Err(_) => bail!("the sandbox was not ready within {READY_WITHIN:?}"),
    }
}
