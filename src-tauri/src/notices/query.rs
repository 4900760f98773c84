//! A query of one's own that meets a rule, with the way to cancel it and what became of that.

use notify_rust::Notification;
use postern_ipc::{
    activity::{CancelOutcome, CancelQuery, CancelReport},
    contract::Show,
    error::Failure,
    host::Host,
    watch::{QueryAlert, WatchKind, WatchRule},
};
use tauri::AppHandle;

use crate::{texts::Texts, window};

const CANCEL: &str = "cancel";

/// How much of a query's text a notification shows.
const TEXT: usize = 80;

/// Shows one notification; a second one tells what became of the query when somebody has it canceled there.
pub(super) async fn tell(app: AppHandle, host: Host, alert: QueryAlert) {
    let texts = Texts::of(&app);
    let chosen = super::ask(&notification(texts, &alert), std::future::pending()).await;
    if chosen.as_deref() != Some(CANCEL) {
        if chosen.is_some() {
            open(&app, alert);
        }
        return;
    }
    let request = CancelQuery {
        target: alert.target.clone(),
        session_id: alert.session_id,
        query_id: alert.query_id.clone(),
        terminate: false,
        note: None,
        confirmed: false,
        why: Some("asked for in a notification".to_owned()),
    };
    let outcome = host.activity_cancel(request).await;
    let (title, sentence) = ended(texts, &outcome);
    let body =
        texts.notice_of("query_body", &[("database", &alert.target.database), ("text", &shortened(&alert.text))]);
    let told = notification_of(texts, title, &format!("{sentence} {body}"), false);
    if super::ask(&told, std::future::pending()).await.is_some() {
        open(&app, alert);
    }
}

/// Brings the query to the front.
fn open(app: &AppHandle, alert: QueryAlert) {
    window::show(app);
    let show = Show { view: "activity".to_owned(), database: Some(alert.target.database), query: Some(alert.query_id) };
    window::navigate(app, &show);
}

fn notification(texts: Texts, alert: &QueryAlert) -> Notification {
    let text = shortened(&alert.text);
    let (database, value) = (alert.target.database.as_str(), measure(texts, alert.rule, alert.value));
    let title = texts.notice_of(title_key(alert.rule.kind), &[("value", &value)]);
    let outcome = match (&alert.cancel, &alert.failure) {
        (Some(report), _) => Some(Ok(report.clone())),
        (None, Some(failure)) => Some(Err(failure.clone())),
        (None, None) => None,
    };
    match outcome {
        None => {
            let body = texts.notice_of("query_body", &[("database", database), ("text", &text)]);
            notification_of(texts, &title, &body, alert.live)
        }
        // The rule had it canceled.
        Some(outcome) => {
            let (heading, sentence) = ended(texts, &outcome);
            let values = [("rule", title.as_str()), ("outcome", &sentence), ("database", database), ("text", &text)];
            notification_of(texts, heading, &texts.notice_of("query_canceled_body", &values), false)
        }
    }
}

#[cfg_attr(not(target_os = "linux"), expect(unused_variables, unused_mut, reason = "only Linux has actions"))]
fn notification_of(texts: Texts, title: &str, body: &str, can_cancel: bool) -> Notification {
    let mut notification = super::notification(title, body);
    #[cfg(target_os = "linux")]
    {
        notification.action("default", texts.notice("query_open"));
        if can_cancel {
            notification.action(CANCEL, texts.notice("query_cancel"));
        }
    }
    notification
}

fn title_key(kind: WatchKind) -> &'static str {
    match kind {
        WatchKind::Runs => "query_runs",
        WatchKind::Waits => "query_waits",
        WatchKind::Returns => "query_returns",
    }
}

/// `90 s`, `12 min`, `1.5 GB`.
fn measure(texts: Texts, rule: WatchRule, value: u64) -> String {
    let of = |key: &str, count: String| texts.notice_of(key, &[("count", &count)]);
    match rule.kind {
        WatchKind::Returns => {
            let tenths = value / 100_000_000;
            of("gigabytes", format!("{}.{}", tenths / 10, tenths % 10))
        }
        WatchKind::Runs | WatchKind::Waits if value < 120 => of("seconds", value.to_string()),
        WatchKind::Runs | WatchKind::Waits => of("minutes", (value / 60).to_string()),
    }
}

