//! When a snapshot is due: so often that memory and the next start are bounded, and so seldom that all
//! snapshots together are no longer than the log.

/// What is known of the last snapshot, and what came behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Due {
    /// Entries of the log at the last snapshot.
    entries: u64,
    /// Its bytes.
    length: u64,
    /// Bytes of the groups behind it.
    behind: u64,
}

impl Due {
    /// After a start: from a snapshot of `length` bytes at `entries`, with so many bytes of groups
    /// behind it; all zero but the last without a snapshot.
    pub(crate) fn after(entries: u64, length: u64, behind: u64) -> Self {
        Self {
            entries,
            length,
            behind,
        }
    }

    /// A group of so many bytes is durable.
    pub(crate) fn grew(&mut self, bytes: usize) {
        self.behind = self.behind.saturating_add(bytes as u64);
    }

    /// Whether a log of `size` entries has grown enough: by `every` entries, and by as many bytes as
    /// the last snapshot has. Before an end the bytes do not count, so that the next start is quick.
    pub(crate) fn is_due(&self, size: u64, every: u64, last: bool) -> bool {
        let grown = size.saturating_sub(self.entries);
        grown >= every && (last || self.behind >= self.length)
    }

    /// A snapshot is made of a log of `size` entries. If it comes to nothing, the next one waits for as
    /// much growth.
    pub(crate) fn taken(&mut self, size: u64) {
        self.entries = size;
        self.behind = 0;
    }

    /// It was stored, in so many bytes.
    pub(crate) fn stored(&mut self, bytes: usize) {
        self.length = bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: u64 = 1_000;
    const GROUP: u64 = 10;

    /// Runs a log of entries of 600 bytes whose snapshots have 32 bytes for each entry, and `state` more:
    /// bytes of all snapshots, and the most bytes behind one.
    fn run(entries: u64, state: u64) -> (u64, u64) {
        let (mut due, mut size) = (Due::default(), 0);
        let (mut snapshots, mut most) = (0, 0);
        while size < entries {
            size += GROUP;
            due.grew(6_000);
            most = most.max(due.behind);
            if due.is_due(size, EVERY, false) {
                let length = 32 * size + state;
                due.taken(size);
                due.stored(length as usize);
                snapshots += length;
            }
        }
        (snapshots, most)
    }

    #[test]
    fn all_snapshots_are_no_longer_than_the_log_and_little_is_behind_the_last() {
        for state in [0, 1 << 20, 100 << 20] {
            for entries in [10_000, 100_000, 1_000_000] {
                let (snapshots, most) = run(entries, state);
                let log = 600 * entries;
                let one = 32 * entries + state;
                assert!(snapshots <= log + one, "{state} {entries}: {snapshots}");
                assert!(
                    most <= one.max(600 * EVERY) + 6_000,
                    "{state} {entries}: {most}"
                );
            }
        }
    }

    #[test]
    fn what_was_behind_the_snapshot_at_a_start_counts() {
        let due = Due::after(5_000, 160_000, 159_999);
        assert!(!due.is_due(50_000, EVERY, false));
        assert!(due.is_due(50_000, EVERY, true));
        assert!(!due.is_due(5_999, EVERY, true));
        assert!(Due::after(5_000, 160_000, 160_000).is_due(6_000, EVERY, false));
        assert!(
            Due::after(0, 0, 1).is_due(EVERY, EVERY, false),
            "no snapshot"
        );
    }
}
