//! The starts of one vault, each with the sizes of the log that it showed. In one log they lie
//! one behind the other: a start that shows a size within or before those of a later one is a
//! second vault of the same identity.

use super::damaged;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::path::Path;
use vault_encoding::text;

/// Starts that are remembered; the oldest go first.
const MOST: usize = 16;

/// One start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Boot {
    /// Fresh at every start; the vault's evidence and log name it.
    pub id: [u8; 16],
    /// Size of the shortest log that it showed.
    pub from: u64,
    /// Size of the longest.
    pub to: u64,
}

/// Starts, by the sizes that they showed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Boots(Vec<Boot>);

/// Two starts have grown the log in turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interleaved;

impl Boots {
    /// Whether this start has shown a log of at least this size.
    pub(crate) fn has_shown(&self, id: &[u8; 16], size: u64) -> bool {
        self.0.iter().any(|boot| boot.id == *id && boot.to >= size)
    }

    /// The start that showed a log of this size.
    pub(crate) fn at(&self, size: u64) -> Option<[u8; 16]> {
        let mut boots = self.0.iter();
        boots
            .find(|boot| (boot.from..=boot.to).contains(&size))
            .map(|boot| boot.id)
    }

    pub(crate) fn latest(&self) -> Option<Boot> {
        self.0.last().copied()
    }

    /// Start `id` shows a log of this size.
    pub(crate) fn observe(&mut self, id: [u8; 16], size: u64) -> Result<(), Interleaved> {
        let known = self.0.iter().find(|boot| boot.id == id);
        let grown = Boot {
            id,
            from: known.map_or(size, |boot| boot.from.min(size)),
            to: known.map_or(size, |boot| boot.to.max(size)),
        };
        let apart = |other: &Boot| other.to < grown.from || grown.to < other.from;
        if !self.0.iter().filter(|other| other.id != id).all(apart) {
            return Err(Interleaved);
        }
        self.0.retain(|boot| boot.id != id);
        self.0.push(grown);
        self.0.sort_by_key(|boot| boot.from);
        let surplus = self.0.len().saturating_sub(MOST);
        self.0.drain(..surplus);
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredBoot {
    boot_id: String,
    from: u64,
    to: u64,
}

impl Boots {
    pub(super) fn store(&self) -> Vec<StoredBoot> {
        let store = |boot: &Boot| StoredBoot {
            boot_id: text::hex(&boot.id),
            from: boot.from,
            to: boot.to,
        };
        self.0.iter().map(store).collect()
    }

    pub(super) fn parse(stored: Vec<StoredBoot>, path: &Path) -> Result<Self> {
        let parse = |boot: StoredBoot| {
            let id = text::unhex(&boot.boot_id).ok_or_else(|| damaged(path))?;
            let StoredBoot { from, to, .. } = boot;
            Ok(Boot { id, from, to })
        };
        stored
            .into_iter()
            .map(parse)
            .collect::<Result<_>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every history of up to 4 heads by 3 starts with sizes up to 5.
    #[test]
    fn every_short_history_is_told_apart_from_that_of_one_log() {
        let moves: Vec<(u8, u64)> = (0..3)
            .flat_map(|id| (1..=5).map(move |at| (id, at)))
            .collect();
        let mut histories = 0;
        let mut refused = 0;
        let mut stack: Vec<Vec<(u8, u64)>> = vec![Vec::new()];
        while let Some(history) = stack.pop() {
            histories += 1;
            let mut boots = Boots::default();
            let taken = history
                .iter()
                .try_for_each(|(id, size)| boots.observe([*id; 16], *size));
            // No size of one start lies within the sizes of another.
            let within = |id: u8, at: u64| {
                let own = || {
                    history
                        .iter()
                        .filter(|(own, _)| *own == id)
                        .map(|(_, size)| *size)
                };
                own().any(|size| size <= at) && own().any(|size| size >= at)
            };
            let mut pairs = history
                .iter()
                .flat_map(|head| (0..3).map(move |id| (head, id)));
            let one_log = !pairs.any(|((id, size), other)| *id != other && within(other, *size));
            assert_eq!(taken.is_ok(), one_log, "{history:?}");
            refused += usize::from(!one_log);
            if history.len() < 4 {
                stack.extend(moves.iter().map(|next| [&history[..], &[*next]].concat()));
            }
        }
        println!("{histories} histories, {refused} of more than one vault");
        assert_eq!(histories, 1 + 15 + 225 + 3375 + 50_625);
        assert!(refused > 0);
    }

    #[test]
    fn a_start_is_found_by_the_sizes_that_it_showed() {
        let mut boots = Boots::default();
        for (id, size) in [(1, 3), (1, 9), (2, 12), (2, 11)] {
            boots.observe([id; 16], size).unwrap();
        }
        assert_eq!(boots.at(5), Some([1; 16]));
        assert_eq!(boots.at(10), None);
        assert_eq!(
            boots.latest().map(|boot| (boot.from, boot.to)),
            Some((11, 12))
        );
        assert!(boots.has_shown(&[2; 16], 12) && !boots.has_shown(&[2; 16], 13));
        let stored = boots.store();
        assert_eq!(Boots::parse(stored, Path::new("x")).unwrap(), boots);
    }

    #[test]
    fn of_many_starts_the_newest_are_remembered() {
        let mut boots = Boots::default();
        for size in 1..=100 {
            boots.observe([size; 16], u64::from(size)).unwrap();
        }
        assert_eq!(boots.0.len(), MOST);
        assert_eq!(boots.latest().map(|boot| boot.to), Some(100));
    }
}
