//! What is written is what other programs read: pyarrow, openpyxl, Python's csv and json. The reading is in `readers.py`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use postern_console::export::file::Place;
use postern_console::export::{Rows, WholeResult, scan, write};
use postern_console::format::{CsvStyle, Encoder, Format, Style};
use postern_console::row::Row;
use postern_console::store::{ResultStore, StoreOptions};
use postern_console::types::Column;

const PACKAGES: [&str; 2] = ["pyarrow==26.0.1", "openpyxl==3.1.5"];

type Cells<'a> = &'a [Option<&'a str>];

/// Name, type, type modifier, and the values of the rows.
const COLUMNS: &[(&str, u32, i32, Cells<'_>)] = &[
    ("bool", 16, -1, &[Some("t"), Some("f"), None]),
    ("int2", 21, -1, &[Some("-32768"), Some("32767"), None]),
    ("int4", 23, -1, &[Some("-2147483648"), Some("2147483647"), None]),
    ("int8", 20, -1, &[Some("9007199254740993"), Some("-9223372036854775808"), None]),
    ("float4", 700, -1, &[Some("0.1"), Some("NaN"), None]),
    ("float8", 701, -1, &[Some("0.30000000000000004"), Some("-Infinity"), None]),
    ("money", 1700, numeric(12, 2), &[Some("1234567890.10"), Some("-0.05"), None]),
    ("wide", 1700, numeric(38, 10), &[Some("1234567890123456789012345678.0123456789"), Some("0.0000000001"), None]),
    (
        "wider",
        1700,
        numeric(60, 0),
        &[Some("123456789012345678901234567890123456789012345678901234567890"), Some("-1"), None],
    ),
    ("free", 1700, -1, &[Some("0.10"), Some("NaN"), None]),
    ("nan", 1700, numeric(5, 2), &[Some("1.50"), Some("NaN"), None]),
    ("date", 1082, -1, &[Some("2024-02-29"), Some("1969-12-31"), None]),
    ("past", 1082, -1, &[Some("0044-03-15 BC"), Some("4714-11-24 BC"), None]),
    ("endless", 1082, -1, &[Some("2024-02-29"), Some("infinity"), None]),
    ("time", 1083, -1, &[Some("23:59:59.999999"), Some("00:00:00"), None]),
    ("midnight", 1083, -1, &[Some("24:00:00"), Some("00:00:00"), None]),
    ("timetz", 1266, -1, &[Some("12:34:56.5+09"), Some("00:00:00-03:30"), None]),
    ("timestamp", 1114, -1, &[Some("2024-02-29 12:34:56.123456"), Some("0001-01-01 00:00:00"), None]),
    ("timestamptz", 1184, -1, &[Some("2024-02-29 21:34:56.123456+09"), Some("1969-12-31 20:30:00-03:30"), None]),
    ("interval", 1186, -1, &[Some("1 year 2 mons 3 days 04:05:06.789"), Some("-00:00:01"), None]),
    ("char", 1042, 9, &[Some("ab   "), Some("     "), None]),
    ("text", 25, -1, &[Some("서울 \"a\", 'b'; \\n\r\n\t<&> _x000D_ \u{1}"), Some(""), None]),
    ("super", 4000, -1, &[Some("{\"a\": [1, 12345678901234567890.10]}"), Some("null"), None]),
    ("varbyte", 6551, -1, &[Some("00ff10"), Some(""), None]),
    ("geometry", 3000, -1, &[Some("0101000020E6100000000000000000F03F0000000000000040"), Some(""), None]),
    ("array", 1007, -1, &[Some("{1,NULL,-3}"), Some("{}"), None]),
    ("text", 25, -1, &[Some("the second of that name"), Some("NULL"), None]),
];

const fn numeric(precision: i32, scale: i32) -> i32 {
    ((precision << 16) | scale) + 4
}

#[test]
fn every_hard_value_is_read_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let kept = kept(folder.path(), COLUMNS);
    for format in [Format::Csv, Format::Json, Format::Ndjson, Format::Parquet, Format::Arrow, Format::Xlsx] {
        let mut style = Style::from(format);
        style.csv = CsvStyle { null: "\\N".into(), bom: true, ..CsvStyle::default() };
        export(&kept, style, &folder.path().join(format!("rows.{format}")));
    }
    let expected: Vec<_> = COLUMNS.iter().map(|(name, oid, modifier, cells)| (name, oid, modifier, cells)).collect();
    std::fs::write(folder.path().join("expected.json"), serde_json::to_vec(&expected).unwrap()).unwrap();
    read("hard", folder.path());
}

#[test]
fn many_rows_are_read_back_whole_from_several_groups() {
    const ROWS: u64 = 140_000;
    let folder = tempfile::tempdir().unwrap();
    let columns = ["n", "word"].map(|name| Column {
        name: name.into(),
        type_oid: if name == "n" { 20 } else { 25 },
        type_size: -1,
        type_modifier: -1,
    });
    let (store, mut writer) = ResultStore::create(columns.into(), StoreOptions::new(folder.path()));
    for number in 1..=ROWS {
        let digits = number.to_string();
        writer.append(Row::decode(&body(&[Some(&digits), Some("가")]), 2).unwrap()).unwrap();
    }
    writer.finish();
    for format in [Format::Parquet, Format::Arrow, Format::Xlsx] {
        export(&store, format.into(), &folder.path().join(format!("rows.{format}")));
    }
    read("many", folder.path());
}

fn kept(folder: &Path, columns: &[(&str, u32, i32, Cells<'_>)]) -> Arc<ResultStore> {
    let described: Vec<Column> = columns
        .iter()
        .map(|(name, type_oid, type_modifier, _)| Column {
            name: (*name).into(),
            type_oid: *type_oid,
            type_size: -1,
            type_modifier: *type_modifier,
        })
        .collect();
    let (store, mut writer) = ResultStore::create(described.into(), StoreOptions::new(folder));
    for row in 0..columns[0].3.len() {
        let cells: Vec<Option<&str>> = columns.iter().map(|(.., cells)| cells[row]).collect();
        writer.append(Row::decode(&body(&cells), columns.len()).unwrap()).unwrap();
    }
    writer.finish();
    store
}

fn body(cells: Cells<'_>) -> Vec<u8> {
    let mut body = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
    for cell in cells {
        let length = cell.map_or(-1, |cell| i32::try_from(cell.len()).unwrap());
        body.extend(length.to_be_bytes());
        body.extend(cell.unwrap_or_default().bytes());
    }
    body
}

fn export(store: &Arc<ResultStore>, mut style: Style, path: &Path) {
    let rows = WholeResult::of(Arc::clone(store));
    if style.format.has_types() {
        style.plan = Some(scan(&rows, None, &mut |_| true).unwrap());
    }
    let part = Place::new(path, false).unwrap().create().unwrap();
    let mut encoder = Encoder::new(&style, part.file());
    write(&rows, &mut encoder, &mut |_| true).unwrap();
    assert_eq!(encoder.rows(), rows.count());
    encoder.finish().unwrap();
    part.finish().unwrap();
}

fn read(what: &str, folder: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers.py");
    let output = Command::new(python()).arg(script).arg(what).arg(folder).output().unwrap();
    assert!(output.status.success(), "readers.py failed:\n{}", both(&output));
}

/// The interpreter of a virtual environment that has the readers. It is made once and kept under `target/`.
fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let finished = target.join(format!("readers-{}", PACKAGES.join("-").replace("==", "-")));
    let python = finished.join("bin/python");
    if python.exists() {
        return python;
    }
    // Made under a name of its own and moved into place, so that a run that was cut short leaves nothing half made.
    let unfinished = tempfile::Builder::new().prefix("readers-").tempdir_in(target).unwrap();
    let folder = unfinished.path().to_str().unwrap();
    run(Command::new("python3").args(["-m", "venv", folder]), "apt-get install python3 python3-venv");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(
        Command::new(unfinished.path().join("bin/python")).args(install).args(PACKAGES),
        "give pip access to PyPI or a mirror of it (PIP_INDEX_URL)",
    );
    // Another test may have been quicker: its environment is as good.
    if std::fs::rename(unfinished.path(), &finished).is_ok() {
        let _ = unfinished.keep();
    }
    assert!(python.exists(), "{} should exist by now", python.display());
    python
}

fn run(command: &mut Command, remedy: &str) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{command:?} failed; to run this test: {remedy}\n{}", both(&output)),
        Err(error) => panic!("{command:?} could not start ({error}); to run this test: {remedy}"),
    }
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
