//! Rules that watch.

use postern_engine as engine;
use postern_engine::millis;

use super::Host;
use crate::{
    error::Failure,
    watch::{QueryAlert, Watch, WatchKind, WatchRule, WatchState, WatchWhen, Watching},
};

impl Host {
    /// What is watched in each database.
    pub async fn watch_list(&self, (): ()) -> Result<Vec<Watching>, Failure> {
        Ok(self.engine()?.watches()?.into_iter().map(Into::into).collect())
    }

    /// Sets what is watched in a database.
    pub async fn watch_set(&self, watch: Watch) -> Result<Vec<Watching>, Failure> {
        self.engine()?.set_watch(watch.into())?;
        self.watch_list(()).await
    }
}

impl From<Watch> for engine::Watch {
    fn from(watch: Watch) -> Self {
        Self {
            login: watch.target.into(),
            on: watch.on,
            when: match watch.when {
                WatchWhen::WhileOursRun => engine::WatchWhen::WhileOursRun,
                WatchWhen::Always => engine::WatchWhen::Always,
            },
            every_seconds: watch.every_seconds,
            rules: watch.rules.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<engine::Watch> for Watch {
    fn from(watch: engine::Watch) -> Self {
        Self {
            target: watch.login.into(),
            on: watch.on,
            when: match watch.when {
                engine::WatchWhen::WhileOursRun => WatchWhen::WhileOursRun,
                engine::WatchWhen::Always => WatchWhen::Always,
            },
            every_seconds: watch.every_seconds,
            rules: watch.rules.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<WatchRule> for engine::WatchRule {
    fn from(WatchRule { kind, over, cancel }: WatchRule) -> Self {
        let kind = match kind {
            WatchKind::Runs => engine::RuleKind::Runs,
            WatchKind::Waits => engine::RuleKind::Waits,
            WatchKind::Returns => engine::RuleKind::Returns,
        };
        Self { kind, over, cancel }
    }
}

impl From<engine::WatchRule> for WatchRule {
    fn from(engine::WatchRule { kind, over, cancel }: engine::WatchRule) -> Self {
        let kind = match kind {
            engine::RuleKind::Runs => WatchKind::Runs,
            engine::RuleKind::Waits => WatchKind::Waits,
            engine::RuleKind::Returns => WatchKind::Returns,
        };
        Self { kind, over, cancel }
    }
}

impl From<engine::Watching> for Watching {
    fn from(watching: engine::Watching) -> Self {
        let (mut last_look, mut next_look, mut failure) = (None, None, None);
        let state = match watching.state {
            engine::WatchState::Off => WatchState::Off,
            engine::WatchState::SignedOut => WatchState::SignedOut,
            engine::WatchState::Resting { last_look: last } => {
                last_look = last;
                WatchState::Resting
            }
            engine::WatchState::Looking { last_look: last } => {
                last_look = last;
                WatchState::Looking
            }
            engine::WatchState::Failing { error, next_look: next } => {
                failure = Some(Failure::from(&*error));
                next_look = Some(next);
                WatchState::Failing
            }
        };
        let (last_look, next_look) = (last_look.map(millis), next_look.map(millis));
        Self { watch: watching.watch.into(), state, last_look, next_look, failure }
    }
}

impl From<engine::QueryAlert> for QueryAlert {
    fn from(alert: engine::QueryAlert) -> Self {
        let (cancel, failure) = match alert.canceled {
            Some(Ok(report)) => (Some(report.into()), None),
            Some(Err(error)) => (None, Some(Failure::from(&*error))),
            None => (None, None),
        };
        Self {
            target: alert.login.into(),
            rule: alert.rule.into(),
            value: alert.value,
            query_id: alert.query_id.to_string(),
            session_id: alert.session_id,
            text: alert.text,
            live: alert.live,
            cancel,
            failure,
        }
    }
}
