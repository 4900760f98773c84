//! The console's commands.

use std::sync::Arc;

use postern_engine::{
    ConsoleTab as EngineTab, Error, Progress, TabId,
    results::{
        analysis::{self, FindSpec, ViewSpec},
        parameters,
        split::guard,
        store::{CellText, Window},
        tab::{
            Dangerous, KeptResult as EngineKept, ResultInfo as EngineResult, RunRefused, RunRequest,
            RunState as EngineState, StatementFailure,
        },
    },
    server_failure, whole_millis,
};

use super::{Host, failure::sql};
use crate::{
    console::*,
    error::{ErrorCode, Failure},
};

impl Host {
    /// Opens a tab.
    pub async fn console_open(&self, request: OpenConsole) -> Result<ConsoleTab, Failure> {
        Ok(self.engine()?.console_open(&request.target.into(), request.read_only).await?.into())
    }

    /// Closes a tab.
    pub async fn console_close(&self, tab: String) -> Result<(), Failure> {
        Ok(self.engine()?.console_close(&tab).await?)
    }

    /// Runs statements.
    pub async fn console_run(&self, request: ConsoleRun) -> Result<Run, Failure> {
        let (tab, confirmed) = (request.tab.clone(), request.confirmed);
        let run = RunRequest::from(request);
        // To split a script of megabytes takes a while.
        let engine = self.engine()?.clone();
        let begun = tokio::task::spawn_blocking(move || engine.console_run(&tab, run, confirmed)).await;
        let tab = begun.map_err(|panicked| Failure::internal(&panicked.to_string()))??;
        self.run_of(tab)
    }

    /// Looks at what would run.
    pub async fn console_check(&self, request: ConsoleRun) -> Result<RunCheck, Failure> {
        let tab = request.tab.clone();
        let run = RunRequest::from(request);
        let engine = self.engine()?.clone();
        let checked = tokio::task::spawn_blocking(move || engine.console_check(&tab, &run)).await;
        let check = checked.map_err(|panicked| Failure::internal(&panicked.to_string()))??;
        Ok(RunCheck { parameters: check.parameters, dangers: check.dangers.iter().map(dangerous).collect() })
    }

    /// Says which transactions a tab has.
    pub async fn console_set_manual(&self, request: SetManual) -> Result<ConsoleTab, Failure> {
        Ok(self.engine()?.console_set_manual(&request.tab, request.manual)?.into())
    }

    /// Ends the open transaction of a tab.
    pub async fn console_end_transaction(&self, request: EndTransaction) -> Result<EndedTransaction, Failure> {
        let committed = self.engine()?.console_end_transaction(&request.tab, request.commit).await?;
        Ok(EndedTransaction { committed })
    }

    /// Cancels the run of a tab.
    pub async fn console_cancel(&self, tab: String) -> Result<(), Failure> {
        Ok(self.engine()?.console_cancel(&tab)?)
    }

    /// Lists the tabs.
    pub async fn console_tabs(&self, (): ()) -> Result<Vec<ConsoleTab>, Failure> {
        Ok(self.engine()?.console_tabs().into_iter().map(Into::into).collect())
    }

    /// The results that a tab keeps.
    pub async fn console_results(&self, tab: String) -> Result<Vec<KeptResult>, Failure> {
        Ok(self.engine()?.console_results(&tab)?.iter().map(kept).collect())
    }

    /// Rows of a result, or of a view of it.
    pub async fn result_window(&self, request: WindowRequest) -> Result<RowWindow, Failure> {
        let (engine, count) = (self.engine()?, size(request.count));
        Ok(match &request.view {
            None => engine.result_window(&request.result, request.first, count).await?.into(),
            Some(view) => {
                let shown = engine.view_window(&request.result, view, request.first, count).await?;
                RowWindow { numbers: Some(shown.numbers), ..shown.window.into() }
            }
        })
    }

