//! Rows of a result in another order, or fewer of them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::filter::Check;
use super::find::Matches;
use super::order::{Order, OrderWriter};
use super::pass::pass;
use super::sort::{self, Keys, Runs, SortColumn, Sorter};
use super::{AnalysisError, Filter, Job};
use crate::store::{Reach, ResultStore, StoreError, Window};

/// Views that a result keeps. The window shows one; the others are for its way back.
const KEPT: usize = 4;

/// Which rows, and in which order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ViewSpec {
    /// By the first, among equals by the next; rows equal in all stay as they came.
    pub sort: Vec<SortColumn>,
    /// All of them hold.
    pub filters: Vec<Filter>,
}

/// Names a view for as long as the process runs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ViewId(u64);

/// `view-7`
impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "view-{}", self.0)
    }
}

/// A view of a result, as of when it was made.
#[derive(Debug)]
pub struct View {
    id: ViewId,
    pub(super) order: Order,
    of: u64,
    as_text: u64,
    /// Rows that the last search in it would stop at.
    pub(super) matches: Matches,
}

/// Rows of a view.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ViewWindow {
    /// What they hold; `first` counts in the view, the rows of cells that were cut in the result.
    pub window: Window,
    /// Which rows of the result they are.
    pub numbers: Vec<u64>,
}

/// The views of a result, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Views(Mutex<VecDeque<Arc<View>>>);

impl Views {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<View>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    /// Names it.
    pub fn id(&self) -> ViewId {
        self.id
    }

    /// How many rows it shows.
    pub fn rows(&self) -> u64 {
        self.order.rows()
    }

    /// How many the result had.
    pub fn of(&self) -> u64 {
        self.of
    }

    /// Values it was sorted by that are not as their type has them.
    pub fn as_text(&self) -> u64 {
        self.as_text
    }
}

impl ResultStore {
    /// Makes a view of the rows there are. Of older ones the result keeps three.
    ///
    /// # Errors
    /// [`AnalysisError::Invalid`] for a column that does not exist or a value that is none of its type.
    pub fn make_view(&self, spec: &ViewSpec, job: &Job) -> Result<Arc<View>, AnalysisError> {
        self.make_view_within(sort::MEMORY, spec, job)
    }

    /// The same with this many bytes for what is sorted.
    pub(super) fn make_view_within(
        &self,
        memory: usize,
        spec: &ViewSpec,
        job: &Job,
    ) -> Result<Arc<View>, AnalysisError> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let keys = Keys::new(&spec.sort, self)?;
        let checks = spec.filters.iter().map(|filter| Check::new(filter, self)).collect::<Result<Vec<_>, _>>()?;
        let pieces = self.pieces();
        let of = pieces.rows();
        let whole = checks.iter().any(Check::needs_all);
        let reach = if whole { Reach::Whole } else { Reach::Beginning };
        job.expect(if keys.is_empty() { of } else { 2 * of });
        let (order, as_text) = if !keys.is_empty() {
            let runs = Runs::new(self);
            let make = || (Sorter::new(&keys, &runs, memory), Vec::new());
            let sorters = pass(self, &pieces, job, reach, make, |(sorter, scratch), _, piece| {
                for (number, row) in piece.rows() {
                    if checks.iter().all(|check| check.passes(row, scratch)) {
                        sorter.push(number, row)?;
                    }
                }
                Ok(())
            })?;
            sort::merge(sorters.into_iter().map(|(sorter, _)| sorter).collect(), &runs, of, job)?
        } else if !checks.is_empty() {
            let found = Mutex::new(InOrder { next: 0, waiting: BTreeMap::new(), writer: OrderWriter::new(self, of) });
            pass(self, &pieces, job, reach, Vec::new, |scratch, index, piece| {
                let passing = piece.rows().filter(|(_, row)| checks.iter().all(|check| check.passes(*row, scratch)));
                let numbers: Vec<u64> = passing.map(|(number, _)| number).collect();
                Ok(found.lock().unwrap_or_else(PoisonError::into_inner).take(index, numbers)?)
            })?;
            (found.into_inner().unwrap_or_else(PoisonError::into_inner).writer.finish()?, 0)
        } else {
            (Order::All(of), 0)
        };
        let id = ViewId(LAST.fetch_add(1, Ordering::Relaxed) + 1);
        let view = Arc::new(View { id, order, of, as_text, matches: Matches::default() });
        let mut views = self.views.lock();
        views.push_back(Arc::clone(&view));
        if views.len() > KEPT {
            views.pop_front();
        }
        Ok(view)
    }

    /// A view of it that it still keeps.
    pub fn view(&self, id: &str) -> Option<Arc<View>> {
        self.views.lock().iter().find(|view| view.id.to_string() == id).cloned()
    }

    /// Lets go of a view; `false` when it has no such view.
    pub fn close_view(&self, id: &str) -> bool {
        let mut views = self.views.lock();
        let before = views.len();
        views.retain(|view| view.id.to_string() != id);
        views.len() < before
    }

    /// At most `count` rows of a view from its row `first` on.
    ///
    /// # Errors
    /// [`StoreError::Read`] when a file cannot be read.
    pub fn view_window(&self, view: &View, first: u64, count: usize) -> Result<ViewWindow, StoreError> {
        let numbers = view.order.numbers(self, first, count)?;
        let mut shown = ViewWindow { window: Window { first, ..Window::default() }, numbers };
        for number in &shown.numbers {
            let Window { rows, cut, .. } = self.window(*number, 1)?;
            shown.window.rows.extend(rows);
            shown.window.cut.extend(cut);
        }
        Ok(shown)
    }
}

/// Takes what the threads find and writes it in the order of the pieces.
struct InOrder<'a> {
    next: usize,
    waiting: BTreeMap<usize, Vec<u64>>,
    writer: OrderWriter<'a>,
}

impl InOrder<'_> {
    fn take(&mut self, index: usize, numbers: Vec<u64>) -> Result<(), StoreError> {
        self.waiting.insert(index, numbers);
        while let Some(numbers) = self.waiting.remove(&self.next) {
            self.next += 1;
            numbers.into_iter().try_for_each(|number| self.writer.push(number))?;
        }
        Ok(())
    }
}
