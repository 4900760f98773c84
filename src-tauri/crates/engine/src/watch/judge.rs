//! What a look at the server means under the rules: a function of what was seen, of the rules and of what was told before.
//! It knows no clock: how long a query runs is the server's to say, whose clock may differ from ours.

use std::collections::{BTreeMap, BTreeSet};

use crate::activity::is_live;

use super::settings::{RuleKind, WatchRule};

/// A query of one's own at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Seen {
    pub(super) query_id: i64,
    pub(super) session_id: i32,
    /// As the server spells it.
    pub(super) status: String,
    pub(super) elapsed_us: u64,
    /// For locks and in queues.
    pub(super) waited_us: u64,
    /// The server says that it waits for a lock this instant.
    pub(super) waits_for_lock: bool,
    /// Given back so far.
    pub(super) bytes: u64,
    pub(super) text: String,
}

/// A rule that a query has just come to meet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Met {
    pub(super) rule: WatchRule,
    /// Seconds, or bytes.
    pub(super) value: u64,
    pub(super) query: Seen,
}

impl Seen {
    pub(super) fn lives(&self) -> bool {
        is_live(&self.status)
    }
}

impl Met {
    /// It is to be canceled: the rule says so, and there is something to cancel.
    pub(super) fn cancels(&self) -> bool {
        self.rule.cancel && self.query.lives()
    }
}

/// What is known from earlier looks. It holds nothing of a query that is no longer seen.
#[derive(Debug, Default)]
pub(super) struct Told {
    told: BTreeSet<(i64, RuleKind)>,
    live: BTreeMap<i64, u64>,
}

impl Told {
    /// The queries that lived at the last look: how they ended is worth one more.
    pub(super) fn live(&self) -> BTreeSet<i64> {
        self.live.keys().copied().collect()
    }
}

/// The rules that queries meet for the first time, in the order of the queries. Each is told once for each query and rule.
pub(super) fn judge(seen: &[Seen], rules: &[WatchRule], told: &mut Told) -> Vec<Met> {
    let mut met = Vec::new();
    for query in seen {
        for rule in rules {
            let Some(value) = value(query, rule, &told.live) else { continue };
            if told.told.insert((query.query_id, rule.kind)) {
                met.push(Met { rule: *rule, value, query: query.clone() });
            }
        }
    }
    told.told.retain(|(id, _)| seen.iter().any(|query| query.query_id == *id));
    told.live = seen.iter().filter(|query| query.lives()).map(|query| (query.query_id, query.waited_us)).collect();
    met
}

/// What the rule measures, when it is over its limit.
fn value(query: &Seen, rule: &WatchRule, waited_before: &BTreeMap<i64, u64>) -> Option<u64> {
    let seconds = |us: u64| us / 1_000_000;
    let (value, over) = match rule.kind {
        RuleKind::Runs if query.lives() => {
            (seconds(query.elapsed_us), query.elapsed_us > rule.over.saturating_mul(1_000_000))
        }
        RuleKind::Waits if waits(query, waited_before) => {
            (seconds(query.waited_us), query.waited_us > rule.over.saturating_mul(1_000_000))
        }
        // What came is known best when it is over.
        RuleKind::Returns => (query.bytes, query.bytes > rule.over),
        RuleKind::Runs | RuleKind::Waits => return None,
    };
    over.then_some(value)
}

