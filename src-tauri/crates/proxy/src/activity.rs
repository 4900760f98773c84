//! Counters of a session: how many bytes, and whether the server is at work.
//!
//! PostgreSQL says ReadyForQuery once for every Query, FunctionCall and Sync. Clients may send several before the first answer, so
//! whether a session is running is a matter of counting, not of the last message seen.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use postern_wire::backend::TransactionStatus;

use crate::session::SessionState;

/// Written by the session's own task only, read by anybody: relaxed order is enough, a reader sees each number as of some moment.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    statements: AtomicU64,
    /// ReadyForQuery messages so far.
    answers: AtomicU64,
    /// Errors with SQLSTATE 57014 that went to the client.
    cancellations: AtomicU64,
    /// ReadyForQuery messages still to come.
    awaited: AtomicU32,
    /// Messages of the extended protocol were sent whose Sync has not been.
    batch_open: AtomicBool,
    /// The last thing that asked for a ReadyForQuery was a Sync.
    last_was_sync: AtomicBool,
    /// 0 before the first ReadyForQuery, then the transaction status.
    status: AtomicU8,
}

impl Activity {
    pub(crate) fn add_up(&self, bytes: usize) {
        self.bytes_up.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_down(&self, bytes: usize) {
        self.bytes_down.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn bytes_up(&self) -> u64 {
        self.bytes_up.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes_down(&self) -> u64 {
        self.bytes_down.load(Ordering::Relaxed)
    }

    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// How many times the server has waited for the next statement. What runs is the same query for as long as this stays the same.
    pub(crate) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// How many times the client was told that its query is cancelled.
    pub(crate) fn cancellations(&self) -> u64 {
        self.cancellations.load(Ordering::Relaxed)
    }

    /// The client is told that its query is cancelled.
    pub(crate) fn cancelled(&self) {
        self.cancellations.fetch_add(1, Ordering::Relaxed);
    }

    /// A message is about to be sent to the server.
    pub(crate) fn sent(&self, tag: u8) {
        match tag {
            b'Q' | b'F' => {
                self.statements.fetch_add(1, Ordering::Relaxed);
                self.awaited.fetch_add(1, Ordering::Relaxed);
                self.last_was_sync.store(false, Ordering::Relaxed);
            }
            b'S' => {
                self.awaited.fetch_add(1, Ordering::Relaxed);
                self.batch_open.store(false, Ordering::Relaxed);
                self.last_was_sync.store(true, Ordering::Relaxed);
            }
            b'E' => {
                self.statements.fetch_add(1, Ordering::Relaxed);
                self.batch_open.store(true, Ordering::Relaxed);
            }
            b'P' | b'B' | b'C' | b'D' | b'H' => self.batch_open.store(true, Ordering::Relaxed),
            _ => {}
        }
    }

    /// The server waits for the next statement, for one that was sent.
    pub(crate) fn ready(&self, status: TransactionStatus) {
        let code = match status {
            TransactionStatus::Idle => 1,
            TransactionStatus::InTransaction => 2,
            TransactionStatus::Failed => 3,
        };
        self.status.store(code, Ordering::Relaxed);
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.lower_awaited();
    }

    /// The server begins to read COPY data. A Sync that was sent behind the Execute is skipped there and never answered.
    pub(crate) fn copy_in(&self) {
        if self.last_was_sync.load(Ordering::Relaxed) {
            self.lower_awaited();
            self.batch_open.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn state(&self) -> SessionState {
        let running = self.awaited.load(Ordering::Relaxed) > 0 || self.batch_open.load(Ordering::Relaxed);
        match self.status.load(Ordering::Relaxed) {
            0 => SessionState::Connecting,
            _ if running => SessionState::Running,
            1 => SessionState::Idle,
            2 => SessionState::InTransaction,
            _ => SessionState::FailedTransaction,
        }
    }

    fn lower_awaited(&self) {
        // Only the session's own task writes, so load and store need no exchange.
        let awaited = self.awaited.load(Ordering::Relaxed);
        self.awaited.store(awaited.saturating_sub(1), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged_in() -> Activity {
        let activity = Activity::default();
        assert_eq!(activity.state(), SessionState::Connecting);
        activity.ready(TransactionStatus::Idle);
        activity
    }

    #[test]
    fn a_second_query_sent_early_keeps_the_session_running() {
        let activity = logged_in();
        activity.sent(b'Q');
        activity.sent(b'Q');
        activity.ready(TransactionStatus::Idle);
        assert_eq!(activity.state(), SessionState::Running);
        activity.ready(TransactionStatus::InTransaction);
        assert_eq!(activity.state(), SessionState::InTransaction);
        assert_eq!(activity.statements(), 2);
    }

    #[test]
    fn a_batch_is_over_with_the_answer_to_its_sync() {
        let activity = logged_in();
        for tag in *b"PBDE" {
            activity.sent(tag);
        }
        assert_eq!(activity.state(), SessionState::Running);
        activity.sent(b'S');
        assert_eq!(activity.state(), SessionState::Running);
        activity.ready(TransactionStatus::Failed);
        assert_eq!(activity.state(), SessionState::FailedTransaction);
    }

    #[test]
    fn a_sync_that_copy_swallows_is_not_waited_for() {
        let activity = logged_in();
        for tag in *b"PBES" {
            activity.sent(tag);
        }
        activity.copy_in();
        for tag in *b"ddcS" {
            activity.sent(tag);
        }
        activity.ready(TransactionStatus::Idle);
        assert_eq!(activity.state(), SessionState::Idle);
    }
}
