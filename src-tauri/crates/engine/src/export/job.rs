//! One export at work, on a thread of its own: neither the console nor a proxy waits for it.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use postern_console::{
    export::{ExportError, Rows, WholeResult, scan, write},
    format::{Encoder, Format, Misfit, Remark, RowWriter, Style},
    row::Row,
    session::{RunEnd, Session, Sink},
    store::ResultStore,
    types::Column,
};
use postern_wire::ErrorResponse;
use tokio::{io::DuplexStream, sync::watch};

use super::{Export, ExportFile, ExportId, ExportState, Exported, write_failure};
use crate::{
    engine::{Change, Engine, lock},
    error::Error,
    gate::Gate,
    login::Login,
    sql::{cancel, server_failure, session_failure, start},
};

/// `application_name` of the session of an export.
const PROGRAM: &str = "Postern export";

/// How often progress is told.
const TICK: Duration = Duration::from_millis(250);

/// Where the rows come from.
pub(super) enum Source {
    Kept(Box<dyn Rows>),
    /// In a session that only reads where its tab's does.
    Statement {
        sql: String,
        read_only: bool,
    },
}

impl Source {
    pub(super) fn kept(store: Arc<ResultStore>) -> Self {
        Self::Kept(Box::new(WholeResult::of(store)))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Kept(_) => "result",
            Self::Statement { .. } => "statement",
        }
    }
}

/// An export, as long as it is remembered.
#[derive(Debug)]
pub(super) struct Job {
    id: ExportId,
    login: Login,
    path: PathBuf,
    format: Format,
    from_server: bool,
    total: Option<u64>,
    began: Instant,
    rows: AtomicU64,
    bytes: Mutex<Arc<AtomicU64>>,
    /// Where it is; and with it, whoever waits for its end is woken.
    progress: watch::Sender<Progress>,
    stop: watch::Sender<bool>,
}

#[derive(Clone, Debug)]
struct Progress {
    state: ExportState,
    failure: Option<Arc<Error>>,
    as_text: Vec<Arc<Misfit>>,
    elapsed: Option<Duration>,
}

impl Job {
    pub(super) fn new(id: ExportId, login: Login, path: PathBuf, format: Format, source: &Source) -> Arc<Self> {
        let total = match source {
            Source::Kept(rows) => Some(rows.count()),
            Source::Statement { .. } => None,
        };
        let progress = Progress { state: ExportState::Starting, failure: None, as_text: Vec::new(), elapsed: None };
        Arc::new(Self {
            id,
            login,
            path,
            format,
            from_server: total.is_none(),
            total,
            began: Instant::now(),
            rows: AtomicU64::new(0),
            bytes: Mutex::default(),
            progress: watch::Sender::new(progress),
            stop: watch::Sender::new(false),
        })
    }

    pub(super) fn login(&self) -> &Login {
        &self.login
    }

    pub(super) fn shown(&self) -> Export {
        let progress = self.progress.borrow().clone();
        let stopping = *self.stop.borrow() && !progress.state.ended();
        Export {
            id: self.id,
            path: self.path.clone(),
            format: self.format,
            login: self.login.clone(),
            from_server: self.from_server,
            state: if stopping { ExportState::Stopping } else { progress.state },
            rows: self.rows.load(Ordering::Relaxed),
            total: self.total,
            bytes: lock(&self.bytes).load(Ordering::Relaxed),
            elapsed: progress.elapsed.unwrap_or_else(|| self.began.elapsed()),
            as_text: progress.as_text,
            failure: progress.failure,
        }
    }

    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until nothing more will happen.
    pub(super) async fn ended(&self) {
        // The sender is ours, so this cannot fail.
        let _ = self.progress.subscribe().wait_for(|progress| progress.state.ended()).await;
    }

