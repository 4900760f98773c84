//! The console beside psql, both on the same PostgreSQL over TLS: a million and ten million rows of ten mixed columns.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};

use crate::{
    process::{self, capture, run_command},
    sandbox::Sandbox,
    workspace::{self, program, root},
};

use super::{
    cluster::{self, Cluster, DATABASE, USER},
    load, ways,
};

/// A million rows of what people keep in warehouses.
const TABLE: &str = "create unlogged table bench_rows as select g::int8 as id, (g::int8 * 1103515245 + 12345) % 1000000007 \
     as big, ((g % 1000000) / 100.0)::numeric(12,2) as amount, sqrt(g)::float8 as ratio, g % 3 = 0 as flag, \
     date '2020-01-01' + g % 2000 as day, timestamp '2020-01-01' + g * interval '1.5 second' as at, \
     ('c-' || g % 5000)::varchar(20) as customer, md5(g::text) as note, nullif(g % 10, 0)::int2 as few \
     from generate_series(1, 1000000) as g";

/// All of them.
const MILLION: &str = "select * from bench_rows";

/// Ten times over, each with an id and a number of its own.
const TEN_MILLION: &str = "select id + h * 1000000 as id, (big + h * 7919) % 1000000007 as big, amount, ratio, flag, day, \
     at, customer, note, few from generate_series(0, 9) as h, bench_rows";

/// Prints the table; with `json` one line of JSON after it.
pub(super) fn run(quick: bool, json: bool) -> Result<()> {
    load::check_programs()?;
    // The command only signs in: what is measured is the example.
    workspace::build(&["postern-sandbox", "postern-cli"])?;
    let words = ["build", "--locked", "--release", "--package", "postern-ipc", "--example", "bench_console"];
    process::run("cargo", &words, &root())?;
    let folder = tempfile::tempdir().context("a folder for the benchmark")?;
    let cluster = Cluster::start(folder.path())?;
    run_command(cluster.client("psql").args(["-q", "-c", TABLE, "-c", "vacuum analyze bench_rows", DATABASE]))?;
    cluster::ask_for_passwords(&cluster, folder.path())?;
    let sandbox = Sandbox::start(&folder.path().join("sandbox"), true)?;
    let env = ways::sign_in(&program("postern")?, &cluster, &sandbox, folder.path())?;
    let figures = measure(&cluster, &env, if quick { 1 } else { 5 })?;
    println!("\n{}", table(&figures));
    if json {
        println!("{}", Value::Object(figures));
    }
    Ok(())
}

/// Round by round, one after the other: what else the machine does then meets both.
fn measure(cluster: &Cluster, env: &BTreeMap<String, String>, rounds: usize) -> Result<Map<String, Value>> {
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for round in 0..rounds {
        let first = Psql::start(cluster, &["-v", "FETCH_COUNT=1000"])?.first_row(MILLION)?;
        let all = Psql::start(cluster, &[])?.discard(MILLION)?;
        let ours = postern(env, "1m", MILLION)?;
        let ours = |name: &str| ours[name].as_f64().context("a figure");
        for (name, time) in [
            ("psql_first_ms", first.as_secs_f64() * 1e3),
            ("psql_s", all.as_secs_f64()),
            ("first_ms", ours("first_row_ms")?),
            ("s", ours("rows_1m_s")?),
        ] {
            times.entry(name).or_default().push(time);
        }
        eprintln!("round {}: {times:.2?}", round + 1);
    }
    let median = |name: &str| {
        let mut sorted = times.get(name).cloned().unwrap_or_default();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    };
    let mut figures = Map::new();
    let pair = |psql, postern| json!({ "psql": rounded(median(psql)), "postern": rounded(median(postern)) });
    figures.insert(
        "first_row_ms".into(),
        json!({ "psql_fetch": rounded(median("psql_first_ms")), "postern": rounded(median("first_ms")) }),
    );
    figures.insert("rows_1m_s".into(), pair("psql_s", "s"));
    figures.extend(postern(env, "10m", TEN_MILLION)?);
    Ok(figures)
}

fn rounded(figure: Option<f64>) -> Option<f64> {
    figure.map(|figure| (figure * 1e3).round() / 1e3)
}

/// What the console measures of itself.
fn postern(env: &BTreeMap<String, String>, what: &str, sql: &str) -> Result<Map<String, Value>> {
    let program = root().join("target/release/examples/bench_console");
    let output = capture(Command::new(program).args(["bench", USER, DATABASE, what, sql]).envs(env))?;
    ensure!(output.status.success(), "bench_console: {}", String::from_utf8_lossy(&output.stderr));
    match serde_json::from_slice(&output.stdout)? {
        Value::Object(figures) => Ok(figures),
        other => bail!("bench_console printed {other}"),
    }
}

