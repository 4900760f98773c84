//! What stands in the console's tabs, kept so that a crash, or a restart, loses no more than the last second of typing.
//!
//! Each process of a home keeps its tabs in a folder of its own, `state/tabs/<process>/`, a file for each tab, written whole
//! or not at all. While the process lives it holds a lock, so that another one of the same home does not take its tabs; once
//! it is gone, whoever starts next takes them over. A draft goes when its tab is closed, and only then.
//!
//! A restored tab has its text and its login, and nothing else: it is neither connected nor run, since to wake a warehouse
//! costs money.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    console::TabId,
    engine::lock,
    error::Error,
    home::{Home, write_private},
    login::Login,
    sql_file::SqlFile,
};

/// Bytes of a tab's text that are kept; a longer one is refused with a reason.
pub(crate) const MAX_DRAFT: usize = crate::sql_file::MAX_FILE;

const LOCK: &str = "lock";
const ENDING: &str = "json";

/// What stands in a tab.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Draft {
    /// The Postern user whose tab it is.
    pub user: String,
    /// Where it goes.
    pub login: Login,
    /// Its session only reads, and does so when the tab comes back.
    #[serde(default)]
    pub read_only: bool,
    /// For people: Untitled 1, 2, …
    pub number: u32,
    /// Its place among the tabs.
    pub place: u32,
    /// All of it, with line feeds alone.
    pub text: String,
    /// UTF-16 offset of the cursor, or of one end of the selection.
    pub from: u32,
    /// UTF-16 offset of the other end.
    pub to: u32,
    /// The file it was read from or saved to.
    pub file: Option<SqlFile>,
    /// The text differs from the file's.
    pub unsaved: bool,
}

/// The drafts of this process.
#[derive(Debug)]
pub(crate) struct Drafts {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    own: Option<Own>,
    /// What stands in each tab, and the name of its file.
    tabs: BTreeMap<TabId, (Uuid, Draft)>,
    /// Drafts of no tab yet.
    waiting: BTreeMap<Uuid, Draft>,
    /// Tabs that are gone. What was on its way when they went must not bring them back.
    gone: BTreeSet<TabId>,
}

/// What becomes of the file that a tab belongs to.
#[derive(Clone, Debug)]
pub(crate) enum FileOfTab {
    /// It stays what it is.
    Same,
    /// It is this one from now on.
    Now(SqlFile),
}

/// The folder of this process. Its lock ends with the process, however that ends.
#[derive(Debug)]
struct Own {
    folder: PathBuf,
    _lock: File,
}

