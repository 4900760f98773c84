//! Keeps what a statement brings: rows in a store, remarks and progress in the snapshot.

use std::ops::ControlFlow;
use std::sync::Arc;

use postern_wire::ErrorResponse;

use super::{Connector, ResultInfo, RunId, RunSnapshot, Shared, StatementRun};
use crate::row::Row;
use crate::session::Sink;
use crate::store::{ResultStore, ResultWriter, StoreError, StoreOptions};
use crate::types::Column;

/// Remarks of a run that are kept.
const MAX_NOTICES: usize = 1_000;

/// The sink of one statement of a run.
pub(super) struct Keep<'a, C: Connector> {
    shared: &'a Shared<C>,
    run: RunId,
    /// Which statement.
    index: usize,
    /// The beginning of it.
    sql: Arc<str>,
    writer: Option<ResultWriter>,
    /// The server has sent all rows of `writer`'s result.
    all_sent: bool,
    /// Rows have been shown: from now on the regular progress will do.
    shown: bool,
    pub(super) failure: Option<StoreError>,
}

impl<'a, C: Connector> Keep<'a, C> {
    pub(super) fn new(shared: &'a Shared<C>, run: RunId, index: usize, sql: Arc<str>) -> Self {
        Self { shared, run, index, sql, writer: None, all_sent: false, shown: false, failure: None }
    }

    fn finish(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.finish();
        }
        self.all_sent = false;
    }

    /// Breaks, and remembers why.
    fn kept(&mut self, result: Result<(), StoreError>) -> ControlFlow<()> {
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure.get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    }
}

impl<C: Connector> Sink for Keep<'_, C> {
    fn columns(&mut self, columns: Vec<Column>) -> ControlFlow<()> {
        if self.all_sent {
            self.finish();
        }
        self.writer = None;
        if !columns.is_empty() {
            let (store, writer) = self.shared.new_result(columns, self.run, &self.sql);
            self.writer = Some(writer);
            self.shown = false;
            self.shared.statement(self.index, |statement| statement.result = Some(ResultInfo::of(&store)));
        }
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: Row<'_>) -> ControlFlow<()> {
        match &mut self.writer {
            Some(writer) => {
                let appended = writer.append(row);
                self.kept(appended)
            }
            None => ControlFlow::Continue(()),
        }
    }

    fn complete(&mut self, tag: &str) {
        self.all_sent = true;
        self.shared.statement(self.index, |statement| statement.tag = Some(tag.into()));
    }

    fn notice(&mut self, notice: ErrorResponse) {
        self.shared.snapshot(|run| {
            if run.notices.len() == MAX_NOTICES {
                run.notices.pop_front();
            }
            run.notices.push_back(Arc::new(notice));
        });
    }

    async fn flush(&mut self) -> ControlFlow<()> {
        let Some(writer) = &mut self.writer else {
            return ControlFlow::Continue(());
        };
        let flushed = writer.flush().await;
        if !self.shown && writer.store().rows() > 0 {
            self.shown = true;
            self.shared.progress(self.index);
        }
        if self.all_sent && flushed.is_ok() {
            self.finish();
        }
        self.kept(flushed)
    }
}

impl<C: Connector> Shared<C> {
    /// Changes the snapshot of the run that goes on.
    pub(super) fn snapshot(&self, change: impl FnOnce(&mut RunSnapshot<C::Error>)) {
        self.run.send_modify(|run| {
            if let Some(run) = run {
                change(run);
            }
        });
    }

    /// Changes one statement in it.
    pub(super) fn statement(&self, index: usize, change: impl FnOnce(&mut StatementRun)) {
        self.snapshot(|run| {
            if let Some(statement) = run.statements.get_mut(index) {
                change(statement);
            }
        });
    }

    /// Brings rows and bytes of a statement's result up to date.
    pub(super) fn progress(&self, index: usize) {
        self.statement(index, |statement| {
            if let Some(result) = &mut statement.result
                && let Some(store) = self.state().results.get(result.id)
            {
                *result = ResultInfo::of(store);
            }
        });
    }

    /// One more result, with what the others have left of the memory.
    fn new_result(&self, columns: Vec<Column>, run: RunId, sql: &Arc<str>) -> (Arc<ResultStore>, ResultWriter) {
        let options = &self.options.store;
        let mut state = self.state();
        let memory = options.memory.saturating_sub(state.results.resident());
        let options = StoreOptions { memory, directory: options.directory.clone() };
        let (store, writer) = ResultStore::create_in(columns.into(), options, state.results.spill());
        state.results.add(Arc::clone(&store), run, Arc::clone(sql));
        (store, writer)
    }
}
