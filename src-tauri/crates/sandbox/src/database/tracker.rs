//! Follows one session's messages in both directions, to know which statement runs and how it ended.
//!
//! The protocol answers in order, so a queue of what was asked is enough: the head of the queue is what the server is
//! busy with. PostgreSQL, though, sends what it has to say of several statements in one simple query only when the last
//! has ended or its buffer is full: until then the first of them seems to run. Likewise ParseComplete comes with what follows it, so a
//! statement behind a Parse counts as begun. COPY FROM STDIN in the extended protocol would need more (a Sync sent while data flows has no answer of
//! its own); Redshift has no such COPY.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;

use super::admission::{Admission, Entered, Held, Phase, Slot};
use super::history::{Ending, History, QueryId, Returned, SessionIdentity};
use super::{statements, wire};

/// SQLSTATE of a canceled query.
const QUERY_CANCELED: &str = "57014";
/// What a query has given back so far is noted whenever so many more bytes have passed.
const RETURNED_STEP: i64 = 1 << 20;
/// SQLSTATE of a session that an administrator ended.
const ADMIN_SHUTDOWN: &str = "57P01";

/// What a session has asked for and not been answered.
#[derive(Debug)]
pub(crate) struct Tracker {
    history: Arc<History>,
    admission: Arc<Admission>,
    who: SessionIdentity,
    begun: i64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pending: VecDeque<Pending>,
    /// Text by the name of the prepared statement.
    statements: HashMap<String, String>,
    portals: HashMap<String, Portal>,
    /// None when no transaction is open and none has been numbered for what comes next.
    transaction: Option<i64>,
    /// Set from the first statement that had to be admitted until the server waits for the next: it runs one at a time.
    slot: Option<Slot>,
    /// A session for which the running statement has left a message.
    left_message: Option<i32>,
    /// Where the last of `pending` is, while it is held back.
    holding: Option<Phase>,
    /// A statement was canceled while it was held back: the server will skip what follows it, up to the next Sync.
    skips: bool,
}

#[derive(Debug, Default)]
struct Portal {
    text: String,
    /// Set when it has given some of its rows and waits to be asked for more.
    suspended: Option<Run>,
}

/// A query in the log that has not ended.
#[derive(Clone, Copy, Debug)]
struct Run {
    query_id: QueryId,
    returned: Returned,
}

#[derive(Debug)]
enum Pending {
    /// A simple query: answered by one or more results and ReadyForQuery.
    /// `canceled` before the server had it: whatever the server says of what was sent in its place means that.
    Simple { rest: VecDeque<String>, run: Option<Run>, canceled: bool },
    /// Parse: answered by ParseComplete.
    Parse { text: String },
    /// Execute: answered by CommandComplete, EmptyQueryResponse or PortalSuspended.
    Execute { portal: String, text: String, run: Option<Run>, canceled: bool },
    /// Sync or FunctionCall: answered by ReadyForQuery.
    Sync,
}

/// What is to be done with a message from the client.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Wait for the log before the message goes on.
    pub(crate) reads_history: bool,
    /// Send this text in place of the message's own.
    pub(crate) rewritten: Option<String>,
    /// It asks the server to cancel a query or end a session.
    pub(crate) signals: bool,
    /// It mixes what Redshift may keep apart, see [`statements::mixes_nodes`].
    pub(crate) mixes_nodes: bool,
    /// Hold the message back until this has passed; see [`Tracker::pass`].
    pub(crate) held: Option<Held>,
}

/// What is to be done with a message from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It goes on as it is.
    AsItIs,
    /// This goes on in its place, since a query was canceled.
    Canceled(BytesMut),
}

impl Tracker {
    /// Begins to follow a session that has just logged in.
    pub(crate) fn new(history: Arc<History>, admission: Arc<Admission>, who: SessionIdentity) -> Self {
        let begun = history.begin_session(&who);
        Self { history, admission, who, begun, state: Mutex::default() }
    }

