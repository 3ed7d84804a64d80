//! The vault's identity key: made at first boot, kept in the sealed root.

use crate::clock::fill;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::fmt;
use vault_core::{CheckpointSigner, CommitFault};
use vault_policy::VaultId;
use zeroize::Zeroizing;

/// An Ed25519 key that signs checkpoints.
pub(crate) struct Identity {
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
    spki: Vec<u8>,
}

impl Identity {
    /// A new key; `None` if the library refuses.
    pub(crate) fn generate() -> Option<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        fill(seed.as_mut());
        Self::from_seed(seed)
    }

    pub(crate) fn from_seed(seed: Zeroizing<[u8; 32]>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).ok()?;
        let public: &[u8; 32] = pair.public_key().as_ref().try_into().ok()?;
        let spki = ratls::Claims::identity_spki(public);
        Some(Self { seed, pair, spki })
    }

    /// For the sealed root alone.
    pub(crate) fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(crate) fn vault_id(&self) -> VaultId {
        VaultId::derive(&self.spki)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.vault_id())
    }
}

impl CheckpointSigner for Identity {
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], CommitFault> {
        let signature = self.pair.sign(text);
        signature
            .as_ref()
            .try_into()
            .map_err(|_| CommitFault("the checkpoint could not be signed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_one_identity_and_stays_out_of_debug_output() {
        let identity = Identity::generate().unwrap();
        let again = Identity::from_seed(Zeroizing::new(*identity.seed())).unwrap();
        assert_eq!(again.spki(), identity.spki());
        assert_eq!(
            format!("{identity:?}"),
            format!("Identity({})", identity.vault_id())
        );
    }
}
