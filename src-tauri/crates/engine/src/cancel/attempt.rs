//! A cancel that a person asks for in the activity panel or by `postern db cancel`, from the question to the proof.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use postern_proxy::{CancelOutcome, QueryMark};

use crate::{engine::Engine, error::Error, gate::Gate, monitor::Monitor};

use super::{
    CancelReport, CancelRequest, CancelStep, Outcome, PATIENCE, StepKind,
    function::{self, Asked},
    proof,
    running::{self, Seen},
};

/// How long the last step is waited for.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// One cancel under way.
pub(super) struct Attempt<'a> {
    request: &'a CancelRequest,
    monitor: Arc<Monitor>,
    query_id: Option<i64>,
    /// The session, when it is ours, and what it ran before anything was read: as long as it still runs that, the query that is
    /// read of it is the one that would be hit.
    ours: Option<(Arc<Gate>, QueryMark)>,
    began: Instant,
    steps: Vec<CancelStep>,
}

/// What the session runs.
enum Now {
    /// The query that is meant.
    Meant { status: String },
    /// That query has ended, as the server says.
    Ended { status: String },
    /// Another one.
    Other { query_id: i64, status: String },
    /// Nothing that this login may see.
    Nothing,
}

impl<'a> Attempt<'a> {
    pub(super) async fn begin(engine: &Engine, request: &'a CancelRequest) -> Result<Self, Error> {
        let gate = engine.gate(&request.login)?;
        let began = Instant::now();
        let monitor = gate.monitor().await?;
        let ours = engine
            .gate_of_backend(&request.login.database, request.session_id)
            .and_then(|gate| gate.running(request.session_id).map(|query| (gate, query)));
        Ok(Self { request, monitor, query_id: request.query_id, ours, began, steps: Vec::new() })
    }

    pub(super) async fn finish(mut self) -> Result<CancelReport, Error> {
        let outcome = self.run().await?;
        Ok(CancelReport { outcome, elapsed: self.began.elapsed(), steps: self.steps })
    }

    async fn run(&mut self) -> Result<Outcome, Error> {
        if let Some(outcome) = self.reread().await? {
            return Ok(outcome);
        }
        if self.request.terminate {
            return self.by_function(StepKind::TerminateBackend).await;
        }
        let Some((gate, query)) = self.ours.clone() else {
            return self.by_function(StepKind::CancelBackend).await;
        };
        let sent = gate.proxy().cancel_query(query).await;
        self.step(StepKind::WireCancel, matches!(sent, CancelOutcome::Sent), why_not(&sent));
        if let Some(outcome) = self.wait(PATIENCE).await? {
            self.client_told(&gate, query).await;
            return Ok(outcome);
        }
        if let Some(outcome) = self.reread().await? {
            return Ok(outcome);
        }
        let outcome = self.by_function(StepKind::CancelBackend).await?;
        if outcome == Outcome::Canceled {
            self.client_told(&gate, query).await;
        }
        Ok(outcome)
    }

    /// Asks `pg_cancel_backend` or `pg_terminate_backend`, and waits for the proof.
    async fn by_function(&mut self, kind: StepKind) -> Result<Outcome, Error> {
        let ours = self.ours.as_ref().map(|(gate, query)| (&**gate, *query));
        match function::ask(kind, self.request.session_id, &self.monitor, ours).await? {
            Asked::Done(call) => self.step(kind, true, call),
            Asked::Refused { message, not_permitted } => {
                self.step(kind, false, message);
                if not_permitted {
                    return Ok(Outcome::NotPermitted);
                }
            }
            Asked::GoneOn => return Ok(self.reread().await?.unwrap_or(Outcome::QueryChanged)),
        }
        Ok(self.wait(LAST_PATIENCE).await?.unwrap_or(Outcome::StillRunning))
    }

    /// Reads what the session runs, and says the outcome when there is nothing to act on.
    async fn reread(&mut self) -> Result<Option<Outcome>, Error> {
        let (ok, detail, outcome) = match self.now().await? {
            Now::Meant { status } => (true, status, None),
            Now::Ended { status } => (false, status, Some(Outcome::AlreadyFinished)),
            Now::Other { query_id, status } => (false, format!("{query_id} {status}"), Some(Outcome::QueryChanged)),
            Now::Nothing => (false, String::new(), Some(Outcome::AlreadyFinished)),
        };
        self.step(StepKind::Reread, ok, detail);
        Ok(outcome)
    }

    /// Waits for the server to say that the query has ended.
    async fn wait(&mut self, limit: Duration) -> Result<Option<Outcome>, Error> {
        let deadline = Instant::now() + limit;
        let mut pause = Duration::from_millis(50);
        loop {
            let ended = match self.now().await? {
                Now::Ended { status } => Some(status),
                Now::Other { .. } | Now::Nothing => Some(String::new()),
                Now::Meant { .. } => None,
            };
            if let Some(status) = ended {
                let told = || self.ours.as_ref().and_then(|(gate, query)| gate.proxy().was_told(*query)) == Some(true);
                let outcome = match status.as_str() {
                    _ if self.request.terminate => Outcome::Terminated,
                    "canceled" => Outcome::Canceled,
                    // A server that keeps no history; what our client got proves it too.
                    "" if told() => Outcome::Canceled,
                    // A server that forgets the row of a killed query, or one that was quicker than we.
                    _ => Outcome::AlreadyFinished,
                };
                self.step(StepKind::ServerReports, true, status);
                return Ok(Some(outcome));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// What the session runs now. The first live query found becomes the one that is meant when none was named.
    async fn now(&mut self) -> Result<Now, Error> {
        let found = running::queries_of(&self.monitor, self.request.session_id).await?;
        let live = found.iter().find(|seen| seen.lives());
        if self.query_id.is_none() {
            self.query_id = live.map(|seen| seen.query_id);
        }
        let Some(meant) = self.query_id else { return Ok(Now::Nothing) };
        Ok(match (found.iter().find(|seen| seen.query_id == meant), live) {
            (Some(seen), _) if seen.lives() => Now::Meant { status: seen.status.clone() },
            (Some(seen), _) => Now::Ended { status: seen.status.clone() },
            (None, Some(Seen { query_id, status })) => Now::Other { query_id: *query_id, status: status.clone() },
            (None, None) => Now::Nothing,
        })
    }

    /// Whether the client of our session has got the server's answer. One that the server leaves hanging although it reports the query
    /// canceled is told by us.
    async fn client_told(&mut self, gate: &Gate, query: QueryMark) {
        let (told, detail) = proof::client_told(gate, query).await;
        self.step(StepKind::ClientTold, told, detail);
    }

    fn step(&mut self, kind: StepKind, ok: bool, detail: String) {
        self.steps.push(CancelStep { kind, ok, at: self.began.elapsed(), detail });
    }
}

/// Why a CancelRequest was not sent; nothing when it was.
pub(super) fn why_not(outcome: &CancelOutcome) -> String {
    match outcome {
        CancelOutcome::Sent => String::new(),
        CancelOutcome::NothingRuns => "the query had ended before the request could be sent".to_owned(),
        CancelOutcome::NoSession => "the session is gone".to_owned(),
        CancelOutcome::NoKey => "the server gave this session no cancel key".to_owned(),
        CancelOutcome::Failed(error) => error.to_string(),
    }
}
