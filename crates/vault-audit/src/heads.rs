//! What follows from two heads of one log. Every decision on rollbacks and forks is one of these.

use crate::checkpoint::Checkpoint;
use std::cmp::Ordering;

/// What an answer shows, against a head that was seen before its call was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// The very head that was seen.
    Same,
    /// A longer log. It is the one that was seen if a consistency proof says so.
    Longer,
    /// A shorter log: leaves that were seen are gone.
    RolledBack,
    /// Another log.
    Forked,
}

/// Judges the head of an answer. `same_boot`: the head that was seen was shown by the same start
/// of the vault, which cannot have been put back meanwhile: there is more than one of it.
pub fn judge_answer(seen: &Checkpoint, answered: &Checkpoint, same_boot: bool) -> Shown {
    match answered.size.cmp(&seen.size) {
        Ordering::Greater => Shown::Longer,
        Ordering::Equal if answered.root == seen.root => Shown::Same,
        Ordering::Equal => Shown::Forked,
        Ordering::Less if same_boot => Shown::Forked,
        Ordering::Less => Shown::RolledBack,
    }
}

/// What a head means that somebody else has seen, against the longest head that is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carried {
    /// It is the one that is remembered.
    Known,
    /// The vault has to show that it is of its log, before it is asked for anything else.
    HoldAgainst,
    /// Two logs, whatever the vault says.
    Forked,
}

/// Judges a head that was carried here from elsewhere; both are signed by the vault itself.
pub fn judge_carried(remembered: Option<&Checkpoint>, carried: &Checkpoint) -> Carried {
    match remembered {
        Some(known) if known.size != carried.size => Carried::HoldAgainst,
        Some(known) if known.root == carried.root => Carried::Known,
        Some(_) => Carried::Forked,
        None => Carried::HoldAgainst,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::{Hash, merkle};

    /// All heads of two logs that part after `common` leaves, with the log of each.
    fn heads(common: u64, longest: u64) -> Vec<(u8, Checkpoint)> {
        let leaf = |log: u8, index: u64| match index < common {
            true => merkle::leaf_hash(&index.to_be_bytes()),
            false => merkle::leaf_hash(&[&[log][..], &index.to_be_bytes()].concat()),
        };
        let mut heads = Vec::new();
        for log in [0, 1] {
            for size in 0..=longest {
                let tree = merkle::Tree::from_leaves((0..size).map(|index| leaf(log, index)));
                let head = Checkpoint {
                    vault_id: Hash([7; 32]),
                    size,
                    root: tree.root(),
                };
                heads.push((log, head));
            }
        }
        heads
    }

    /// What an oracle that knows which head is of which log says of two of them.
    fn expected(common: u64, seen: &(u8, Checkpoint), shown: &(u8, Checkpoint)) -> Shown {
        let one_log = seen.0 == shown.0 || seen.1.size.min(shown.1.size) <= common;
        match shown.1.size.cmp(&seen.1.size) {
            Ordering::Greater => Shown::Longer,
            Ordering::Equal if one_log => Shown::Same,
            Ordering::Equal => Shown::Forked,
            Ordering::Less => Shown::RolledBack,
        }
    }

    #[test]
    fn every_pair_of_heads_of_two_logs_is_judged_as_who_knows_the_logs_would() {
        let mut judged = 0;
        for common in 0..=8 {
            let heads = heads(common, 8);
            for seen in &heads {
                for shown in &heads {
                    let told = judge_answer(&seen.1, &shown.1, false);
                    assert_eq!(told, expected(common, seen, shown));
                    let same_boot = judge_answer(&seen.1, &shown.1, true);
                    match told {
                        Shown::RolledBack => assert_eq!(same_boot, Shown::Forked),
                        other => assert_eq!(same_boot, other),
                    }
                    let carried = judge_carried(Some(&seen.1), &shown.1);
                    assert_eq!(carried == Carried::Forked, told == Shown::Forked);
                    assert_eq!(carried == Carried::Known, told == Shown::Same);
                    judged += 1;
                }
            }
        }
        println!("{judged} pairs of heads judged");
        assert_eq!(judged, 9 * 18 * 18);
    }

    #[test]
    fn a_carried_head_of_a_vault_that_was_never_seen_is_held_against_it() {
        for (_, head) in heads(2, 4) {
            assert_eq!(judge_carried(None, &head), Carried::HoldAgainst);
        }
    }
}
