//! Values over a number or a time.

use super::{Axis, Extent, Input, LeftOut, LinePoint, Plot, PlotShape, Series, on_scale, scale_of};
use crate::analysis::AnalysisError;
use crate::analysis::key;

/// Values that are drawn one by one; of more the columns of pixels are drawn.
const FEW: usize = 4_000;

/// What one thread has seen.
struct Seen {
    rows: u64,
    left_out: LeftOut,
    x: Extent,
    /// For each line its values, while they are few.
    few: Option<Vec<Vec<(f64, f64)>>>,
    count: usize,
    key: Vec<u8>,
}

/// Values that are drawn at one place.
#[derive(Clone, Copy)]
struct Sum {
    rows: u64,
    x: f64,
    y: f64,
    extent: Extent,
}

impl Sum {
    const NONE: Self = Self { rows: 0, x: 0.0, y: 0.0, extent: Extent::NONE };

    /// Means go on from what they are, so that large values do not add up beyond what a number holds.
    fn take(&mut self, x: f64, y: f64) {
        self.rows += 1;
        let share = 1.0 / self.rows as f64;
        self.x += x * share - self.x * share;
        self.y += y * share - self.y * share;
        self.extent.take(y);
    }

    fn join(self, other: Self) -> Self {
        let rows = self.rows + other.rows;
        let share = if rows == 0 { 0.0 } else { other.rows as f64 / rows as f64 };
        Self {
            rows,
            x: self.x * (1.0 - share) + other.x * share,
            y: self.y * (1.0 - share) + other.y * share,
            extent: self.extent.join(other.extent),
        }
    }
}

pub(super) fn plot(input: &Input<'_>, x: Axis, y: &[Axis], across: usize) -> Result<Plot, AnalysisError> {
    input.expect(2);
    let make = || Seen {
        rows: 0,
        left_out: LeftOut::default(),
        x: Extent::NONE,
        few: Some(vec![Vec::new(); y.len()]),
        count: 0,
        key: Vec::new(),
    };
    let seen = input.pass(make, |seen, row| {
        seen.rows += 1;
        let Some(place) = seen.left_out.measure(x.kind, row.cells().nth(x.column).flatten(), &mut seen.key) else {
            return;
        };
        seen.x.take(place);
        for (line, axis) in y.iter().enumerate() {
            let cell = row.cells().nth(axis.column).flatten();
            let Some(value) = seen.left_out.measure(axis.kind, cell, &mut seen.key) else { continue };
            seen.count += 1;
            if seen.count > FEW {
                seen.few = None;
            }
            if let Some(few) = &mut seen.few {
                few[line].push((place, value));
            }
        }
    })?;
    let rows = seen.iter().map(|seen| seen.rows).sum();
    let left_out = seen.iter().map(|seen| seen.left_out).fold(LeftOut::default(), LeftOut::plus);
    let extent = seen.iter().map(|seen| seen.x).fold(Extent::NONE, Extent::join);
    let count: usize = seen.iter().map(|seen| seen.count).sum();
    let few: Option<Vec<_>> = seen.into_iter().map(|seen| seen.few).collect();
    let sums = match few {
        Some(few) if count <= FEW => one_by_one(few, y.len()),
        _ => in_columns(input, x, y, extent, across)?,
    };
    let series = |(axis, sums): (&Axis, Vec<Sum>)| Series {
        column: axis.column,
        points: sums.into_iter().filter(|sum| sum.rows > 0).map(|sum| point(x, *axis, sum)).collect(),
    };
    let shape = PlotShape::Lines(y.iter().zip(sums).map(series).collect());
    let y = y.first().map_or(super::PlotScale::Number, |axis| scale_of(axis.kind));
    Ok(Plot { rows, left_out, x: scale_of(x.kind), y, shape })
}

/// Values at the same place are one point with the least and the greatest of them.
fn one_by_one(workers: Vec<Vec<Vec<(f64, f64)>>>, lines: usize) -> Vec<Vec<Sum>> {
    let mut all = vec![Vec::new(); lines];
    for worker in workers {
        all.iter_mut().zip(worker).for_each(|(all, more)| all.extend(more));
    }
    let line = |mut values: Vec<(f64, f64)>| {
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let same_place = values.chunk_by(|a, b| a.0 == b.0);
        same_place.map(|values| sum_of(values.iter().copied())).collect()
    };
    all.into_iter().map(line).collect()
}

fn sum_of(values: impl Iterator<Item = (f64, f64)>) -> Sum {
    values.fold(Sum::NONE, |mut sum, (x, y)| {
        sum.take(x, y);
        sum
    })
}

fn in_columns(
    input: &Input<'_>,
    x: Axis,
    y: &[Axis],
    extent: Extent,
    across: usize,
) -> Result<Vec<Vec<Sum>>, AnalysisError> {
    let make = || vec![vec![Sum::NONE; across]; y.len()];
    let workers = input.pass(make, |lines, row| {
        let place = row.cells().nth(x.column).flatten().and_then(|cell| key::measure(x.kind, cell));
        let Some(place) = place else { return };
        let at = extent.part(place, across);
        for (line, axis) in lines.iter_mut().zip(y) {
            let value = row.cells().nth(axis.column).flatten().and_then(|cell| key::measure(axis.kind, cell));
            if let (Some(sum), Some(value)) = (line.get_mut(at), value) {
                sum.take(place, value);
            }
        }
    })?;
    let joined = workers.into_iter().reduce(|mut all, more| {
        let pairs = all.iter_mut().flatten().zip(more.into_iter().flatten());
        pairs.for_each(|(sum, more)| *sum = sum.join(more));
        all
    });
    Ok(joined.unwrap_or_else(make))
}

fn point(x: Axis, y: Axis, sum: Sum) -> LinePoint {
    let on_y = |value| on_scale(y.kind, value);
    LinePoint {
        x: on_scale(x.kind, sum.x),
        rows: sum.rows,
        low: on_y(sum.extent.low),
        high: on_y(sum.extent.high),
        mean: on_y(sum.y),
    }
}
