//! What is told even while the window is hidden or behind others: notifications of the desktop.

use notify_rust::Notification;
#[cfg(target_os = "linux")]
use notify_rust::{NotificationResponse, Urgency};
use postern_ipc::{
    host::{Event, Host},
    session::{AppStatus, SignInEnd},
};
use tauri::AppHandle;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::texts::Texts;

/// Notifies from now on.
pub(crate) fn follow(app: &AppHandle, host: &Host) {
    let (app, host, mut events) = (app.clone(), host.clone(), host.events());
    tauri::async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                Ok(Event::sign_in_ended(whose)) => {
                    tauri::async_runtime::spawn(tell(app.clone(), host.events(), whose));
                }
                // The window says it too, as long as it lasts.
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            }
        }
    });
}

/// Shows one notification, and follows it until it is answered or no longer true.
async fn tell(app: AppHandle, events: Receiver<Event>, whose: SignInEnd) {
    let notification = notification(Texts::of(&app), whose);
    #[cfg(target_os = "linux")]
    match notification.show_async().await {
        Ok(handle) => {
            let mut chosen = false;
            tokio::select! {
                () = handle.wait_for_action_async(|answer: &NotificationResponse| {
                    chosen = !matches!(answer, NotificationResponse::Closed(_));
                }) => {}
                () = signed_in(events) => handle.close_async().await,
            }
            if chosen {
                crate::window::show(&app);
            }
        }
        Err(error) => tracing::warn!(%error, "the desktop shows no notifications"),
    }
    #[cfg(not(target_os = "linux"))]
    {
        drop(events);
        if let Err(error) = notification.show() {
            tracing::warn!(%error, "the desktop shows no notifications");
        }
    }
}

fn notification(texts: Texts, whose: SignInEnd) -> Notification {
    let (title, body) = match whose {
        SignInEnd::Aws => ("aws_ended", "aws_ended_body"),
        SignInEnd::Postern => ("postern_ended", "postern_ended_body"),
    };
    let mut notification = Notification::new();
    notification.appname("Postern").summary(texts.notice(title)).body(texts.notice(body));
    #[cfg(target_os = "linux")]
    // A click on the notification itself is the action `default`.
    notification
        .icon("postern-desktop")
        .urgency(Urgency::Critical)
        .action("default", texts.notice("sign_in"))
        .action("sign_in", texts.notice("sign_in"));
    notification
}

/// Waits until the sign-in is in order.
#[cfg(target_os = "linux")]
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
