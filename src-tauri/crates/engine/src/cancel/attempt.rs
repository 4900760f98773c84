//! A cancel that a person asks for in the activity panel or by `postern db cancel`, or that a rule of theirs asks for, from the question
//! to the proof.

use std::time::{Duration, Instant, SystemTime};

use postern_proxy::CancelOutcome;
use serde_json::{Value, json};

use crate::{activity::Source, clock, engine::Engine, error::Error};

use super::{
    CancelReport, CancelRequest, CancelStep, Outcome, PATIENCE, SessionAfter, StepKind, Victim,
    meant::{Asked, Meant, Now, Over, Steps, outcome},
    record::{End, Record},
    server::check_note,
};

/// One cancel under way.
pub(super) struct Attempt<'a> {
    engine: &'a Engine,
    request: &'a CancelRequest,
    meant: Meant,
    log: Log,
    record: Record,
    asked_at: SystemTime,
    victim: Option<Victim>,
    session: Option<SessionAfter>,
    grant: Option<String>,
}

/// The steps so far.
struct Log {
    began: Instant,
    steps: Vec<CancelStep>,
}

impl Steps for Log {
    fn step(&mut self, kind: StepKind, ok: bool, detail: String) {
        self.steps.push(CancelStep { kind, ok, at: self.began.elapsed(), detail });
    }
}

impl<'a> Attempt<'a> {
    pub(super) async fn begin(engine: &'a Engine, request: &'a CancelRequest) -> Result<Self, Error> {
        let asked_at = clock::now();
        let began = Instant::now();
        let gate = engine.gate(&request.login)?;
        let ours = engine
            .gate_of_backend(&request.login.database, request.session_id)
            .and_then(|gate| gate.running(request.session_id).map(|query| (gate, query)));
        let record = Record::new(request.terminate, about(engine, request)?);
        let meant = Meant::new(gate, request.session_id, request.query_id, ours).await?;
        check(request, meant.source)?;
        Ok(Self {
            engine,
            request,
            meant,
            log: Log { began, steps: Vec::new() },
            record,
            asked_at,
            victim: None,
            session: None,
            grant: None,
        })
    }

    /// To the end, which is recorded whatever it is.
    pub(super) async fn finish(mut self) -> Result<CancelReport, Error> {
        let outcome = self.run().await;
        let elapsed = self.log.began.elapsed();
        let end = End { outcome: outcome.as_ref().copied(), session: self.session, steps: &self.log.steps, elapsed };
        self.record.ended(self.engine.audit(), end)?;
        Ok(CancelReport {
            outcome: outcome?,
            steps: self.log.steps,
            elapsed,
            asked_at: self.asked_at,
            query_id: self.meant.query_id,
            victim: self.victim,
            session: self.session,
            grant: self.grant,
        })
    }

    async fn run(&mut self) -> Result<Outcome, Error> {
        if let Some(outcome) = self.reread().await? {
            return Ok(outcome);
        }
        if !self.is_own_or_confirmed().await? {
            return Ok(Outcome::ConfirmationNeeded);
        }
        self.record.asked(self.engine.audit())?;
        if self.request.terminate {
            return self.by_server(StepKind::TerminateBackend).await;
        }
        // A note goes with the server's own command only.
        let Some((gate, query)) = self.meant.ours.clone().filter(|_| self.request.note.is_none()) else {
            return self.by_server(StepKind::CancelBackend).await;
        };
        let sent = gate.proxy().cancel_query(query).await;
        self.log.step(StepKind::WireCancel, matches!(sent, CancelOutcome::Sent), why_not(&sent));
        if let Some(over) = self.meant.until_over(PATIENCE, &mut self.log).await? {
            return self.over(over).await;
        }
        if let Some(outcome) = self.reread().await? {
            return Ok(outcome);
        }
        self.by_server(StepKind::CancelBackend).await
    }

