//! A thread of its own for the sessions of one login.
//!
//! Relaying is reading one socket and writing another. On a runtime of several threads each such step may wake another
//! core to look for work, which costs more than the step; and a bulk export of one login would take turns with the
//! statements of another.

use std::{io, thread};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Runs until it is dropped; what still runs on it then is dropped too.
#[derive(Debug)]
pub(crate) struct RelayThread {
    handle: Handle,
    _ends_with_us: oneshot::Sender<()>,
}

impl RelayThread {
    /// Starts one.
    ///
    /// # Errors
    /// When the system gives no thread, or no file descriptors for its runtime.
    pub(crate) fn start() -> io::Result<Self> {
        // A server that sends much wakes its reader with each of its buffers, and pays for that. Whoever else has work for this core
        // goes first: by then there is more to read, often enough for not having to sleep at all.
        let runtime = Builder::new_current_thread().enable_all().on_thread_park(thread::yield_now).build()?;
        let handle = runtime.handle().clone();
        let (ends_with_us, ended) = oneshot::channel::<()>();
        thread::Builder::new().name("postern-relay".to_owned()).spawn(move || {
            // The sender is dropped, never used: either way it is over.
            let _ = runtime.block_on(ended);
        })?;
        Ok(Self { handle, _ends_with_us: ends_with_us })
    }

    /// Where to spawn.
    pub(crate) fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_runs_what_it_is_given_and_ends_when_dropped() {
        let relay = RelayThread::start().unwrap();
        let name = relay.handle().spawn(async { thread::current().name().map(str::to_owned) }).await.unwrap();
        assert_eq!(name.as_deref(), Some("postern-relay"));
        let endless = relay.handle().spawn(std::future::pending::<()>());
        drop(relay);
        assert!(endless.await.unwrap_err().is_cancelled());
    }
}