impl Drafts {
    pub(crate) fn of(home: &Home) -> Self {
        Self { folder: home.state().join("tabs"), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Takes over what processes have left that are gone. Gives the files that cannot be read, which stay where they are.
    pub(crate) fn take_over(&self) -> Result<Vec<PathBuf>, Error> {
        let mut state = self.state();
        let own = self.own(&mut state)?.folder.clone();
        let mut unreadable = Vec::new();
        for path in files(&own)? {
            let Some(id) = id_of(&path) else { continue };
            if state.tabs.values().any(|(known, _)| *known == id) || state.waiting.contains_key(&id) {
                continue;
            }
            match fs::read(&path).ok().and_then(|content| serde_json::from_slice(&content).ok()) {
                Some(draft) => drop(state.waiting.insert(id, draft)),
                None => unreadable.push(path),
            }
        }
        Ok(unreadable)
    }

    /// Takes the drafts of a user that no tab has, in the order of their places: whoever asks at the same moment gets none.
    pub(crate) fn take_waiting(&self, user: &str) -> Vec<(Uuid, Draft)> {
        let mut theirs: Vec<_> = self.state().waiting.extract_if(.., |_, draft| draft.user == user).collect();
        theirs.sort_by_key(|(_, draft)| draft.place);
        theirs
    }

    /// A draft that was taken has its tab.
    pub(crate) fn settle(&self, id: Uuid, draft: Draft, tab: TabId) {
        self.state().tabs.insert(tab, (id, draft));
    }

    /// The tab is gone, and not because somebody closed it: its draft waits for another.
    pub(crate) fn unsettle(&self, tab: TabId) {
        let mut state = self.state();
        state.gone.insert(tab);
        if let Some((id, draft)) = state.tabs.remove(&tab) {
            state.waiting.insert(id, draft);
        }
    }

    /// What stands in a tab, as it was last kept.
    pub(crate) fn of_tab(&self, tab: TabId) -> Option<Draft> {
        self.state().tabs.get(&tab).map(|(_, draft)| draft.clone())
    }

    /// Keeps what stands in a tab; on the disk too unless the person wants nothing there.
    pub(crate) fn keep(&self, tab: TabId, mut draft: Draft, file: FileOfTab, on_disk: bool) -> Result<(), Error> {
        let mut state = self.state();
        if state.gone.contains(&tab) {
            return Ok(());
        }
        let known = state.tabs.get(&tab);
        let id = known.map_or_else(Uuid::new_v4, |(id, _)| *id);
        // Settled here and not by whoever asks: the file may be saved while what was typed is on its way.
        draft.file = match file {
            FileOfTab::Same => known.and_then(|(_, draft)| draft.file.clone()),
            FileOfTab::Now(file) => Some(file),
        };
        if on_disk {
            let path = self.own(&mut state)?.path(id);
            let content = serde_json::to_vec(&draft)
                .map_err(|error| Error::Storage { path: path.clone(), source: error.into() })?;
            write_private(&path, &content)?;
        }
        state.tabs.insert(tab, (id, draft));
        Ok(())
    }

    /// The text goes on in another tab.
    pub(crate) fn hand_over(
        &self,
        from: TabId,
        to: TabId,
        login: &Login,
        read_only: bool,
        on_disk: bool,
    ) -> Result<(), Error> {
        let Some((id, draft)) = self.state().tabs.remove(&from) else { return Ok(()) };
        let draft = Draft { login: login.clone(), read_only, ..draft };
        self.state().tabs.insert(to, (id, draft.clone()));
        self.keep(to, draft, FileOfTab::Same, on_disk)
    }

    /// Somebody closed the tab: its draft goes for good.
    pub(crate) fn forget(&self, tab: TabId) -> Result<(), Error> {
        let mut state = self.state();
        state.gone.insert(tab);
        let Some((id, _)) = state.tabs.remove(&tab) else { return Ok(()) };
        let Some(own) = &state.own else { return Ok(()) };
        remove(&own.path(id))
    }

    /// Removes from the disk what this process keeps; the tabs have their texts still.
    pub(crate) fn forget_files(&self) -> Result<(), Error> {
        let mut state = self.state();
        state.waiting.clear();
        let own = self.own(&mut state)?.folder.clone();
        files(&own)?.iter().try_for_each(|path| remove(path))
    }

    /// Makes the folder of this process, once, and moves into it what gone processes have left.
    fn own<'a>(&self, state: &'a mut State) -> Result<&'a Own, Error> {
        let own = match state.own.take() {
            Some(own) => own,
            None => self.found()?,
        };
        Ok(state.own.insert(own))
    }

    /// All of it under one lock, so that nobody takes a folder whose owner has not locked it yet.
    fn found(&self) -> Result<Own, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Storage { path, source }
        };
        make_private(&self.folder)?;
        let whole = self.folder.join(LOCK);
        let locked = File::options().create(true).append(true).open(&whole).and_then(|file| file.lock().map(|()| file));
        let _locked = locked.map_err(failed(&whole))?;
        let folder = self.folder.join(Uuid::new_v4().to_string());
        make_private(&folder)?;
        let own = folder.join(LOCK);
        let held = File::options().create(true).append(true).open(&own).and_then(|file| file.lock().map(|()| file));
        let own = Own { _lock: held.map_err(failed(&own))?, folder };
        for entry in fs::read_dir(&self.folder).map_err(failed(&self.folder))? {
            let left = entry.map_err(failed(&self.folder))?.path();
            if left == own.folder || !left.is_dir() {
                continue;
            }
            let theirs = File::options().create(true).append(true).open(left.join(LOCK)).map_err(failed(&left))?;
            match theirs.try_lock() {
                Ok(()) => own.inherit(&left)?,
                Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(source)) => return Err(failed(&left)(source)),
            }
        }
        Ok(own)
    }
}

