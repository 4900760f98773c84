//! A run as a table for people and one line of JSON for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Figures by load, then by way.
#[derive(Default)]
pub(super) struct Report {
    rows: Vec<(String, BTreeMap<&'static str, Vec<f64>>)>,
}

impl Report {
    /// Takes one figure in; the median of several counts.
    pub(super) fn add(&mut self, load: &str, way: &'static str, figure: f64) {
        let row = match self.rows.iter().position(|(name, _)| name == load) {
            Some(row) => row,
            None => {
                self.rows.push((load.to_owned(), BTreeMap::new()));
                self.rows.len() - 1
            }
        };
        self.rows[row].1.entry(way).or_default().push(figure);
    }

    /// The table, in Markdown: each figure, and what Postern is of the straight way and of PgBouncer.
    pub(super) fn table(&self, ways: &[&'static str]) -> String {
        let head = ["load"].into_iter().chain(ways.iter().copied()).chain(["÷ direct", "÷ pgbouncer"]);
        let head: Vec<_> = head.collect();
        let mut text = format!("| {} |\n|---{}|\n", head.join(" | "), "|--:".repeat(head.len() - 1));
        for (load, figures) in &self.rows {
            let figure = |way: &str| figures.get(way).map(|runs| median(runs));
            let mut cells = vec![load.clone()];
            cells.extend(ways.iter().map(|way| figure(way).map_or_else(String::new, shown)));
            for other in ["direct", "pgbouncer"] {
                let ratio = figure("postern").zip(figure(other)).map(|(ours, other)| format!("{:.2}", ours / other));
                cells.push(ratio.unwrap_or_default());
            }
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let rows = self.rows.iter().map(|(load, figures)| {
            let figures = figures.iter().map(|(way, runs)| ((*way).to_owned(), json!(median(runs))));
            (load.clone(), Value::Object(figures.collect()))
        });
        Value::Object(rows.collect())
    }
}

fn median(runs: &[f64]) -> f64 {
    let mut sorted = runs.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn shown(figure: f64) -> String {
    if figure >= 100.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}
