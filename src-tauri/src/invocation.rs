//! What the command line asks for: `postern-desktop [--show VIEW] [DATABASE]`. A second start hands its words to the
//! first, which does the same with them as if they had been its own.

use postern_ipc::contract::Show;
use tauri::{AppHandle, Wry, plugin::TauriPlugin};

use crate::window;

/// The views `--show` knows.
const VIEWS: [&str; 4] = ["databases", "connections", "console", "activity"];

/// What a start asks for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Invocation {
    /// What the window should show, when anything in particular.
    pub(crate) show: Option<Show>,
}

impl Invocation {
    pub(crate) fn of_this_process() -> Self {
        Self::parse(std::env::args_os().map(|word| word.to_string_lossy().into_owned()))
    }

    /// Reads a command line, program name first. Words it does not know are left to GTK and WebKit.
    fn parse(words: impl IntoIterator<Item = String>) -> Self {
        let (mut view, mut database) = (None, None);
        let mut words = words.into_iter().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--show" => view = words.next().filter(|view| VIEWS.contains(&view.as_str())),
                other if !other.starts_with('-') => database = Some(word),
                _ => {}
            }
        }
        let view = view.or_else(|| database.is_some().then(|| "databases".to_owned()));
        Self { show: view.map(|view| Show { view, database, query: None }) }
    }
}

/// A second start with the same home reaches the first. Another `POSTERN_HOME` is another Postern.
pub(crate) fn single_instance() -> TauriPlugin<Wry> {
    let mut builder = tauri_plugin_single_instance::Builder::new().callback(|app, words, _folder| answer(app, words));
    if let Some(home) = std::env::var_os("POSTERN_HOME") {
        builder = builder.dbus_id(format!("io.github.postern.desktop.home_{:016x}", fingerprint(&home)));
    }
    builder.build()
}

fn answer(app: &AppHandle, words: Vec<String>) {
    window::show(app);
    if let Some(show) = Invocation::parse(words).show {
        window::navigate(app, &show);
    }
}

/// FNV-1a: D-Bus names take no paths, and both starts must come to the same one.
fn fingerprint(home: &std::ffi::OsStr) -> u64 {
    home.as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Option<(String, Option<String>)> {
        let words = std::iter::once("postern-desktop").chain(words.iter().copied()).map(str::to_owned);
        Invocation::parse(words).show.map(|show| (show.view, show.database))
    }

    #[test]
    fn a_plain_start_asks_for_nothing() {
        assert_eq!(parse(&[]), None);
    }

    #[test]
    fn show_names_a_view_and_may_point_at_a_database() {
        assert_eq!(parse(&["--show", "activity"]), Some(("activity".into(), None)));
        assert_eq!(parse(&["--show", "console", "sales"]), Some(("console".into(), Some("sales".into()))));
    }

    #[test]
    fn a_database_alone_is_shown_among_the_databases() {
        assert_eq!(parse(&["sales"]), Some(("databases".into(), Some("sales".into()))));
    }

    #[test]
    fn unknown_views_and_options_are_passed_over() {
        assert_eq!(parse(&["--show", "nowhere"]), None);
        assert_eq!(parse(&["--show"]), None);
        assert_eq!(parse(&["--automation"]), None);
    }

    #[test]
    fn two_homes_have_two_names_and_one_home_has_one() {
        assert_ne!(fingerprint("/a".as_ref()), fingerprint("/b".as_ref()));
        assert_eq!(fingerprint("/a".as_ref()), fingerprint("/a".as_ref()));
    }
}
