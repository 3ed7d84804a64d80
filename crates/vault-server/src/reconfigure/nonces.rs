//! The nonces that were given out in this boot, and not named since.

use crate::clock::fill;
use std::collections::VecDeque;

/// When one more is asked for, the oldest goes.
const MOST: usize = 1024;

#[derive(Default)]
pub(super) struct Nonces(VecDeque<[u8; 32]>);

impl Nonces {
    pub(super) fn issue(&mut self) -> [u8; 32] {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        let mut nonce = [0; 32];
        fill(&mut nonce);
        self.0.push_back(nonce);
        nonce
    }

    /// Whether the nonce was open; it is not afterwards.
    pub(super) fn spend(&mut self, nonce: &[u8; 32]) -> bool {
        let place = self.0.iter().position(|open| open == nonce);
        place.and_then(|place| self.0.remove(place)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once_and_a_foreign_one_never() {
        let mut nonces = Nonces::default();
        let nonce = nonces.issue();
        assert!(!nonces.spend(&[0; 32]));
        assert!(nonces.spend(&nonce));
        assert!(!nonces.spend(&nonce));
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut nonces = Nonces::default();
        let issued: Vec<_> = (0..=MOST).map(|_| nonces.issue()).collect();
        assert!(!nonces.spend(&issued[0]));
        assert!(issued[1..].iter().all(|nonce| nonces.spend(nonce)));
    }
}
