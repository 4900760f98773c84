//! What a plot draws, made of all rows: never more than a picture has room for, and nothing left out in silence.
//!
//! A line has for each column of pixels the least, the greatest and the mean of what falls there. Bars are groups, the
//! smallest together as "others". Where a scatter would have too many points it counts them in cells. Few rows are given
//! as they are. What cannot be drawn, NULL and values that are no finite number, is counted and said.

mod bars;
mod lines;
mod scatter;
mod suggest;
#[cfg(test)]
mod tests;

pub use suggest::{PlotChoices, PlotRole};

use super::key::{self, Kind, Part};
use super::order::Rows;
use super::pass::pass;
use super::stats::Ranges;
use super::{AnalysisError, Job, Problem, View, moment};
use crate::row::Row;
use crate::store::{Pieces, Reach, ResultStore};

/// Columns of pixels, cells, bars or ranges that may be asked for.
const MOST: usize = 4_000;

/// Lines in one plot.
const SERIES: usize = 8;

/// What to draw. Columns count from 0.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PlotSpec {
    /// Values over a number or a time.
    Line {
        /// Numbers or times.
        x: usize,
        /// Numbers.
        y: Vec<usize>,
        /// Columns of pixels there are.
        across: usize,
    },
    /// A measure for each value of a column.
    Bar {
        /// The groups.
        category: usize,
        /// Numbers; nothing where rows are counted.
        value: Option<usize>,
        /// What a bar is as long as.
        measure: Measure,
        /// Bars at most, without the one of the others.
        most: usize,
    },
    /// A point for each row.
    Scatter {
        /// Numbers or times.
        x: usize,
        /// Numbers or times.
        y: usize,
        /// Cells there are from left to right,
        across: usize,
        /// and from top to bottom, where there are too many points.
        down: usize,
    },
    /// How many values are in each range.
    Histogram {
        /// Numbers or times.
        column: usize,
        /// Ranges at most.
        bins: usize,
    },
}

/// What a bar is as long as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Measure {
    /// Rows.
    Count,
    /// Sum of the values.
    Sum,
    /// Their mean.
    Average,
    /// The least of them.
    Least,
    /// The greatest.
    Greatest,
}

/// What a coordinate means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlotScale {
    /// A number.
    Number,
    /// Milliseconds since 1970, of a day.
    Date,
    /// Milliseconds since 1970.
    Moment,
    /// Milliseconds since midnight.
    Clock,
    /// Milliseconds.
    Duration,
}

/// A plot, ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Rows that were looked at.
    pub rows: u64,
    /// What is not drawn of them.
    pub left_out: LeftOut,
    /// What goes from left to right.
    pub x: PlotScale,
    /// What goes from bottom to top.
    pub y: PlotScale,
    /// What to draw.
    pub shape: PlotShape,
}

/// Values that have no place in a plot.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LeftOut {
    /// NULL.
    pub null: u64,
    /// Not as their type has them.
    pub unreadable: u64,
    /// Infinity, or not a number.
    pub infinite: u64,
}

/// What to draw.
#[derive(Clone, Debug, PartialEq)]
pub enum PlotShape {
    /// Lines, each from left to right.
    Lines(Vec<Series>),
    /// Bars, in their order.
    Bars {
        /// At most as many as were asked for.
        bars: Vec<Bar>,
        /// All groups behind those, together.
        others: Option<Group>,
        /// How many groups are in `others`.
        other_groups: u64,
        /// There were more groups than are told apart: some of the others may belong to a bar.
        exact: bool,
    },
    /// A point for each row.
    Points(Vec<(f64, f64)>),
    /// How many points are in each cell.
    Density(Density),
    /// How many values are in each range.
    Ranges(Vec<Range>),
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its column.
    pub column: usize,
    /// From left to right.
    pub points: Vec<LinePoint>,
}

/// The values at one place of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinePoint {
    /// Where they are; the mean of places that share a column of pixels.
    pub x: f64,
    /// How many they are,
    pub rows: u64,
    /// the least,
    pub low: f64,
    /// the greatest,
    pub high: f64,
    /// and the mean.
    pub mean: f64,
}

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The value of its group, or its beginning; nothing for NULL.
    pub label: Option<String>,
    /// How long it is.
    pub group: Group,
}

