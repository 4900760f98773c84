//! Things that go wrong on demand.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};

/// What is wrong with a workgroup now. All of it can change at any time.
#[derive(Debug)]
pub(crate) struct FaultState {
    refused: watch::Sender<bool>,
    settings: Mutex<Settings>,
    cuts: broadcast::Sender<Cut>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Settings {
    login_delay: Duration,
    hangs_after_cancel: bool,
    ignores_cancel_requests: bool,
    resets_new: bool,
    connection_limit: Option<usize>,
    signal_delay: Duration,
    keeps_nodes_apart: bool,
}

/// How open sessions are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// TCP reset: the client's next read or write fails.
    Reset,
    /// The server's side is closed in order; the client may still write, and nobody answers.
    HalfClose,
}

impl Default for FaultState {
    fn default() -> Self {
        Self { refused: watch::Sender::new(false), settings: Mutex::default(), cuts: broadcast::Sender::new(16) }
    }
}

impl FaultState {
    pub(crate) fn refuse(&self, on: bool) {
        self.refused.send_replace(on);
    }

    /// Changes whenever connections begin or cease to be refused.
    pub(crate) fn refused(&self) -> watch::Receiver<bool> {
        self.refused.subscribe()
    }

    pub(crate) fn delay_logins(&self, delay: Duration) {
        self.change(|settings| settings.login_delay = delay);
    }

    pub(crate) fn login_delay(&self) -> Duration {
        self.read().login_delay
    }

    pub(crate) fn hang_after_cancel(&self, on: bool) {
        self.change(|settings| settings.hangs_after_cancel = on);
    }

    pub(crate) fn hangs_after_cancel(&self) -> bool {
        self.read().hangs_after_cancel
    }

    pub(crate) fn ignore_cancel_requests(&self, on: bool) {
        self.change(|settings| settings.ignores_cancel_requests = on);
    }

    pub(crate) fn ignores_cancel_requests(&self) -> bool {
        self.read().ignores_cancel_requests
    }

    pub(crate) fn reset_new(&self, on: bool) {
        self.change(|settings| settings.resets_new = on);
    }

    pub(crate) fn resets_new(&self) -> bool {
        self.read().resets_new
    }

    pub(crate) fn limit_connections(&self, limit: Option<usize>) {
        self.change(|settings| settings.connection_limit = limit);
    }

    pub(crate) fn connection_limit(&self) -> Option<usize> {
        self.read().connection_limit
    }

    pub(crate) fn delay_signals(&self, delay: Duration) {
        self.change(|settings| settings.signal_delay = delay);
    }

    pub(crate) fn signal_delay(&self) -> Duration {
        self.read().signal_delay
    }

    pub(crate) fn keep_nodes_apart(&self, on: bool) {
        self.change(|settings| settings.keeps_nodes_apart = on);
    }

    pub(crate) fn keeps_nodes_apart(&self) -> bool {
        self.read().keeps_nodes_apart
    }

    pub(crate) fn cut(&self, cut: Cut) {
        // Nobody listens when there is no session.
        let _ = self.cuts.send(cut);
    }

    /// The cuts from now on.
    pub(crate) fn cuts(&self) -> broadcast::Receiver<Cut> {
        self.cuts.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn read(&self) -> Settings {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
