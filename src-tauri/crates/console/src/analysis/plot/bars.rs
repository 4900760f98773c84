//! A measure for each group.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::{
    Axis, Bar, Extent, Group, Input, LeftOut, Measure, Plot, PlotScale, PlotShape, is_measured, on_scale, scale_of,
};
use crate::analysis::key::{self, Kind};
use crate::analysis::{AnalysisError, Problem};

/// Groups that one thread tells apart; what is behind them is counted together.
const GROUPS: usize = 1 << 17;

/// Bytes of a label that are kept.
const LABEL: usize = 400;

/// Characters of one that are told.
const CHARS: usize = 100;

/// What a group has.
#[derive(Clone, Debug)]
struct Tally {
    /// Beginning of its value; nothing for NULL.
    label: Option<Box<[u8]>>,
    rows: u64,
    values: u64,
    sum: f64,
    extent: Extent,
}

struct Seen {
    rows: u64,
    left_out: LeftOut,
    /// By the hash of the whole value: two of a million share one of 64 bits once in forty million plots.
    groups: HashMap<u64, Tally>,
    behind: Option<Tally>,
    key: Vec<u8>,
}

impl Tally {
    fn new(label: Option<&[u8]>) -> Self {
        let label = label.map(|label| label[..label.len().min(LABEL)].into());
        Self { label, rows: 0, values: 0, sum: 0.0, extent: Extent::NONE }
    }

    fn take(&mut self, value: Option<f64>) {
        self.rows += 1;
        if let Some(value) = value {
            self.values += 1;
            self.sum += value;
            self.extent.take(value);
        }
    }

    fn join(&mut self, other: &Self) {
        self.rows += other.rows;
        self.values += other.values;
        self.sum += other.sum;
        self.extent = self.extent.join(other.extent);
    }

    fn group(&self, measure: Measure, kind: Kind) -> Group {
        let of_values = |value: f64| (self.values > 0 && value.is_finite()).then(|| on_scale(kind, value));
        let value = match measure {
            Measure::Count => Some(self.rows as f64),
            Measure::Sum => of_values(self.sum),
            Measure::Average => of_values(self.sum / self.values as f64),
            Measure::Least => of_values(self.extent.low),
            Measure::Greatest => of_values(self.extent.high),
        };
        Group { rows: self.rows, value }
    }
}

pub(super) fn plot(
    input: &Input<'_>,
    category: Axis,
    value: Option<Axis>,
    measure: Measure,
    most: usize,
) -> Result<Plot, AnalysisError> {
    let kind = value.map_or(Kind::Integer, |axis| axis.kind);
    if measure != Measure::Count && value.is_none() || measure == Measure::Sum && !adds_up(kind) {
        return Err(AnalysisError::Invalid { field: "column", problem: Problem::NotMeasured });
    }
    input.expect(1);
    let hasher = RandomState::new();
    let make = || Seen { rows: 0, left_out: LeftOut::default(), groups: HashMap::new(), behind: None, key: Vec::new() };
    let seen = input.pass(make, |seen, row| {
        seen.rows += 1;
        let cell = |axis: Axis| row.cells().nth(axis.column).flatten();
        let label = cell(category).map(|label| match category.kind {
            Kind::Padded => key::without_padding(label),
            _ => label,
        });
        let number = value.and_then(|axis| seen.left_out.measure(axis.kind, cell(axis), &mut seen.key));
        let full = seen.groups.len() >= GROUPS;
        let hash = hasher.hash_one(label);
        let tally = match seen.groups.get_mut(&hash) {
            Some(tally) => tally,
            None if full => seen.behind.get_or_insert_with(|| Tally::new(None)),
            None => seen.groups.entry(hash).or_insert_with(|| Tally::new(label)),
        };
        tally.take(number);
    })?;
    let rows = seen.iter().map(|seen| seen.rows).sum();
    let left_out = seen.iter().map(|seen| seen.left_out).fold(LeftOut::default(), LeftOut::plus);
    let mut groups: HashMap<u64, Tally> = HashMap::new();
    let mut behind: Option<Tally> = None;
    for worker in seen {
        for (hash, tally) in worker.groups {
            match groups.get_mut(&hash) {
                Some(known) => known.join(&tally),
                None => drop(groups.insert(hash, tally)),
            }
        }
        if let Some(more) = worker.behind {
            behind.get_or_insert_with(|| Tally::new(None)).join(&more);
        }
    }
    let exact = behind.is_none();
    let mut groups: Vec<Tally> = groups.into_values().collect();
    groups.sort_unstable_by(|a, b| by_length(a, b, measure, kind));
    let rest = groups.split_off(groups.len().min(most));
    let other_groups = rest.len() as u64;
    let mut others = behind;
    for tally in &rest {
        others.get_or_insert_with(|| Tally::new(None)).join(tally);
    }
    if other_groups == 0 && exact && is_measured(category.kind) {
        groups.sort_by(|a, b| by_place(a, b, category.kind));
    }
    let bar = |tally: &Tally| Bar { label: tally.label.as_deref().map(shown), group: tally.group(measure, kind) };
    let shape = PlotShape::Bars {
        bars: groups.iter().map(bar).collect(),
        others: others.map(|others| others.group(measure, kind)),
        other_groups,
        exact,
    };
    let y = match (measure, value) {
        (Measure::Count, _) | (_, None) => PlotScale::Number,
        (_, Some(axis)) => scale_of(axis.kind),
    };
    Ok(Plot { rows, left_out, x: PlotScale::Number, y, shape })
}

/// Whether a sum of values means anything: one of dates does not.
fn adds_up(kind: Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Decimal | Kind::Float | Kind::Interval)
}

/// The longest first; what has no length is last.
fn by_length(a: &Tally, b: &Tally, measure: Measure, kind: Kind) -> Ordering {
    let length = |tally: &Tally| tally.group(measure, kind).value.unwrap_or(f64::NEG_INFINITY);
    length(b).total_cmp(&length(a)).then_with(|| a.label.cmp(&b.label))
}

/// Numbers and times in their own order, NULL last.
fn by_place(a: &Tally, b: &Tally, kind: Kind) -> Ordering {
    let place = |tally: &Tally| {
        let mut place = Vec::new();
        key::push(kind, tally.label.as_deref(), false, &mut place);
        place
    };
    place(a).cmp(&place(b))
}

fn shown(label: &[u8]) -> String {
    String::from_utf8_lossy(label).chars().take(CHARS).collect()
}