/// Rows that are drawn together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// How many.
    pub rows: u64,
    /// Their measure; nothing where they have no value.
    pub value: Option<f64>,
}

/// Points, counted in cells of equal size.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    /// The least and the greatest from left to right,
    pub x: (f64, f64),
    /// and from bottom to top.
    pub y: (f64, f64),
    /// Cells from left to right,
    pub across: usize,
    /// and from bottom to top.
    pub down: usize,
    /// Those that hold any: column, row and how many.
    pub cells: Vec<(u32, u32, u64)>,
}

/// A range of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Its least value.
    pub from: f64,
    /// The least behind it.
    pub to: f64,
    /// Rows with a value of it.
    pub rows: u64,
}

impl ResultStore {
    /// Makes a plot of all rows, or of those of a view.
    ///
    /// # Errors
    /// [`AnalysisError::Invalid`] for a column that does not exist or has no place on an axis.
    pub fn plot(&self, view: Option<&View>, spec: &PlotSpec, job: &Job) -> Result<Plot, AnalysisError> {
        let members = view.map(|view| view.order.members(self, view.of())).transpose()?;
        let pieces = self.pieces();
        let input = Input { store: self, pieces: &pieces, members: members.as_ref(), job };
        match spec {
            PlotSpec::Line { x, y, across } => {
                let x = input.axis(*x)?;
                let y = y.iter().take(SERIES).map(|column| input.axis(*column)).collect::<Result<Vec<_>, _>>()?;
                lines::plot(&input, x, &y, (*across).clamp(1, MOST))
            }
            PlotSpec::Bar { category, value, measure, most } => {
                let category = input.column(*category)?;
                let value = value.map(|column| input.axis(column)).transpose()?;
                bars::plot(&input, category, value, *measure, (*most).clamp(1, MOST))
            }
            PlotSpec::Scatter { x, y, across, down } => {
                let size = ((*across).clamp(1, MOST), (*down).clamp(1, MOST));
                scatter::plot(&input, input.axis(*x)?, input.axis(*y)?, size)
            }
            PlotSpec::Histogram { column, bins } => histogram(&input, input.axis(*column)?, (*bins).clamp(1, MOST)),
        }
    }
}

/// A column that is drawn.
#[derive(Clone, Copy, Debug)]
struct Axis {
    column: usize,
    kind: Kind,
}

/// The rows that a plot is made of.
struct Input<'a> {
    store: &'a ResultStore,
    pieces: &'a Pieces<'a>,
    members: Option<&'a Rows>,
    job: &'a Job,
}

impl Input<'_> {
    fn column(&self, column: usize) -> Result<Axis, AnalysisError> {
        let found = self.store.columns().get(column).ok_or_else(AnalysisError::no_column)?;
        Ok(Axis { column, kind: Kind::of(found) })
    }

    /// A column of numbers or times.
    fn axis(&self, column: usize) -> Result<Axis, AnalysisError> {
        let axis = self.column(column)?;
        if is_measured(axis.kind) {
            Ok(axis)
        } else {
            Err(AnalysisError::Invalid { field: "column", problem: Problem::NotMeasured })
        }
    }

    /// Hands every row to the workers that `make` makes.
    fn pass<W: Send>(
        &self,
        make: impl Fn() -> W + Sync,
        visit: impl Fn(&mut W, Row<'_>) + Sync,
    ) -> Result<Vec<W>, AnalysisError> {
        pass(self.store, self.pieces, self.job, Reach::Beginning, make, |worker, _, piece| {
            let shown = piece.rows().filter(|(number, _)| self.members.is_none_or(|rows| rows.contains(*number)));
            shown.for_each(|(_, row)| visit(worker, row));
            Ok(())
        })
    }

    /// How many passes there will be.
    fn expect(&self, passes: u64) {
        self.job.expect(self.pieces.rows() * passes);
    }
}

fn is_measured(kind: Kind) -> bool {
    !matches!(kind, Kind::Text | Kind::Padded)
}

