//! Tabs that outlive the process, and the files of SQL that they belong to.

use std::path::{Path, PathBuf};

use crate::{
    console::ConsoleTab,
    drafts::{Draft, FileOfTab, MAX_DRAFT},
    engine::Engine,
    error::Error,
    login::Login,
    memory::Remembering,
    sql_file::{self, SqlFile},
};

/// A tab with what stands in it.
#[derive(Clone, Debug)]
pub struct RestoredTab {
    /// The tab. It is not connected.
    pub tab: ConsoleTab,
    /// What stands in it; nothing when nothing was kept yet.
    pub draft: Option<Draft>,
    /// Its file's lines ended in different ways, and will all end in the same.
    pub mixed: bool,
}

/// The tabs of the console.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// In their order.
    pub tabs: Vec<RestoredTab>,
    /// Files that should hold a tab and cannot be read. They stay where they are.
    pub unreadable: Vec<PathBuf>,
}

/// What a person has written in a tab.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DraftText {
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
    /// It differs from its file's.
    pub unsaved: bool,
}

/// A file that was saved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SavedFile {
    /// Where it is.
    pub path: PathBuf,
}

impl Engine {
    /// The open tabs, and again those that this person had open when the app last ended. Nothing is connected or run.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], [`Error::Storage`].
    pub async fn console_restore(&self) -> Result<Restored, Error> {
        let user = self.shared.identity()?.sign_in.user;
        let shared = std::sync::Arc::clone(&self.shared);
        let unreadable = self
            .blocking(
                move || if shared.memory.remembering()?.tabs { shared.drafts.take_over() } else { Ok(Vec::new()) },
            )
            .await?;
        for (id, draft) in self.shared.drafts.take_waiting(&user) {
            let tab = self.console_reopen(&draft.login, draft.read_only);
            self.shared.drafts.settle(id, draft, tab.id);
        }
        let mut tabs: Vec<_> = self.console_tabs().into_iter().map(|tab| self.restored(tab)).collect();
        // One that has nothing in it yet is the newest.
        tabs.sort_by_key(|tab| tab.draft.as_ref().map_or(u32::MAX, |draft| draft.place));
        Ok(Restored { tabs, unreadable })
    }

    fn restored(&self, tab: ConsoleTab) -> RestoredTab {
        let draft = self.shared.drafts.of_tab(tab.id);
        RestoredTab { tab, draft, mixed: false }
    }

    /// Keeps what stands in a tab.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::InvalidValue`] for a text that is too long; [`Error::Storage`].
    pub async fn keep_draft(&self, id: &str, text: DraftText) -> Result<(), Error> {
        if text.text.len() > MAX_DRAFT {
            let problem = format!("a tab keeps at most {} MB of text", MAX_DRAFT / 1_000_000);
            return Err(Error::InvalidValue { field: "text".to_owned(), problem });
        }
        let tab = self.console_tab(id)?;
        self.keep(tab, text, FileOfTab::Same).await
    }

    /// Opens a file in a tab of its own, or gives the tab that has it already.
    ///
    /// # Errors
    /// [`Error::SqlFile`], [`Error::Storage`], [`Error::NotSignedIn`].
    pub async fn sql_open(&self, path: PathBuf, login: &Login) -> Result<RestoredTab, Error> {
        self.shared.identity()?;
        for tab in self.console_tabs() {
            let known = self.restored(tab);
            let file = known.draft.as_ref().and_then(|draft| draft.file.as_ref());
            if file.is_some_and(|file| is_same(&file.path, &path)) {
                return Ok(known);
            }
        }
        let read = self.blocking(move || sql_file::read(&path)).await?;
        let tab = self.console_reopen(login, false);
        let place = u32::try_from(self.console_tabs().len()).unwrap_or(u32::MAX);
        let text = DraftText { place, text: read.text, ..DraftText::default() };
        self.keep(tab.clone(), text, FileOfTab::Now(read.file)).await?;
        Ok(RestoredTab { mixed: read.mixed, ..self.restored(tab) })
    }

    /// Reads the file of a tab again: what stood in the tab is gone.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a tab without a file; otherwise as [`Self::sql_open`].
    pub async fn sql_reload(&self, id: &str) -> Result<RestoredTab, Error> {
        let tab = self.console_tab(id)?;
        let (draft, file) = self.draft_with_file(&tab)?;
        let read = self.blocking(move || sql_file::read(&file.path)).await?;
        let text = DraftText { number: draft.number, place: draft.place, text: read.text, ..DraftText::default() };
        self.keep(tab.clone(), text, FileOfTab::Now(read.file)).await?;
        Ok(RestoredTab { mixed: read.mixed, ..self.restored(tab) })
    }

