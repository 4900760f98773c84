//! What is told even while the window is hidden or behind others: notifications of the desktop.

mod query;
mod sign_in;

use notify_rust::{Notification, NotificationResponse};
use postern_ipc::host::{Event, Host};
use tauri::AppHandle;
use tokio::sync::broadcast::error::RecvError;

/// Notifies from now on.
pub(crate) fn follow(app: &AppHandle, host: &Host) {
    let (app, host, mut events) = (app.clone(), host.clone(), host.events());
    tauri::async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                Ok(Event::sign_in_ended(whose)) => {
                    tauri::async_runtime::spawn(sign_in::tell(app.clone(), host.events(), whose));
                }
                Ok(Event::query_alert(alert)) => {
                    tauri::async_runtime::spawn(query::tell(app.clone(), host.clone(), alert));
                }
                // The window says it too, as long as it lasts.
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            }
        }
    });
}

/// A notification in our name.
fn notification(title: &str, body: &str) -> Notification {
    let mut notification = Notification::new();
    notification.appname("Postern").summary(title).body(body);
    #[cfg(target_os = "linux")]
    notification.icon("postern-desktop");
    notification
}

/// Shows one, and waits for the action that is chosen: `default` for a click on the notification itself. None when it is closed
/// without one, or `give_up` comes first.
async fn ask(notification: &Notification, give_up: impl Future<Output = ()>) -> Option<String> {
    #[cfg(target_os = "linux")]
    match notification.show_async().await {
        Ok(handle) => {
            let mut chosen = None;
            tokio::select! {
                () = handle.wait_for_action_async(|answer: &NotificationResponse| chosen = choice(answer)) => {}
                () = give_up => handle.close_async().await,
            }
            chosen
        }
        Err(error) => {
            tracing::warn!(%error, "the desktop shows no notifications");
            None
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        // Both other platforms block a thread for the answer.
        let notification = notification.clone();
        let answered = tokio::task::spawn_blocking(move || {
            let mut chosen = None;
            let waited = notification
                .show()
                .and_then(|handle| handle.wait_for_response(|answer: &NotificationResponse| chosen = choice(answer)));
            if let Err(error) = waited {
                tracing::warn!(%error, "the desktop shows no notifications");
            }
            chosen
        });
        tokio::select! {
            chosen = answered => chosen.unwrap_or_default(),
            () = give_up => None,
        }
    }
}

fn choice(answer: &NotificationResponse) -> Option<String> {
    match answer {
        NotificationResponse::Default => Some("default".to_owned()),
        NotificationResponse::Action(action) => Some(action.clone()),
        NotificationResponse::Closed(_) | NotificationResponse::Reply(_) => None,
    }
}
