//! Finds the next cell that holds a text, in a result or in a view of it.
//!
//! In a result the rows are gone through as they are kept. A view shows them in another order, and to read rows here and
//! there is slow: what is not found nearby is looked for in all rows as they are kept, and the rows that have it are
//! remembered for the next search for the same.

use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, PoisonError};

use regex::bytes::Regex;

use super::filter::regex;
use super::order::{Order, Rows};
use super::pass::pass;
use super::{AnalysisError, Job, Problem, View};
use crate::row::Row;
use crate::store::{PieceBuffer, Reach, ResultStore, StoreError};

/// Rows of a view that are looked at one by one.
const NEARBY: u64 = 1_000;

/// What to look for, and from where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FindSpec {
    /// Never empty.
    pub text: String,
    /// It is a regular expression.
    pub regex: bool,
    /// Upper and lower case differ.
    pub match_case: bool,
    /// Only there; `None`: in all.
    pub column: Option<usize>,
    /// Begin behind it, or in front of it when going backwards.
    pub from: Option<CellPlace>,
    /// The previous match instead of the next.
    pub backwards: bool,
}

/// A cell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CellPlace {
    /// Row of the view, or of the result without one, from 0.
    pub row: u64,
    /// From 0.
    pub column: usize,
}

/// A cell that holds the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Found {
    /// Where it is.
    pub place: CellPlace,
    /// Its row in the result.
    pub number: u64,
    /// Past the end, from the other end on.
    pub wrapped: bool,
}

/// The rows that the last search in a view would stop at.
#[derive(Debug, Default)]
pub(super) struct Matches(Mutex<Option<(Wanted, Arc<Rows>)>>);

/// What makes two searches the same but for where they begin.
type Wanted = (String, bool, bool, Option<usize>);

struct Search<'a> {
    store: &'a ResultStore,
    view: Option<&'a View>,
    /// Rows to search.
    rows: u64,
    columns: Range<usize>,
    pattern: Regex,
    /// A match within a cell is one within the row too, so that the row may be asked first.
    literal: bool,
    backwards: bool,
    job: &'a Job,
}

impl ResultStore {
    /// The next cell that holds a text, if any does. A search wraps around at the end.
    ///
    /// # Errors
    /// [`AnalysisError::Invalid`] for an empty text, a regular expression that is none, or a column that does not exist.
    pub fn find(&self, view: Option<&View>, spec: &FindSpec, job: &Job) -> Result<Option<Found>, AnalysisError> {
        if spec.text.is_empty() {
            return Err(AnalysisError::Invalid { field: "text", problem: Problem::NothingToFind });
        }
        let all = self.columns().len();
        let columns = match spec.column {
            Some(column) if column >= all => return Err(AnalysisError::no_column()),
            Some(column) => column..column + 1,
            None => 0..all,
        };
        let pattern = if spec.regex { spec.text.clone() } else { regex::escape(&spec.text) };
        let search = Search {
            store: self,
            view,
            rows: view.map_or(self.rows(), View::rows),
            columns,
            pattern: regex(&pattern, spec.match_case).map_err(|error| match error {
                AnalysisError::Invalid { problem, .. } => AnalysisError::Invalid { field: "text", problem },
                other => other,
            })?,
            literal: !spec.regex,
            backwards: spec.backwards,
            job,
        };
        job.expect(search.rows);
        let wanted = (spec.text.clone(), spec.regex, spec.match_case, spec.column);
        for (wrapped, rows, columns) in search.steps(spec.from) {
            if let Some((row, column, number)) = search.step(rows, columns, &wanted)? {
                return Ok(Some(Found { place: CellPlace { row, column }, number, wrapped }));
            }
        }
        Ok(None)
    }
}

