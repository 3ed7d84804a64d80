//! Every disk that a crash can leave, instead of one of them.

use super::state::{Content, Names, State, put};
use super::{SECTOR, SimulatedDisk};
use std::collections::{BTreeMap, BTreeSet};

/// What the crash does to one sector of a write that was not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tearing {
    /// Keeps or loses it as a whole.
    Whole,
    /// Or writes its first half only, or its second, or leaves noise in the whole sector.
    Within,
}

impl SimulatedDisk {
    /// Every disk that power failing now can leave, each once: of each write that was not synced every
    /// subset of its sectors, each done to as `tearing` says; of the changes of names that were not made
    /// durable every prefix. `None` if one file alone could be left in more than `most` states, so that no
    /// enumeration is cut short unseen. This disk stays as it is.
    pub fn survivors(&self, tearing: Tearing, most: usize) -> Option<Vec<SimulatedDisk>> {
        let state = self.lock();
        let contents = state
            .files
            .iter()
            .map(|file| contents(file, tearing, most))
            .collect::<Option<Vec<_>>>()?;
        let disks: BTreeSet<_> = names(&state)
            .iter()
            .flat_map(|names| product(names, &contents))
            .collect();
        Some(
            disks
                .into_iter()
                .map(|files| Self::of(State::durable(files)))
                .collect(),
        )
    }
}

/// The names after each prefix of what was not durable.
fn names(state: &State) -> Vec<Names> {
    let mut names = state.durable_names.clone();
    let mut all = vec![names.clone()];
    for change in &state.name_changes {
        change.apply(&mut names);
        all.push(names.clone());
    }
    all
}

type Files = BTreeMap<String, Vec<u8>>;

fn product(names: &Names, contents: &[BTreeSet<Vec<u8>>]) -> Vec<Files> {
    let mut disks = vec![Files::new()];
    for (name, file) in names {
        let Some(choices) = contents.get(*file) else {
            continue;
        };
        disks = disks
            .iter()
            .flat_map(|disk| {
                choices.iter().map(|bytes| {
                    let mut disk = disk.clone();
                    disk.insert(name.clone(), bytes.clone());
                    disk
                })
            })
            .collect();
    }
    disks
}

/// Every content that a file can be left with.
fn contents(file: &Content, tearing: Tearing, most: usize) -> Option<BTreeSet<Vec<u8>>> {
    let mut all = BTreeSet::from([file.durable.clone()]);
    for write in &file.pending {
        let mut at = 0;
        while at < write.bytes.len() {
            let begin = write.offset + at;
            let length = (SECTOR - begin % SECTOR).min(write.bytes.len() - at);
            let piece = write.bytes.get(at..at + length).unwrap_or(&[]);
            all = all
                .iter()
                .flat_map(|content| sector(content, begin, piece, tearing))
                .collect();
            if all.len() > most {
                return None;
            }
            at += length;
        }
    }
    Some(all)
}

fn sector(content: &[u8], begin: usize, piece: &[u8], tearing: Tearing) -> Vec<Vec<u8>> {
    let with = |at: usize, bytes: &[u8]| {
        let mut content = content.to_vec();
        put(&mut content, at, bytes);
        content
    };
    let mut left = vec![content.to_vec(), with(begin, piece)];
    if tearing == Tearing::Within {
        let (first, second) = piece.split_at(piece.len() / 2);
        left.push(with(begin, first));
        left.push(with(begin + first.len(), second));
        left.push(noise(content, begin));
    }
    left
}

/// The sector around `begin` as far as the file reaches, holding nothing that anybody wrote.
fn noise(content: &[u8], begin: usize) -> Vec<u8> {
    let from = begin - begin % SECTOR;
    let mut content = content.to_vec();
    let until = (from + SECTOR).min(content.len());
    for (at, byte) in content
        .get_mut(from..until)
        .into_iter()
        .flatten()
        .enumerate()
    {
        *byte = (at as u8).wrapping_mul(167) ^ 0xa5;
    }
    content
}
