//! The wish of somebody that we end: Ctrl+C, a terminal that was closed, `kill`.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears it from the moment it is made; until then a signal ends the process at once.
pub(crate) struct Stop {
    #[cfg(unix)]
    signals: Vec<Signal>,
    asked: bool,
}

impl Stop {
    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
        // Under `nohup` a closed terminal is no wish of anybody. Where that cannot be known, it ends the process as ever, and
        // the next start takes away what was begun.
        if hangup_is_ignored() == Some(false) {
            kinds.push(SignalKind::hangup());
        }
        // One that cannot be heard ends the process, as it would anyway.
        Self { signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect(), asked: false }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> Self {
        Self { asked: false }
    }

    /// Waits for it.
    #[cfg(unix)]
    pub(crate) async fn asked(&mut self) {
        let signals = &mut self.signals;
        std::future::poll_fn(|context| {
            let any = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if any { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        self.asked = true;
    }

    #[cfg(not(unix))]
    pub(crate) async fn asked(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.asked = true;
    }

    pub(crate) fn was_asked(&self) -> bool {
        self.asked
    }
}

/// Whether whoever started us has SIGHUP ignored; only Linux says.
#[cfg(unix)]
fn hangup_is_ignored() -> Option<bool> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    // The lowest bit is signal 1, which is SIGHUP.
    Some(u64::from_str_radix(mask.trim(), 16).ok()? & 1 == 1)
}
