//! What became of a cancel, in words, in the language of the terminal.

use std::time::Duration;

use postern_engine::{CancelReport, Outcome, SessionAfter, rfc3339};

/// In which language.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Language {
    English,
    Korean,
}

impl Language {
    /// As the locale says: `LC_ALL`, else `LC_MESSAGES`, else `LANG`.
    pub(crate) fn of_environment() -> Self {
        let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::of(["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set).as_deref())
    }

    fn of(locale: Option<&str>) -> Self {
        if locale.is_some_and(|locale| locale.starts_with("ko")) { Self::Korean } else { Self::English }
    }
}

/// When it was asked for, when the server reported what, and how the session is: `Asked 12:01:03 UTC, the server reported canceled
/// after 1.2 s, the session is usable.`
pub(crate) fn story(language: Language, report: &CancelReport) -> String {
    let asked: String = rfc3339(report.asked_at).chars().skip(11).take(8).collect();
    let reported = report.reported().map(|(after, status)| (seconds(after), status));
    let session = report.session.map(|session| state(language, session));
    match language {
        Language::English => {
            let reported = match reported {
                Some((after, "")) => Some(format!("the server no longer showed it after {after} s")),
                Some((after, status)) => Some(format!("the server reported {status} after {after} s")),
                None => None,
            };
            let parts: Vec<_> = [Some(format!("Asked {asked} UTC")), reported, session.map(str::to_owned)]
                .into_iter()
                .flatten()
                .collect();
            parts.join(", ") + "."
        }
        Language::Korean => {
            let reported = match reported {
                Some((after, "")) => Some(format!("{after}초 뒤 서버 목록에서 사라짐")),
                Some((after, status)) => Some(format!("{after}초 뒤 서버가 {status} 보고")),
                None => None,
            };
            let parts: Vec<_> = [Some(format!("{asked} UTC 요청")), reported, session.map(str::to_owned)]
                .into_iter()
                .flatten()
                .collect();
            parts.join(", ") + "."
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

fn state(language: Language, session: SessionAfter) -> &'static str {
    match (language, session) {
        (Language::English, SessionAfter::Usable) => "the session is usable",
        (Language::English, SessionAfter::FailedTransaction) => "the session is usable after a rollback",
        (Language::English, SessionAfter::Busy) => "the session runs another query by now",
        (Language::English, SessionAfter::Idle) => "the session is open, and nothing runs in it",
        (Language::English, SessionAfter::Closed) => "the session is gone",
        (Language::English, SessionAfter::ClosedByUs) => {
            "the session stayed silent and was closed, its client told 57014"
        }
        (Language::English, SessionAfter::Unknown) => "the server does not say how the session is",
        (Language::Korean, SessionAfter::Usable) => "세션 사용 가능",
        (Language::Korean, SessionAfter::FailedTransaction) => "롤백 후 세션 사용 가능",
        (Language::Korean, SessionAfter::Busy) => "세션에서 이미 다른 쿼리 실행 중",
        (Language::Korean, SessionAfter::Idle) => "세션은 열려 있고 실행 중인 쿼리 없음",
        (Language::Korean, SessionAfter::Closed) => "세션 종료됨",
        (Language::Korean, SessionAfter::ClosedByUs) => "응답 없는 세션을 닫고 클라이언트에 57014 통보",
        (Language::Korean, SessionAfter::Unknown) => "세션 상태는 서버가 알려 주지 않음",
    }
}

/// How it ended, and what to do about it.
pub(crate) fn outcome(language: Language, report: &CancelReport) -> String {
    let grant = report.grant.as_deref();
    match (language, report.outcome) {
        (Language::English, Outcome::Canceled) => "The server reports the query canceled.".to_owned(),
        (Language::English, Outcome::Terminated) => "The session is gone.".to_owned(),
        (Language::English, Outcome::Ended) => "The query runs no more; this server does not say how it ended.".to_owned(),
        (Language::English, Outcome::AlreadyFinished) => "The query had ended by itself.".to_owned(),
        (Language::English, Outcome::QueryChanged) => {
            "The session runs another query now. Nothing was done.".to_owned()
        }
        (Language::English, Outcome::NotSeen) => {
            "The server shows this login no such query: it ended long ago, or it is another user's. Nothing was done.".to_owned()
        }
        (Language::English, Outcome::ConfirmationNeeded) => {
            "It is another user's query. Nothing was done. Add --yes to cancel it.".to_owned()
        }
        (Language::English, Outcome::StillRunning) => {
            "Asked, and it still runs. --terminate ends its session: its transaction is rolled back, its temporary tables go.".to_owned()
        }
        (Language::English, Outcome::NotPermitted) => match grant {
            Some(grant) => format!("This login may not do that to another user's query. This would allow it: {grant}"),
            None => "This login may not do that to another user's session; a superuser may.".to_owned(),
        },
        (Language::Korean, Outcome::Canceled) => "서버가 쿼리 취소를 확인했습니다.".to_owned(),
        (Language::Korean, Outcome::Terminated) => "세션이 종료되었습니다.".to_owned(),
        (Language::Korean, Outcome::Ended) => "쿼리가 더 이상 실행되지 않습니다. 이 서버는 어떻게 끝났는지 알려 주지 않습니다.".to_owned(),
        (Language::Korean, Outcome::AlreadyFinished) => "쿼리가 스스로 끝났습니다.".to_owned(),
        (Language::Korean, Outcome::QueryChanged) => {
            "세션에서 이제 다른 쿼리가 실행 중입니다. 아무것도 하지 않았습니다.".to_owned()
        }
        (Language::Korean, Outcome::NotSeen) => {
            "이 로그인에는 그런 쿼리가 보이지 않습니다. 오래전에 끝났거나 다른 사용자의 쿼리입니다. 아무것도 하지 않았습니다.".to_owned()
        }
        (Language::Korean, Outcome::ConfirmationNeeded) => {
            "다른 사용자의 쿼리입니다. 아무것도 하지 않았습니다. 취소하려면 --yes를 추가하십시오.".to_owned()
        }
        (Language::Korean, Outcome::StillRunning) => {
            "요청했지만 아직 실행 중입니다. --terminate는 세션을 강제 종료합니다. 트랜잭션은 롤백되고 임시 테이블은 사라집니다.".to_owned()
        }
        (Language::Korean, Outcome::NotPermitted) => match grant {
            Some(grant) => format!("이 로그인으로는 다른 사용자의 쿼리를 취소할 수 없습니다. 필요한 권한: {grant}"),
            None => "이 로그인으로는 다른 사용자의 세션을 종료할 수 없습니다. 슈퍼유저만 가능합니다.".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use postern_engine::{CancelStep, StepKind};

    use super::*;

    fn report(status: &str) -> CancelReport {
        let at = Duration::from_millis(1_234);
        CancelReport {
            outcome: Outcome::Canceled,
            steps: vec![CancelStep { kind: StepKind::ServerReports, ok: true, at, detail: status.to_owned() }],
            elapsed: at,
            asked_at: UNIX_EPOCH + Duration::from_secs(43_263),
            query_id: Some(1),
            victim: None,
            session: Some(SessionAfter::Usable),
            grant: None,
        }
    }

    #[test]
    fn a_cancel_is_told_with_its_times() {
        assert_eq!(
            story(Language::English, &report("canceled")),
            "Asked 12:01:03 UTC, the server reported canceled after 1.2 s, the session is usable."
        );
        assert_eq!(
            story(Language::Korean, &report("canceled")),
            "12:01:03 UTC 요청, 1.2초 뒤 서버가 canceled 보고, 세션 사용 가능."
        );
        let nothing = CancelReport { steps: Vec::new(), session: None, ..report("") };
        assert_eq!(story(Language::English, &nothing), "Asked 12:01:03 UTC.");
    }

    #[test]
    fn the_language_is_the_locales() {
        assert_eq!(Language::of(Some("ko_KR.UTF-8")), Language::Korean);
        assert_eq!(Language::of(Some("en_US.UTF-8")), Language::English);
        assert_eq!(Language::of(None), Language::English);
    }
}
