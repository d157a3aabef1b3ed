//! Many worlds at once, each on one of a few threads with a runtime of its own: most of a world's time
//! is waiting, and its clock belongs to its thread.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use tokio::runtime::Builder;

/// For worlds that compute, and for those that wait for what never comes.
pub const FEW: usize = 4;
pub const MANY: usize = 16;
/// Enough to see what they have in common.
const FAILURES: usize = 5;
/// Bytes, as the main thread of a function has them.
const STACK: usize = 8 << 20;

/// `run` is lent what its thread has kept from the cell before, and gives it back if the cell passes.
///
/// # Panics
/// After some of the cells have; it names them.
pub fn run_all<C: Debug + Sync, K>(threads_at_once: usize, cells: &[C], run: impl AsyncFn(&C, Option<K>) -> K + Sync) {
    let (next, began) = (AtomicUsize::new(0), Instant::now());
    let failed = Mutex::new(Vec::new());
    thread::scope(|threads| {
        for _ in 0..threads_at_once {
            let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(threads, || {
                let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
                let mut kept = None;
                while failed.lock().unwrap().len() < FAILURES
                    && let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let before = kept.take();
                    match catch_unwind(AssertUnwindSafe(|| runtime.block_on(run(cell, before)))) {
                        Ok(after) => kept = Some(after),
                        Err(_) => failed.lock().unwrap().push(format!("{cell:?}")),
                    }
                }
            });
            thread.expect("a thread");
        }
    });
    let (failed, all) = (failed.into_inner().unwrap(), cells.len());
    assert!(failed.is_empty(), "of {all} at least {} failed; why is above:\n{}", failed.len(), failed.join("\n"));
    println!("{all} cells in {} s", began.elapsed().as_secs());
}

/// One world on this thread.
pub fn alone<T>(run: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(run)
}
