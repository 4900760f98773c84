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
};
use serde_json::{Value, json};
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
            "next_query_ms": millis(next),
        }))
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
