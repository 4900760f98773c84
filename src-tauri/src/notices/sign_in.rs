//! A sign-in that has ended while it was in use.

use notify_rust::Notification;
use postern_ipc::{
    host::Event,
    session::{AppStatus, SignInEnd},
};
use tauri::AppHandle;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::texts::Texts;

/// Shows one notification, and follows it until it is answered or no longer true.
pub(super) async fn tell(app: AppHandle, events: Receiver<Event>, whose: SignInEnd) {
    let notification = notification(Texts::of(&app), whose);
    if super::ask(&notification, signed_in(events)).await.is_some() {
        crate::window::show(&app);
    }
}

fn notification(texts: Texts, whose: SignInEnd) -> Notification {
    let (title, body) = match whose {
        SignInEnd::Aws => ("aws_ended", "aws_ended_body"),
        SignInEnd::Postern => ("postern_ended", "postern_ended_body"),
    };
    #[cfg_attr(not(target_os = "linux"), expect(unused_mut, reason = "only Linux has more to say"))]
    let mut notification = super::notification(texts.notice(title), texts.notice(body));
    #[cfg(target_os = "linux")]
    // A click on the notification itself is the action `default`.
    notification
        .urgency(notify_rust::Urgency::Critical)
        .action("default", texts.notice("sign_in"))
        .action("sign_in", texts.notice("sign_in"));
    notification
}

/// Waits until the sign-in is in order.
async fn signed_in(mut events: Receiver<Event>) {
    let in_order = |status: &AppStatus| status.identity.as_ref().is_some_and(|identity| identity.aws_failure.is_none());
    loop {
        match events.recv().await {
            Ok(Event::status_changed(status)) if in_order(&status) => return,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn each_end_has_words_in_both_languages() {
        for texts in [Texts(Language::English), Texts(Language::Korean)] {
            let (aws, postern) = (notification(texts, SignInEnd::Aws), notification(texts, SignInEnd::Postern));
            assert_ne!(aws.summary, postern.summary);
            for text in [&aws.summary, &aws.body, &postern.summary, &postern.body] {
                assert!(text.contains(' '), "a sentence, not its key: {text}");
            }
        }
    }
}
