//! The console's half of `cargo xtask bench console`: what the window asks of the engine, asked without a window. Takes a
//! database, its user and name, and what to measure (`1m` or `10m`) with the SQL of so many rows; prints JSON.

use std::{
    fs,
    time::{Duration, Instant},
};

use postern_ipc::{
    Event, Host,
    console::{
        ConsoleRun, FilterTest, FindRequest, OpenConsole, ResultInfo, Run, RunState, SortColumn, StatsRequest, View,
        ViewRequest, WindowRequest,
    },
    databases::Target,
    exports::{CsvOptions, Export, ExportFormat, ExportSource, ExportState, StartExport},
    plots::{PlotMeasure, PlotRequest, PlotSpec},
};
use serde_json::{Map, Value, json};
use tokio::sync::broadcast::{Receiver, error::RecvError};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Rows of a window.
const WINDOW: u32 = 200;

/// Windows that are read at random.
const WINDOWS: u64 = 2_000;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [database, db_user, db_name, what, sql] = words.as_slice() else {
        return Err("usage: bench_console DATABASE DB_USER DB_NAME 1m|10m SQL".into());
    };
    let target = Target { database: database.clone(), db_user: db_user.clone(), db_name: db_name.clone() };
    let figures = runtime.block_on(async {
        let host = Host::open();
        let tab = host.console_open(OpenConsole { target, read_only: false }).await.map_err(words_of)?.id;
        let bench = Bench { host, tab };
        // The session is open, and the server has what it needs in memory, as a second query of a person has.
        bench.run("select 1").await?;
        let figures = if what == "1m" { bench.million(sql).await } else { bench.ten_million(sql).await };
        bench.host.shutdown(Duration::from_secs(1)).await;
        figures
    })?;
    #[expect(clippy::print_stdout, reason = "printing it is what this program is for")]
    {
        println!("{figures}");
    }
    Ok(())
}

fn words_of(failure: postern_ipc::error::Failure) -> String {
    format!("{}: {:?}", failure.message, failure.params)
}

struct Bench {
    host: Host,
    tab: String,
}

/// How a run went.
struct Ran {
    /// Until the window could show rows.
    first: Duration,
    /// Until all rows were in the store.
    all: Duration,
    result: ResultInfo,
}

impl Bench {
    /// How fast rows come.
    async fn million(&self, sql: &str) -> Outcome<Value> {
        let ran = self.run(sql).await?;
        Ok(json!({ "first_row_ms": millis(ran.first), "rows_1m_s": ran.all.as_secs_f64() }))
    }

    /// What many rows cost, and what can be done with them.
    async fn ten_million(&self, sql: &str) -> Outcome<Value> {
        let before = memory("VmRSS")?;
        let ran = self.run(sql).await?;
        let growth = memory("VmHWM")? - before;
        let (result, rows) = (&ran.result, ran.result.rows);
        let plain = self.windows(result, None, rows).await?;
        let (sorted, view) = self.sort(result, "big").await?;
        let in_view = self.windows(result, Some(&view), view.rows).await?;
        let (sorted_decimal, _) = self.sort(result, "amount").await?;
        let (sorted_text, _) = self.sort(result, "note").await?;
        let analysed = memory("VmHWM")? - before;
        let started = Instant::now();
        let filters = vec![postern_ipc::console::Filter {
            column: Some(place(result, "amount")?),
            test: FilterTest::Less,
            value: Some("5.00".into()),
            match_case: false,
        }];
        let (id, task) = (result.id.clone(), "filter".to_owned());
        let filter = ViewRequest { result: id.clone(), task, sort: Vec::new(), filters };
        self.host.result_view(filter).await.map_err(words_of)?;
        let filtered = started.elapsed();
        let started = Instant::now();
        let find = FindRequest {
            result: id.clone(),
            view: None,
            task: "find".into(),
            text: "is nowhere in it".into(),
            regex: false,
            match_case: false,
            column: None,
            from: None,
            backwards: false,
        };
        self.host.result_find(find).await.map_err(words_of)?;
        let found = started.elapsed();
        let started = Instant::now();
        let stats = StatsRequest { result: id, view: None, task: "stats".into(), column: place(result, "big")? };
        self.host.result_stats(stats).await.map_err(words_of)?;
        let counted = started.elapsed();
        let plots = self.plots(result).await?;
        let exports = self.exports(result).await?;
        let next = self.next_after_stop(sql).await?;
        Ok(json!({
            "rows_10m": { "rows": rows, "seconds": ran.all.as_secs_f64(), "growth_mb": growth },
            "window_p99_ms": millis(plain),
            "view_window_p99_ms": millis(in_view),
            "sort_10m_s": sorted.as_secs_f64(),
            "sort_10m_decimal_s": sorted_decimal.as_secs_f64(),
            "sort_10m_text_s": sorted_text.as_secs_f64(),
            "growth_with_sorts_mb": analysed,
            "filter_10m_s": filtered.as_secs_f64(),
            "find_10m_s": found.as_secs_f64(),
            "stats_10m_s": counted.as_secs_f64(),
            "plot_10m_s": plots,
            "export_10m": exports,
            "next_query_ms": millis(next),
        }))
    }

