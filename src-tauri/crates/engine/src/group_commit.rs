//! Lets sessions that have something to record at the same moment share one write of the audit log.
//!
//! A statement waits until it is recorded, and a write costs as much as relaying the statement. With many sessions at work,
//! the first to come lets the others that are ready say theirs, then writes for all. A session that is alone does not wait.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::audit::{Audit, Batch};

/// How often a session that was alone looks whether it still is.
const LOOK_EVERY: usize = 16;

/// Whether it was written, and why not.
type Outcome = Result<(), String>;

/// Who waits for a write that never comes is told.
const ENDING: &str = "the program is ending";

/// Those who wait for the same write.
#[derive(Debug, Default)]
pub(crate) struct GroupCommit {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Somebody is about to write for all.
    led: bool,
    /// How many shared the last write.
    shared_last: usize,
    /// Counts up to the next look.
    looked: usize,
}

#[derive(Debug)]
struct Waiting {
    batch: Batch,
    written: oneshot::Sender<Outcome>,
}

impl GroupCommit {
    /// Appends a batch, together with what others have to append at this moment.
    ///
    /// # Errors
    /// Why it could not be written.
    pub(crate) async fn append(&self, audit: &Audit, batch: Batch) -> Result<(), String> {
        match self.join(batch) {
            Place::Alone(batch) => audit.append_all(&[batch]).map_err(|error| error.to_string()),
            Place::Follows(outcome) => outcome.await.unwrap_or_else(|_| Err(ENDING.to_owned())),
            Place::Leads(outcome) => {
                let lead = Lead { group: self, audit };
                // Everybody who is ready has their turn before we have ours again.
                tokio::task::yield_now().await;
                drop(lead);
                outcome.await.unwrap_or_else(|_| Err(ENDING.to_owned()))
            }
        }
    }

    fn join(&self, batch: Batch) -> Place {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.looked = (queue.looked + 1) % LOOK_EVERY;
        if !queue.led && queue.shared_last <= 1 && queue.looked != 0 {
            return Place::Alone(batch);
        }
        let (written, outcome) = oneshot::channel();
        queue.waiting.push(Waiting { batch, written });
        if std::mem::replace(&mut queue.led, true) { Place::Follows(outcome) } else { Place::Leads(outcome) }
    }
}

/// What whoever comes has to do.
enum Place {
    /// Write at once: there is nobody to wait for.
    Alone(Batch),
    /// Write for all, soon.
    Leads(oneshot::Receiver<Outcome>),
    /// Wait.
    Follows(oneshot::Receiver<Outcome>),
}

/// Writes for all when dropped: also when the session that leads is ended while it waits, for the others rely on it.
struct Lead<'a> {
    group: &'a GroupCommit,
    audit: &'a Audit,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let waiting = {
            let mut queue = self.group.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.led = false;
            queue.shared_last = queue.waiting.len();
            std::mem::take(&mut queue.waiting)
        };
        let (batches, written): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|waiting| (waiting.batch, waiting.written)).unzip();
        let outcome = self.audit.append_all(&batches).map_err(|error| error.to_string());
        for one in written {
            // Whoever has gone meanwhile need not know.
            let _ = one.send(outcome.clone());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn record(number: usize) -> Batch {
        let mut batch = Batch::new();
        batch.push("db.session.query", "TDB02I", json!({ "db_query": format!("select {number}") })).unwrap();
        batch
    }

    #[tokio::test]
    async fn sessions_at_work_at_once_share_writes_and_keep_the_chain() {
        let folder = tempfile::tempdir().unwrap();
        let (audit, group) = (Arc::new(Audit::in_folder(folder.path().to_owned())), Arc::new(GroupCommit::default()));
        let sessions = (0..8).map(|session| {
            let (audit, group) = (Arc::clone(&audit), Arc::clone(&group));
            tokio::spawn(async move {
                let mut largest = 0;
                for number in 0..100 {
                    group.append(&audit, record(session * 100 + number)).await.unwrap();
                    largest = largest.max(group.queue.lock().unwrap().shared_last);
                    tokio::task::yield_now().await;
                }
                largest
            })
        });
        for session in sessions.collect::<Vec<_>>() {
            assert_eq!(session.await.unwrap(), 8);
        }
        assert_eq!(audit.verify().unwrap(), Ok(800));
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_told_to_each() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::in_folder(folder.path().join("missing"));
        let group = GroupCommit::default();
        let (first, second) = tokio::join!(group.append(&audit, record(1)), group.append(&audit, record(2)));
        assert!(first.is_err() && second.is_err());
    }

    #[tokio::test]
    async fn a_session_that_ends_while_it_leads_leaves_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::in_folder(folder.path().to_owned());
        let group = GroupCommit::default();
        group.queue.lock().unwrap().shared_last = 2;
        let mut leads = Box::pin(group.append(&audit, record(1)));
        let mut follows = Box::pin(group.append(&audit, record(2)));
        assert!(futures_util::poll!(&mut leads).is_pending());
        assert!(futures_util::poll!(&mut follows).is_pending());
        drop(leads);
        follows.await.unwrap();
        assert_eq!(audit.verify().unwrap(), Ok(2));
    }
}