    /// Through another session, and to the proof.
    async fn by_server(&mut self, kind: StepKind) -> Result<Outcome, Error> {
        match self.meant.ask(kind, self.request.note.as_deref(), &mut self.log).await? {
            Asked::Over(over) => self.over(over).await,
            // What an earlier step has ended shows only now.
            Asked::GoneOn if self.meant.ended_here() => {
                match self.meant.until_over(Duration::ZERO, &mut self.log).await? {
                    Some(over) => self.over(over).await,
                    None => Ok(Outcome::StillRunning),
                }
            }
            Asked::GoneOn => Ok(self.reread().await?.unwrap_or(Outcome::QueryChanged)),
            Asked::NotPermitted => {
                let me = self.victim.as_ref().map(|victim| victim.me.as_str()).unwrap_or_default();
                self.grant = self.meant.source.grant(me, self.request.terminate);
                Ok(Outcome::NotPermitted)
            }
            Asked::Refused | Asked::Lives => Ok(Outcome::StillRunning),
        }
    }

    /// The query is over: how, and how its session is.
    async fn over(&mut self, over: Over) -> Result<Outcome, Error> {
        self.log.step(StepKind::ServerReports, true, over.status.clone());
        if self.request.terminate {
            let after = self.meant.until_gone().await?;
            self.session = Some(after);
            let gone = matches!(after, SessionAfter::Closed | SessionAfter::Unknown);
            return Ok(if gone { Outcome::Terminated } else { Outcome::StillRunning });
        }
        let (after, told) = self.meant.settle(&mut self.log).await?;
        self.session = Some(after);
        Ok(outcome(&over, told))
    }

    /// Reads what the session runs, and says the outcome when there is nothing to act on.
    async fn reread(&mut self) -> Result<Option<Outcome>, Error> {
        let (ok, detail, outcome) = match self.meant.now().await? {
            Now::Meant { status } => (true, status, None),
            Now::Ended { status } => (false, status, Some(Outcome::AlreadyFinished)),
            Now::Other { query_id, status } => (false, format!("{query_id} {status}"), Some(Outcome::QueryChanged)),
            Now::Nothing => (false, String::new(), Some(Outcome::NotSeen)),
        };
        self.log.step(StepKind::Reread, ok, detail);
        Ok(outcome)
    }

    /// Finds out whose query it is. A person is asked before another's is touched.
    async fn is_own_or_confirmed(&mut self) -> Result<bool, Error> {
        let Some(query_id) = self.meant.query_id else { return Ok(false) };
        let victim = self.meant.whose(query_id).await?;
        self.record.add("query_id", json!(query_id));
        self.record.add("query_user", json!(victim.user));
        self.record.add("db_query", json!(victim.text));
        let own = victim.own;
        self.victim = Some(victim);
        Ok(own || self.request.confirmed)
    }
}

/// What cannot be asked for.
fn check(request: &CancelRequest, source: Source) -> Result<(), Error> {
    let Some(note) = &request.note else { return Ok(()) };
    let wrong = |problem: &str| Err(Error::InvalidValue { field: "note".to_owned(), problem: problem.to_owned() });
    if request.terminate {
        return wrong("goes with a cancel, not with the end of a session");
    }
    if !source.takes_notes() {
        return wrong("PostgreSQL has no way to send one with a cancel");
    }
    check_note(note)
}

/// Who, what and why, as far as it is known before anything is read.
fn about(engine: &Engine, request: &CancelRequest) -> Result<[(&'static str, Value); 9], Error> {
    let user = engine.shared.identity()?.sign_in.user;
    Ok([
        ("user", json!(user)),
        ("by", json!(request.by.word())),
        ("why", json!(request.why)),
        ("message", json!(request.note)),
        ("db_service", json!(request.login.database)),
        ("db_user", json!(request.login.db_user)),
        ("db_name", json!(request.login.db_name)),
        ("session_id", json!(request.session_id)),
        ("query_id", json!(request.query_id)),
    ])
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