impl Own {
    fn path(&self, id: Uuid) -> PathBuf {
        self.folder.join(id.to_string()).with_extension(ENDING)
    }

    /// Moves the drafts of a process that is gone. What was being written when it ended is not among them.
    fn inherit(&self, left: &Path) -> Result<(), Error> {
        for path in files(left)? {
            let to = self.folder.join(path.file_name().unwrap_or_default());
            fs::rename(&path, &to).map_err(|source| Error::Storage { path, source })?;
        }
        fs::remove_dir_all(left).map_err(|source| Error::Storage { path: left.to_owned(), source })
    }
}

/// The drafts in a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Storage { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if id_of(&path).is_some() {
            found.push(path);
        }
    }
    Ok(found)
}

fn id_of(path: &Path) -> Option<Uuid> {
    let is_draft = path.extension().is_some_and(|ending| ending == ENDING);
    is_draft.then(|| Uuid::try_parse(path.file_stem()?.to_str()?).ok())?
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Storage { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn make_private(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| Error::Storage { path: path.to_owned(), source })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path());
        home.create().unwrap();
        (root, home)
    }

    fn draft(text: &str) -> Draft {
        Draft {
            user: "kim".into(),
            login: Login { database: "sales".into(), db_user: "ro".into(), db_name: "dev".into() },
            read_only: false,
            number: 1,
            place: 0,
            text: text.into(),
            from: 0,
            to: 0,
            file: None,
            unsaved: false,
        }
    }

    fn texts(drafts: &Drafts, user: &str) -> Vec<String> {
        drafts.take_waiting(user).into_iter().map(|(_, draft)| draft.text).collect()
    }

    #[test]
    fn what_a_process_left_is_taken_over_once_it_is_gone() {
        let (_root, home) = home();
        let first = Drafts::of(&home);
        first.keep(TabId::test(1), Draft { place: 1, ..draft("select 1") }, FileOfTab::Same, true).unwrap();
        first.keep(TabId::test(2), draft("select 2"), FileOfTab::Same, true).unwrap();
        first.keep(TabId::test(1), Draft { place: 1, ..draft("select 11") }, FileOfTab::Same, true).unwrap();
        let alive = Drafts::of(&home);
        assert_eq!(alive.take_over().unwrap(), Vec::<PathBuf>::new());
        assert_eq!(texts(&alive, "kim"), Vec::<String>::new(), "the first lives");
        drop(first);
        let next = Drafts::of(&home);
        next.take_over().unwrap();
        assert_eq!(texts(&next, "kim"), ["select 2", "select 11"], "in the order of their places");
        assert_eq!(texts(&next, "lee"), Vec::<String>::new(), "each user has their own");
    }

    #[test]
    fn a_tab_that_was_closed_leaves_nothing() {
        let (_root, home) = home();
        let first = Drafts::of(&home);
        first.keep(TabId::test(1), draft("select 'secret'"), FileOfTab::Same, true).unwrap();
        first.forget(TabId::test(1)).unwrap();
        drop(first);
        let next = Drafts::of(&home);
        next.take_over().unwrap();
        assert_eq!(texts(&next, "kim"), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_on_the_disk_when_nothing_is_wanted_there() {
        let (root, home) = home();
        let drafts = Drafts::of(&home);
        drafts.keep(TabId::test(1), draft("select 1"), FileOfTab::Same, true).unwrap();
        drafts.forget_files().unwrap();
        drafts.keep(TabId::test(1), draft("select 2"), FileOfTab::Same, false).unwrap();
        assert_eq!(drafts.of_tab(TabId::test(1)).unwrap().text, "select 2");
        drop(drafts);
        let next = Drafts::of(&home);
        next.take_over().unwrap();
        assert_eq!(texts(&next, "kim"), Vec::<String>::new());
        drop(root);
    }

    #[test]
    fn a_tab_that_was_not_closed_by_the_person_waits_for_another() {
        let (_root, home) = home();
        let drafts = Drafts::of(&home);
        drafts.keep(TabId::test(1), draft("select 1"), FileOfTab::Same, true).unwrap();
        drafts.unsettle(TabId::test(1));
        let (id, draft) = drafts.take_waiting("kim").remove(0);
        drafts.settle(id, draft, TabId::test(2));
        assert_eq!(drafts.of_tab(TabId::test(2)).unwrap().text, "select 1");
        assert_eq!(texts(&drafts, "kim"), Vec::<String>::new());
    }

    #[test]
    fn what_is_on_its_way_when_a_tab_goes_does_not_bring_it_back() {
        let (_root, home) = home();
        let drafts = Drafts::of(&home);
        drafts.keep(TabId::test(1), draft("select 1"), FileOfTab::Same, true).unwrap();
        drafts.keep(TabId::test(2), draft("select 2"), FileOfTab::Same, true).unwrap();
        drafts.forget(TabId::test(1)).unwrap();
        drafts.unsettle(TabId::test(2));
        drafts.keep(TabId::test(1), draft("late 1"), FileOfTab::Same, true).unwrap();
        drafts.keep(TabId::test(2), draft("late 2"), FileOfTab::Same, true).unwrap();
        assert_eq!(texts(&drafts, "kim"), ["select 2"]);
        drop(drafts);
        let next = Drafts::of(&home);
        next.take_over().unwrap();
        assert_eq!(texts(&next, "kim"), ["select 2"]);
    }

    #[test]
    fn what_was_typed_before_a_file_was_saved_does_not_undo_what_is_known_of_the_file() {
        let (_root, home) = home();
        let drafts = Drafts::of(&home);
        let file = |digest: &str| SqlFile { path: "/a.sql".into(), bom: false, crlf: false, digest: digest.into() };
        drafts.keep(TabId::test(1), draft("a"), FileOfTab::Now(file("1")), true).unwrap();
        drafts.keep(TabId::test(1), draft("ab"), FileOfTab::Now(file("2")), true).unwrap();
        let late = Draft { file: Some(file("1")), ..draft("a") };
        drafts.keep(TabId::test(1), late, FileOfTab::Same, true).unwrap();
        assert_eq!(drafts.of_tab(TabId::test(1)).unwrap().file, Some(file("2")));
    }

    #[test]
    fn another_login_of_a_tab_keeps_its_text_and_its_file() {
        let (_root, home) = home();
        let drafts = Drafts::of(&home);
        drafts.keep(TabId::test(1), draft("select 1"), FileOfTab::Same, true).unwrap();
        let other = Login { db_name: "test".into(), ..draft("").login };
        drafts.hand_over(TabId::test(1), TabId::test(2), &other, true, true).unwrap();
        drop(drafts);
        let next = Drafts::of(&home);
        next.take_over().unwrap();
        let waiting = next.take_waiting("kim");
        let [(_, draft)] = &waiting[..] else { panic!("{waiting:?}") };
        assert_eq!((&draft.login, draft.read_only, draft.text.as_str()), (&other, true, "select 1"));
    }

    #[test]
    fn a_draft_that_cannot_be_read_is_named_and_stays() {
        let (_root, home) = home();
        let drafts = Drafts::of(&home);
        drafts.keep(TabId::test(1), draft("select 1"), FileOfTab::Same, true).unwrap();
        let folder = drafts.state().own.as_ref().unwrap().folder.clone();
        let torn = folder.join(Uuid::new_v4().to_string()).with_extension(ENDING);
        fs::write(&torn, "{\"user\":\"kim\",").unwrap();
        fs::write(folder.join("half.json.123.0.new"), "{").unwrap();
        drop(drafts);
        let next = Drafts::of(&home);
        let unreadable = next.take_over().unwrap();
        assert_eq!(unreadable.len(), 1);
        assert!(unreadable[0].exists());
        assert_eq!(texts(&next, "kim"), ["select 1"]);
    }

    #[cfg(unix)]
    #[test]
    fn folders_and_files_are_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_root, home) = home();
        let drafts = Drafts::of(&home);
        drafts.keep(TabId::test(1), draft("select 1"), FileOfTab::Same, true).unwrap();
        let folder = drafts.state().own.as_ref().unwrap().folder.clone();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o077;
        assert_eq!((mode(&folder), mode(&files(&folder).unwrap()[0])), (0, 0));
    }
}
