//! Bodies of leaves: the newest are in memory, in runs of a fixed width, older ones in the archive. Their hashes are
//! in the tree, always.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Durable bodies that stay in memory although the archive has them, so that who follows the log
/// reads no disk.
const RECENT: u64 = 4_096;

/// Bodies, encoded as the archive takes them: each behind its length (u32, big-endian). One buffer, so that
/// many entries are few allocations.
#[derive(Clone, Default)]
pub(crate) struct Run {
    pub(crate) bytes: Vec<u8>,
    /// Where each body ends.
    ends: Vec<usize>,
}

impl Run {
    /// An empty one, with room for as much as in the one before.
    fn after(before: &Self) -> Self {
        Self {
            bytes: Vec::with_capacity(before.bytes.len()),
            ends: Vec::with_capacity(before.ends.len()),
        }
    }

    fn push(&mut self, body: &[u8]) {
        // A leaf has 64 KiB at most.
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(body);
        self.ends.push(self.bytes.len());
    }

    fn len(&self) -> u64 {
        self.ends.len() as u64
    }

    fn get(&self, position: usize) -> Option<&[u8]> {
        let begin = match position.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.bytes
            .get(begin.checked_add(4)?..*self.ends.get(position)?)
    }
}

/// Bodies from an index to the end of the log. A clone shares them.
#[derive(Clone)]
pub(crate) struct Leaves {
    width: u64,
    /// Index of the first body; a multiple of the width.
    first: u64,
    /// Bodies before this are in the archive, and in a durable snapshot's reach; not below `first`.
    archived: u64,
    runs: VecDeque<Arc<Run>>,
    /// Not whole yet.
    tail: Run,
}

impl Leaves {
    /// None yet; the first one will have this index. `None` unless the width is a power of two
    /// and the index a multiple of it.
    pub(crate) fn from(first: u64, width: u64) -> Option<Self> {
        let sound = width.is_power_of_two() && width <= 1 << 16 && first.is_multiple_of(width);
        sound.then(|| Self {
            width,
            first,
            archived: first,
            runs: VecDeque::new(),
            tail: Run::default(),
        })
    }

    pub(crate) fn width(&self) -> u64 {
        self.width
    }

    /// Index of the first body that is here.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Index behind the last whole run.
    pub(crate) fn whole(&self) -> u64 {
        let runs = self.runs.len() as u64;
        self.first.saturating_add(runs.saturating_mul(self.width))
    }

    /// Index behind the last body.
    pub(crate) fn end(&self) -> u64 {
        self.whole().saturating_add(self.tail.len())
    }

    pub(crate) fn push(&mut self, body: &[u8]) {
        self.tail.push(body);
        if self.tail.len() == self.width {
            let next = Run::after(&self.tail);
            let mut whole = std::mem::replace(&mut self.tail, next);
            whole.bytes.shrink_to_fit();
            self.runs.push_back(Arc::new(whole));
        }
    }

    /// `None` if it is not here.
    pub(crate) fn get(&self, index: u64) -> Option<Arc<[u8]>> {
        if let Some(position) = index.checked_sub(self.whole()) {
            return self
                .tail
                .get(usize::try_from(position).ok()?)
                .map(Arc::from);
        }
        let position = index.checked_sub(self.first)?;
        let run = self
            .runs
            .get(usize::try_from(position.checked_div(self.width)?).ok()?)?;
        let position = position.checked_rem(self.width)?;
        run.get(usize::try_from(position).ok()?).map(Arc::from)
    }

    /// All of them, if all are here.
    pub(crate) fn range(&self, range: Range<u64>) -> Option<Vec<Arc<[u8]>>> {
        range.map(|index| self.get(index)).collect()
    }

    /// Whole runs that are not archived, each with the index of its first body.
    pub(crate) fn to_archive(&self) -> impl Iterator<Item = (u64, &Run)> {
        let firsts =
            (0..).map(|run: u64| self.first.saturating_add(run.saturating_mul(self.width)));
        let runs = firsts.zip(self.runs.iter().map(|run| &**run));
        runs.filter(|(first, _)| *first >= self.archived)
    }

    /// Lets go of whole runs before `archived`, but for the newest ones.
    pub(crate) fn forget(&mut self, archived: u64) {
        self.archived = self.archived.max(archived.min(self.whole()));
        let until = archived.min(self.end().saturating_sub(RECENT));
        while self.first.saturating_add(self.width) <= until && self.runs.pop_front().is_some() {
            self.first = self.first.saturating_add(self.width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(index: u64) -> Vec<u8> {
        vec![index as u8; (index % 5) as usize]
    }

    #[test]
    fn every_body_is_found_until_it_is_forgotten_and_the_newest_stay() {
        let mut leaves = Leaves::from(8, 4).unwrap();
        let end = 8 + RECENT + 11;
        for index in 8..end {
            leaves.push(&body(index));
        }
        assert_eq!((leaves.first(), leaves.end()), (8, end));
        assert_eq!(leaves.whole(), end - end % 4);
        for index in 8..end {
            assert_eq!(*leaves.get(index).unwrap(), *body(index));
        }
        assert!(leaves.get(7).is_none() && leaves.get(end).is_none());
        let view = leaves.clone();
        leaves.forget(end);
        assert_eq!(leaves.first(), 16);
        assert!(leaves.get(15).is_none());
        assert!(leaves.range(15..20).is_none());
        assert_eq!(leaves.range(16..20).unwrap().len(), 4);
        assert_eq!(*view.get(9).unwrap(), *body(9));
        assert_eq!(leaves.to_archive().count(), 0);
        leaves.push(&body(end));
        assert_eq!(
            leaves.to_archive().map(|(first, _)| first).max(),
            Some(end - 3)
        );
        for (first, run) in view.to_archive() {
            let bodies: Vec<u8> = (first..first + 4)
                .flat_map(|index| {
                    [&(body(index).len() as u32).to_be_bytes(), &*body(index)].concat()
                })
                .collect();
            assert_eq!(run.bytes, bodies);
        }
    }

    #[test]
    fn a_log_begins_at_a_run_and_runs_are_powers_of_two() {
        assert!(Leaves::from(8, 3).is_none());
        assert!(Leaves::from(2, 4).is_none());
        assert!(Leaves::from(0, 0).is_none());
    }
}
