//! A point for each row, or how many there are in each cell.

use std::collections::BTreeMap;

use super::{Axis, Density, Extent, Input, LeftOut, Plot, PlotShape, on_scale, scale_of};
use crate::analysis::AnalysisError;
use crate::analysis::key;

/// Points that are drawn one by one.
const FEW: usize = 4_000;

struct Seen {
    rows: u64,
    left_out: LeftOut,
    x: Extent,
    y: Extent,
    few: Option<Vec<(f64, f64)>>,
    key: Vec<u8>,
}

pub(super) fn plot(input: &Input<'_>, x: Axis, y: Axis, size: (usize, usize)) -> Result<Plot, AnalysisError> {
    input.expect(2);
    let make = || Seen {
        rows: 0,
        left_out: LeftOut::default(),
        x: Extent::NONE,
        y: Extent::NONE,
        few: Some(Vec::new()),
        key: Vec::new(),
    };
    let seen = input.pass(make, |seen, row| {
        seen.rows += 1;
        let cell = |axis: Axis| row.cells().nth(axis.column).flatten();
        let Seen { left_out, key, .. } = seen;
        let (across, up) = (left_out.measure(x.kind, cell(x), key), left_out.measure(y.kind, cell(y), key));
        let (Some(across), Some(up)) = (across, up) else { return };
        seen.x.take(across);
        seen.y.take(up);
        match &mut seen.few {
            Some(few) if few.len() < FEW => few.push((across, up)),
            few => *few = None,
        }
    })?;
    let rows = seen.iter().map(|seen| seen.rows).sum();
    let left_out = seen.iter().map(|seen| seen.left_out).fold(LeftOut::default(), LeftOut::plus);
    let ends_x = seen.iter().map(|seen| seen.x).fold(Extent::NONE, Extent::join);
    let ends_y = seen.iter().map(|seen| seen.y).fold(Extent::NONE, Extent::join);
    let few: Option<Vec<_>> = seen.into_iter().map(|seen| seen.few).collect();
    let few = few.map(|few| few.concat()).filter(|few| few.len() <= FEW);
    let shape = match few {
        Some(few) => {
            PlotShape::Points(few.into_iter().map(|(a, b)| (on_scale(x.kind, a), on_scale(y.kind, b))).collect())
        }
        None => PlotShape::Density(density(input, (x, ends_x), (y, ends_y), size)?),
    };
    Ok(Plot { rows, left_out, x: scale_of(x.kind), y: scale_of(y.kind), shape })
}

fn density(
    input: &Input<'_>,
    (x, ends_x): (Axis, Extent),
    (y, ends_y): (Axis, Extent),
    (across, down): (usize, usize),
) -> Result<Density, AnalysisError> {
    let workers = input.pass(BTreeMap::<(u32, u32), u64>::new, |cells, row| {
        let value = |axis: Axis| row.cells().nth(axis.column).flatten().and_then(|cell| key::measure(axis.kind, cell));
        if let (Some(a), Some(b)) = (value(x), value(y)) {
            // Both are less than `MOST`.
            *cells.entry((ends_x.part(a, across) as u32, ends_y.part(b, down) as u32)).or_default() += 1;
        }
    })?;
    let mut cells = BTreeMap::new();
    for (place, count) in workers.into_iter().flatten() {
        *cells.entry(place).or_default() += count;
    }
    let ends = |axis: Axis, ends: Extent| (on_scale(axis.kind, ends.low), on_scale(axis.kind, ends.high));
    Ok(Density {
        x: ends(x, ends_x),
        y: ends(y, ends_y),
        across,
        down,
        cells: cells.into_iter().map(|((column, row), count)| (column, row, count)).collect(),
    })
}
