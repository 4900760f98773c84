//! What is done to each way, and what it costs.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::{capture, run_command};

use super::{
    cluster::{DATABASE, USER},
    ways::Way,
};

/// What a process has used of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// Seconds on a core.
    pub(super) cpu: f64,
    /// Resident memory, in KB.
    pub(super) resident: f64,
}

/// What a process has used so far; nothing for the straight way.
pub(super) fn used(pid: Option<u32>) -> Result<Used> {
    let Some(pid) = pid else { return Ok(Used::default()) };
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process has ended")?;
    // Fields after the name, which may hold blanks: proc(5).
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let field = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
    // Linux counts in hundredths of a second whatever the kernel's own tick.
    Ok(Used { cpu: (field(11) + field(12)) / 100.0, resident: resident.unwrap_or_default() })
}

/// Transactions per second of `pgbench -S`, prepared, and microseconds of the process in the way for each.
pub(super) fn transactions(way: &mut Way, clients: u32, seconds: u32) -> Result<(f64, f64)> {
    let (clients_text, seconds) = (clients.to_string(), seconds.to_string());
    let threads = if clients == 1 { "1" } else { "2" };
    let options = ["-n", "-S", "-M", "prepared", "-c", &clients_text, "-j", threads, "-T", &seconds, DATABASE];
    let before = used(way.pid())?;
    let output = pgbench(way, &options)?;
    let after = used(way.pid())?;
    let count = number_after(&output, "number of transactions actually processed: ")?;
    Ok((number_after(&output, "tps = ")?, (after.cpu - before.cpu) * 1e6 / count))
}

/// Connections opened, used once and closed, per second.
pub(super) fn connections(way: &mut Way, seconds: u32) -> Result<f64> {
    let seconds = seconds.to_string();
    number_after(&pgbench(way, &["-n", "-S", "-C", "-c", "4", "-j", "2", "-T", &seconds, DATABASE])?, "tps = ")
}

/// MB/s of whole results as a driver takes them, and seconds of the process in the way for each GB.
pub(super) fn select(way: &mut Way, script: &Path, megabytes: f64, seconds: u32) -> Result<(f64, f64)> {
    let (script, seconds) = (script.display().to_string(), seconds.to_string());
    let before = used(way.pid())?;
    let output = pgbench(way, &["-n", "-f", &script, "-c", "1", "-T", &seconds, DATABASE])?;
    let after = used(way.pid())?;
    let count = number_after(&output, "number of transactions actually processed: ")?;
    Ok((number_after(&output, "tps = ")? * megabytes, (after.cpu - before.cpu) * 1000.0 / (count * megabytes)))
}

/// MB/s of COPY TO, and seconds of the process in the way for each GB.
pub(super) fn copy(way: &mut Way, sql: &str, megabytes: f64) -> Result<(f64, f64)> {
    let before = used(way.pid())?;
    let start = Instant::now();
    run_command(way.client("psql").args(["-qAt", "-c", sql, DATABASE]).stdout(Stdio::null()))?;
    let elapsed = start.elapsed().as_secs_f64();
    let after = used(way.pid())?;
    Ok((megabytes / elapsed, (after.cpu - before.cpu) * 1000.0 / megabytes))
}

/// KB of memory of the process in the way for each of so many connections that do nothing.
pub(super) fn idle(way: &mut Way, count: u32) -> Result<f64> {
    drop(log_in(way.port)?);
    let before = used(way.pid())?;
    let open = (0..count).map(|_| log_in(way.port)).collect::<Result<Vec<_>>>()?;
    let after = used(way.pid())?;
    drop(open);
    Ok((after.resident - before.resident) / f64::from(count))
}

/// Bytes that a statement's COPY makes, in MB.
pub(super) fn size(way: &Way, sql: &str) -> Result<f64> {
    let mut child = way.client("psql").args(["-qAt", "-c", sql, DATABASE]).stdout(Stdio::piped()).spawn()?;
    let mut output = child.stdout.take().context("it has an output")?;
    let bytes = std::io::copy(&mut output, &mut std::io::sink())?;
    ensure!(child.wait()?.success(), "psql failed");
    Ok(bytes as f64 / 1e6)
}

/// A session by hand: psql would cost more than what is measured. The peers ask their local clients for no password.
fn log_in(port: u16) -> Result<TcpStream> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let body = format!("\0\x03\0\0user\0{USER}\0database\0{DATABASE}\0\0");
    let length = u32::try_from(body.len() + 4)?;
    socket.write_all(&[&length.to_be_bytes(), body.as_bytes()].concat())?;
    let mut received = Vec::new();
    let mut step = [0; 4096];
    // ReadyForQuery, idle, is the end of a login.
    while !received.ends_with(b"Z\0\0\0\x05I") {
        let count = socket.read(&mut step)?;
        ensure!(count > 0, "the login was refused: {}", String::from_utf8_lossy(&received));
        received.extend_from_slice(&step[..count]);
    }
    Ok(socket)
}

fn pgbench(way: &Way, options: &[&str]) -> Result<String> {
    let output = capture(way.client("pgbench").args(options))?;
    if !output.status.success() {
        bail!("pgbench through {}: {}", way.name, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The number behind some words.
fn number_after(text: &str, words: &str) -> Result<f64> {
    let rest = text.split_once(words).map(|(_, rest)| rest).with_context(|| format!("no '{words}' in:\n{text}"))?;
    let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
    Ok(rest[..end].parse()?)
}

/// Whether all that is needed is on the machine.
pub(super) fn check_programs() -> Result<()> {
    let missing: Vec<_> = [
        ("pgbench", "postgresql-contrib"),
        ("pgbouncer", "pgbouncer"),
        ("stunnel4", "stunnel4"),
        ("openssl", "openssl"),
    ]
    .into_iter()
    .filter(|(program, _)| {
        Command::new(program)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
    })
    .map(|(_, package)| package)
    .collect();
    ensure!(missing.is_empty(), "the peers to measure beside are not here: apt-get install {}", missing.join(" "));
    Ok(())
}