/// Title and sentence of how a cancel ended.
fn ended(texts: Texts, outcome: &Result<CancelReport, Failure>) -> (&'static str, String) {
    let report = match outcome {
        Ok(report) => report,
        Err(failure) => {
            let sentence = texts.notice_of("outcome_failed", &[("reason", &failure.message)]);
            return (texts.notice("query_not_canceled"), sentence);
        }
    };
    let (title, key) = match report.outcome {
        CancelOutcome::Canceled => ("query_canceled", "outcome_canceled"),
        CancelOutcome::Terminated => ("query_canceled", "outcome_terminated"),
        CancelOutcome::Ended => ("query_canceled", "outcome_ended"),
        CancelOutcome::NotSeen => ("query_not_canceled", "outcome_not_seen"),
        CancelOutcome::ConfirmationNeeded => ("query_not_canceled", "outcome_not_mine"),
        CancelOutcome::AlreadyFinished => ("query_not_canceled", "outcome_already_finished"),
        CancelOutcome::QueryChanged => ("query_not_canceled", "outcome_query_changed"),
        CancelOutcome::StillRunning => ("query_not_canceled", "outcome_still_running"),
        CancelOutcome::NotPermitted => ("query_not_canceled", "outcome_not_permitted"),
    };
    let took = texts
        .notice_of("seconds", &[("count", &format!("{}.{}", report.elapsed_ms / 1000, report.elapsed_ms / 100 % 10))]);
    (texts.notice(title), texts.notice_of(key, &[("value", &took)]))
}

/// One line. Desktops take some markup in a body, so nothing that looks like it is left in.
fn shortened(text: &str) -> String {
    let line = text.replace("\\n", " ").replace(['<', '>', '&'], " ");
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= TEXT {
        return line;
    }
    line.chars().take(TEXT).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use postern_ipc::databases::Target;

    use super::*;
    use crate::texts::Language;

    fn alert(kind: WatchKind, value: u64) -> QueryAlert {
        QueryAlert {
            target: Target { database: "sales".into(), db_user: "ro".into(), db_name: "dev".into() },
            rule: WatchRule { kind, over: 60, cancel: false },
            value,
            query_id: "7".into(),
            session_id: 5,
            text: "select\\n  a < b".into(),
            live: true,
            cancel: None,
            failure: None,
        }
    }

    fn report(outcome: CancelOutcome) -> CancelReport {
        CancelReport {
            outcome,
            steps: Vec::new(),
            elapsed_ms: 1234,
            asked_at: 0,
            user: None,
            text: None,
            session: None,
            grant: None,
        }
    }

    #[test]
    fn what_was_measured_is_in_the_title_and_the_query_in_the_body() {
        let texts = Texts(Language::English);
        let titles = [(WatchKind::Runs, 90), (WatchKind::Runs, 750), (WatchKind::Returns, 1_590_000_000)]
            .map(|(kind, value)| notification(texts, &alert(kind, value)).summary);
        let wanted = ["Your query has run for 90 s", "Your query has run for 12 min", "Your query has returned 1.5 GB"];
        assert_eq!(titles, wanted);
        assert_eq!(notification(texts, &alert(WatchKind::Waits, 75)).body, "sales: select a b");
    }

    #[test]
    fn a_canceled_query_is_told_with_the_rule_and_the_servers_word() {
        for texts in [Texts(Language::English), Texts(Language::Korean)] {
            let canceled = QueryAlert { cancel: Some(report(CancelOutcome::Canceled)), ..alert(WatchKind::Runs, 90) };
            let told = notification(texts, &canceled);
            assert!(
                told.body.contains("90") && told.body.contains("1.2") && told.body.contains("sales"),
                "{}",
                told.body
            );
            assert!(!told.body.contains("{{"), "{}", told.body);
        }
    }

    #[test]
    fn every_outcome_has_words_in_both_languages() {
        use CancelOutcome::*;
        let outcomes = [
            Canceled,
            Terminated,
            Ended,
            AlreadyFinished,
            QueryChanged,
            NotSeen,
            ConfirmationNeeded,
            StillRunning,
            NotPermitted,
        ];
        for texts in [Texts(Language::English), Texts(Language::Korean)] {
            for outcome in outcomes {
                let (title, sentence) = ended(texts, &Ok(report(outcome)));
                assert!(
                    title.contains(' ') && sentence.contains(' ') && !sentence.contains("{{"),
                    "{title}: {sentence}"
                );
            }
        }
    }
}