    /// The file that a tab belongs to, if any.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn sql_file_of(&self, id: &str) -> Result<Option<PathBuf>, Error> {
        let tab = self.console_tab(id)?;
        Ok(self.shared.drafts.of_tab(tab.id).and_then(|draft| draft.file).map(|file| file.path))
    }

    /// Saves what stands in a tab to its file. With `replace` also where that has changed since it was read.
    ///
    /// # Errors
    /// [`Error::SqlFile`] with [`crate::FileProblem::Changed`] or [`crate::FileProblem::Gone`] when the person has to decide;
    /// [`Error::NotFound`] for a tab without a file; [`Error::Storage`].
    pub async fn sql_save(&self, id: &str, text: DraftText, replace: bool) -> Result<SavedFile, Error> {
        let tab = self.console_tab(id)?;
        let (_, file) = self.draft_with_file(&tab)?;
        let (content, before) = (text.text.clone(), file.clone());
        let saved = self
            .blocking(move || {
                if !replace {
                    sql_file::check_unchanged(&before)?;
                }
                sql_file::write(&before, &content)
            })
            .await?;
        self.keep_saved(tab, text, saved).await
    }

    /// Saves what stands in a tab to another file, which is the tab's from then on.
    ///
    /// # Errors
    /// [`Error::FileExists`] unless the person has agreed to replace it; otherwise as [`Self::sql_save`].
    pub async fn sql_save_as(
        &self,
        id: &str,
        text: DraftText,
        path: PathBuf,
        overwrite: bool,
    ) -> Result<SavedFile, Error> {
        let tab = self.console_tab(id)?;
        let former = self.shared.drafts.of_tab(tab.id).and_then(|draft| draft.file);
        let (bom, crlf) = former.map_or((false, false), |file| (file.bom, file.crlf));
        let file = SqlFile { path, bom, crlf, digest: String::new() };
        let content = text.text.clone();
        let saved = self
            .blocking(move || {
                if !overwrite && file.path.symlink_metadata().is_ok() {
                    return Err(Error::FileExists { path: file.path });
                }
                sql_file::write(&file, &content)
            })
            .await?;
        self.keep_saved(tab, text, saved).await
    }

    /// Moves a tab to another login: a new session, the same text and file.
    ///
    /// # Errors
    /// As [`Self::console_open`]; the tab is as it was then.
    pub async fn console_retarget(&self, id: &str, login: &Login, read_only: bool) -> Result<ConsoleTab, Error> {
        let old = self.console_tab(id)?;
        let opened = self.console_open(login, read_only).await?;
        let on_disk = self.shared.memory.remembering()?.tabs;
        let (shared, from, to, login) = (std::sync::Arc::clone(&self.shared), old.id, opened.id, login.clone());
        self.blocking(move || shared.drafts.hand_over(from, to, &login, read_only, on_disk)).await?;
        self.console_close(id).await?;
        Ok(opened)
    }

    /// What the console may keep on the disk.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn remembering(&self) -> Result<Remembering, Error> {
        self.shared.memory.remembering()
    }

    /// Says what the console may keep. Tabs that are not to be kept leave the disk at once; what was run stays until it is
    /// forgotten.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn set_remembering(&self, remembering: Remembering) -> Result<(), Error> {
        let shared = std::sync::Arc::clone(&self.shared);
        self.blocking(move || {
            shared.memory.set_remembering(remembering)?;
            if remembering.tabs { Ok(()) } else { shared.drafts.forget_files() }
        })
        .await
    }

    async fn keep_saved(&self, tab: ConsoleTab, text: DraftText, file: SqlFile) -> Result<SavedFile, Error> {
        let path = file.path.clone();
        self.keep(tab, DraftText { unsaved: false, ..text }, FileOfTab::Now(file)).await?;
        Ok(SavedFile { path })
    }

    async fn keep(&self, tab: ConsoleTab, text: DraftText, file: FileOfTab) -> Result<(), Error> {
        // A sign-in that has expired meanwhile is no reason to lose what is being written.
        let user = self.shared.memory.sign_in()?.ok_or(Error::NotSignedIn)?.user;
        let DraftText { number, place, text, from, to, unsaved } = text;
        let draft = Draft {
            user,
            login: tab.login,
            read_only: tab.read_only,
            number,
            place,
            text,
            from,
            to,
            file: None,
            unsaved,
        };
        let shared = std::sync::Arc::clone(&self.shared);
        self.blocking(move || {
            let on_disk = shared.memory.remembering()?.tabs;
            shared.drafts.keep(tab.id, draft, file, on_disk)
        })
        .await
    }

    fn draft_with_file(&self, tab: &ConsoleTab) -> Result<(Draft, SqlFile), Error> {
        let missing = || Error::NotFound { kind: "file", name: format!("of {}", tab.id) };
        let draft = self.shared.drafts.of_tab(tab.id).ok_or_else(missing)?;
        let file = draft.file.clone().ok_or_else(missing)?;
        Ok((draft, file))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|panicked| Error::Internal { detail: panicked.to_string() })?
    }
}

/// Whether two names are of one file.
fn is_same(known: &Path, path: &Path) -> bool {
    known == path || matches!((known.canonicalize(), path.canonicalize()), (Ok(known), Ok(path)) if known == path)
}