    /// One cell of a result.
    pub async fn result_cell(&self, request: CellRequest) -> Result<Cell, Failure> {
        Ok(self.engine()?.result_cell(&request.result, request.row, size(request.column)).await?.into())
    }

    /// Sorts and filters a result.
    pub async fn result_view(&self, request: ViewRequest) -> Result<View, Failure> {
        let spec = ViewSpec {
            sort: request.sort.iter().map(Into::into).collect(),
            filters: request.filters.into_iter().map(Into::into).collect(),
        };
        let view = self.engine()?.result_view(&request.result, &request.task, spec).await?;
        Ok(View {
            id: view.id().to_string(),
            result: request.result,
            rows: view.rows(),
            of: view.of(),
            as_text: view.as_text(),
        })
    }

    /// Lets go of a view.
    pub async fn result_view_close(&self, view: String) -> Result<(), Failure> {
        self.engine()?.close_view(&view);
        Ok(())
    }

    /// Finds a text.
    pub async fn result_find(&self, request: FindRequest) -> Result<Option<Found>, Failure> {
        let spec = FindSpec {
            text: request.text,
            regex: request.regex,
            match_case: request.match_case,
            column: request.column.map(size),
            from: request.from.map(|from| analysis::CellPlace { row: from.row, column: size(from.column) }),
            backwards: request.backwards,
        };
        let view = request.view.as_deref();
        Ok(self.engine()?.result_find(&request.result, view, &request.task, spec).await?.map(Into::into))
    }

    /// Counts and measures a column.
    pub async fn result_stats(&self, request: StatsRequest) -> Result<ColumnStats, Failure> {
        let (view, column) = (request.view.as_deref(), size(request.column));
        Ok(self.engine()?.result_stats(&request.result, view, &request.task, column).await?.into())
    }

    /// Stops work on a result.
    pub async fn result_cancel(&self, task: String) -> Result<(), Failure> {
        self.engine()?.stop_task(&task);
        Ok(())
    }

    /// Has the next run leave a result.
    pub async fn result_pin(&self, request: PinResult) -> Result<(), Failure> {
        Ok(self.engine()?.pin_result(&request.result, request.pinned)?)
    }

    /// Lets go of a result.
    pub async fn result_close(&self, result: String) -> Result<(), Failure> {
        Ok(self.engine()?.close_result(&result)?)
    }

