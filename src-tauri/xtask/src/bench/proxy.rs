//! The local proxy beside PgBouncer and stunnel, all to the same PostgreSQL with TLS.

use std::fs;

use anyhow::{Context as _, Result};

use crate::{
    process,
    sandbox::Sandbox,
    workspace::{self, root},
};

use super::{
    cluster::{self, Cluster},
    load,
    report::Report,
    ways::{self, Way},
};

/// Rows of one result of the bulk SELECT.
const SELECTED: u32 = 200_000;

/// How long and how often each figure is taken.
struct Pace {
    seconds: u32,
    rounds: u32,
    /// How many times all accounts are copied: 190 MB each.
    copies: u32,
    idle: u32,
}

/// Prints the table; with `json` one line of JSON after it.
pub(super) fn run(quick: bool, json: bool) -> Result<()> {
    load::check_programs()?;
    let pace = if quick {
        Pace { seconds: 3, rounds: 1, copies: 1, idle: 100 }
    } else {
        Pace { seconds: 10, rounds: 3, copies: 6, idle: 300 }
    };
    workspace::build(&["postern-sandbox"])?;
    process::run("cargo", &["build", "--locked", "--release", "--package", "postern-cli"], &root())?;
    let folder = tempfile::tempdir().context("a folder for the benchmark")?;
    let cluster = Cluster::start(folder.path())?;
    cluster::ask_for_passwords(&cluster, folder.path())?;
    let sandbox = Sandbox::start(&folder.path().join("sandbox"), true)?;
    let mut ways = vec![
        ways::direct(&cluster),
        ways::bare(&cluster)?,
        ways::pgbouncer(&cluster, folder.path())?,
        ways::stunnel(&cluster, folder.path())?,
        ways::postern(&cluster, &sandbox, folder.path())?,
    ];
    let report = measure(&mut ways, &pace, folder.path())?;
    let names: Vec<_> = ways.iter().map(|way| way.name).collect();
    println!("\n{}", report.table(&names));
    if json {
        println!("{}", report.json());
    }
    Ok(())
}

/// Round by round, one way after the other: what else the machine does then meets them all.
fn measure(ways: &mut [Way], pace: &Pace, folder: &std::path::Path) -> Result<Report> {
    let mut report = Report::default();
    // First: later there is memory that earlier sessions have left. The others would leave the server's TLS or login to us.
    for way in ways.iter_mut().filter(|way| ["pgbouncer", "postern"].contains(&way.name)) {
        let memory = load::idle(way, pace.idle)?;
        progress(way, "KB per session", memory);
        report.add("idle_kb", way.name, memory);
    }
    for clients in [1, 16, 128] {
        for _ in 0..pace.rounds {
            for way in ways.iter_mut() {
                let (rate, cost) = load::transactions(way, clients, pace.seconds)?;
                progress(way, &format!("{clients} clients"), rate);
                report.add(&format!("c{clients}"), way.name, rate);
                if way.pid().is_some() {
                    report.add(&format!("c{clients}_cpu_us"), way.name, cost);
                }
            }
        }
    }
    bulk(ways, pace, folder, &mut report)?;
    for _ in 0..pace.rounds {
        for way in ways.iter_mut() {
            let rate = load::connections(way, pace.seconds)?;
            progress(way, "connections", rate);
            report.add("connect", way.name, rate);
        }
    }
    Ok(report)
}

fn bulk(ways: &mut [Way], pace: &Pace, folder: &std::path::Path, report: &mut Report) -> Result<()> {
    let copied = format!("copy (select a.* from pgbench_accounts a, generate_series(1, {}) g) to stdout", pace.copies);
    let selected = format!("select * from pgbench_accounts limit {SELECTED}");
    let script = folder.join("select.sql");
    fs::write(&script, format!("{selected};\n"))?;
    let direct = ways.first().context("there is a straight way")?;
    let copied_size = load::size(direct, &copied)?;
    let selected_size = load::size(direct, &format!("copy ({selected}) to stdout"))?;
    for _ in 0..pace.rounds {
        for way in ways.iter_mut() {
            let (rate, cost) = load::copy(way, &copied, copied_size)?;
            progress(way, &format!("COPY of {copied_size:.0} MB"), rate);
            report.add("copy", way.name, rate);
            if way.pid().is_some() {
                report.add("copy_cpu_s_gb", way.name, cost);
            }
            let (rate, cost) = load::select(way, &script, selected_size, pace.seconds)?;
            progress(way, "SELECT", rate);
            report.add("select", way.name, rate);
            if way.pid().is_some() {
                report.add("select_cpu_s_gb", way.name, cost);
            }
        }
    }
    Ok(())
}

fn progress(way: &Way, load: &str, figure: f64) {
    eprintln!("{load:>16} {:<10} {figure:>10.1}", way.name);
}