/// psql with its session open, as the console's is.
struct Psql {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Psql {
    fn start(cluster: &Cluster, options: &[&str]) -> Result<Self> {
        let mut command = cluster.client("psql");
        command.args(["-qAtX"]).args(options).arg(DATABASE).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("psql cannot be started")?;
        let input = child.stdin.take().context("psql has an input")?;
        let output = BufReader::new(child.stdout.take().context("psql has an output")?);
        let mut psql = Self { child, input, output };
        psql.say("select 'ready';\n")?;
        psql.line()?;
        Ok(psql)
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.input.write_all(text.as_bytes())?;
        Ok(self.input.flush()?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "psql has ended");
        Ok(line)
    }

    fn first_row(mut self, sql: &str) -> Result<Duration> {
        let started = Instant::now();
        self.say(&format!("{sql};\n"))?;
        self.line()?;
        let first = started.elapsed();
        self.end()?;
        Ok(first)
    }

    fn discard(mut self, sql: &str) -> Result<Duration> {
        let started = Instant::now();
        self.say(&format!("\\o /dev/null\n{sql};\n\\o\n\\echo done\n"))?;
        self.line()?;
        let all = started.elapsed();
        self.end()?;
        Ok(all)
    }

    fn end(self) -> Result<()> {
        let Self { mut child, input, mut output } = self;
        drop(input);
        output.read_to_end(&mut Vec::new())?;
        ensure!(child.wait()?.success(), "psql failed");
        Ok(())
    }
}

fn table(figures: &Map<String, Value>) -> String {
    // `rows_10m.seconds`; nothing where psql has no such thing.
    let figure = |path: &str| {
        let mut names = path.split('.');
        let first = names.next().and_then(|name| figures.get(name));
        let value = names.fold(first, |value, name| value?.get(name));
        value.and_then(Value::as_f64).map_or_else(String::new, |figure| format!("{figure:.2}"))
    };
    let mut text = String::from("| measure | psql | Postern |\n|---|--:|--:|\n");
    for (name, psql, ours) in [
        ("first row, ms", "first_row_ms.psql_fetch", "first_row_ms.postern"),
        ("1 million rows, s", "rows_1m_s.psql", "rows_1m_s.postern"),
        ("10 million rows, s", "", "rows_10m.seconds"),
        ("10 million rows, MB more", "", "rows_10m.growth_mb"),
        ("window of 200 rows, ms (99%)", "", "window_p99_ms"),
        ("the same in a sorted view", "", "view_window_p99_ms"),
        ("sort of 10 million by int8, s", "", "sort_10m_s"),
        ("by numeric", "", "sort_10m_decimal_s"),
        ("by text", "", "sort_10m_text_s"),
        ("MB more with these sorts", "", "growth_with_sorts_mb"),
        ("filter of 10 million, s", "", "filter_10m_s"),
        ("find in all cells of 10 million, s", "", "find_10m_s"),
        ("statistics of a column of 10 million, s", "", "stats_10m_s"),
        ("line of 10 million points, s", "", "plot_10m_s.line"),
        ("bars of their sums by text, s", "", "plot_10m_s.bar"),
        ("scatter of 10 million points, s", "", "plot_10m_s.scatter"),
        ("histogram of 10 million values, s", "", "plot_10m_s.histogram"),
        ("10 million rows as CSV, s", "", "export_10m.csv.s"),
        ("MB more meanwhile", "", "export_10m.csv.growth_mb"),
        ("as NDJSON, s", "", "export_10m.ndjson.s"),
        ("MB more meanwhile", "", "export_10m.ndjson.growth_mb"),
        ("as Parquet, s", "", "export_10m.parquet.s"),
        ("MB more meanwhile", "", "export_10m.parquet.growth_mb"),
        ("as Arrow, s", "", "export_10m.arrow.s"),
        ("MB more meanwhile", "", "export_10m.arrow.growth_mb"),
        ("as spreadsheets, s", "", "export_10m.xlsx.s"),
        ("MB more meanwhile", "", "export_10m.xlsx.growth_mb"),
        ("next query after a stop, ms", "", "next_query_ms"),
    ] {
        text.push_str(&format!("| {name} | {} | {} |\n", figure(psql), figure(ours)));
    }
    text
}
