//! Counts and measures a column: one pass for all but the histogram, and one more for that once both ends are known.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use super::key::{self, Kind, Part};
use super::moment;
use super::order::Rows;
use super::pass::pass;
use super::{AnalysisError, Job, View};
use crate::row::Row;
use crate::store::{Reach, ResultStore};

/// Ranges of a histogram at most.
const BUCKETS: usize = 32;

/// Different values that are counted one by one, so that the most frequent are known.
const FEW: usize = 4_096;

/// Different values that are counted at all; more are estimated.
const MANY: usize = 1 << 18;

/// Bits of a hash that choose one of the estimate's registers: an error of about 0.8 percent.
const REGISTER_BITS: u32 = 14;

/// Most frequent values that are told.
const TOP: usize = 10;

/// Characters of a value that are told.
const CHARS: usize = 1_000;

/// What is in a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnStats {
    /// Rows that were looked at.
    pub rows: u64,
    /// NULL among them.
    pub nulls: u64,
    /// Empty texts among them.
    pub empty: u64,
    /// Different values, without NULL.
    pub distinct: u64,
    /// It was counted, not estimated.
    pub distinct_exact: bool,
    /// The smallest value, as it came.
    pub min: Option<String>,
    /// The largest.
    pub max: Option<String>,
    /// Ranges of equal width, for numbers and times.
    pub histogram: Vec<Bucket>,
    /// The most frequent values; none when there are too many different ones.
    pub top: Vec<TopValue>,
    /// Values that are not as their type has them.
    pub as_text: u64,
}

/// A range of values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bucket {
    /// Its smallest value.
    pub from: String,
    /// The smallest behind it.
    pub to: String,
    /// Rows with a value of it.
    pub rows: u64,
}

/// A value and how often it is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TopValue {
    /// As it first came.
    pub text: String,
    /// In so many rows.
    pub rows: u64,
}

impl ResultStore {
    /// Counts and measures a column, of all rows or of those of a view.
    ///
    /// # Errors
    /// [`AnalysisError::Invalid`] for a column that does not exist.
    pub fn stats(&self, view: Option<&View>, column: usize, job: &Job) -> Result<ColumnStats, AnalysisError> {
        let kind = self.columns().get(column).map(Kind::of);
        let kind = kind.ok_or_else(AnalysisError::no_column)?;
        let members = view.map(|view| view.order.members(self, view.of())).transpose()?;
        let members = members.as_ref();
        let measured = !matches!(kind, Kind::Text | Kind::Padded);
        let pieces = self.pieces();
        job.expect(pieces.rows() * if measured { 2 } else { 1 });
        let hasher = RandomState::new();
        let make = || Counter::new(kind);
        let counters = pass(self, &pieces, job, Reach::Beginning, make, |counter, _, piece| {
            cells(piece.rows(), members, column).for_each(|cell| counter.take(cell, &hasher));
            Ok(())
        })?;
        let mut counter = counters.into_iter().reduce(Counter::join).unwrap_or_else(make);
        let ranges = Ranges::of(kind, counter.low, counter.high, BUCKETS);
        let mut stats = counter.stats();
        if let Some(ranges) = ranges {
            let make = || vec![0_u64; ranges.count];
            let counts = pass(self, &pieces, job, Reach::Beginning, make, |counts, _, piece| {
                for cell in cells(piece.rows(), members, column).flatten() {
                    if let Some(count) = key::measure(kind, cell).and_then(|value| counts.get_mut(ranges.index(value)))
                    {
                        *count += 1;
                    }
                }
                Ok(())
            })?;
            stats.histogram = ranges.buckets(kind, &counts);
        }
        Ok(stats)
    }
}

/// The cells of a column, of the rows that are `members`.
fn cells<'a>(
    rows: impl Iterator<Item = (u64, Row<'a>)>,
    members: Option<&Rows>,
    column: usize,
) -> impl Iterator<Item = Option<&'a [u8]>> {
    let shown = rows.filter(move |(number, _)| members.is_none_or(|members| members.contains(*number)));
    shown.map(move |(_, row)| row.cells().nth(column).flatten())
}

/// What one thread has counted.
struct Counter {
    kind: Kind,
    rows: u64,
    nulls: u64,
    empty: u64,
    as_text: u64,
    min: Option<Extreme>,
    max: Option<Extreme>,
    /// Ends of what can be measured.
    low: f64,
    high: f64,
    distinct: Distinct,
    key: Vec<u8>,
}

/// Key and text of a value.
struct Extreme {
    key: Vec<u8>,
    text: Vec<u8>,
}

