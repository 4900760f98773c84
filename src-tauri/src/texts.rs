//! Words that the desktop shows outside the window, in the tray and in notifications, from the same translation files as the window's.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use tauri::AppHandle;
use tauri_plugin_store::StoreExt as _;

/// The file of the page's preferences and the key of its language.
const PREFERENCES: &str = "preferences.json";
const LANGUAGE: &str = "language";

/// A language the app speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Language {
    English,
    Korean,
}

impl Language {
    /// From a preference (`en`, `ko`) or, when it is anything else, from the locale (`ko_KR.UTF-8`).
    pub(crate) fn choose(preference: Option<&str>, locale: Option<&str>) -> Self {
        match preference {
            Some("en") => Self::English,
            Some("ko") => Self::Korean,
            _ if locale.is_some_and(|locale| locale.starts_with("ko")) => Self::Korean,
            _ => Self::English,
        }
    }
}

/// Two sections of a translation file. Only what is used here is read: the rest belongs to the page.
#[derive(Deserialize)]
struct File {
    tray: BTreeMap<String, String>,
    notice: BTreeMap<String, String>,
}

static ENGLISH: LazyLock<File> = LazyLock::new(|| read(include_str!("../../ui/src/locales/en.json")));
static KOREAN: LazyLock<File> = LazyLock::new(|| read(include_str!("../../ui/src/locales/ko.json")));

/// Sentences in one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts(pub(crate) Language);

impl Texts {
    /// In the language chosen in the window, or else that of the desktop.
    pub(crate) fn of(app: &AppHandle) -> Self {
        let preference = app.store(PREFERENCES).ok().and_then(|store| store.get(LANGUAGE));
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| std::env::var(name).ok());
        Self(Language::choose(preference.as_ref().and_then(|it| it.as_str()), locale.as_deref()))
    }

    fn file(self) -> &'static File {
        match self.0 {
            Language::English => &ENGLISH,
            Language::Korean => &KOREAN,
        }
    }

    /// The sentence `key` of a notification; the key itself when a translation is missing, which a test rules out.
    pub(crate) fn notice(self, key: &str) -> &str {
        self.file().notice.get(key).map_or(key, String::as_str)
    }

    /// The same with its `{{name}}` filled in.
    pub(crate) fn notice_of(self, key: &str, values: &[(&str, &str)]) -> String {
        filled(self.notice(key), values)
    }

    /// The sentence `key` of the tray with its `{{name}}` filled in; the key itself when a translation is missing.
    pub(crate) fn say(self, key: &str, values: &[(&str, &str)]) -> String {
        filled(self.file().tray.get(key).map_or(key, String::as_str), values)
    }

    /// The sentence for a number: `key_zero`, `key_one` or `key_other`, with `{{count}}`.
    pub(crate) fn count(self, key: &str, count: usize) -> String {
        let form = match count {
            0 => "zero",
            1 => "one",
            _ => "other",
        };
        self.say(&format!("{key}_{form}"), &[("count", &count.to_string())])
    }
}

fn filled(sentence: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(sentence.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

fn read(file: &str) -> File {
    serde_json::from_str(file).expect("a test reads both files, which are compiled in")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_sentences_with_the_same_blanks() {
        let blanks = |file: &File| -> BTreeMap<String, Vec<String>> {
            let of = |text: &str| {
                let mut names: Vec<_> =
                    text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()).map(str::to_owned).collect();
                names.sort();
                names
            };
            file.tray.iter().chain(&file.notice).map(|(key, text)| (key.clone(), of(text))).collect()
        };
        assert_eq!(blanks(&ENGLISH), blanks(&KOREAN));
        assert!(!ENGLISH.tray.is_empty() && !ENGLISH.notice.is_empty());
    }

    #[test]
    fn blanks_are_filled() {
        assert_eq!(Texts(Language::English).say("start", &[("database", "sales")]), "Start sales");
        assert_eq!(Texts(Language::Korean).say("start", &[("database", "sales")]), "sales 시작");
    }

    #[test]
    fn the_preference_wins_over_the_locale() {
        assert_eq!(Language::choose(Some("en"), Some("ko_KR.UTF-8")), Language::English);
        assert_eq!(Language::choose(Some("system"), Some("ko_KR.UTF-8")), Language::Korean);
        assert_eq!(Language::choose(None, None), Language::English);
    }
}
