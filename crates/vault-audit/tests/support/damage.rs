//! Every way to damage an export: each leaf dropped, repeated, exchanged, altered, truncated; checkpoints
//! dropped, exchanged, replaced by those of another vault and of a history that never was.

use super::Log;
use vault_audit::{Entry, Export};
use vault_encoding::Hash;

/// All of them, with what was done. The log has a checkpoint over all of its leaves.
pub fn exports(log: &Log) -> Vec<(&'static str, Export)> {
    let mut all = Vec::new();
    let leaves = &log.export.leaves;
    for index in 0..leaves.len() {
        for (what, damaged) in of_leaf(leaves, index) {
            let checkpoints = log.export.checkpoints.clone();
            let leaves = damaged;
            all.push((
                what,
                Export {
                    leaves,
                    checkpoints,
                },
            ));
        }
    }
    for (what, checkpoints) in of_checkpoints(log) {
        let leaves = leaves.clone();
        all.push((
            what,
            Export {
                leaves,
                checkpoints,
            },
        ));
    }
    all
}

/// Everything that is done to one leaf.
pub fn of_leaf(leaves: &[Vec<u8>], index: usize) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let mut all = Vec::new();
    let mut damage = |what, change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut damaged = leaves.to_vec();
        change(&mut damaged);
        all.push((what, damaged));
    };
    damage("dropped", &|leaves| drop(leaves.remove(index)));
    damage("repeated", &|leaves| {
        leaves.insert(index, leaves[index].clone())
    });
    damage("truncated", &|leaves| leaves.truncate(index));
    damage("altered", &|leaves| {
        let mut entry = Entry::from_leaf(&leaves[index]).unwrap();
        entry.allowed = !entry.allowed;
        leaves[index] = entry.to_leaf().unwrap();
    });
    damage("cut", &|leaves| {
        leaves[index].pop();
    });
    damage("emptied", &|leaves| leaves[index].clear());
    for byte in [0, leaves[index].len() / 2, leaves[index].len() - 1] {
        damage("flipped", &|leaves| leaves[index][byte] ^= 1);
    }
    for other in 0..index {
        damage("exchanged", &|leaves| leaves.swap(index, other));
    }
    all
}

/// Everything that is done to the checkpoints.
fn of_checkpoints(log: &Log) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let notes = &log.export.checkpoints;
    let size = log.tree.size();
    let mut all = Vec::new();
    for number in 0..notes.len() {
        all.push(("last checkpoints dropped", notes[..number].to_vec()));
        for other in 0..number {
            let mut damaged = notes.clone();
            damaged.swap(number, other);
            all.push(("checkpoints exchanged", damaged));
        }
        let other = Log::new([7; 32]);
        let strange = other.lie(size, log.tree.root());
        let lies = [
            ("checkpoint of another vault", strange),
            ("checkpoint with a wrong root", log.lie(size, Hash([9; 32]))),
            (
                "checkpoint beyond the end",
                log.lie(size + 1, log.tree.root()),
            ),
            ("no checkpoint", b"note".to_vec()),
        ];
        for (what, lie) in lies {
            let mut damaged = notes.clone();
            damaged[number] = lie;
            all.push((what, damaged));
        }
    }
    all
}