    /// The log it writes to.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Notes a message from the client. `body` may be cut short when the message is very long.
    pub(crate) fn asked(&self, tag: u8, mut body: &[u8]) -> Asked {
        let mut state = self.lock();
        let mut asked = Asked::default();
        match tag {
            b'Q' => {
                let text = text_of(body);
                let rest = statements::split(&text).into_iter().map(str::to_owned).collect();
                asked = Asked::for_text(&text);
                if let Some((session_id, message)) = statements::cancel_message(&text) {
                    self.history.leave_message(session_id, message);
                    state.left_message = Some(session_id);
                }
                asked.held = self.enter(&mut state, &text);
                state.pending.push_back(Pending::Simple { rest, run: None, canceled: false });
            }
            b'P' => {
                let name = wire::take_text(&mut body).unwrap_or_default();
                let text = text_of(body);
                asked.rewritten = statements::in_postgres(&text);
                state.statements.insert(name, text.clone());
                state.pending.push_back(Pending::Parse { text });
            }
            b'B' => {
                let portal = wire::take_text(&mut body).unwrap_or_default();
                let statement = wire::take_text(&mut body).unwrap_or_default();
                let text = state.statements.get(&statement).cloned().unwrap_or_default();
                state.portals.insert(portal, Portal { text, suspended: None });
            }
            b'E' => {
                let portal = wire::take_text(&mut body).unwrap_or_default();
                // A portal that was opened with DECLARE is known to the server alone.
                let text = state.portals.get(&portal).map(|portal| portal.text.clone()).unwrap_or_default();
                asked.reads_history = statements::reads_history(&text);
                // What was left of a portal goes on where it was.
                if state.portals.get(&portal).is_none_or(|portal| portal.suspended.is_none()) {
                    asked.held = self.enter(&mut state, &text);
                }
                state.pending.push_back(Pending::Execute { portal, text, run: None, canceled: false });
            }
            b'C' => self.closed(&mut state, body),
            b'S' | b'F' => {
                state.skips = false;
                state.pending.push_back(Pending::Sync);
            }
            _ => {}
        }
        self.start_head(&mut state);
        asked
    }

    /// Asks for leave to run a statement that is not for the leader node alone, unless the session has it already.
    fn enter(&self, state: &mut State, text: &str) -> Option<Held> {
        if state.slot.is_some() || state.skips || statements::split(text).into_iter().all(statements::is_for_the_leader)
        {
            return None;
        }
        match self.admission.enter(self.who.session_id) {
            Entered::Admitted(slot) => {
                state.slot = Some(slot);
                None
            }
            Entered::Held(held) => {
                state.holding = Some(held.phase());
                Some(held)
            }
        }
    }

    /// Waits until the last statement asked for may go on to the server; whether it may, or was canceled.
    pub(crate) async fn pass(&self, held: Held) -> bool {
        let slot = held.pass(|phase| self.set_phase(phase)).await;
        let admitted = slot.is_some();
        if admitted {
            self.set_phase(Phase::Running);
        }
        let mut state = self.lock();
        state.holding = None;
        state.slot = slot;
        if let Some(Pending::Simple { canceled, .. } | Pending::Execute { canceled, .. }) = state.pending.back_mut() {
            *canceled = !admitted;
        }
        state.skips = !admitted && matches!(state.pending.back(), Some(Pending::Execute { .. }));
        admitted
    }

    fn set_phase(&self, phase: Phase) {
        let mut state = self.lock();
        state.holding = Some(phase);
        if let Some(run) = state.pending.back_mut().and_then(Pending::run_mut) {
            self.history.set_phase(run.query_id, phase);
        }
    }

    /// Notes rows of the running query as they pass: `bytes` with the header.
    pub(crate) fn returned(&self, rows: i64, bytes: i64) {
        if let Some(run) = self.lock().pending.front_mut().and_then(Pending::run_mut) {
            let before = run.returned.bytes;
            run.returned.rows += rows;
            run.returned.bytes += bytes;
            if before / RETURNED_STEP != run.returned.bytes / RETURNED_STEP {
                self.history.returned(run.query_id, run.returned);
            }
        }
    }

    /// Notes any other message from the server.
    pub(crate) fn answered(&self, tag: u8, body: &[u8]) -> Answered {
        let mut state = self.lock();
        match tag {
            b'1' => {
                if matches!(state.pending.front(), Some(Pending::Parse { .. })) {
                    state.pending.pop_front();
                }
            }
            b'C' => self.completed(&mut state, body),
            b'I' => {
                if matches!(state.pending.front(), Some(Pending::Execute { .. })) {
                    state.pending.pop_front();
                }
            }
            b's' => suspended(&mut state),
            b'E' => return self.failed(&mut state, body),
            b'Z' => self.ready(&mut state, body),
            _ => {}
        }
        self.start_head(&mut state);
        Answered::AsItIs
    }