impl Search<'_> {
    /// What is searched, one after the other: whether that is past the end, which rows, and which of their columns.
    fn steps(&self, from: Option<CellPlace>) -> Vec<(bool, Range<u64>, Range<usize>)> {
        let (all, end) = (self.columns.clone(), self.rows);
        let Some(CellPlace { row, column }) = from.filter(|from| from.row < end) else {
            return vec![(false, 0..end, all)];
        };
        let own = row..row + 1;
        let left_of = |column: usize| all.start..all.end.min(column).max(all.start);
        let right_of = |column: usize| all.start.max(column).min(all.end)..all.end;
        if self.backwards {
            vec![
                (false, own.clone(), left_of(column)),
                (false, 0..row, all.clone()),
                (true, row + 1..end, all.clone()),
                (true, own, right_of(column)),
            ]
        } else {
            vec![
                (false, own.clone(), right_of(column.saturating_add(1))),
                (false, row + 1..end, all.clone()),
                (true, 0..row, all.clone()),
                (true, own, left_of(column.saturating_add(1))),
            ]
        }
    }

    /// Place, column and number of the first match.
    fn step(
        &self,
        rows: Range<u64>,
        columns: Range<usize>,
        wanted: &Wanted,
    ) -> Result<Option<(u64, usize, u64)>, AnalysisError> {
        match self.view {
            _ if rows.is_empty() || columns.is_empty() => Ok(None),
            None => Ok(self.in_result(rows, columns)?.map(|(row, column)| (row, column, row))),
            Some(view) => self.in_view(view, rows, columns, wanted),
        }
    }

    fn in_result(&self, rows: Range<u64>, columns: Range<usize>) -> Result<Option<(u64, usize)>, AnalysisError> {
        let pieces = self.store.pieces();
        let mut buffer = PieceBuffer::default();
        let mut indices = pieces.piece_of(rows.start)..pieces.piece_of(rows.end - 1) + 1;
        while let Some(index) = if self.backwards { indices.next_back() } else { indices.next() } {
            self.check()?;
            let piece = pieces.read(index, Reach::Whole, &mut buffer)?;
            let within =
                |row: u64| usize::try_from(row.saturating_sub(piece.first)).unwrap_or(usize::MAX).min(piece.len());
            let mut numbers = within(rows.start)..within(rows.end);
            self.job.advance(numbers.len() as u64);
            while let Some(at) = if self.backwards { numbers.next_back() } else { numbers.next() } {
                if let Some(column) = self.column_of(piece.row(at), columns.clone()) {
                    return Ok(Some((piece.first + at as u64, column)));
                }
            }
        }
        Ok(None)
    }

    fn in_view(
        &self,
        view: &View,
        rows: Range<u64>,
        columns: Range<usize>,
        wanted: &Wanted,
    ) -> Result<Option<(u64, usize, u64)>, AnalysisError> {
        let near = rows.end - rows.start;
        let near = near.min(NEARBY);
        let (nearby, further) = match self.backwards {
            true => (rows.end - near..rows.end, rows.start..rows.end - near),
            false => (rows.start..rows.start + near, rows.start + near..rows.end),
        };
        let mut numbers = view.order.numbers(self.store, nearby.start, NEARBY as usize)?.into_iter().zip(nearby);
        let mut numbers: Box<dyn Iterator<Item = (u64, u64)>> = match self.backwards {
            true => Box::new(numbers.by_ref().collect::<Vec<_>>().into_iter().rev()),
            false => Box::new(numbers),
        };
        if let Some(found) = numbers.find_map(|(number, place)| {
            let found = self.check().and_then(|()| Ok(self.in_row(number, columns.clone())?));
            found.map(|found| found.map(|column| (place, column, number))).transpose()
        }) {
            return found.map(Some);
        }
        if further.is_empty() {
            return Ok(None);
        }
        let matches = self.matches(view, wanted)?;
        let Some((place, number)) = self.first_of(&view.order, further, &matches)? else { return Ok(None) };
        Ok(self.in_row(number, columns)?.map(|column| (place, column, number)))
    }

    /// Place and number of the first row that is among `matches`.
    fn first_of(&self, order: &Order, rows: Range<u64>, matches: &Rows) -> Result<Option<(u64, u64)>, AnalysisError> {
        const BLOCK: u64 = 1 << 15;
        let mut left = rows;
        while !left.is_empty() {
            self.check()?;
            let block = match self.backwards {
                true => left.end.saturating_sub(BLOCK).max(left.start)..left.end,
                false => left.start..left.end.min(left.start + BLOCK),
            };
            let count = (block.end - block.start) as usize;
            let numbers = order.numbers(self.store, block.start, count)?;
            let mut places = block.clone().zip(numbers).filter(|(_, number)| matches.contains(*number));
            if let Some(found) = if self.backwards { places.last() } else { places.next() } {
                return Ok(Some(found));
            }
            left = if self.backwards { left.start..block.start } else { block.end..left.end };
        }
        Ok(None)
    }

    /// Rows of the result that have the text.
    fn matches(&self, view: &View, wanted: &Wanted) -> Result<Arc<Rows>, AnalysisError> {
        let known = || view.matches.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, rows)) = &*known()
            && of == wanted
        {
            return Ok(Arc::clone(rows));
        }
        let pieces = self.store.pieces();
        let make = || Rows::none(pieces.rows());
        let found = pass(self.store, &pieces, self.job, Reach::Whole, make, |found, _, piece| {
            let matching = piece.rows().filter(|(_, row)| self.column_of(*row, self.columns.clone()).is_some());
            matching.for_each(|(number, _)| found.insert(number));
            Ok(())
        })?;
        let rows = Arc::new(found.into_iter().reduce(Rows::or).unwrap_or_else(make));
        *known() = Some((wanted.clone(), Arc::clone(&rows)));
        Ok(rows)
    }

    /// A row's first column, or last when going backwards, that has the text.
    fn column_of(&self, row: Row<'_>, columns: Range<usize>) -> Option<usize> {
        if self.literal && !self.pattern.is_match(row.raw()) {
            return None;
        }
        let cells = row.cells().enumerate().skip(columns.start).take(columns.len());
        let mut matching = cells.filter(|(_, cell)| cell.is_some_and(|cell| self.pattern.is_match(cell)));
        let found = if self.backwards { matching.last() } else { matching.next() };
        found.map(|(column, _)| column)
    }

    fn in_row(&self, number: u64, columns: Range<usize>) -> Result<Option<usize>, StoreError> {
        let mut found = None;
        self.store.visit(number, 1, |row| {
            found = self.column_of(row, columns.clone());
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    fn check(&self) -> Result<(), AnalysisError> {
        if self.store.is_let_go() { Err(AnalysisError::Stopped) } else { self.job.check() }
    }
}
