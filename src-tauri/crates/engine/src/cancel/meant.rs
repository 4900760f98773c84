//! The query that is meant, and both who can say what became of it: the server, to another session, and our own session where the query
//! runs in one of ours. Everything that asks and then waits for an end does it here, whoever wanted the cancel.

use std::{sync::Arc, time::Duration};

use postern_proxy::{QueryMark, SessionState};
use tokio::time::Instant;

use crate::{activity::Source, error::Error, gate::Gate, monitor};

use super::{
    Outcome, SessionAfter, StepKind,
    proof::{self, Told},
    running::Seen,
    server::{self, Answer, Life, Signal, Victim},
};

/// How long the server is asked whether it has ended the query, once it was asked to.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// SYS_QUERY_HISTORY may show a query later than it began, and its end later than it came (AWS names no limit).
const LATE_HISTORY: Duration = Duration::from_secs(4);

/// Between two looks at the server, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// Where the steps of a cancel are told.
pub(super) trait Steps: Send {
    /// One step was taken.
    fn step(&mut self, kind: StepKind, ok: bool, detail: String);

    /// The number of the query is known.
    fn found(&mut self, _query_id: i64) {}
}

/// A query that somebody wants ended.
pub(super) struct Meant {
    pub(super) source: Source,
    /// Through which login the server is asked.
    asker: Arc<Gate>,
    session_id: i32,
    pub(super) query_id: Option<i64>,
    /// The session, when it is ours, and what it ran before anything was read: as long as it still runs that, the query that is
    /// read of it is the one that would be hit.
    pub(super) ours: Option<(Arc<Gate>, QueryMark)>,
    /// The server has shown it alive.
    seen: bool,
}

/// What the session runs.
pub(super) enum Now {
    /// The query that is meant.
    Meant { status: String },
    /// That query has ended, as the server says.
    Ended { status: String },
    /// Another one.
    Other { query_id: i64, status: String },
    /// Nothing that this login may see.
    Nothing,
}

/// It is over.
#[derive(Clone, Debug)]
pub(super) struct Over {
    /// As the server spells it; empty where it does not say.
    pub(super) status: String,
}

/// What came of asking the server for a signal, and of waiting.
pub(super) enum Asked {
    Over(Over),
    /// It still runs.
    Lives,
    /// The session runs something else by now; nothing was asked.
    GoneOn,
    NotPermitted,
    Refused,
}

impl Meant {
    pub(super) async fn new(
        asker: Arc<Gate>,
        session_id: i32,
        query_id: Option<i64>,
        ours: Option<(Arc<Gate>, QueryMark)>,
    ) -> Result<Self, Error> {
        let source = monitor::with(&asker, |monitor| async move { Ok(monitor.server().await?.source) }).await?;
        Ok(Self { source, asker, session_id, query_id, ours, seen: false })
    }

    /// Whose query it is, and whether it is of the login that asks. Of one that is not shown nothing is said.
    ///
    /// # Errors
    /// As [`Self::now`].
    pub(super) async fn whose(&self, query_id: i64) -> Result<Victim, Error> {
        let (source, session_id) = (self.source, self.session_id);
        let asking = |monitor: Arc<monitor::Monitor>| async move {
            let victim = source.victim(&monitor, session_id, query_id).await?;
            let me = server::me(&monitor).await?;
            Ok(victim
                .map(|victim| Victim { own: !me.is_empty() && victim.user == me, me, ..victim })
                .unwrap_or_default())
        };
        monitor::with(&self.asker, asking).await
    }

    /// What the session runs now. The first live query found becomes the one that is meant when none was named.
    ///
    /// # Errors
    /// As asking the server. A monitoring session that was lost is opened again first.
    pub(super) async fn now(&mut self) -> Result<Now, Error> {
        let found = self.queries().await?;
        let live = found.iter().find(|seen| seen.lives());
        // What a session of ours runs next is not what is meant.
        if self.query_id.is_none() && !self.ended_here() {
            self.query_id = live.map(|seen| seen.query_id);
        }
        let Some(meant) = self.query_id else { return Ok(Now::Nothing) };
        Ok(match (found.iter().find(|seen| seen.query_id == meant), live) {
            (Some(seen), _) if seen.lives() => {
                self.seen = true;
                Now::Meant { status: seen.status.clone() }
            }
            (Some(seen), _) => Now::Ended { status: seen.status.clone() },
            (None, Some(Seen { query_id, status })) => Now::Other { query_id: *query_id, status: status.clone() },
            (None, None) => Now::Nothing,
        })
    }

    /// Asks the server to signal the session, and waits for the server's word of it. A session of ours is held while it is asked, and
    /// nothing is asked unless it still runs what is meant.
    ///
    /// # Errors
    /// As [`Self::now`]. A signal whose answer is lost is no error: what became of it is seen.
    pub(super) async fn ask(
        &mut self,
        kind: StepKind,
        note: Option<&str>,
        steps: &mut dyn Steps,
    ) -> Result<Asked, Error> {
        // What is held runs nothing else. The server may show it late.
        let only_if = if self.ours.is_some() { None } else { self.query_id };
        let signal = Signal { kind, session_id: self.session_id, only_if, note };
        let answer = {
            let monitor = self.asker.monitor().await?;
            let asking = self.source.signal(&monitor, signal);
            match &self.ours {
                Some((gate, query)) => gate.proxy().while_it_runs(*query, asking).await,
                None => Some(asking.await),
            }
        };
        match answer {
            None => return Ok(Asked::GoneOn),
            Some(Ok(Answer::NotRunning)) => return Ok(Asked::GoneOn),
            Some(Ok(Answer::Done(call))) => steps.step(kind, true, call),
            Some(Ok(Answer::NoSession(call))) => steps.step(kind, false, call),
            Some(Ok(Answer::Refused { message, not_permitted })) => {
                steps.step(kind, false, message);
                if not_permitted {
                    return Ok(Asked::NotPermitted);
                }
                return Ok(Asked::Refused);
            }
            Some(Err(Error::ConnectionLost { reason, .. })) => steps.step(kind, false, reason),
            Some(Err(other)) => return Err(other),
        }
        let over = self.until_over(LAST_PATIENCE, steps).await?;
        Ok(over.map_or(Asked::Lives, Asked::Over))
    }

