//! Signature counters of authenticators, as far as they were seen since the vault's start.

use std::collections::BTreeMap;
use vault_encoding::Hash;

/// Credentials whose counters are remembered.
const MOST: usize = 4_096;

/// The last counter of each credential, by its digest. A counter that does not rise says that there may be a
/// copy of the authenticator; synchronised passkeys do not count and show 0.
#[derive(Debug, Default)]
pub struct Counters(BTreeMap<Hash, u32>);

impl Counters {
    /// Takes note of a counter; whether it went back, or stood still.
    pub fn went_back(&mut self, credential: Hash, counter: u32) -> bool {
        if self.0.len() >= MOST && !self.0.contains_key(&credential) {
            self.0.pop_first();
        }
        let last = self.0.insert(credential, counter).unwrap_or(0);
        last != 0 && counter <= last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_goes_back_when_it_does_not_rise() {
        let mut counters = Counters::default();
        let (one, other) = (Hash([1; 32]), Hash([2; 32]));
        for (credential, counter, back) in [
            (one, 7, false),
            (one, 8, false),
            (other, 8, false),
            (one, 8, true),
            (one, 3, true),
            (one, 4, false),
            (one, 0, true),
            (one, 0, false),
        ] {
            assert_eq!(counters.went_back(credential, counter), back, "{counter}");
        }
    }

    #[test]
    fn not_more_are_remembered_than_there_is_room_for() {
        let mut counters = Counters::default();
        for number in 0..2 * MOST as u32 {
            let mut credential = Hash([0; 32]);
            credential.0[..4].copy_from_slice(&number.to_be_bytes());
            counters.went_back(credential, 1);
        }
        assert_eq!(counters.0.len(), MOST);
    }
}
