//! Sees to it that no PostgreSQL outlives the sandbox, even one that is killed with no chance to clean up.
//!
//! A shell waits at the end of a pipe whose other end is ours alone. When we end, however that comes about, the pipe
//! closes; the shell then ends every postmaster whose pid file it finds and removes the folder. (The kernel's
//! parent-death signal would not do: it fires when the *thread* that started a child ends, and an async runtime's
//! threads come and go.)

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use std::os::unix::process::CommandExt as _;

const SCRIPT: &str = r#"
cat >/dev/null
for file in "$1"/*/data/postmaster.pid; do
    [ -f "$file" ] && kill -QUIT "$(head -n 1 "$file")" 2>/dev/null
done
# A server that is just ending may still write beside us.
for attempt in 1 2 3 4 5; do
    rm -rf "$@" 2>/dev/null && exit 0
    sleep 0.2
done
"#;

/// The waiting shell. Dropping it lets it do its work and waits for the end.
#[derive(Debug)]
pub(crate) struct Watchdog(Child);

impl Watchdog {
    /// Watches over the clusters in the folders directly below `clusters`, which is removed at the end, and `around`
    /// with it if there is that.
    pub(crate) fn over(clusters: &Path, around: Option<&Path>) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "postern-sandbox-watchdog"]).arg(clusters).args(around);
        // Its own process group: a Ctrl+C meant for us must not end it first.
        command.process_group(0).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(Self).context("cannot run /bin/sh to watch over PostgreSQL")
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