    /// Waits until the query is over, and says how; nothing when it still runs after `limit`. The server's word counts. Where it has none,
    /// because it shows a query late or forgets it, a query that it never showed alive is over once it has shown nothing of it for a
    /// while, and so is one that our own session has seen end.
    ///
    /// # Errors
    /// As [`Self::now`].
    pub(super) async fn until_over(&mut self, limit: Duration, steps: &mut dyn Steps) -> Result<Option<Over>, Error> {
        let began = Instant::now();
        let mut pause = PAUSES.0;
        let mut known = self.query_id;
        let over = |status: String| Ok(Some(Over { status }));
        loop {
            let now = self.now().await?;
            if self.query_id != known {
                known = self.query_id;
                known.into_iter().for_each(|id| steps.found(id));
            }
            let late = began.elapsed() >= LATE_HISTORY;
            let ended_here = self.ended_here();
            match now {
                Now::Ended { status } => return over(status),
                // Nothing more will be said of it.
                Now::Other { .. } | Now::Nothing if self.seen || late || ended_here && self.query_id.is_none() => {
                    return over(String::new());
                }
                Now::Meant { .. } if ended_here && late => return over(String::new()),
                Now::Meant { .. } | Now::Other { .. } | Now::Nothing => {}
            }
            if began.elapsed() >= limit && (late || !ended_here) {
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Tells, and sees to it, that the client of a session of ours has its answer; then how the session is.
    ///
    /// # Errors
    /// As [`Self::now`].
    pub(super) async fn settle(&mut self, steps: &mut dyn Steps) -> Result<(SessionAfter, Option<Told>), Error> {
        if let Some((gate, query)) = &self.ours {
            let told = proof::client_told(gate, *query).await;
            steps.step(StepKind::ClientTold, told != Told::ByUs, told.words());
            let after = match told {
                Told::ByUs => SessionAfter::ClosedByUs,
                Told::Gone => SessionAfter::Closed,
                Told::Canceled | Told::Other => match gate.proxy().session(query.session).map(|info| info.state) {
                    None => SessionAfter::Closed,
                    Some(SessionState::Running) => SessionAfter::Busy,
                    Some(SessionState::FailedTransaction) => SessionAfter::FailedTransaction,
                    Some(_) => SessionAfter::Usable,
                },
            };
            return Ok((after, Some(told)));
        }
        let runs_another = self.queries().await?.iter().any(Seen::lives);
        let after = match self.life().await? {
            _ if runs_another => SessionAfter::Busy,
            Life::Open => SessionAfter::Idle,
            Life::Gone => SessionAfter::Closed,
            Life::Unknown => SessionAfter::Unknown,
        };
        Ok((after, None))
    }

    /// Waits until the whole session is gone, and says how it is in the end.
    ///
    /// # Errors
    /// As [`Self::now`].
    pub(super) async fn until_gone(&mut self) -> Result<SessionAfter, Error> {
        let began = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            let here = self.ours.as_ref().map(|(gate, query)| gate.proxy().session(query.session).is_some());
            let after = match here {
                Some(false) => SessionAfter::Closed,
                here => match (self.life().await?, here) {
                    (Life::Gone, _) => SessionAfter::Closed,
                    (Life::Open, _) | (Life::Unknown, Some(_)) => SessionAfter::Idle,
                    (Life::Unknown, None) => return Ok(SessionAfter::Unknown),
                },
            };
            if after == SessionAfter::Closed || began.elapsed() >= LAST_PATIENCE {
                return Ok(after);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn queries(&self) -> Result<Vec<Seen>, Error> {
        let (source, session_id) = (self.source, self.session_id);
        monitor::with(&self.asker, |monitor| async move { source.queries_of(&monitor, session_id).await }).await
    }

    async fn life(&self) -> Result<Life, Error> {
        let (source, session_id) = (self.source, self.session_id);
        monitor::with(&self.asker, |monitor| async move { source.life(&monitor, session_id).await }).await
    }

    /// Our own session has seen the query end.
    pub(super) fn ended_here(&self) -> bool {
        self.ours.as_ref().is_some_and(|(gate, query)| !gate.proxy().still_runs(*query))
    }
}

/// How a query ended that somebody wanted canceled.
pub(super) fn outcome(over: &Over, told: Option<Told>) -> Outcome {
    match (over.status.as_str(), told) {
        ("canceled", _) => Outcome::Canceled,
        // A server that keeps no history: what our client was told proves it as well, by the server or, as it stayed silent, by us.
        ("", Some(Told::Canceled | Told::ByUs)) => Outcome::Canceled,
        ("", Some(Told::Gone)) => Outcome::Terminated,
        ("", Some(Told::Other)) => Outcome::AlreadyFinished,
        ("", None) => Outcome::Ended,
        _ => Outcome::AlreadyFinished,
    }
}
