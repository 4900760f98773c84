//! The commands about history, restored tabs and files.

use std::path::{Path, PathBuf};

use postern_engine::{
    DraftText, Forget, HistoryOutcome as EngineOutcome, HistoryQuery, MAX_HISTORY_BYTES, MAX_HISTORY_ENTRIES,
    Remembering as EngineRemembering, RestoredTab as EngineTab,
};

use super::Host;
use crate::{
    console::ConsoleTab,
    databases::Target,
    error::Failure,
    history::{
        Draft, ForgetHistory, HistoryEntry, HistoryOutcome, HistoryPage, HistoryRequest, Remembering, RestoredTab,
        RestoredTabs, RetargetTab, SaveDraft, SqlFile,
    },
};

impl Host {
    /// A page of the history.
    pub async fn history_list(&self, request: HistoryRequest) -> Result<HistoryPage, Failure> {
        let query = HistoryQuery {
            words: request.words,
            database: request.database,
            failed: request.failed,
            before: request.before,
            limit: usize::try_from(request.limit).unwrap_or(usize::MAX),
        };
        let page = self.engine()?.history(query).await?;
        Ok(HistoryPage {
            entries: page.entries.into_iter().map(Into::into).collect(),
            more: page.more,
            kept: page.kept,
            bytes: page.bytes,
            most: MAX_HISTORY_ENTRIES,
            most_bytes: MAX_HISTORY_BYTES,
            trouble: page.trouble,
        })
    }

    /// The whole SQL of an entry.
    pub async fn history_sql(&self, id: i64) -> Result<String, Failure> {
        Ok(self.engine()?.history_sql(id).await?)
    }

    /// Forgets entries, and says how many.
    pub async fn history_forget(&self, what: ForgetHistory) -> Result<u64, Failure> {
        let what = match what {
            ForgetHistory::Entry { id } => Forget::Entry(id),
            ForgetHistory::Database { name } => Forget::Database(name),
            ForgetHistory::Everything => Forget::Everything,
        };
        Ok(self.engine()?.forget_history(what).await?)
    }

    /// What the console may keep.
    pub async fn console_remembering(&self, (): ()) -> Result<Remembering, Failure> {
        let EngineRemembering { history, tabs } = self.engine()?.remembering()?;
        Ok(Remembering { history, tabs })
    }

    /// Says what the console may keep.
    pub async fn console_remember(&self, request: Remembering) -> Result<(), Failure> {
        let Remembering { history, tabs } = request;
        Ok(self.engine()?.set_remembering(EngineRemembering { history, tabs }).await?)
    }

    /// The tabs, with those of the last time.
    pub async fn console_restore(&self, (): ()) -> Result<RestoredTabs, Failure> {
        let restored = self.engine()?.console_restore().await?;
        Ok(RestoredTabs {
            tabs: restored.tabs.into_iter().map(Into::into).collect(),
            unreadable: restored.unreadable.iter().map(|path| path.display().to_string()).collect(),
        })
    }

    /// Moves a tab to another login.
    pub async fn console_retarget(&self, request: RetargetTab) -> Result<ConsoleTab, Failure> {
        Ok(self.engine()?.console_retarget(&request.tab, &request.target.into(), request.read_only).await?.into())
    }

    /// Keeps what stands in a tab.
    pub async fn draft_save(&self, request: SaveDraft) -> Result<(), Failure> {
        Ok(self.engine()?.keep_draft(&request.tab, request.draft.into()).await?)
    }

    /// Opens the file that a person chose. The dialog is the shell's: no path comes from the window.
    pub async fn sql_open(&self, target: Target, path: PathBuf) -> Result<RestoredTab, Failure> {
        Ok(self.engine()?.sql_open(path, &target.into()).await?.into())
    }

    /// Whether a tab belongs to a file, so that nobody has to be asked where it goes.
    pub fn has_sql_file(&self, tab: &str) -> Result<bool, Failure> {
        Ok(self.engine()?.sql_file_of(tab)?.is_some())
    }

    /// Saves what stands in a tab to its file.
    pub async fn sql_save(&self, tab: &str, draft: Draft, replace: bool) -> Result<SqlFile, Failure> {
        Ok(sql_file(&self.engine()?.sql_save(tab, draft.into(), replace).await?.path))
    }

    /// Saves what stands in a tab to the file that a person chose.
    pub async fn sql_save_as(
        &self,
        tab: &str,
        draft: Draft,
        path: PathBuf,
        overwrite: bool,
    ) -> Result<SqlFile, Failure> {
        Ok(sql_file(&self.engine()?.sql_save_as(tab, draft.into(), path, overwrite).await?.path))
    }

    /// Reads the file of a tab again.
    pub async fn sql_reload(&self, tab: String) -> Result<RestoredTab, Failure> {
        Ok(self.engine()?.sql_reload(&tab).await?.into())
    }
}

fn sql_file(path: &Path) -> SqlFile {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    SqlFile { name, path: path.display().to_string() }
}

impl From<postern_engine::HistoryEntry> for HistoryEntry {
    fn from(entry: postern_engine::HistoryEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            target: entry.login.into(),
            cut: entry.sql.len() as u64 != entry.bytes,
            partial: entry.partial,
            sql: entry.sql,
            statements: u32::try_from(entry.statements).unwrap_or(u32::MAX),
            outcome: match entry.outcome {
                EngineOutcome::Running => HistoryOutcome::Running,
                EngineOutcome::Done => HistoryOutcome::Done,
                EngineOutcome::Failed => HistoryOutcome::Failed,
                EngineOutcome::Canceled => HistoryOutcome::Canceled,
                EngineOutcome::Unknown => HistoryOutcome::Unknown,
            },
            elapsed_ms: entry.elapsed_ms,
            rows: entry.rows,
            tag: entry.tag,
            sqlstate: entry.sqlstate,
            message: entry.message,
        }
    }
}

impl From<EngineTab> for RestoredTab {
    fn from(restored: EngineTab) -> Self {
        let file = restored.draft.as_ref().and_then(|draft| draft.file.as_ref()).map(|file| sql_file(&file.path));
        let draft = restored.draft.map(|draft| Draft {
            number: draft.number,
            place: draft.place,
            text: draft.text,
            from: draft.from,
            to: draft.to,
            unsaved: draft.unsaved,
        });
        Self { tab: restored.tab.into(), draft, file, mixed: restored.mixed }
    }
}

impl From<Draft> for DraftText {
    fn from(draft: Draft) -> Self {
        let Draft { number, place, text, from, to, unsaved } = draft;
        Self { number, place, text, from, to, unsaved }
    }
}
