//! The console's commands.

use std::sync::Arc;

use postern_engine::{
    ConsoleTab as EngineTab, TabId,
    results::{
        store::{CellText, Window},
        tab::{ResultInfo as EngineResult, RunRequest, RunState as EngineState, StatementFailure},
    },
    server_failure,
};

use super::{Host, convert::whole_millis, failure::sql};
use crate::{
    console::*,
    databases::Target,
    error::{ErrorCode, Failure},
};

impl Host {
    /// Opens a tab.
    pub async fn console_open(&self, target: Target) -> Result<ConsoleTab, Failure> {
        Ok(self.engine()?.console_open(&target.into()).await?.into())
    }

    /// Closes a tab.
    pub async fn console_close(&self, tab: String) -> Result<(), Failure> {
        Ok(self.engine()?.console_close(&tab).await?)
    }

    /// Runs statements.
    pub async fn console_run(&self, request: ConsoleRun) -> Result<Run, Failure> {
        let run = RunRequest { text: Arc::from(request.text), from: request.from, to: request.to, all: request.all };
        let tab = self.engine()?.console_run(&request.tab, run)?;
        self.run_of(tab)
    }

    /// Cancels the run of a tab.
    pub async fn console_cancel(&self, tab: String) -> Result<(), Failure> {
        Ok(self.engine()?.console_cancel(&tab)?)
    }

    /// Lists the tabs.
    pub async fn console_tabs(&self, (): ()) -> Result<Vec<ConsoleTab>, Failure> {
        Ok(self.engine()?.console_tabs().into_iter().map(Into::into).collect())
    }

    /// Rows of a result.
    pub async fn result_window(&self, request: WindowRequest) -> Result<RowWindow, Failure> {
        let count = usize::try_from(request.count).unwrap_or(usize::MAX);
        Ok(self.engine()?.result_window(&request.result, request.first, count)?.into())
    }

    /// One cell of a result.
    pub async fn result_cell(&self, request: CellRequest) -> Result<Cell, Failure> {
        let column = usize::try_from(request.column).unwrap_or(usize::MAX);
        Ok(self.engine()?.result_cell(&request.result, request.row, column)?.into())
    }

    /// The last run of a tab.
    pub(super) fn run_of(&self, tab: TabId) -> Result<Run, Failure> {
        let engine = self.engine()?;
        let run = engine.run_of(tab)?;
        let failure = run.failure.as_ref().and_then(|failure| engine.run_failure(tab, failure));
        Ok(Run {
            id: run.id.to_string(),
            tab: tab.to_string(),
            state: state(run.state),
            statements: run.statements.iter().map(statement).collect(),
            notices: run
                .notices
                .iter()
                .map(|notice| Notice {
                    severity: notice.field(b'S').unwrap_or("NOTICE").to_owned(),
                    message: notice.message().to_owned(),
                })
                .collect(),
            elapsed_ms: whole_millis(run.elapsed),
            failure: failure.map(|error| Failure::from(&*error)),
        })
    }
}

fn state(state: EngineState) -> RunState {
    match state {
        EngineState::Waiting => RunState::Waiting,
        EngineState::Running => RunState::Running,
        EngineState::Canceling => RunState::Canceling,
        EngineState::Done => RunState::Done,
        EngineState::Failed => RunState::Failed,
        EngineState::Canceled => RunState::Canceled,
    }
}

fn statement(statement: &postern_engine::results::tab::StatementRun) -> StatementRun {
    StatementRun {
        from: statement.from,
        to: statement.to,
        state: state(statement.state),
        tag: statement.tag.as_deref().map(str::to_owned),
        result: statement.result.as_ref().map(result),
        failure: statement.failure.as_ref().map(refused),
        elapsed_ms: whole_millis(statement.elapsed),
    }
}

fn refused(failure: &StatementFailure) -> Failure {
    match failure {
        StatementFailure::Refused { error, mark } => {
            let mut failure = sql(&server_failure(error));
            failure.message = error.message().to_owned();
            if let (Some(sql), Some((from, to))) = (&mut failure.sql, mark) {
                (sql.from, sql.to) = (Some(*from), Some(*to));
            }
            failure
        }
        StatementFailure::CopyToClient => Failure::of(
            ErrorCode::InvalidValue,
            [
                ("field", &"COPY … TO STDOUT".to_owned()),
                ("problem", &"its data is not rows; use `postern db connect` and psql's \\copy".to_owned()),
            ],
        ),
    }
}

fn result(result: &EngineResult) -> ResultInfo {
    ResultInfo {
        id: result.id.to_string(),
        columns: result
            .columns
            .iter()
            .map(|column| Column {
                name: column.name.to_string(),
                type_name: column.type_name().to_string(),
                numeric: column.numeric(),
            })
            .collect(),
        rows: result.rows,
        bytes: result.bytes,
        complete: result.complete,
    }
}

impl From<EngineTab> for ConsoleTab {
    fn from(tab: EngineTab) -> Self {
        Self { id: tab.id.to_string(), target: tab.login.into(), env: tab.env }
    }
}

impl From<Window> for RowWindow {
    fn from(window: Window) -> Self {
        Self {
            first: window.first,
            rows: window.rows,
            cut: window
                .cut
                .into_iter()
                .map(|cut| CutCell {
                    row: cut.row,
                    column: u32::try_from(cut.column).unwrap_or(u32::MAX),
                    bytes: cut.bytes,
                })
                .collect(),
        }
    }
}

impl From<CellText> for Cell {
    fn from(cell: CellText) -> Self {
        Self { text: cell.text, bytes: cell.bytes, cut: cell.cut }
    }
}
