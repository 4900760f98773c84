//! One pass over all rows, on as many threads as there are cores.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{AnalysisError, Job};
use crate::store::{Piece, PieceBuffer, Pieces, Reach, ResultStore};

/// Threads at most: beyond these the disk or the memory is what is waited for.
const MAX_WORKERS: usize = 4;

/// How many threads a pass has.
pub(super) fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS)
}

/// Hands every piece to one of the workers that `make` makes, each on a thread of its own, and gives back the workers.
/// One worker sees its pieces in order; the first error ends the pass.
pub(super) fn pass<W: Send>(
    store: &ResultStore,
    pieces: &Pieces<'_>,
    job: &Job,
    reach: Reach,
    make: impl Fn() -> W + Sync,
    visit: impl Fn(&mut W, usize, Piece<'_>) -> Result<(), AnalysisError> + Sync,
) -> Result<Vec<W>, AnalysisError> {
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    let work = || -> Result<W, AnalysisError> {
        let mut worker = make();
        let mut buffer = PieceBuffer::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            // What another worker met is told by it.
            if index >= pieces.len() || failed.load(Ordering::Relaxed) > 0 {
                return Ok(worker);
            }
            let visited = job.check().and_then(|()| {
                if store.is_let_go() {
                    return Err(AnalysisError::Stopped);
                }
                let piece = pieces.read(index, reach, &mut buffer)?;
                let rows = piece.len() as u64;
                visit(&mut worker, index, piece)?;
                job.advance(rows);
                Ok(())
            });
            if let Err(error) = visited {
                failed.fetch_add(1, Ordering::Relaxed);
                return Err(error);
            }
        }
    };
    let threads = workers().min(pieces.len());
    if threads <= 1 {
        return Ok(vec![work()?]);
    }
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended =
            handles.into_iter().map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        // All are waited for, and then the first error counts.
        ended.collect::<Vec<_>>().into_iter().collect()
    })
}
