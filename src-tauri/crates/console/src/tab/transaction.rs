//! What a tab's session is in: nothing, a transaction, or one that has failed. The server says so in each of its
//! ReadyForQuery messages; nothing is guessed from the text.

use std::ops::ControlFlow;
use std::time::SystemTime;

use postern_wire::ErrorResponse;
use postern_wire::backend::TransactionStatus;
use tokio_util::sync::CancellationToken;

use super::{Active, Connector, RunRefused, Shared, Tab, TabSession};
use crate::row::Row;
use crate::session::{RunEnd, SessionError, Sink};
use crate::types::Column;

/// A tab between its runs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TabState {
    /// A statement begins a transaction where none is open, and only the person ends it.
    pub manual: bool,
    /// The transaction that is open.
    pub transaction: Option<Transaction>,
    /// A session that ended with its transaction, in the words of whoever ended it; until the next run.
    pub lost: Option<String>,
}

/// An open transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Transaction {
    /// It has failed: the server does nothing more in it.
    pub failed: bool,
    /// When it began.
    pub since: SystemTime,
    /// Statements it has run, the one that began it not among them where the tab sent that.
    pub statements: u32,
    /// Since when nothing runs in it; `None` while something does.
    pub idle_since: Option<SystemTime>,
}

/// Why a transaction was not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndRefused {
    /// The tab runs something, or is closed.
    #[error(transparent)]
    Run(RunRefused),
    /// No transaction is open.
    #[error("no transaction is open")]
    None,
    /// The server refused it.
    #[error("the server refused it")]
    Server(Box<ErrorResponse>),
    /// The session was lost over it: whether a commit took effect is not known.
    #[error("the session was lost")]
    Session(#[source] SessionError),
}

impl<C: Connector> Tab<C> {
    /// What its session is in, now and whenever that changes.
    pub fn watch_state(&self) -> tokio::sync::watch::Receiver<TabState> {
        self.shared.tab.subscribe()
    }

    /// From now on statements begin transactions, or no longer. One that is open stays open.
    pub fn set_manual(&self, manual: bool) {
        self.shared.change(|state| state.manual = manual);
    }

    /// Commits the open transaction, or rolls it back. `true` when it was committed: the server rolls one back that has failed.
    ///
    /// # Errors
    /// [`EndRefused`].
    pub async fn end_transaction(&self, commit: bool) -> Result<bool, EndRefused> {
        let cancel = CancellationToken::new();
        let mut session = {
            let mut state = self.shared.state();
            if state.closed {
                return Err(EndRefused::Run(RunRefused::Closed));
            }
            if state.active.is_some() {
                return Err(EndRefused::Run(RunRefused::Busy));
            }
            let open = state.session.as_ref().is_some_and(|session| session.transaction() != TransactionStatus::Idle);
            let Some(session) = state.session.take_if(|_| open) else { return Err(EndRefused::None) };
            state.active = Some(Active { cancel: cancel.clone(), task: None });
            session
        };
        // Whoever drops this future drops the session with it: the tab must not stay busy.
        let returning = Returning { shared: &self.shared };
        let mut tag = LastTag::default();
        let ended = session.run(if commit { "COMMIT" } else { "ROLLBACK" }, &mut tag).await;
        let usable = !matches!(&ended, Err(error) if !matches!(error, SessionError::Unsendable(_)));
        self.shared.note(usable.then_some(&session), 1, (self.shared.options.clock)());
        self.shared.rests();
        returning.with(usable.then_some(session));
        match ended {
            Ok(RunEnd::Refused(error)) => Err(EndRefused::Server(error)),
            Ok(_) => Ok(tag.0 == "COMMIT"),
            Err(error) => Err(EndRefused::Session(error)),
        }
    }

    /// Looks whether the session with the open transaction still lives, as far as can be known without asking the server.
    pub fn look(&self) {
        if self.shared.tab.borrow().transaction.is_none() {
            return;
        }
        let lost = {
            let mut state = self.shared.state();
            match state.session.as_mut().map(TabSession::check_idle) {
                Some(Err(error)) => {
                    state.session = None;
                    Some(error)
                }
                _ => None,
            }
        };
        if let Some(error) = lost {
            self.shared.lost(&error);
        }
    }
}

/// Gives a session back, or none when it is dropped without.
struct Returning<'a, C: Connector> {
    shared: &'a Shared<C>,
}

impl<C: Connector> Returning<'_, C> {
    fn with(self, session: Option<TabSession>) {
        self.shared.state().rest(session);
        std::mem::forget(self);
    }
}

impl<C: Connector> Drop for Returning<'_, C> {
    fn drop(&mut self) {
        self.shared.note(None, 0, (self.shared.options.clock)());
        self.shared.state().rest(None);
    }
}

impl<C: Connector> Shared<C> {
    fn change(&self, change: impl FnOnce(&mut TabState)) {
        self.tab.send_if_modified(|state| {
            let before = state.clone();
            change(state);
            *state != before
        });
    }

    /// A run begins.
    pub(super) fn begins(&self) {
        self.change(|state| {
            state.lost = None;
            if let Some(transaction) = &mut state.transaction {
                transaction.idle_since = None;
            }
        });
    }

    /// What the server says of the session now, after so many more statements of which the first began then; without a
    /// session no transaction is open.
    pub(super) fn note(&self, session: Option<&TabSession>, statements: u32, began: SystemTime) {
        let status = session.map_or(TransactionStatus::Idle, TabSession::transaction);
        self.change(|state| {
            if status == TransactionStatus::Idle {
                state.transaction = None;
                return;
            }
            let known = state.transaction.unwrap_or(Transaction {
                failed: false,
                since: began,
                statements: 0,
                idle_since: None,
            });
            state.transaction = Some(Transaction {
                failed: status == TransactionStatus::Failed,
                statements: known.statements.saturating_add(statements),
                ..known
            });
        });
    }

    /// Nothing runs any more.
    pub(super) fn rests(&self) {
        let now = (self.options.clock)();
        self.change(|state| {
            if let Some(transaction) = &mut state.transaction {
                transaction.idle_since = Some(now);
            }
        });
    }

    /// The session is gone, and its transaction with it.
    pub(super) fn lost(&self, error: &SessionError) {
        let words = match error {
            SessionError::Lost { server: Some(server), .. } => server.message().to_owned(),
            SessionError::Lost { source: Some(source), .. } => source.to_string(),
            other => other.to_string(),
        };
        self.change(|state| {
            if state.transaction.take().is_some() {
                state.lost = Some(words);
            }
        });
    }
}

/// Remembers the tag of what was done, and nothing else.
#[derive(Default)]
pub(super) struct LastTag(pub(super) String);

impl Sink for LastTag {
    fn columns(&mut self, _: Vec<Column>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, _: Row<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn complete(&mut self, tag: &str) {
        tag.clone_into(&mut self.0);
    }
}