impl Counter {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            rows: 0,
            nulls: 0,
            empty: 0,
            as_text: 0,
            min: None,
            max: None,
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
            distinct: Distinct::default(),
            key: Vec::new(),
        }
    }

    fn take(&mut self, cell: Option<&[u8]>, hasher: &RandomState) {
        self.rows += 1;
        let Some(cell) = cell else {
            self.nulls += 1;
            return;
        };
        self.empty += u64::from(cell.is_empty());
        self.key.clear();
        self.as_text += u64::from(key::push(self.kind, Some(cell), false, &mut self.key) == Part::AsText);
        self.distinct.take(hasher.hash_one(self.key.as_slice()), cell);
        let extreme = |key: &[u8]| Extreme { key: key.to_vec(), text: cell[..cell.len().min(4 * CHARS)].to_vec() };
        if self.min.as_ref().is_none_or(|min| self.key < min.key) {
            self.min = Some(extreme(&self.key));
        }
        if self.max.as_ref().is_none_or(|max| self.key > max.key) {
            self.max = Some(extreme(&self.key));
        }
        if let Some(value) = key::measure(self.kind, cell) {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
    }

    fn join(self, other: Self) -> Self {
        let first = |a: Option<Extreme>, b: Option<Extreme>, wanted: std::cmp::Ordering| match (a, b) {
            (Some(a), Some(b)) => Some(if a.key.cmp(&b.key) == wanted { a } else { b }),
            (a, b) => a.or(b),
        };
        Self {
            kind: self.kind,
            rows: self.rows + other.rows,
            nulls: self.nulls + other.nulls,
            empty: self.empty + other.empty,
            as_text: self.as_text + other.as_text,
            min: first(self.min, other.min, std::cmp::Ordering::Less),
            max: first(self.max, other.max, std::cmp::Ordering::Greater),
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            distinct: self.distinct.join(other.distinct),
            key: self.key,
        }
    }

    fn stats(&mut self) -> ColumnStats {
        let text = |extreme: &Option<Extreme>| extreme.as_ref().map(|extreme| shown(&extreme.text));
        let (distinct, distinct_exact) = self.distinct.count();
        ColumnStats {
            rows: self.rows,
            nulls: self.nulls,
            empty: self.empty,
            distinct,
            distinct_exact,
            min: text(&self.min),
            max: text(&self.max),
            histogram: Vec::new(),
            top: self.distinct.top(),
            as_text: self.as_text,
        }
    }
}

fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().take(CHARS).collect()
}

/// In how many rows a value is, and its beginning.
type Frequent = (u64, Box<[u8]>);

/// Different values by their hash: two of a million values share one of 64 bits once in forty million columns.
struct Distinct {
    /// How often each is there and what it is, while they are few.
    few: Option<HashMap<u64, Frequent>>,
    /// Which there are, while that fits.
    many: Option<HashSet<u64>>,
    /// HyperLogLog: for each group of hashes the most zeros that one of it begins with.
    registers: Vec<u8>,
}

impl Default for Distinct {
    fn default() -> Self {
        Self { few: Some(HashMap::new()), many: Some(HashSet::new()), registers: vec![0; 1 << REGISTER_BITS] }
    }
}

impl Distinct {
    fn take(&mut self, hash: u64, cell: &[u8]) {
        if let Some(few) = &mut self.few {
            let full = few.len() >= FEW;
            match few.entry(hash) {
                Entry::Occupied(mut entry) => {
                    entry.get_mut().0 += 1;
                    return;
                }
                Entry::Vacant(entry) if !full => {
                    entry.insert((1, cell[..cell.len().min(4 * CHARS)].into()));
                }
                Entry::Vacant(_) => self.few = None,
            }
        }
        self.note(hash);
    }

    /// A value whose hash may be known already.
    fn note(&mut self, hash: u64) {
        let register = (hash >> (64 - REGISTER_BITS)) as usize;
        // One more than the zeros in front, of the bits that did not choose.
        let zeros = (hash << REGISTER_BITS | 1 << (REGISTER_BITS - 1)).leading_zeros() as u8 + 1;
        self.registers[register] = self.registers[register].max(zeros);
        if let Some(many) = &mut self.many {
            many.insert(hash);
            if many.len() > MANY {
                self.many = None;
            }
        }
    }

    fn join(mut self, other: Self) -> Self {
        self.registers.iter_mut().zip(&other.registers).for_each(|(mine, other)| *mine = (*mine).max(*other));
        self.many = match (self.many, other.many) {
            (Some(mut mine), Some(other)) => {
                mine.extend(other);
                (mine.len() <= MANY).then_some(mine)
            }
            _ => None,
        };
        self.few = match (self.few, other.few) {
            (Some(mut mine), Some(other)) => {
                for (hash, (count, text)) in other {
                    mine.entry(hash).or_insert((0, text)).0 += count;
                }
                (mine.len() <= FEW).then_some(mine)
            }
            _ => None,
        };
        self
    }