    pub(super) fn begin(self: &Arc<Self>, engine: Engine, source: Source, style: Style, file: ExportFile) {
        *lock(&self.bytes) = file.bytes();
        let (job, telling) = (Arc::clone(self), engine.clone());
        let work = tokio::task::spawn_blocking({
            let job = Arc::clone(self);
            move || job.work(&engine, source, style, file)
        });
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(TICK);
            tokio::pin!(work);
            let done = loop {
                tokio::select! {
                    done = &mut work => break done,
                    _ = tick.tick() => telling.shared.tell(Change::Exports),
                }
            };
            // A panic took the file with it, since that was dropped on the way.
            let done = done.unwrap_or_else(|error| Err(Error::Internal { detail: error.to_string() }));
            job.end(done);
            telling.shared.tell(Change::Exports);
        });
    }

    fn end(&self, done: Result<(), Error>) {
        let elapsed = self.began.elapsed();
        self.progress.send_modify(|progress| {
            progress.elapsed = Some(elapsed);
            (progress.state, progress.failure) = match done {
                Ok(()) => (ExportState::Done, None),
                Err(Error::Canceled) => (ExportState::Stopped, None),
                Err(error) => (ExportState::Failed, Some(Arc::new(error))),
            };
        });
    }

    fn enter(&self, state: ExportState) {
        self.progress.send_modify(|progress| progress.state = state);
    }

    fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Writes the file. It may wait for a disk or the server.
    fn work(&self, engine: &Engine, source: Source, style: Style, file: ExportFile) -> Result<(), Error> {
        let (name, format) = (source.name(), style.format);
        let (file, rows) = match source {
            Source::Kept(rows) => self.kept(engine, &*rows, style, file)?,
            Source::Statement { sql, read_only } => {
                tokio::runtime::Handle::current().block_on(self.run(engine, &sql, read_only, style, file))?
            }
        };
        if self.stopped() {
            return Err(Error::Canceled);
        }
        self.rows.store(rows, Ordering::Relaxed);
        file.finish(&Exported { login: &self.login, format: format.name(), source: name, rows }).map(drop)
    }

    fn kept(
        &self,
        engine: &Engine,
        rows: &dyn Rows,
        mut style: Style,
        file: ExportFile,
    ) -> Result<(ExportFile, u64), Error> {
        let mut go_on = |count| {
            self.rows.store(count, Ordering::Relaxed);
            !self.stopped()
        };
        let failed = |error| match error {
            ExportError::Stopped => Error::Canceled,
            ExportError::Store(error) => engine.storage(&error),
            ExportError::Write(error) => write_failure(&self.path, error),
        };
        if style.format.has_types() {
            self.enter(ExportState::Looking);
            let plan = scan(rows, style.columns.as_deref(), &mut go_on).map_err(failed)?;
            let as_text = plan.iter().filter_map(|column| column.because.clone()).collect();
            self.progress.send_modify(|progress| progress.as_text = as_text);
            style.plan = Some(plan);
        }
        self.enter(ExportState::Writing);
        let mut encoder = Encoder::new(&style, file);
        write(rows, &mut encoder, &mut go_on).map_err(failed)?;
        let count = encoder.rows();
        Ok((encoder.finish().map_err(|error| write_failure(&self.path, error))?, count))
    }

    /// Runs the statement in a session of its own.
    async fn run(
        &self,
        engine: &Engine,
        sql: &str,
        read_only: bool,
        style: Style,
        file: ExportFile,
    ) -> Result<(ExportFile, u64), Error> {
        let mut stop = self.stop.subscribe();
        let gate = engine.gate(&self.login)?;
        let mut session = tokio::select! {
            session = start(&gate, PROGRAM, read_only) => session?,
            _ = stop.wait_for(|stop| *stop) => return Err(Error::Canceled),
        };
        let mut rows = Counted { job: self, writer: RowWriter::new(style, file, |_: Remark<'_>| {}), dropped: false };
        match self.statement(&gate, &mut session, sql, &mut rows).await? {
            RunEnd::Done => {
                let count = rows.writer.rows();
                let written = rows.writer.finish().map_err(|error| write_failure(&self.path, error));
                session.terminate().await;
                Ok((written?, count))
            }
            RunEnd::Refused(error) => Err(Error::Sql(Box::new(server_failure(&error)))),
            RunEnd::CopyToClient => Err(Error::InvalidValue {
                field: "sql".to_owned(),
                problem: "COPY … TO STDOUT sends no rows; export a SELECT".to_owned(),
            }),
            RunEnd::Stopped => {
                let written = rows.writer.finish();
                // Nobody wants its rows any more: the server need not go on.
                let key = session.cancel_key().cloned();
                cancel(&gate, key, session.drain()).await;
                session.terminate().await;
                Err(written.err().map_or(Error::Canceled, |error| write_failure(&self.path, error)))
            }
        }
    }

    /// Runs the statement, and has it canceled once the job is to stop.
    async fn statement(
        &self,
        gate: &Arc<Gate>,
        session: &mut Session<DuplexStream>,
        sql: &str,
        rows: &mut Counted<'_>,
    ) -> Result<RunEnd, Error> {
        let mut stop = self.stop.subscribe();
        let key = session.cancel_key().cloned();
        let running = session.run(sql, rows);
        tokio::pin!(running);
        let ended = tokio::select! {
            ended = &mut running => ended,
            _ = stop.wait_for(|stop| *stop) => {
                cancel(gate, key, running).await;
                return Err(Error::Canceled);
            }
        };
        ended.map_err(|error| session_failure(&self.login.database, &error))
    }
}

/// Writes rows, and lets the job know how many.
struct Counted<'a> {
    job: &'a Job,
    writer: RowWriter<ExportFile>,
    /// The job is to stop: the rows that still come are for nobody.
    dropped: bool,
}

impl Sink for Counted<'_> {
    fn columns(&mut self, columns: Vec<Column>) -> std::ops::ControlFlow<()> {
        self.job.enter(ExportState::Writing);
        self.writer.columns(columns)
    }

    fn row(&mut self, row: Row<'_>) -> std::ops::ControlFlow<()> {
        if self.dropped { std::ops::ControlFlow::Continue(()) } else { self.writer.row(row) }
    }

    fn complete(&mut self, tag: &str) {
        self.writer.complete(tag);
    }

    fn notice(&mut self, notice: ErrorResponse) {
        self.writer.notice(notice);
    }

    async fn flush(&mut self) -> std::ops::ControlFlow<()> {
        self.dropped = self.job.stopped();
        if self.dropped {
            return std::ops::ControlFlow::Continue(());
        }
        self.job.rows.store(self.writer.rows(), Ordering::Relaxed);
        self.writer.flush().await
    }
}