    /// A tab as it is.
    pub(super) fn tab_of(&self, tab: TabId) -> Result<ConsoleTab, Failure> {
        Ok(self.engine()?.console_tab(&tab.to_string())?.into())
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

/// A number of the contract as a size: one that is too large is as good as the largest.
pub(super) fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(super) fn index(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
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
        StatementFailure::NotExplainable => Failure::from(&Error::NotRun(RunRefused::NotExplainable)),
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

fn kept(kept: &EngineKept) -> KeptResult {
    KeptResult {
        result: result(&kept.info),
        run: kept.run.to_string(),
        sql: kept.sql.to_string(),
        pinned: kept.pinned,
        growing: kept.growing,
    }
}

impl From<EngineTab> for ConsoleTab {
    fn from(tab: EngineTab) -> Self {
        Self {
            id: tab.id.to_string(),
            target: tab.login.into(),
            env: tab.env,
            read_only: tab.read_only,
            manual: tab.state.manual,
            transaction: tab.state.transaction.map(|open| Transaction {
                failed: open.failed,
                since: postern_engine::millis(open.since),
                statements: open.statements,
                idle_since: open.idle_since.map(postern_engine::millis),
            }),
            lost: tab.state.lost,
        }
    }
}

impl From<ConsoleRun> for RunRequest {
    fn from(request: ConsoleRun) -> Self {
        Self {
            text: Arc::from(request.text),
            from: request.from,
            to: request.to,
            all: request.all,
            explain: request.explain,
            parameters: request.parameters.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Parameter> for parameters::Parameter {
    fn from(parameter: Parameter) -> Self {
        let kind = match parameter.kind {
            ParameterKind::Any => parameters::Kind::Any,
            ParameterKind::Text => parameters::Kind::Text,
            ParameterKind::Number => parameters::Kind::Number,
            ParameterKind::Date => parameters::Kind::Date,
            ParameterKind::Timestamp => parameters::Kind::Timestamp,
            ParameterKind::Boolean => parameters::Kind::Boolean,
            ParameterKind::Null => parameters::Kind::Null,
        };
        Self { name: parameter.name, kind, value: parameter.value }
    }
}

fn dangerous(found: &Dangerous) -> DangerousStatement {
    let danger = match found.danger {
        guard::Danger::UpdateAll => Danger::UpdateAll,
        guard::Danger::DeleteAll => Danger::DeleteAll,
        guard::Danger::Truncate => Danger::Truncate,
        guard::Danger::DropTable => Danger::DropTable,
        guard::Danger::DropSchema => Danger::DropSchema,
        guard::Danger::DropDatabase => Danger::DropDatabase,
    };
    DangerousStatement { danger, from: found.from, to: found.to }
}

impl From<Window> for RowWindow {
    fn from(window: Window) -> Self {
        Self {
            first: window.first,
            rows: window.rows,
            cut: window
                .cut
                .into_iter()
                .map(|cut| CutCell { row: cut.row, column: index(cut.column), bytes: cut.bytes })
                .collect(),
            numbers: None,
        }
    }
}

impl From<CellText> for Cell {
    fn from(cell: CellText) -> Self {
        Self { text: cell.text, bytes: cell.bytes, cut: cell.cut }
    }
}

impl From<&SortColumn> for analysis::SortColumn {
    fn from(sort: &SortColumn) -> Self {
        Self { column: size(sort.column), descending: sort.descending }
    }
}

impl From<Filter> for analysis::Filter {
    fn from(filter: Filter) -> Self {
        Self {
            column: filter.column.map(size),
            test: filter.test.into(),
            value: filter.value,
            match_case: filter.match_case,
        }
    }
}

impl From<FilterTest> for analysis::FilterTest {
    fn from(test: FilterTest) -> Self {
        match test {
            FilterTest::Equal => Self::Equal,
            FilterTest::NotEqual => Self::NotEqual,
            FilterTest::Less => Self::Less,
            FilterTest::LessOrEqual => Self::LessOrEqual,
            FilterTest::Greater => Self::Greater,
            FilterTest::GreaterOrEqual => Self::GreaterOrEqual,
            FilterTest::Contains => Self::Contains,
            FilterTest::NotContains => Self::NotContains,
            FilterTest::StartsWith => Self::StartsWith,
            FilterTest::EndsWith => Self::EndsWith,
            FilterTest::Matches => Self::Matches,
            FilterTest::Null => Self::Null,
            FilterTest::NotNull => Self::NotNull,
        }
    }
}

impl From<analysis::Found> for Found {
    fn from(found: analysis::Found) -> Self {
        let place = CellPlace { row: found.place.row, column: index(found.place.column) };
        Self { place, number: found.number, wrapped: found.wrapped }
    }
}

impl From<analysis::ColumnStats> for ColumnStats {
    fn from(stats: analysis::ColumnStats) -> Self {
        let bucket = |bucket: analysis::Bucket| Bucket { from: bucket.from, to: bucket.to, rows: bucket.rows };
        let value = |value: analysis::TopValue| TopValue { text: value.text, rows: value.rows };
        Self {
            rows: stats.rows,
            nulls: stats.nulls,
            empty: stats.empty,
            distinct: stats.distinct,
            distinct_exact: stats.distinct_exact,
            min: stats.min,
            max: stats.max,
            histogram: stats.histogram.into_iter().map(bucket).collect(),
            top: stats.top.into_iter().map(value).collect(),
            as_text: stats.as_text,
        }
    }
}

impl From<Progress> for ResultProgress {
    fn from(progress: Progress) -> Self {
        Self { task: progress.task, done: progress.done, of: progress.of }
    }
}