    /// How many, and whether that is exact.
    fn count(&self) -> (u64, bool) {
        if let Some(many) = &self.many {
            return (many.len() as u64, true);
        }
        let size = self.registers.len() as f64;
        let sum: f64 = self.registers.iter().map(|&zeros| 2_f64.powi(-i32::from(zeros))).sum();
        let estimate = 0.7213 / (1.0 + 1.079 / size) * size * size / sum;
        (estimate.round() as u64, false)
    }

    fn top(&mut self) -> Vec<TopValue> {
        let mut values: Vec<Frequent> = self.few.take().unwrap_or_default().into_values().collect();
        values.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        values.into_iter().take(TOP).map(|(rows, text)| TopValue { text: shown(&text), rows }).collect()
    }
}

/// Ranges of equal width.
pub(super) struct Ranges {
    low: f64,
    high: f64,
    width: f64,
    pub(super) count: usize,
}

impl Ranges {
    /// At most so many; `None` when there is nothing to measure.
    pub(super) fn of(kind: Kind, low: f64, high: f64, most: usize) -> Option<Self> {
        // From the least to the greatest float there is no number.
        if low > high || !(high - low).is_finite() {
            return None;
        }
        let whole = matches!(kind, Kind::Integer | Kind::Date);
        let span = high - low + if whole { 1.0 } else { 0.0 };
        let width = if whole { (span / most as f64).ceil() } else { span / most as f64 };
        let count = if width > 0.0 { (span / width).ceil().clamp(1.0, most as f64) as usize } else { 1 };
        Some(Self { low, high, width, count })
    }

    pub(super) fn index(&self, value: f64) -> usize {
        let index = ((value - self.low) / self.width).floor();
        // The largest value is in the last range, not behind it; with no width all are in the first.
        if index >= 1.0 { (index as usize).min(self.count - 1) } else { 0 }
    }

    /// Where a range begins; behind the last one, the greatest value.
    pub(super) fn edge(&self, index: usize) -> f64 {
        if index < self.count { self.low + self.width * index as f64 } else { self.high }
    }

    fn buckets(&self, kind: Kind, counts: &[Vec<u64>]) -> Vec<Bucket> {
        let text = |index| written(kind, self.edge(index), self.width);
        let rows = |index: usize| counts.iter().filter_map(|counts| counts.get(index)).sum();
        (0..self.count).map(|index| Bucket { from: text(index), to: text(index + 1), rows: rows(index) }).collect()
    }
}

/// A measure as a value of its kind, no more exact than ranges of this width need.
fn written(kind: Kind, value: f64, width: f64) -> String {
    const SECOND: f64 = 1e6;
    const DAY: i64 = 86_400;
    let seconds = (value / SECOND).floor();
    let clock = |seconds: i64| format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let date = |days: i64| {
        let (year, month, day) = moment::civil_from_days(days);
        match year {
            1.. => format!("{year:04}-{month:02}-{day:02}"),
            _ => format!("{:04}-{month:02}-{day:02} BC", 1 - year),
        }
    };
    match kind {
        Kind::Integer => format!("{value:.0}"),
        Kind::Date => date(value as i64),
        Kind::Timestamp => {
            let (days, second) = ((seconds as i64).div_euclid(DAY), (seconds as i64).rem_euclid(DAY));
            let date = date(days + moment::TO_2000);
            match date.strip_suffix(" BC") {
                Some(date) => format!("{date} {} BC", clock(second)),
                None => format!("{date} {}", clock(second)),
            }
        }
        Kind::Time | Kind::TimeTz => clock((seconds as i64).rem_euclid(DAY + 1)),
        Kind::Interval => {
            let (sign, seconds) = if seconds < 0.0 { ("-", -seconds) } else { ("", seconds) };
            let seconds = seconds as i64;
            match seconds / DAY {
                0 => format!("{sign}{}", clock(seconds)),
                days => format!("{sign}{days} days {sign}{}", clock(seconds % DAY)),
            }
        }
        _ if value != 0.0 && !(1e-6..1e15).contains(&value.abs()) => format!("{value:.3e}"),
        _ => {
            let digits = if width > 0.0 { (2.0 - width.log10().floor()).clamp(0.0, 12.0) } else { 6.0 };
            format!("{value:.*}", digits as usize)
        }
    }
}
