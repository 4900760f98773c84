//! What to draw of a result unasked: times and steps go from left to right, numbers up, text makes groups.

use std::collections::HashSet;

use super::{Measure, PlotSpec, is_measured};
use crate::analysis::AnalysisError;
use crate::analysis::key::{self, Kind, Part};
use crate::store::{PieceBuffer, Reach, ResultStore};

/// Rows that are looked at.
const SAMPLE: usize = 2_000;

/// Columns that are looked at.
const COLUMNS: usize = 200;

/// Different values beyond which a column of text makes no groups.
const GROUPS: usize = 1_000;

/// Bars, unless somebody asks for more.
const BARS: usize = 24;

/// Ranges, unless somebody asks for more.
const BINS: usize = 40;

/// Columns of pixels and cells, until the window says how large it is.
const ACROSS: usize = 800;
const CELLS: (usize, usize) = (120, 60);

/// What a column can be in a plot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlotRole {
    /// Numbers.
    Number,
    /// Dates, times and durations.
    Time,
    /// Text and all others: groups.
    Text,
}

/// What can be drawn of a result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlotChoices {
    /// For each column what it can be.
    pub roles: Vec<PlotRole>,
    /// What to begin with; nothing for a result without rows.
    pub suggestion: Option<PlotSpec>,
}

/// What the first rows of a column look like.
struct Looked {
    index: usize,
    kind: Kind,
    distinct: usize,
    values: usize,
    /// No value is less than the one before it.
    rising: bool,
    /// Its name is that of a key: numbers that count nothing.
    key: bool,
}

impl ResultStore {
    /// What can be drawn of it, and what to begin with, by the types and the first rows of its columns.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] when rows cannot be read.
    pub fn plot_choices(&self) -> Result<PlotChoices, AnalysisError> {
        let columns = self.columns();
        let roles = columns.iter().map(|column| role(Kind::of(column))).collect();
        let looked = self.look()?;
        Ok(PlotChoices { roles, suggestion: suggest(&looked) })
    }

    fn look(&self) -> Result<Vec<Looked>, AnalysisError> {
        let mut columns: Vec<_> =
            self.columns().iter().take(COLUMNS).map(|column| Sampled::new(Kind::of(column))).collect();
        let pieces = self.pieces();
        let mut buffer = PieceBuffer::default();
        let mut left = SAMPLE;
        for index in 0..pieces.len() {
            let piece = pieces.read(index, Reach::Beginning, &mut buffer)?;
            for (_, row) in piece.rows().take(left) {
                columns.iter_mut().zip(row.cells()).for_each(|(column, cell)| column.take(cell));
            }
            left = left.saturating_sub(piece.len());
            if left == 0 {
                break;
            }
        }
        let names = self.columns().iter().map(|column| is_key(&column.name));
        Ok(columns.into_iter().zip(names).enumerate().map(|(index, (column, key))| column.looked(index, key)).collect())
    }
}

struct Sampled {
    kind: Kind,
    seen: HashSet<Vec<u8>>,
    values: usize,
    last: Vec<u8>,
    rising: bool,
}

impl Sampled {
    fn new(kind: Kind) -> Self {
        Self { kind, seen: HashSet::new(), values: 0, last: Vec::new(), rising: true }
    }

    fn take(&mut self, cell: Option<&[u8]>) {
        // What is told apart fits here; a text differs early.
        let cell = cell.map(|cell| &cell[..cell.len().min(256)]);
        let mut key = Vec::new();
        if key::push(self.kind, cell, false, &mut key) != Part::Value {
            return;
        }
        self.values += 1;
        self.rising &= key >= self.last;
        self.last.clone_from(&key);
        self.seen.insert(key);
    }

    fn looked(self, index: usize, key: bool) -> Looked {
        let (distinct, values) = (self.seen.len(), self.values);
        Looked { index, kind: self.kind, distinct, values, rising: self.rising, key }
    }
}

/// `id`, `user_id`, `orderId`.
fn is_key(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower == "id" || lower.ends_with("_id") || name.ends_with("Id") || name.ends_with("ID")
}

fn role(kind: Kind) -> PlotRole {
    match kind {
        Kind::Integer | Kind::Decimal | Kind::Float => PlotRole::Number,
        kind if is_measured(kind) => PlotRole::Time,
        _ => PlotRole::Text,
    }
}

fn suggest(columns: &[Looked]) -> Option<PlotSpec> {
    let filled = || columns.iter().filter(|column| column.values > 0);
    let numbers = || filled().filter(|column| role(column.kind) == PlotRole::Number);
    let measures: Vec<_> = numbers().filter(|column| !column.key).collect();
    let time = filled().find(|column| role(column.kind) == PlotRole::Time && column.distinct > 1);
    if let (Some(time), Some(value)) = (time, measures.first()) {
        return Some(PlotSpec::Line { x: time.index, y: vec![value.index], across: ACROSS });
    }
    // One value for each step is a line, and so is a first column of a report that counts upward.
    let step = numbers().find(|column| column.rising && column.distinct == column.values && column.values > 2);
    let over = step.and_then(|step| Some((step, measures.iter().find(|value| value.index != step.index)?)));
    let groups = filled().find(|column| {
        role(column.kind) == PlotRole::Text && (2..=GROUPS).contains(&column.distinct) && is_repeated(column)
    });
    if let Some(category) = groups {
        let value = measures.first().map(|value| value.index);
        let measure = if value.is_some() { Measure::Sum } else { Measure::Count };
        return Some(PlotSpec::Bar { category: category.index, value, measure, most: BARS });
    }
    if let Some((step, value)) = over {
        return Some(PlotSpec::Line { x: step.index, y: vec![value.index], across: ACROSS });
    }
    if let [x, y, ..] = measures.as_slice() {
        return Some(PlotSpec::Scatter { x: x.index, y: y.index, across: CELLS.0, down: CELLS.1 });
    }
    if let Some(column) = measures.first().copied().or(time) {
        return Some(PlotSpec::Histogram { column: column.index, bins: BINS });
    }
    let any = filled().next()?;
    Some(PlotSpec::Bar { category: any.index, value: None, measure: Measure::Count, most: BARS })
}

/// Few rows are a report with a row for each group; of many, a text that never comes twice is no group.
fn is_repeated(column: &Looked) -> bool {
    column.values <= 2 * BARS || column.distinct * 2 <= column.values
}
