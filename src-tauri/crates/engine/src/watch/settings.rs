//! What a person wants to be told of, database by database, and the checks that stand before any of it is kept or used.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{error::Error, login::Login};

/// How often the server may be asked, in seconds.
const INTERVALS: std::ops::RangeInclusive<u64> = 2..=3600;

/// What is watched in one database. There is one at most for each.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// Through which login the server is asked. Its database user is whose queries are meant.
    pub login: Login,
    /// It watches. One that does not is kept as it was set.
    pub on: bool,
    /// When the server is asked.
    pub when: WatchWhen,
    /// How often, in seconds.
    pub every_seconds: u64,
    /// What is told. One of each kind at most.
    pub rules: Vec<WatchRule>,
}

/// When the server is asked. Every question keeps a Serverless workgroup awake, and is billed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchWhen {
    /// While a session of this app runs something as that database user: the workgroup is awake then.
    WhileOursRun,
    /// Always.
    Always,
}

/// One thing to be told of.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WatchRule {
    /// What is measured.
    pub kind: RuleKind,
    /// More than this many seconds, or bytes.
    pub over: u64,
    /// Cancel the query too.
    pub cancel: bool,
}

/// What a rule measures.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// How long a query has been running, waits included; in seconds.
    Runs,
    /// How long it has waited for locks and in queues, while it still waits; in seconds.
    Waits,
    /// How much it has given back; in bytes.
    Returns,
}

impl RuleKind {
    /// How it is called in the audit log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Waits => "waits",
            Self::Returns => "returns",
        }
    }
}

impl WatchRule {
    /// As the audit log gives the reason of a cancel.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.kind {
            RuleKind::Runs => format!("rule: runs over {} s", self.over),
            RuleKind::Waits => format!("rule: waits over {} s", self.over),
            RuleKind::Returns => format!("rule: returns over {} bytes", self.over),
        }
    }
}

impl Watch {
    /// Refuses what could not be meant.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] naming the field.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |field: &str, problem: String| {
            Err(Error::InvalidValue {
                field: field.to_owned(),
                problem: format!("{problem} ({})", self.login.database),
            })
        };
        if !INTERVALS.contains(&self.every_seconds) {
            let (first, last) = (INTERVALS.start(), INTERVALS.end());
            return wrong("every_seconds", format!("{} is not within {first} and {last}", self.every_seconds));
        }
        if self.rules.iter().any(|rule| rule.over == 0) {
            return wrong("over", "a limit of nothing would tell of every query".to_owned());
        }
        let kinds: BTreeSet<RuleKind> = self.rules.iter().map(|rule| rule.kind).collect();
        if kinds.len() < self.rules.len() {
            return wrong("rules", "two of them measure the same".to_owned());
        }
        if self.on && self.rules.is_empty() {
            return wrong("rules", "without one there is nothing to watch for".to_owned());
        }
        Ok(())
    }
}

/// Refuses a whole file with a mistake: what is left of it would not be what somebody relies on.
///
/// # Errors
/// [`Error::InvalidValue`] naming the field.
pub(crate) fn check_all(watches: &[Watch]) -> Result<(), Error> {
    watches.iter().try_for_each(Watch::check)?;
    let mut seen = BTreeSet::new();
    match watches.iter().find(|watch| !seen.insert(&watch.login.database)) {
        Some(twice) => Err(Error::InvalidValue {
            field: "database".to_owned(),
            problem: format!("{:?} is watched twice", twice.login.database),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn watch(database: &str) -> Watch {
        Watch {
            login: Login { database: database.into(), db_user: "ro".into(), db_name: "dev".into() },
            on: true,
            when: WatchWhen::WhileOursRun,
            every_seconds: 15,
            rules: vec![WatchRule { kind: RuleKind::Runs, over: 600, cancel: false }],
        }
    }

    #[test]
    fn mistakes_are_named_with_their_field() {
        let mistaken: [(&str, Watch); 4] = [
            ("every_seconds", Watch { every_seconds: 1, ..watch("a") }),
            ("over", Watch { rules: vec![WatchRule { kind: RuleKind::Runs, over: 0, cancel: false }], ..watch("a") }),
            ("rules", Watch { rules: [watch("a").rules, watch("a").rules].concat(), ..watch("a") }),
            ("rules", Watch { rules: vec![], ..watch("a") }),
        ];
        for (wanted, watch) in mistaken {
            let Err(Error::InvalidValue { field, .. }) = watch.check() else { panic!("{watch:?}") };
            assert_eq!(field, wanted);
        }
        Watch { on: false, rules: vec![], ..watch("a") }.check().unwrap();
    }

    #[test]
    fn a_database_is_watched_once() {
        check_all(&[watch("a"), watch("b")]).unwrap();
        check_all(&[watch("a"), watch("a")]).unwrap_err();
    }
}