/// It waits now: a query that has waited long and runs at last is not to be told of, let alone canceled. No status tells of a
/// lock, and not every server does: then that the time grows.
fn waits(query: &Seen, before: &BTreeMap<i64, u64>) -> bool {
    query.lives()
        && (query.status == "queued"
            || query.waits_for_lock
            || before.get(&query.query_id).is_some_and(|before| query.waited_us > *before))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [WatchRule; 3] = [
        WatchRule { kind: RuleKind::Runs, over: 60, cancel: true },
        WatchRule { kind: RuleKind::Waits, over: 10, cancel: false },
        WatchRule { kind: RuleKind::Returns, over: 1000, cancel: true },
    ];

    /// A query at a moment of the server's clock that a test sets, in seconds since it began.
    fn query(id: i64, status: &str, elapsed: u64, waited: u64, bytes: u64) -> Seen {
        Seen {
            query_id: id,
            session_id: 1,
            status: status.to_owned(),
            elapsed_us: elapsed * 1_000_000,
            waited_us: waited * 1_000_000,
            waits_for_lock: false,
            bytes,
            text: String::new(),
        }
    }

    fn kinds(met: &[Met]) -> Vec<(i64, RuleKind, u64)> {
        met.iter().map(|met| (met.query.query_id, met.rule.kind, met.value)).collect()
    }

    #[test]
    fn a_query_over_its_time_is_told_of_once_however_often_it_is_seen() {
        let mut told = Told::default();
        assert!(judge(&[query(1, "running", 60, 0, 0)], &RULES, &mut told).is_empty(), "60 s is not over 60 s");
        let met = judge(&[query(1, "running", 61, 0, 0), query(2, "running", 5, 0, 0)], &RULES, &mut told);
        assert_eq!(kinds(&met), [(1, RuleKind::Runs, 61)]);
        assert!(met[0].cancels());
        for elapsed in [62, 600] {
            assert!(judge(&[query(1, "running", elapsed, 0, 0)], &RULES, &mut told).is_empty());
        }
        let met = judge(&[query(2, "returning", 100, 0, 0)], &RULES, &mut told);
        assert_eq!(kinds(&met), [(2, RuleKind::Runs, 100)]);
    }

    #[test]
    fn only_what_still_waits_is_told_to_wait() {
        let mut told = Told::default();
        let queued = query(1, "queued", 11, 11, 0);
        assert_eq!(kinds(&judge(&[queued], &RULES, &mut told)), [(1, RuleKind::Waits, 11)]);

        let waits = Seen { waits_for_lock: true, ..query(1, "running", 12, 11, 0) };
        assert_eq!(kinds(&judge(&[waits], &RULES, &mut Told::default())), [(1, RuleKind::Waits, 11)]);

        // A lock shows in no status.
        let mut told = Told::default();
        assert!(judge(&[query(1, "running", 12, 11, 0)], &RULES, &mut told).is_empty(), "it may have stopped waiting");
        assert_eq!(kinds(&judge(&[query(1, "running", 14, 13, 0)], &RULES, &mut told)), [(1, RuleKind::Waits, 13)]);

        let mut told = Told::default();
        judge(&[query(1, "running", 9, 9, 0)], &RULES, &mut told);
        judge(&[query(1, "running", 40, 30, 0)], &[], &mut told);
        assert!(judge(&[query(1, "running", 50, 30, 0)], &RULES, &mut told).is_empty(), "it runs at last");
    }

    #[test]
    fn what_was_given_back_counts_until_the_end_and_an_ended_query_is_not_canceled() {
        let mut told = Told::default();
        assert!(judge(&[query(1, "returning", 1, 0, 1000)], &RULES, &mut told).is_empty());
        let met = judge(&[query(1, "success", 2, 0, 5000)], &RULES, &mut told);
        assert_eq!(kinds(&met), [(1, RuleKind::Returns, 5000)]);
        assert!(!met[0].cancels());
        assert!(told.live().is_empty());
    }

    #[test]
    fn an_ended_query_is_neither_slow_nor_waiting() {
        let mut told = Told::default();
        let ended = [query(1, "success", 100, 50, 0), query(2, "canceled", 100, 50, 0)];
        assert!(judge(&ended, &RULES, &mut told).is_empty());
    }

    #[test]
    fn nothing_is_kept_of_queries_that_are_gone() {
        let mut told = Told::default();
        judge(&[query(1, "running", 61, 0, 0)], &RULES, &mut told);
        assert_eq!(told.live(), BTreeSet::from([1]));
        judge(&[], &RULES, &mut told);
        assert!(told.told.is_empty() && told.live.is_empty());
    }
}
