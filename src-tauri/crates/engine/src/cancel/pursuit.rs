//! What follows a CancelRequest of a client, or of the console's Stop: the second and third step of a cancel, while the query that was
//! meant still runs. Reports to the activity panel and to the audit log.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use postern_proxy::{CancelOutcome, QueryMark, SessionId};
use serde_json::{Value, json};

use crate::{
    clock,
    engine::{Engine, lock},
    error::Error,
    gate::Gate,
    login::Login,
};

use super::{
    By, CancelStep, Outcome, PATIENCE, SessionAfter, StepKind,
    attempt::why_not,
    meant::{Asked, Meant, Over, Steps, outcome},
    proof::{self, Told},
    record::{End, Record},
};

/// The last cancel that was asked for in each session.
#[derive(Debug, Default)]
pub(crate) struct Pursuits(Mutex<BTreeMap<SessionId, Pursued>>);

/// A cancel that a client asked for.
#[derive(Clone, Debug)]
pub struct Pursued {
    /// What was meant.
    pub(crate) query: QueryMark,
    /// Its `query_id` at the server, once that had to be asked.
    pub query_id: Option<i64>,
    /// How it ended; `None` while it is under way.
    pub outcome: Option<Outcome>,
    /// So far, in order.
    pub steps: Vec<CancelStep>,
    /// From the request to the end, or until now.
    pub elapsed: Duration,
    /// When it was asked for, by this machine's clock.
    pub asked_at: SystemTime,
    /// How the session is now, where that had to be looked at.
    pub session: Option<SessionAfter>,
}

impl Pursuits {
    /// The last one in a session.
    pub(crate) fn of(&self, session: SessionId) -> Option<Pursued> {
        lock(&self.0).get(&session).cloned()
    }

    /// Takes one in; `false` when the same query is pursued already. Forgets those of sessions that are gone.
    fn begin(&self, pursued: Pursued, lives: impl Fn(SessionId) -> bool) -> bool {
        let mut all = lock(&self.0);
        all.retain(|session, _| lives(*session));
        let session = pursued.query.session;
        if all.get(&session).is_some_and(|other| other.query == pursued.query && other.outcome.is_none()) {
            return false;
        }
        all.insert(session, pursued);
        true
    }

    fn change(&self, query: QueryMark, change: impl FnOnce(&mut Pursued)) {
        // A later cancel may have taken its place.
        if let Some(pursued) = lock(&self.0).get_mut(&query.session).filter(|pursued| pursued.query == query) {
            change(pursued);
        }
    }
}

/// Follows a cancel to its end.
pub(crate) async fn pursue(engine: Engine, gate: Arc<Gate>, query: QueryMark, request: CancelOutcome) {
    let first = CancelStep {
        kind: StepKind::WireCancel,
        ok: matches!(request, CancelOutcome::Sent),
        at: Duration::ZERO,
        detail: why_not(&request),
    };
    let pursued = Pursued {
        query,
        query_id: None,
        outcome: None,
        steps: vec![first],
        elapsed: Duration::ZERO,
        asked_at: clock::now(),
        session: None,
    };
    if !gate.pursuits.begin(pursued, |session| gate.proxy().session(session).is_some()) {
        return;
    }
    let record = Record::new(false, about(&engine, &gate, query));
    let mut pursuit = Pursuit { engine: &engine, gate: &gate, query, began: Instant::now(), record, session: None };
    let outcome = pursuit.run().await;
    if let Err(error) = &outcome {
        tracing::warn!(session = %query.session, %error, "a cancel could not be followed up");
        pursuit.step(StepKind::CancelBackend, false, error.to_string());
    }
    let elapsed = pursuit.began.elapsed();
    pursuit.write_down(outcome.as_ref().copied(), elapsed);
    let session = pursuit.session;
    gate.pursuits.change(query, |pursued| {
        pursued.outcome = Some(outcome.unwrap_or(Outcome::StillRunning));
        pursued.session = session;
        pursued.elapsed = elapsed;
    });
}

