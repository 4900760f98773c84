//! The results that a tab keeps: those of the last run, and those that were pinned.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ResultInfo, RunId};
use crate::store::{ResultId, ResultStore, SharedSpill};

/// Characters of a statement that are kept beside its result.
const SQL_CHARS: usize = 1_000;

/// A result that a tab keeps.
#[derive(Clone, Debug)]
pub struct KeptResult {
    /// What it holds.
    pub info: ResultInfo,
    /// The run that made it.
    pub run: RunId,
    /// Its statement, or the first thousand characters of it.
    pub sql: Arc<str>,
    /// The next run leaves it.
    pub pinned: bool,
    /// Rows may still come.
    pub growing: bool,
}

/// Why a result is not closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CloseRefused {
    /// The tab does not keep it.
    #[error("there is no such result")]
    Missing,
    /// Its statement has not ended.
    #[error("its rows still come; stop the run first")]
    Growing,
}

/// By age.
#[derive(Debug, Default)]
pub(super) struct Results {
    kept: BTreeMap<ResultId, Kept>,
    /// The file that the results of a run share.
    spill: SharedSpill,
}

#[derive(Debug)]
struct Kept {
    store: Arc<ResultStore>,
    run: RunId,
    sql: Arc<str>,
    pinned: bool,
}

impl Results {
    pub(super) fn get(&self, id: ResultId) -> Option<&Arc<ResultStore>> {
        self.kept.get(&id).map(|kept| &kept.store)
    }

    pub(super) fn list(&self) -> Vec<KeptResult> {
        let shown = self.kept.values().map(|kept| KeptResult {
            info: ResultInfo::of(&kept.store),
            run: kept.run,
            sql: Arc::clone(&kept.sql),
            pinned: kept.pinned,
            growing: kept.store.growing(),
        });
        shown.collect()
    }

    pub(super) fn pin(&mut self, id: ResultId, pinned: bool) -> bool {
        self.kept.get_mut(&id).map(|kept| kept.pinned = pinned).is_some()
    }

    pub(super) fn close(&mut self, id: ResultId) -> Result<(), CloseRefused> {
        match self.kept.get(&id) {
            None => Err(CloseRefused::Missing),
            Some(kept) if kept.store.growing() => Err(CloseRefused::Growing),
            Some(_) => {
                self.let_go(|known, _| known == id);
                Ok(())
            }
        }
    }

    /// Drops what is not pinned. The next results have a file of their own, so that theirs can go when they do.
    pub(super) fn begin_run(&mut self) {
        self.let_go(|_, kept| !kept.pinned);
        self.spill = SharedSpill::default();
    }

    pub(super) fn drop_all(&mut self) {
        self.let_go(|_, _| true);
        self.spill = SharedSpill::default();
    }

    /// On a thread where it stops nobody: to give back a file of gigabytes takes the system a while.
    fn let_go(&mut self, whether: impl Fn(ResultId, &Kept) -> bool) {
        let gone: Vec<Kept> = self.kept.extract_if(.., |id, kept| whether(*id, kept)).map(|(_, kept)| kept).collect();
        gone.iter().for_each(|kept| kept.store.let_go());
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !gone.is_empty()
        {
            runtime.spawn_blocking(move || drop(gone));
        }
    }

    /// Bytes of rows in memory to stay.
    pub(super) fn resident(&self) -> u64 {
        self.kept.values().map(|kept| kept.store.resident()).sum()
    }

    /// The file for the results of this run.
    pub(super) fn spill(&self) -> SharedSpill {
        self.spill.clone()
    }

    pub(super) fn add(&mut self, store: Arc<ResultStore>, run: RunId, sql: Arc<str>) {
        self.kept.insert(store.id(), Kept { store, run, sql, pinned: false });
    }
}

/// As much of a statement as is kept.
pub(super) fn beginning(sql: &str) -> Arc<str> {
    let end = sql.char_indices().nth(SQL_CHARS).map_or(sql.len(), |(end, _)| end);
    sql[..end].into()
}
