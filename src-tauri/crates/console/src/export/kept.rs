//! From a kept result: a look at all values where types have to be settled, then all rows in their order.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::ExportError;
use crate::format::{Cell, ColumnPlan, Encoder, Scan, WriteError};
use crate::row::Row;
use crate::store::{ResultStore, StoreError};
use crate::types::Column;

/// After so many rows it is asked whether to go on.
const STRIDE: u64 = 1_024;

/// Rows that stay as they are, in the order in which they are to be written: a whole result, or a view of one.
pub trait Rows: Send {
    /// Their columns.
    fn columns(&self) -> &[Column];

    /// How many there are.
    fn count(&self) -> u64;

    /// Hands over each of them, in order, until `visit` breaks.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    fn visit(&self, visit: &mut dyn FnMut(Row<'_>) -> ControlFlow<()>) -> Result<(), StoreError>;
}

/// All rows a result has at this moment, as they came.
#[derive(Clone, Debug)]
pub struct WholeResult {
    store: Arc<ResultStore>,
    count: u64,
}

impl WholeResult {
    /// Rows that come later are not among them.
    pub fn of(store: Arc<ResultStore>) -> Self {
        let count = store.rows();
        Self { store, count }
    }
}

impl Rows for WholeResult {
    fn columns(&self) -> &[Column] {
        self.store.columns()
    }

    fn count(&self) -> u64 {
        self.count
    }

    fn visit(&self, visit: &mut dyn FnMut(Row<'_>) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.store.visit(0, self.count, visit)
    }
}

/// Looks at all rows to settle what each of the chosen columns is. `go_on` is told how many rows were looked at.
///
/// # Errors
/// [`ExportError::Stopped`] when `go_on` says no; [`ExportError::Store`].
pub fn scan(
    rows: &dyn Rows,
    chosen: Option<&[usize]>,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Vec<ColumnPlan>, ExportError> {
    let all: Vec<usize> = (0..rows.columns().len()).collect();
    let chosen = chosen.unwrap_or(&all);
    let columns: Vec<&Column> = chosen
        .iter()
        .map(|index| rows.columns().get(*index).ok_or(WriteError::NoSuchColumn(*index)))
        .collect::<Result<_, _>>()?;
    let mut scan = Scan::new(columns);
    each(rows, go_on, |row| {
        let cells: Vec<Cell<'_>> = row.cells().collect();
        let cells: Vec<Cell<'_>> = chosen.iter().map(|index| cells.get(*index).copied().flatten()).collect();
        scan.row(&cells);
        Ok(())
    })?;
    Ok(scan.finish())
}

/// Writes all rows. `go_on` is told how many rows were written.
///
/// # Errors
/// [`ExportError::Stopped`] when `go_on` says no; [`ExportError::Write`], [`ExportError::Store`].
pub fn write<W: Write>(
    rows: &dyn Rows,
    encoder: &mut Encoder<W>,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<(), ExportError> {
    encoder.begin(rows.columns())?;
    each(rows, go_on, |row| {
        encoder.row(row)?;
        encoder.write_some()
    })?;
    if encoder.rows() != rows.count() {
        return Err(WriteError::Damaged(encoder.rows() + 1).into());
    }
    encoder.end()?;
    Ok(encoder.write_out()?)
}

fn each(
    rows: &dyn Rows,
    go_on: &mut dyn FnMut(u64) -> bool,
    mut take: impl FnMut(Row<'_>) -> Result<(), WriteError>,
) -> Result<(), ExportError> {
    let mut count = 0;
    let mut failure = None;
    rows.visit(&mut |row| {
        if let Err(error) = take(row) {
            failure = Some(ExportError::Write(error));
            return ControlFlow::Break(());
        }
        count += 1;
        if count % STRIDE == 0 && !go_on(count) {
            failure = Some(ExportError::Stopped);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    match failure {
        Some(failure) => Err(failure),
        None if go_on(count) => Ok(()),
        None => Err(ExportError::Stopped),
    }
}
