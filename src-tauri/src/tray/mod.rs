//! The tray: start and stop local proxies, copy their addresses, open the window, quit. What it shows is worked out in
//! [`model`]; here it meets the desktop.

mod model;

use std::{sync::Mutex, time::Duration};

use postern_ipc::{
    connections::{CopyConnection, OpenConnection},
    contract::Show,
    databases::Target,
    host::{Event, Host},
};
use tauri::{
    AppHandle, Listener as _, Manager as _, Theme, Wry,
    image::Image,
    menu::{IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu},
    tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent},
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use self::model::{Action, Face, Knowledge, Line, Model};
use crate::{clipboard, quit, texts::Texts, window};

/// Names the tray within the app.
const ID: &str = "postern";

/// How long to wait between two looks for a tray host, which may start after the app does.
const NEXT_LOOK: Duration = Duration::from_secs(10);

/// What the tray knows, and what of it the desktop was last given.
#[derive(Default)]
struct State {
    knowledge: Mutex<Knowledge>,
    shown: Mutex<Option<Model>>,
}

/// Puts the tray on the desktop, now or as soon as there is a host for it.
pub(crate) fn start(app: &AppHandle) {
    app.manage(State::default());
    let listener = app.clone();
    app.listen_any("store://change", move |_| refresh(&listener));
    follow(app, app.state::<Host>().events());
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        while !attempt(&app).await {
            tokio::time::sleep(NEXT_LOOK).await;
        }
        refresh(&app);
    });
}

/// There is a tray to come back from.
pub(crate) fn is_shown(app: &AppHandle) -> bool {
    app.tray_by_id(ID).is_some()
}

/// Reads everything once, then follows the events of the host.
fn follow(app: &AppHandle, mut events: Receiver<Event>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        read_all(&app).await;
        loop {
            match events.recv().await {
                Ok(event) => take(&app, event).await,
                Err(RecvError::Lagged(_)) => read_all(&app).await,
                Err(RecvError::Closed) => break,
            }
        }
    });
}

async fn take(app: &AppHandle, event: Event) {
    match event {
        Event::status_changed(status) => {
            learn(app, |knowledge| knowledge.status = Some(status));
            read_databases(app).await;
        }
        Event::databases_changed(()) => read_databases(app).await,
        Event::connections_changed(connections) => learn(app, |knowledge| knowledge.connections(connections)),
        Event::run_changed(_)
        | Event::tab_changed(_)
        | Event::result_progress(_)
        | Event::history_changed(_)
        | Event::objects_changed(_)
        | Event::watches_changed(_)
        | Event::query_alert(_)
        | Event::exports_changed(_)
        | Event::show(_)
        | Event::sign_in_ended(_) => {}
    }
}

async fn read_all(app: &AppHandle) {
    let host = app.state::<Host>();
    if let Ok(connections) = host.connections_list(()).await {
        learn(app, |knowledge| knowledge.connections(connections));
    }
    read_databases(app).await;
    // Last, because it asks AWS who we are, which may take long.
    if let Ok(status) = host.app_status(()).await {
        learn(app, |knowledge| knowledge.status = Some(status));
    }
}

async fn read_databases(app: &AppHandle) {
    let host = app.state::<Host>();
    // Signed out there are none to offer, which is what a failure here says.
    let databases = host.databases_list(()).await.unwrap_or_default();
    learn(app, |knowledge| knowledge.databases = databases);
}

fn learn(app: &AppHandle, change: impl FnOnce(&mut Knowledge)) {
    change(&mut lock(&app.state::<State>().knowledge));
    refresh(app);
}

/// Shows the model when it differs from what is shown. The desktop's library wants its own thread.
fn refresh(app: &AppHandle) {
    let handle = app.clone();
    let queued = app.run_on_main_thread(move || {
        let state = handle.state::<State>();
        let model = lock(&state.knowledge).model(Texts::of(&handle));
        let mut shown = lock(&state.shown);
        if shown.as_ref() == Some(&model) || !is_shown(&handle) {
            return;
        }
        match show(&handle, &model) {
            Ok(()) => *shown = Some(model),
            Err(error) => tracing::warn!(%error, "the tray shows an older state"),
        }
    });
    if let Err(error) = queued {
        tracing::debug!(%error, "the app is ending: the tray stays as it is");
    }
}

fn show(app: &AppHandle, model: &Model) -> tauri::Result<()> {
    let Some(tray) = app.tray_by_id(ID) else { return Ok(()) };
    tray.set_icon(Some(icon(app, model.face)?))?;
    tray.set_menu(Some(menu(app, &model.lines)?))
}

/// Tries to put the tray up. On Linux it fails where nothing on the session bus hosts trays.
async fn attempt(app: &AppHandle) -> bool {
    let (answer, answered) = tokio::sync::oneshot::channel();
    let handle = app.clone();
    let queued = app.run_on_main_thread(move || {
        // The receiver is gone only when the app is.
        let _ = answer.send(create(&handle));
    });
    match (queued, answered.await) {
        (Ok(()), Ok(Ok(()))) => true,
        (Ok(()), Ok(Err(error))) => {
            tracing::debug!(%error, "no tray yet");
            false
        }
        // The app is ending.
        _ => true,
    }
}