    /// Notes that the connection to the server is gone: nothing can run any more.
    pub(crate) fn ended(&self) {
        let mut state = self.lock();
        let lost = || Ending::Failed("the session ended before the query did".to_owned());
        while let Some(mut pending) = state.pending.pop_front() {
            if let Some(run) = pending.run_mut() {
                self.history.finish(run.query_id, lost(), run.returned);
            }
        }
        self.finish_portals(&mut state);
        self.history.end_session(&self.who, self.begun);
    }

    /// Puts the first statement of the queue into the log, if it is not there yet.
    fn start_head(&self, state: &mut State) {
        let State { pending, portals, transaction, holding, .. } = state;
        let Some(first) = pending.iter().position(|pending| !matches!(pending, Pending::Parse { .. })) else { return };
        let phase = holding.filter(|_| first + 1 == pending.len()).unwrap_or(Phase::Running);
        let (run, text) = match pending.get_mut(first) {
            Some(Pending::Simple { run: run @ None, rest, .. }) => match rest.pop_front() {
                Some(text) => (run, text),
                None => return,
            },
            Some(Pending::Execute { run: run @ None, portal, text, .. }) => {
                if let Some(resumed) = portals.get_mut(portal).and_then(|portal| portal.suspended.take()) {
                    *run = Some(resumed);
                    return;
                }
                (run, text.clone())
            }
            _ => return,
        };
        if text.is_empty() {
            return;
        }
        let transaction = *transaction.get_or_insert_with(|| self.history.next_transaction());
        let query_id = self.history.begin(&self.who, transaction, &text, phase);
        *run = Some(Run { query_id, returned: Returned::default() });
    }

    fn completed(&self, state: &mut State, body: &[u8]) {
        let Some(head) = state.pending.front_mut() else { return };
        if let Some(mut run) = head.take_run() {
            let tag = text_of(body);
            // `INSERT 0 5`: rows that were changed did not pass by.
            if run.returned.rows == 0 && !tag.starts_with("SELECT") {
                run.returned.rows = tag.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
            }
            self.history.finish(run.query_id, Ending::Success, run.returned);
        }
        if matches!(head, Pending::Execute { .. }) {
            state.pending.pop_front();
        }
    }

    fn failed(&self, state: &mut State, body: &[u8]) -> Answered {
        let code = wire::error_field(body, b'C').unwrap_or_default();
        let message = wire::error_field(body, b'M').unwrap_or_default();
        let mut failed = None;
        let mut held = false;
        match state.pending.front_mut() {
            Some(Pending::Parse { text }) => {
                let text = std::mem::take(text);
                // The statement behind it counts as begun, most often the one that was to be parsed.
                failed = state.pending.iter_mut().find_map(Pending::take_run);
                if failed.is_none() {
                    let transaction = *state.transaction.get_or_insert_with(|| self.history.next_transaction());
                    let query_id = self.history.begin(&self.who, transaction, &text, Phase::Running);
                    failed = Some(Run { query_id, returned: Returned::default() });
                }
            }
            Some(head) => {
                held = matches!(head, Pending::Simple { canceled: true, .. } | Pending::Execute { canceled: true, .. });
                failed = head.take_run();
            }
            None => {}
        }
        if let Some(session_id) = state.left_message.take() {
            // Nothing was canceled, so nobody is to be told.
            self.history.forget_message(session_id);
        }
        // The server skips everything up to the next Sync; of a simple query it drops the rest.
        match state.pending.front_mut() {
            Some(Pending::Simple { rest, .. }) => rest.clear(),
            _ => {
                while state.pending.front().is_some_and(|next| !matches!(next, Pending::Sync)) {
                    state.pending.pop_front();
                }
            }
        }
        let Some(run) = failed else { return Answered::AsItIs };
        if held || (code == QUERY_CANCELED && message.contains("user request")) {
            let left = self.history.take_message(self.who.session_id, run.query_id);
            let message = left.unwrap_or_else(|| format!("Query ({}) cancelled on user's request", run.query_id));
            let answer = wire::error_response("ERROR", QUERY_CANCELED, &message);
            self.history.finish(run.query_id, Ending::Canceled(message), run.returned);
            return Answered::Canceled(answer);
        }
        let canceled = code == QUERY_CANCELED || code == ADMIN_SHUTDOWN;
        let ending = if canceled { Ending::Canceled(message) } else { Ending::Failed(message) };
        self.history.finish(run.query_id, ending, run.returned);
        Answered::AsItIs
    }

