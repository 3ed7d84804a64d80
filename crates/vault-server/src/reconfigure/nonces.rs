//! The nonce of this boot's next statement.

use crate::clock::fill;

/// One for everybody who asks, so that nobody can take it from somebody else. Another one follows
/// when a statement that the quorum has signed names it.
pub(super) struct Nonce([u8; 32]);

impl Nonce {
    pub(super) fn new() -> Self {
        let mut nonce = [0; 32];
        fill(&mut nonce);
        Self(nonce)
    }

    pub(super) fn open(&self) -> [u8; 32] {
        self.0
    }

    /// Whether this is the nonce; it is not afterwards.
    pub(super) fn spend(&mut self, nonce: &[u8; 32]) -> bool {
        let open = self.0 == *nonce;
        if open {
            *self = Self::new();
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_given_the_same_nonce_until_it_is_spent_once() {
        let mut nonce = Nonce::new();
        let given = nonce.open();
        assert_eq!(nonce.open(), given);
        assert!(!nonce.spend(&[0; 32]));
        assert_eq!(nonce.open(), given, "a foreign one spends nothing");
        assert!(nonce.spend(&given));
        assert!(!nonce.spend(&given));
        assert_ne!(nonce.open(), given);
    }
}
