//! The threads that prepare batches, and the iterator that hands them over in their order.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::{LoaderSettings, TwoViewBatch, Work};
use crate::{Cursor, DataError};

type Prepared = Result<TwoViewBatch, DataError>;

/// Batches in their order: see [`Loader::batches`](super::Loader::batches).
///
/// Of `t` threads, thread `k` prepares batches `k`, `k + t`, ... and hands them over through a
/// channel of its own that holds a few: so the order needs no sorting, and a slow step leaves no
/// more than those in memory. Dropping the iterator ends the threads.
#[derive(Debug)]
pub struct Batches {
    workers: Vec<(Receiver<Prepared>, JoinHandle<()>)>,
    /// Number of the next batch since the start.
    next: usize,
    left: u64,
}

impl Batches {
    pub(super) fn start(
        work: &Arc<Work>,
        settings: &LoaderSettings,
        from: Cursor,
        epochs: u64,
    ) -> Self {
        let steps = work.sampler.steps();
        let first = from.total(steps);
        let end = epochs.saturating_mul(steps as u64);
        let left = end.saturating_sub(first);
        let threads = settings.threads.min(usize::try_from(left).unwrap_or(usize::MAX));
        let worker = |k: usize| {
            let (sender, receiver) = sync_channel(settings.ahead);
            let work = Arc::clone(work);
            let mine = (first + k as u64..end).step_by(threads);
            (receiver, thread::spawn(move || prepare(&work, mine, &sender)))
        };
        Self { workers: (0..threads).map(worker).collect(), next: 0, left }
    }
}

/// Prepares the batches of the given numbers until one fails or nobody waits for them any more.
fn prepare(work: &Work, numbers: impl Iterator<Item = u64>, sender: &SyncSender<Prepared>) {
    let mut order = (u64::MAX, Vec::new());
    for number in numbers {
        let cursor = Cursor::after(number, work.sampler.steps());
        if order.0 != cursor.epoch {
            order = (cursor.epoch, work.sampler.order(cursor.epoch));
        }
        let batch = TwoViewBatch::make(work, &order.1, cursor);
        let failed = batch.is_err();
        if sender.send(batch).is_err() || failed {
            return;
        }
    }
}

impl Iterator for Batches {
    type Item = Prepared;

    fn next(&mut self) -> Option<Prepared> {
        if self.left == 0 {
            return None;
        }
        let thread = self.next % self.workers.len();
        let batch = self.workers[thread].0.recv().unwrap_or_else(|_| {
            let ended = self.workers.swap_remove(thread).1.join();
            let words = ended.err().and_then(|words| {
                let text = words.downcast_ref::<&str>().map(|text| (*text).to_owned());
                text.or_else(|| words.downcast_ref::<String>().cloned())
            });
            let problem = words.unwrap_or_else(|| "no reason given".to_owned());
            Err(DataError::Worker { thread, problem })
        });
        self.next += 1;
        self.left = if batch.is_ok() { self.left - 1 } else { 0 };
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).ok();
        (left.unwrap_or(usize::MAX), left)
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        for (receiver, thread) in self.workers.drain(..) {
            // A thread that waits to hand over a batch wakes up when nobody can take it.
            drop(receiver);
            // What a thread has to say after the last batch was taken concerns nobody.
            let _ = thread.join();
        }
    }
}
