//! What survives a crash.

use super::SECTOR;
use super::state::{Content, State, put};
use std::collections::BTreeMap;

/// The disk after the crash that `seed` describes.
pub(super) fn survivor(state: &State, seed: u64) -> State {
    let mut dice = Dice(seed);
    let mut names = state.durable_names.clone();
    let kept = dice.below(state.name_changes.len() as u64 + 1);
    for change in state.name_changes.iter().take(kept as usize) {
        change.apply(&mut names);
    }
    let files: BTreeMap<String, Vec<u8>> = names
        .into_iter()
        .filter_map(|(name, file)| Some((name, content(state.files.get(file)?, &mut dice))))
        .collect();
    State::durable(files)
}

fn content(file: &Content, dice: &mut Dice) -> Vec<u8> {
    let mut content = file.durable.clone();
    for write in &file.pending {
        let mode = dice.below(4);
        let mut at = 0;
        while at < write.bytes.len() {
            let begin = write.offset + at;
            let length = (SECTOR - begin % SECTOR).min(write.bytes.len() - at);
            let piece = write.bytes.get(at..at + length).unwrap_or(&[]);
            match mode {
                0 => {}
                1 => put(&mut content, begin, piece),
                _ => sector(&mut content, begin, piece, dice),
            }
            at += length;
        }
    }
    content
}

/// One sector of a write that was under way: kept, lost, torn, or garbled as a whole.
fn sector(content: &mut Vec<u8>, begin: usize, piece: &[u8], dice: &mut Dice) {
    match dice.below(8) {
        0..=2 => {}
        3..=5 => put(content, begin, piece),
        6 => {
            let torn = dice.below(piece.len() as u64 + 1) as usize;
            put(content, begin, piece.get(..torn).unwrap_or(piece));
        }
        _ => {
            let from = begin - begin % SECTOR;
            let until = (from + SECTOR).min(content.len());
            content
                .get_mut(from..until)
                .into_iter()
                .flatten()
                .for_each(|byte| {
                    *byte = dice.below(256) as u8;
                });
        }
    }
}

/// SplitMix64: the same seed gives the same crash for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