    /// Seconds for a picture of all rows.
    async fn plots(&self, result: &ResultInfo) -> Outcome<Value> {
        let [at, big, ratio, customer] =
            [place(result, "at")?, place(result, "big")?, place(result, "ratio")?, place(result, "customer")?];
        let mut figures = Map::new();
        for (name, spec) in [
            ("line", PlotSpec::Line { x: at, y: vec![ratio], across: 1000 }),
            ("bar", PlotSpec::Bar { category: customer, value: Some(big), measure: PlotMeasure::Sum, most: 20 }),
            ("scatter", PlotSpec::Scatter { x: big, y: ratio, across: 200, down: 100 }),
            ("histogram", PlotSpec::Histogram { column: big, bins: 40 }),
        ] {
            let started = Instant::now();
            let request = PlotRequest { result: result.id.clone(), view: None, task: "plot".into(), spec };
            let plot = self.host.result_plot(request).await.map_err(words_of)?;
            if plot.rows != result.rows {
                return Err(format!("a plot of {} rows", plot.rows).into());
            }
            figures.insert(name.into(), json!(started.elapsed().as_secs_f64()));
        }
        Ok(Value::Object(figures))
    }

    /// Seconds for a file of all rows, its size, and the memory it took.
    async fn exports(&self, result: &ResultInfo) -> Outcome<Value> {
        let folder = tempfile::tempdir()?;
        let columns = (0..u32::try_from(result.columns.len())?).collect::<Vec<_>>();
        let csv = CsvOptions { delimiter: ",".into(), quote_all: false, header: true, bom: false, null: String::new() };
        let mut figures = Map::new();
        for (name, format) in [
            ("csv", ExportFormat::Csv),
            ("ndjson", ExportFormat::Ndjson),
            ("parquet", ExportFormat::Parquet),
            ("arrow", ExportFormat::Arrow),
            ("xlsx", ExportFormat::Xlsx),
        ] {
            // Begins the highest figure anew: proc(5), clear_refs.
            fs::write("/proc/self/clear_refs", "5")?;
            let before = memory("VmRSS")?;
            let mut events = self.host.events();
            let request = StartExport {
                source: ExportSource::Result { result: result.id.clone() },
                format,
                csv: csv.clone(),
                table: "bench_rows".into(),
                columns: columns.clone(),
                name: name.into(),
            };
            let path = folder.path().join(name).with_extension(format.ending());
            let started = Instant::now();
            let begun = self.host.export_start(request, path.clone(), false).await.map_err(words_of)?;
            let ended = loop {
                let export = export(&mut events, &begun.id).await?;
                match export.state {
                    ExportState::Done => break export,
                    ExportState::Failed | ExportState::Stopped => return Err(format!("{export:?}").into()),
                    _ => {}
                }
            };
            let seconds = started.elapsed().as_secs_f64();
            if ended.rows != result.rows {
                return Err(format!("a file of {} rows", ended.rows).into());
            }
            let size = fs::metadata(&path)?.len();
            let grown = memory("VmHWM")? - before;
            figures.insert(name.into(), json!({ "s": seconds, "mb": size / 1_000_000, "growth_mb": grown }));
            fs::remove_file(path)?;
        }
        Ok(Value::Object(figures))
    }