/// Who, and what in which session.
fn about(engine: &Engine, gate: &Gate, query: QueryMark) -> [(&'static str, Value); 7] {
    let login = gate.login();
    let user = engine.shared.identity().map(|identity| identity.sign_in.user).unwrap_or_default();
    let backend_pid = gate.proxy().session(query.session).and_then(|session| session.facts.backend_pid);
    [
        ("user", json!(user)),
        ("by", json!(By::Client.word())),
        ("sid", json!(query.session.to_string())),
        ("db_service", json!(login.database)),
        ("db_user", json!(login.db_user)),
        ("db_name", json!(login.db_name)),
        ("session_id", json!(backend_pid)),
    ]
}

struct Pursuit<'a> {
    engine: &'a Engine,
    gate: &'a Arc<Gate>,
    query: QueryMark,
    began: Instant,
    record: Record,
    session: Option<SessionAfter>,
}

/// Steps as the activity panel reads them while the cancel is under way.
struct Shown<'a> {
    gate: &'a Gate,
    query: QueryMark,
    began: Instant,
}

impl Steps for Shown<'_> {
    fn step(&mut self, kind: StepKind, ok: bool, detail: String) {
        let at = self.began.elapsed();
        self.gate.pursuits.change(self.query, |pursued| {
            pursued.elapsed = at;
            pursued.steps.push(CancelStep { kind, ok, at, detail });
        });
    }

    fn found(&mut self, query_id: i64) {
        self.gate.pursuits.change(self.query, |pursued| pursued.query_id = Some(query_id));
    }
}

impl<'a> Pursuit<'a> {
    async fn run(&mut self) -> Result<Outcome, Error> {
        if proof::ended(self.gate, self.query, PATIENCE).await {
            return Ok(self.client_answered());
        }
        let Some(session) = self.gate.proxy().session(self.query.session) else { return Ok(self.client_answered()) };
        let Some(backend_pid) = session.facts.backend_pid else { return Ok(Outcome::StillRunning) };
        // As the user whose query it is: nobody else may cancel it for certain.
        let database = self.gate.login().database.clone();
        let login = Login { database, db_user: session.facts.db_user, db_name: session.facts.db_name };
        let asker = self.engine.gate(&login)?;
        let ours = Some((Arc::clone(self.gate), self.query));
        let mut meant = Meant::new(asker, backend_pid, None, ours).await?;
        let mut steps = self.steps();
        // Its number, as long as that can be known. Asked whatever it is: what the server shows may be late.
        meant.now().await?;
        if let Some(query_id) = meant.query_id {
            steps.found(query_id);
            self.record.add("query_id", json!(query_id));
        }
        self.record.asked(self.engine.audit())?;
        match meant.ask(StepKind::CancelBackend, None, &mut steps).await? {
            Asked::Over(over) => self.over(&mut meant, over).await,
            Asked::GoneOn => Ok(self.client_answered()),
            Asked::NotPermitted => Ok(Outcome::NotPermitted),
            Asked::Lives | Asked::Refused => Ok(Outcome::StillRunning),
        }
    }

    /// The server says that the query is over: how, and whether its client knows.
    async fn over(&mut self, meant: &mut Meant, over: Over) -> Result<Outcome, Error> {
        let mut steps = self.steps();
        steps.step(StepKind::ServerReports, true, over.status.clone());
        let (after, told) = meant.settle(&mut steps).await?;
        self.session = Some(after);
        Ok(outcome(&over, told))
    }

    /// The client has its answer: that it was canceled, or the query's own.
    fn client_answered(&self) -> Outcome {
        let told = proof::answer(self.gate, self.query);
        self.step(StepKind::ClientTold, true, told.words());
        match told {
            Told::Canceled | Told::ByUs => Outcome::Canceled,
            Told::Other => Outcome::AlreadyFinished,
            Told::Gone => Outcome::Terminated,
        }
    }

    fn steps(&self) -> Shown<'a> {
        Shown { gate: self.gate, query: self.query, began: self.began }
    }

    fn step(&self, kind: StepKind, ok: bool, detail: String) {
        self.steps().step(kind, ok, detail);
    }

    fn write_down(&self, outcome: Result<Outcome, &Error>, elapsed: Duration) {
        let Some(pursued) = self.gate.pursuits.of(self.query.session) else { return };
        let end = End { outcome, session: self.session, steps: &pursued.steps, elapsed };
        if let Err(error) = self.record.ended(self.engine.audit(), end) {
            tracing::error!(%error, "the end of a cancel is missing from the audit log");
        }
    }
}