fn scale_of(kind: Kind) -> PlotScale {
    match kind {
        Kind::Date => PlotScale::Date,
        Kind::Timestamp => PlotScale::Moment,
        Kind::Time | Kind::TimeTz => PlotScale::Clock,
        Kind::Interval => PlotScale::Duration,
        _ => PlotScale::Number,
    }
}

/// A measure of [`key::measure`] on the scale of its kind.
fn on_scale(kind: Kind, measure: f64) -> f64 {
    const DAY: f64 = 86_400_000.0;
    match kind {
        Kind::Date => measure * DAY,
        Kind::Timestamp => measure / 1e3 + moment::TO_2000 as f64 * DAY,
        Kind::Time | Kind::TimeTz | Kind::Interval => measure / 1e3,
        _ => measure,
    }
}

impl LeftOut {
    /// The value as a number; otherwise it is counted here.
    fn measure(&mut self, kind: Kind, cell: Option<&[u8]>, key: &mut Vec<u8>) -> Option<f64> {
        let Some(cell) = cell else {
            self.null += 1;
            return None;
        };
        let measure = key::measure(kind, cell);
        if measure.is_none() {
            key.clear();
            match key::push(kind, Some(cell), false, key) {
                Part::Value => self.infinite += 1,
                _ => self.unreadable += 1,
            }
        }
        measure
    }

    fn plus(self, other: Self) -> Self {
        Self {
            null: self.null + other.null,
            unreadable: self.unreadable + other.unreadable,
            infinite: self.infinite + other.infinite,
        }
    }
}

/// The least and the greatest of what was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Extent {
    low: f64,
    high: f64,
}

impl Extent {
    const NONE: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };

    fn take(&mut self, value: f64) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    fn join(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    fn is_empty(self) -> bool {
        self.low > self.high
    }

    /// Which of `count` parts of equal size a value is in.
    fn part(self, value: f64, count: usize) -> usize {
        // Halves, so that the distance of two floats is always one.
        let share = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        // With no width at all everything is in the first.
        if share.is_finite() { ((share * count as f64) as usize).min(count - 1) } else { 0 }
    }
}

/// Values of a column, and what is drawn of them.
fn histogram(input: &Input<'_>, axis: Axis, bins: usize) -> Result<Plot, AnalysisError> {
    struct Ends {
        rows: u64,
        left_out: LeftOut,
        extent: Extent,
        key: Vec<u8>,
    }
    input.expect(2);
    let cell = |row: Row<'_>, take: &mut dyn FnMut(Option<&[u8]>)| take(row.cells().nth(axis.column).flatten());
    let make = || Ends { rows: 0, left_out: LeftOut::default(), extent: Extent::NONE, key: Vec::new() };
    let ends = input.pass(make, |ends, row| {
        ends.rows += 1;
        let Ends { left_out, extent, key, .. } = ends;
        cell(row, &mut |cell| left_out.measure(axis.kind, cell, key).into_iter().for_each(|value| extent.take(value)));
    })?;
    let rows = ends.iter().map(|ends| ends.rows).sum();
    let left_out = ends.iter().map(|ends| ends.left_out).fold(LeftOut::default(), LeftOut::plus);
    let extent = ends.iter().map(|ends| ends.extent).fold(Extent::NONE, Extent::join);
    let mut shown = Vec::new();
    if let Some(ranges) = Ranges::of(axis.kind, extent.low, extent.high, bins) {
        let counts = input.pass(
            || vec![0_u64; ranges.count],
            |counts, row| {
                cell(row, &mut |cell| {
                    let value = cell.and_then(|cell| key::measure(axis.kind, cell));
                    if let Some(count) = value.and_then(|value| counts.get_mut(ranges.index(value))) {
                        *count += 1;
                    }
                });
            },
        )?;
        let at = |index| on_scale(axis.kind, ranges.edge(index));
        shown.extend((0..ranges.count).map(|index| Range {
            from: at(index),
            to: at(index + 1),
            rows: counts.iter().filter_map(|counts| counts.get(index)).sum(),
        }));
    } else if !extent.is_empty() {
        return Err(AnalysisError::Invalid { field: "column", problem: Problem::TooWide });
    }
    let (x, y) = (scale_of(axis.kind), PlotScale::Number);
    Ok(Plot { rows, left_out, x, y, shape: PlotShape::Ranges(shown) })
}
