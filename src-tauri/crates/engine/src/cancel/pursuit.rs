//! What follows a CancelRequest of a client, or of the console's Stop: the second and third step of a cancel, while the query that was
//! meant still runs. Reports to the activity panel and to the audit log.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use postern_proxy::{CancelOutcome, QueryMark, SessionId};
use postern_wire::ErrorResponse;
use serde_json::json;

use crate::{
    clock::whole_millis,
    engine::{Engine, lock},
    error::Error,
    gate::Gate,
    login::Login,
    monitor::Monitor,
};

use super::{
    CancelStep, Outcome, PATIENCE, StepKind,
    attempt::why_not,
    function::{self, Asked},
    proof, running, steps_json,
};

/// How long the server is asked whether it has ended the query.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// SYS_QUERY_HISTORY may show a query later than it began (AWS names no limit).
const LATE_HISTORY: Duration = Duration::from_secs(4);

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
    let pursued = Pursued { query, query_id: None, outcome: None, steps: vec![first], elapsed: Duration::ZERO };
    if !gate.pursuits.begin(pursued, |session| gate.proxy().session(session).is_some()) {
        return;
    }
    let mut pursuit = Pursuit { engine: &engine, gate: &gate, query, began: Instant::now() };
    let outcome = pursuit.run().await.unwrap_or_else(|error| {
        tracing::warn!(session = %query.session, %error, "a cancel could not be followed up");
        pursuit.step(StepKind::CancelBackend, false, error.to_string());
        Outcome::StillRunning
    });
    let elapsed = pursuit.began.elapsed();
    pursuit.record(outcome, elapsed);
    gate.pursuits.change(query, |pursued| {
        pursued.outcome = Some(outcome);
        pursued.elapsed = elapsed;
    });
}

struct Pursuit<'a> {
    engine: &'a Engine,
    gate: &'a Gate,
    query: QueryMark,
    began: Instant,
}

impl Pursuit<'_> {
    async fn run(&mut self) -> Result<Outcome, Error> {
        if proof::ended(self.gate, self.query, PATIENCE).await {
            return Ok(self.client_answered());
        }
        let Some(session) = self.gate.proxy().session(self.query.session) else { return Ok(self.client_answered()) };
        let Some(backend_pid) = session.facts.backend_pid else { return Ok(Outcome::StillRunning) };
        // As the user whose query it is: nobody else may cancel it for certain.
        let database = self.gate.login().database.clone();
        let login = Login { database, db_user: session.facts.db_user, db_name: session.facts.db_name };
        let monitor = self.engine.gate(&login)?.monitor().await?;

        // Asked although the server may show nothing live: what it shows may be late.
        match function::ask(StepKind::CancelBackend, backend_pid, &monitor, Some((self.gate, self.query))).await? {
            Asked::Done(call) => self.step(StepKind::CancelBackend, true, call),
            Asked::Refused { message, not_permitted } => {
                self.step(StepKind::CancelBackend, false, message);
                if not_permitted {
                    return Ok(Outcome::NotPermitted);
                }
            }
            Asked::GoneOn => return Ok(self.client_answered()),
        }
        let Some(status) = self.until_over(&monitor, backend_pid).await? else {
            return Ok(Outcome::StillRunning);
        };
        self.step(StepKind::ServerReports, true, status.clone());
        let (told, detail) = proof::client_told(self.gate, self.query).await;
        self.step(StepKind::ClientTold, told, detail);
        // A server without a history does not say how it ended; then counts what the client was told, by the server or by us.
        let canceled = match status.as_str() {
            "" => !told || self.gate.proxy().was_told(self.query) == Some(true),
            status => status == "canceled",
        };
        Ok(if canceled { Outcome::Canceled } else { Outcome::AlreadyFinished })
    }

    /// Waits until the server says that the query is over, and how; `None` when it still runs, and its client has no answer. A query
    /// that was never seen alive counts as over only once nothing of its session has been shown alive for a while.
    async fn until_over(&self, monitor: &Monitor, backend_pid: i32) -> Result<Option<String>, Error> {
        let began = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(50);
        let mut seen = None;
        loop {
            let found = running::queries_of(monitor, backend_pid).await?;
            if let Some(live) = found.iter().find(|query| query.lives()) {
                seen = Some(live.query_id);
                self.gate.pursuits.change(self.query, |pursued| pursued.query_id = seen);
            } else if seen.is_some() || began.elapsed() >= LATE_HISTORY {
                let over = found.into_iter().find(|query| seen.is_none_or(|id| id == query.query_id));
                self.gate.pursuits.change(self.query, |pursued| {
                    pursued.query_id = seen.or(over.as_ref().map(|query| query.query_id));
                });
                return Ok(Some(over.map_or_else(String::new, |query| query.status)));
            }
            if began.elapsed() >= LAST_PATIENCE {
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// The client has its answer: that it was canceled, or the query's own.
    fn client_answered(&self) -> Outcome {
        let told = self.gate.proxy().was_told(self.query);
        let code = if told == Some(true) { ErrorResponse::QUERY_CANCELED } else { "" };
        self.step(StepKind::ClientTold, true, code.to_owned());
        match told {
            Some(true) => Outcome::Canceled,
            Some(false) => Outcome::AlreadyFinished,
            None => Outcome::Terminated,
        }
    }

    fn step(&self, kind: StepKind, ok: bool, detail: String) {
        let at = self.began.elapsed();
        self.gate.pursuits.change(self.query, |pursued| {
            pursued.elapsed = at;
            pursued.steps.push(CancelStep { kind, ok, at, detail });
        });
    }

    fn record(&self, outcome: Outcome, elapsed: Duration) {
        let Some(pursued) = self.gate.pursuits.of(self.query.session) else { return };
        let login = self.gate.login();
        let user = self.engine.shared.identity().map(|identity| identity.sign_in.user).unwrap_or_default();
        let recorded = self.engine.audit().append(
            "db.session.query.cancel",
            "PST01I",
            json!({
                "user": user,
                "sid": self.query.session.to_string(),
                "db_service": login.database,
                "db_user": login.db_user,
                "db_name": login.db_name,
                "query_id": pursued.query_id,
                "outcome": outcome.word(),
                "steps": steps_json(&pursued.steps),
                "elapsed_ms": whole_millis(elapsed),
            }),
        );
        if let Err(error) = recorded {
            tracing::error!(%error, "the end of a cancel is missing from the audit log");
        }
    }
}
