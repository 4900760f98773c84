//! Printing: standard output is data, standard error is talk. The only file of this program that writes to either.

use std::io::Write;

use serde::Serialize;

use crate::{args::Format, failure::Failure};

/// One line of data.
pub(crate) fn line(text: &str) {
    // A reader that went away (`| head`) is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// One line of data of many, at once; `false` when nobody reads any more.
pub(crate) fn line_or_gone(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).is_ok()
}

/// A page in place of the one before, on a terminal; elsewhere one after the other. `false` when nobody reads any more.
pub(crate) fn page(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    // Home, and clear to the end: what was scrolled away stays.
    let begin = if std::io::IsTerminal::is_terminal(&out) { "\x1b[H\x1b[J" } else { "" };
    writeln!(out, "{begin}{text}").and_then(|()| out.flush()).is_ok()
}

/// Data that has its own line ends.
pub(crate) fn raw(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Where rows go.
pub(crate) fn out() -> std::io::Stdout {
    std::io::stdout()
}

/// One line of talk.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Data as JSON or YAML; `text` otherwise.
pub(crate) fn data(format: Format, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
    match format {
        Format::Text | Format::Table => raw(&text()),
        Format::Json => {
            line(&serde_json::to_string_pretty(value).map_err(|error| Failure::internal("could not print", error))?);
        }
        Format::Yaml => {
            raw(&serde_saphyr::to_string(value).map_err(|error| Failure::internal("could not print", error))?);
        }
        Format::Csv | Format::Ndjson | Format::Parquet | Format::Arrow => {
            return Err(Failure::usage(
                "--format csv, ndjson, parquet and arrow are for the rows of `db exec`; use text, json or yaml",
            ));
        }
    }
    Ok(())
}

/// Columns as `tsh` prints them: a head, dashes, rows.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(column, title)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell));
            cells.chain([width(title)]).max().unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    let mut push = |cells: &[String]| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, wide)| cell.clone() + &" ".repeat(wide - width(cell))).collect();
        out.push_str(padded.join(" ").trim_end());
        out.push('\n');
    };
    push(&head.iter().map(|title| (*title).to_owned()).collect::<Vec<_>>());
    push(&widths.iter().map(|wide| "-".repeat(*wide)).collect::<Vec<_>>());
    for row in rows {
        push(row);
    }
    out
}

/// Columns a terminal gives a text: two for the wide letters of Korean, Chinese and Japanese.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|character| if is_wide(character) { 2 } else { 1 }).sum()
}

fn is_wide(character: char) -> bool {
    matches!(u32::from(character), 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_also_with_korean() {
        let rows = vec![vec!["물류".to_owned(), "a".to_owned()], vec!["data".to_owned(), "b".to_owned()]];
        assert_eq!(table(&["Team", "X"], &rows), "Team X\n---- -\n물류 a\ndata b\n");
    }
}