fn create(app: &AppHandle) -> tauri::Result<()> {
    let model = lock(&app.state::<State>().knowledge).model(Texts::of(app));
    TrayIconBuilder::with_id(ID)
        .icon(icon(app, model.face)?)
        .icon_as_template(true)
        .title("Postern")
        .tooltip("Postern")
        .menu(&menu(app, &model.lines)?)
        .show_menu_on_left_click(!cfg!(windows))
        .on_menu_event(on_choice)
        .on_tray_icon_event(|tray, event| {
            let up = matches!(
                event,
                TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. }
            );
            // Where a left click opens the menu by itself it is not reported, except by hosts that leave it to us.
            if up && !cfg!(target_os = "macos") {
                window::show(tray.app_handle());
            }
        })
        .build(app)?;
    Ok(())
}

fn on_choice(app: &AppHandle, event: MenuEvent) {
    let Ok(action) = serde_json::from_str::<Action>(event.id().as_ref()) else { return };
    match action {
        Action::Open => window::show(app),
        Action::Show { view, database } => {
            window::show(app);
            window::navigate(app, &Show { view, database, query: None });
        }
        Action::Quit => quit::asked(app),
        Action::Copy { connection, what } => copy(app, CopyConnection { id: connection, what }),
        Action::Start { database, db_user, db_name } => start_proxy(app, Target { database, db_user, db_name }),
        Action::Stop { connection } => stop_proxy(app, connection),
    }
}

/// With the password of a proxy that has one, which the tray itself never knows.
fn copy(app: &AppHandle, request: CopyConnection) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let copied = app.state::<Host>().connection_copy(request).await.and_then(|text| clipboard::write(&app, &text));
        if let Err(failure) = copied {
            tracing::warn!(message = failure.message, "the address is not on the clipboard");
        }
    });
}

fn start_proxy(app: &AppHandle, target: Target) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let database = target.database.clone();
        let started = app.state::<Host>().connection_open(OpenConnection::to(target)).await;
        if let Err(failure) = started {
            tracing::warn!(database, message = failure.message, "a proxy could not be started from the tray");
            learn(&app, |knowledge| knowledge.failed = Some(database));
        }
    });
}

fn stop_proxy(app: &AppHandle, connection: String) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        if let Err(failure) = app.state::<Host>().connection_stop(connection).await {
            tracing::warn!(message = failure.message, "a proxy could not be stopped from the tray");
        }
    });
}

fn menu(app: &AppHandle, lines: &[Line]) -> tauri::Result<Menu<Wry>> {
    let items = items(app, lines)?;
    Menu::with_items(app, &items.iter().map(|item| &**item).collect::<Vec<_>>())
}

fn items(app: &AppHandle, lines: &[Line]) -> tauri::Result<Vec<Box<dyn IsMenuItem<Wry>>>> {
    lines.iter().map(|line| item(app, line)).collect()
}

fn item(app: &AppHandle, line: &Line) -> tauri::Result<Box<dyn IsMenuItem<Wry>>> {
    Ok(match line {
        Line::Note(text) => Box::new(MenuItem::new(app, text, false, None::<&str>)?),
        Line::Choice(action, text) => {
            let id = serde_json::to_string(action)?;
            Box::new(MenuItem::with_id(app, id, text, true, None::<&str>)?)
        }
        Line::More(text, lines) => {
            let items = items(app, lines)?;
            Box::new(Submenu::with_items(app, text, true, &items.iter().map(|item| &**item).collect::<Vec<_>>())?)
        }
        Line::Rule => Box::new(PredefinedMenuItem::separator(app)?),
    })
}

fn icon(app: &AppHandle, face: Face) -> tauri::Result<Image<'static>> {
    let (light, dark): (&[u8], &[u8]) = match face {
        Face::Idle => {
            (include_bytes!("../../../icons/tray/idle-light.png"), include_bytes!("../../../icons/tray/idle-dark.png"))
        }
        Face::Active => (
            include_bytes!("../../../icons/tray/active-light.png"),
            include_bytes!("../../../icons/tray/active-dark.png"),
        ),
        Face::Attention => (
            include_bytes!("../../../icons/tray/attention-light.png"),
            include_bytes!("../../../icons/tray/attention-dark.png"),
        ),
    };
    Image::from_bytes(if bar_is_dark(app) { dark } else { light })
}

/// GNOME's top bar is dark in either theme; other bars follow the theme.
fn bar_is_dark(app: &AppHandle) -> bool {
    let gnome = std::env::var("XDG_CURRENT_DESKTOP").is_ok_and(|names| names.contains("GNOME"));
    gnome || window::theme(app) == Some(Theme::Dark)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing panics while it holds one of these; if something did, what is inside is still whole.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