    async fn begin(&self, sql: &str) -> Outcome<(Run, Receiver<Event>)> {
        let events = self.host.events();
        let run = ConsoleRun {
            tab: self.tab.clone(),
            text: sql.to_owned(),
            from: 0,
            to: 0,
            all: true,
            explain: false,
            parameters: Vec::new(),
            confirmed: false,
        };
        Ok((self.host.console_run(run).await.map_err(words_of)?, events))
    }

    /// Runs one statement to its end, and looks at its rows as soon as there are any, as the window does.
    async fn run(&self, sql: &str) -> Outcome<Ran> {
        let started = Instant::now();
        let (begun, mut events) = self.begin(sql).await?;
        let mut first = None;
        loop {
            let run = next(&mut events, &begun.id).await?;
            let result = run.statements.first().and_then(|statement| statement.result.clone());
            if let (None, Some(result)) = (first, result.as_ref().filter(|result| result.rows > 0)) {
                self.window(result, None, 0).await?;
                first = Some(started.elapsed());
            }
            match run.state {
                RunState::Done => {
                    let result = result.ok_or("the statement brought no rows")?;
                    return Ok(Ran { first: first.unwrap_or_default(), all: started.elapsed(), result });
                }
                RunState::Failed | RunState::Canceled => return Err(format!("{run:?}").into()),
                _ => {}
            }
        }
    }

    /// From the server's answer to a stopped query to the end of the next.
    async fn next_after_stop(&self, sql: &str) -> Outcome<Duration> {
        let (begun, mut events) = self.begin(sql).await?;
        while next(&mut events, &begun.id).await?.statements.iter().all(|statement| statement.result.is_none()) {}
        self.host.console_cancel(self.tab.clone()).await.map_err(words_of)?;
        while next(&mut events, &begun.id).await?.state != RunState::Canceled {}
        let started = Instant::now();
        self.run("select 1").await?;
        Ok(started.elapsed())
    }

    async fn window(&self, result: &ResultInfo, view: Option<&View>, first: u64) -> Outcome<usize> {
        let view = view.map(|view| view.id.clone());
        let request = WindowRequest { result: result.id.clone(), view, first, count: WINDOW };
        let window = self.host.result_window(request).await.map_err(words_of)?;
        // As it goes to the window.
        Ok(serde_json::to_string(&window)?.len())
    }

    /// What 99 in a hundred windows do not exceed, at places all over.
    async fn windows(&self, result: &ResultInfo, view: Option<&View>, rows: u64) -> Outcome<Duration> {
        let mut times = Vec::new();
        let mut place = 1_u64;
        for _ in 0..WINDOWS {
            place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let started = Instant::now();
            self.window(result, view, (place >> 33) % rows).await?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        Ok(times[times.len() * 99 / 100])
    }

    async fn sort(&self, result: &ResultInfo, column: &str) -> Outcome<(Duration, View)> {
        let started = Instant::now();
        let sort = vec![SortColumn { column: place(result, column)?, descending: false }];
        let request = ViewRequest { result: result.id.clone(), task: "sort".into(), sort, filters: Vec::new() };
        let view = self.host.result_view(request).await.map_err(words_of)?;
        Ok((started.elapsed(), view))
    }
}

/// The next state of a run.
async fn next(events: &mut Receiver<Event>, run: &str) -> Outcome<Run> {
    loop {
        match events.recv().await {
            Ok(Event::run_changed(changed)) if changed.id == run => return Ok(changed),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Err("the app has ended".into()),
        }
    }
}

/// The next state of an export.
async fn export(events: &mut Receiver<Event>, id: &str) -> Outcome<Export> {
    loop {
        match events.recv().await {
            Ok(Event::exports_changed(exports)) => {
                if let Some(export) = exports.into_iter().find(|export| export.id == id) {
                    return Ok(export);
                }
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Err("the app has ended".into()),
        }
    }
}

fn place(result: &ResultInfo, name: &str) -> Outcome<u32> {
    let place = result.columns.iter().position(|column| column.name == name).ok_or("no such column")?;
    Ok(u32::try_from(place)?)
}

/// A figure of this process's memory, in MB.
fn memory(name: &str) -> Outcome<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).ok_or("no such figure")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
