//! `db ls`.

use postern_engine::{Choices, DatabaseEntry, Engine};
use serde::Serialize;

use crate::{
    args::{DbLs, Format},
    failure::Failure,
    print,
};

/// A database, as printed.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    description: &'a str,
    labels: &'a std::collections::BTreeMap<String, String>,
    uri: String,
    db_users: &'a Choices,
    db_names: &'a Choices,
}

pub(crate) fn list(engine: &Engine, format: Format, ls: &DbLs) -> Result<(), Failure> {
    let entries = engine.databases()?;
    let words: Vec<String> = ls.search.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect();
    let rows: Vec<Row<'_>> = entries.iter().filter(|entry| matches(entry, &words)).map(row).collect();
    print::data(format, &rows, || text(&rows, ls.verbose))
}

/// Every word occurs somewhere.
fn matches(entry: &DatabaseEntry, words: &[String]) -> bool {
    let database = &entry.database;
    let mut text = format!("{} {}", database.name, database.description);
    for (name, value) in &database.labels {
        text.push_str(&format!(" {name}={value}"));
    }
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn row(entry: &DatabaseEntry) -> Row<'_> {
    Row {
        name: &entry.database.name,
        description: &entry.database.description,
        labels: &entry.database.labels,
        uri: format!("{}:{}", entry.database.host, entry.database.port),
        db_users: &entry.options.db_users,
        db_names: &entry.options.db_names,
    }
}

fn text(rows: &[Row<'_>], verbose: bool) -> String {
    let mut head = vec!["Name", "Description", "Allowed Users", "Labels"];
    if verbose {
        head.extend(["Allowed Names", "URI"]);
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let labels: Vec<String> = row.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut cells =
                vec![row.name.to_owned(), row.description.to_owned(), choices(row.db_users), labels.join(",")];
            if verbose {
                cells.extend([choices(row.db_names), row.uri.clone()]);
            }
            cells
        })
        .collect();
    print::table(&head, &cells)
}

/// As `tsh` writes them: `[a b]`, `[*] except: [c]`.
fn choices(choices: &Choices) -> String {
    let mut allowed = choices.allowed.clone();
    if choices.wildcard {
        allowed.insert(0, "*".to_owned());
    }
    if allowed.is_empty() {
        return "(none)".to_owned();
    }
    let mut text = format!("[{}]", allowed.join(" "));
    if !choices.denied.is_empty() {
        text.push_str(&format!(" except: [{}]", choices.denied.join(" ")));
    }
    text
}