    fn ready(&self, state: &mut State, body: &[u8]) {
        state.left_message = None;
        while let Some(answered) = state.pending.pop_front() {
            if matches!(answered, Pending::Sync | Pending::Simple { .. }) {
                break;
            }
        }
        if body.first() == Some(&b'I') {
            state.transaction = None;
            self.finish_portals(state);
        }
        if state.pending.is_empty() {
            state.slot = None;
        }
    }

    /// A Close message: a statement, or a portal that may have had rows left.
    fn closed(&self, state: &mut State, body: &[u8]) {
        let Some((kind, mut name)) = body.split_first() else { return };
        let name = wire::take_text(&mut name).unwrap_or_default();
        if *kind == b'S' {
            state.statements.remove(&name);
        } else if let Some(run) = state.portals.remove(&name).and_then(|portal| portal.suspended) {
            self.history.finish(run.query_id, Ending::Success, run.returned);
        }
    }

    /// Portals go with their transaction, read to the end or not.
    fn finish_portals(&self, state: &mut State) {
        // Those that a pipelining client has bound already for its next Sync stay.
        let open: Vec<Run> = state.portals.values_mut().filter_map(|portal| portal.suspended.take()).collect();
        for run in open {
            self.history.finish(run.query_id, Ending::Success, run.returned);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Only one task of a session can have panicked with it, and the session goes with the task.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    fn for_text(text: &str) -> Self {
        let rewritten = statements::in_postgres(text);
        Self {
            reads_history: statements::reads_history(text),
            rewritten,
            signals: statements::signals_a_session(text),
            mixes_nodes: statements::mixes_nodes(text),
            held: None,
        }
    }
}

impl Pending {
    fn run_mut(&mut self) -> Option<&mut Run> {
        match self {
            Self::Simple { run, .. } | Self::Execute { run, .. } => run.as_mut(),
            Self::Parse { .. } | Self::Sync => None,
        }
    }

    fn take_run(&mut self) -> Option<Run> {
        match self {
            Self::Simple { run, .. } | Self::Execute { run, .. } => run.take(),
            Self::Parse { .. } | Self::Sync => None,
        }
    }
}

/// The head has given as many rows as it was asked for.
fn suspended(state: &mut State) {
    if let Some(Pending::Execute { portal, run, .. }) =
        state.pending.pop_front_if(|p| matches!(p, Pending::Execute { .. }))
        && let Some(portal) = state.portals.get_mut(&portal)
    {
        portal.suspended = run;
    }
}

/// The text a body begins with, up to its end mark or as far as the body was kept.
fn text_of(body: &[u8]) -> String {
    let end = body.iter().position(|byte| *byte == 0).unwrap_or(body.len());
    String::from_utf8_lossy(&body[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracker() -> Tracker {
        let who = SessionIdentity {
            session_id: 1_073_750_177,
            user_id: 100,
            username: "IAMR:x".to_owned(),
            database: "dev".to_owned(),
            startup: Vec::new(),
        };
        // No writer: what is noted is all that these tests look at.
        Tracker::new(Arc::default(), Arc::default(), who)
    }

    fn summary(tracker: &Tracker) -> Vec<(String, &'static str, i64)> {
        tracker.history().summary()
    }

    fn row(text: &str, status: &'static str, rows: i64) -> (String, &'static str, i64) {
        (text.to_owned(), status, rows)
    }

    fn error(code: &str, message: &str) -> Vec<u8> {
        wire::error_response("ERROR", code, message)[5..].to_vec()
    }

    #[test]
    fn statements_of_a_simple_query_follow_each_other_until_one_fails() {
        let tracker = tracker();
        tracker.asked(b'Q', b"select 1; select oops; select 3\0");
        assert_eq!(summary(&tracker), [row("select 1", "running", 0)]);
        tracker.returned(1, 20);
        tracker.answered(b'C', b"SELECT 1\0");
        tracker.answered(b'E', &error("42703", "no oops"));
        tracker.answered(b'Z', b"I");
        assert_eq!(summary(&tracker), [row("select 1", "success", 1), row("select oops", "failed", 0)]);
    }

    #[test]
    fn what_a_server_skips_after_an_error_never_ran() {
        let tracker = tracker();
        for text in ["select 1", "select 2"] {
            tracker.asked(b'P', format!("\0{text}\0\0\0").as_bytes());
            tracker.asked(b'B', b"\0\0\0\0\0\0\0\0");
            tracker.asked(b'E', b"\0\0\0\0\0");
        }
        tracker.asked(b'S', b"");
        tracker.asked(b'Q', b"select 3\0");
        tracker.answered(b'1', b"");
        tracker.answered(b'E', &error("22012", "division by zero"));
        tracker.answered(b'Z', b"I");
        assert_eq!(summary(&tracker), [row("select 1", "failed", 0), row("select 3", "running", 0)]);
    }

    #[test]
    fn a_statement_that_does_not_parse_is_in_the_log() {
        let tracker = tracker();
        tracker.asked(b'P', b"\0selec 1\0\0\0");
        tracker.asked(b'S', b"");
        tracker.answered(b'E', &error("42601", "syntax error"));
        tracker.answered(b'Z', b"I");
        assert_eq!(summary(&tracker), [row("selec 1", "failed", 0)]);
    }

    #[test]
    fn a_portal_that_is_not_read_to_its_end_ends_with_the_transaction() {
        let tracker = tracker();
        tracker.asked(b'P', b"s\0select 1\0\0\0");
        tracker.asked(b'B', b"p\0s\0\0\0\0\0\0\0");
        tracker.asked(b'E', b"p\0\0\0\0\x02");
        tracker.answered(b'1', b"");
        tracker.returned(2, 40);
        tracker.answered(b's', b"");
        assert_eq!(summary(&tracker), [row("select 1", "running", 0)]);
        tracker.asked(b'S', b"");
        tracker.answered(b'Z', b"I");
        assert_eq!(summary(&tracker), [row("select 1", "success", 2)]);
    }

    #[test]
    fn a_cancel_is_told_with_the_number_of_the_query_and_a_timeout_as_it_came() {
        let tracker = tracker();
        tracker.asked(b'Q', b"select 1\0");
        let answered = tracker.answered(b'E', &error("57014", "canceling statement due to user request"));
        let sentence = "Query (1) cancelled on user's request";
        assert_eq!(answered, Answered::Canceled(wire::error_response("ERROR", "57014", sentence)));
        tracker.answered(b'Z', b"I");
        tracker.asked(b'Q', b"select 2\0");
        let answered = tracker.answered(b'E', &error("57014", "canceling statement due to statement timeout"));
        assert_eq!(answered, Answered::AsItIs);
        assert_eq!(summary(&tracker), [row("select 1", "canceled", 0), row("select 2", "canceled", 0)]);
    }

    #[test]
    fn a_statement_asked_for_together_with_its_parse_is_in_the_log_while_it_runs() {
        let tracker = tracker();
        for (tag, body) in [(b'P', &b"\0select 1\0\0\0"[..]), (b'B', b"\0\0\0\0\0\0\0\0"), (b'E', b"\0\0\0\0\0")] {
            tracker.asked(tag, body);
        }
        tracker.asked(b'S', b"");
        assert_eq!(summary(&tracker), [row("select 1", "running", 0)]);
        tracker.answered(b'E', &error("42601", "syntax error"));
        tracker.answered(b'Z', b"I");
        assert_eq!(summary(&tracker), [row("select 1", "failed", 0)]);
    }

    #[tokio::test]
    async fn what_is_canceled_while_it_queues_ends_so_whatever_the_server_says_of_its_replacement() {
        let tracker = tracker();
        tracker.admission.limit(Some(0));
        assert!(tracker.asked(b'Q', b"select 1\0").held.is_none(), "the leader's own statements never queue");
        tracker.answered(b'C', b"SELECT 1\0");
        tracker.answered(b'Z', b"T");
        let held = tracker.asked(b'Q', b"select 1 from t\0").held.expect("it queues");
        assert_eq!(summary(&tracker)[1], row("select 1 from t", "queued", 0));
        assert!(tracker.admission.cancel(tracker.who.session_id));
        assert!(!tracker.pass(held).await);
        let sentence = "Query (2) cancelled on user's request";
        let answered = tracker.answered(b'E', &error("42601", "syntax error"));
        assert_eq!(answered, Answered::Canceled(wire::error_response("ERROR", "57014", sentence)));
        tracker.answered(b'Z', b"E");
        assert_eq!(summary(&tracker)[1], row("select 1 from t", "canceled", 0));
    }

    #[test]
    fn a_session_that_is_cut_leaves_no_query_running() {
        let tracker = tracker();
        tracker.asked(b'Q', b"select 1\0");
        tracker.ended();
        assert_eq!(summary(&tracker), [row("select 1", "failed", 0)]);
    }
}
