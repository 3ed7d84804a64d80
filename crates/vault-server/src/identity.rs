//! The vault's identity key: made at first boot, kept in the sealed root.

use crate::clock::fill;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::fmt;
use vault_core::{CheckpointSigner, CommitFault};
use vault_encoding::Hash;
use vault_policy::VaultId;
use zeroize::Zeroizing;

/// Format of the payload of the store's root: this byte, the seed, the trust root.
const FORMAT: u8 = 1;
const SEED: usize = 32;

/// An Ed25519 key that signs checkpoints.
pub(crate) struct Identity {
    seed: Zeroizing<[u8; SEED]>,
    pair: Ed25519KeyPair,
    spki: Vec<u8>,
}

impl Identity {
    /// A new key; `None` if the library refuses.
    pub(crate) fn generate() -> Option<Self> {
        let mut seed = Zeroizing::new([0; SEED]);
        fill(seed.as_mut());
        Self::from_seed(seed)
    }

    fn from_seed(seed: Zeroizing<[u8; SEED]>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).ok()?;
        let public: &[u8; 32] = pair.public_key().as_ref().try_into().ok()?;
        let spki = ratls::Claims::identity_spki(public);
        Some(Self { seed, pair, spki })
    }

    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(crate) fn vault_id(&self) -> VaultId {
        VaultId::derive(&self.spki)
    }

    /// What is sealed: the key, and the trust configuration that it was made under.
    pub(crate) fn to_payload(&self, trust_root: &Hash) -> Zeroizing<Vec<u8>> {
        let mut payload = Zeroizing::new(Vec::with_capacity(1 + SEED + 32));
        payload.push(FORMAT);
        payload.extend_from_slice(self.seed.as_ref());
        payload.extend_from_slice(trust_root.as_bytes());
        payload
    }

    /// What was sealed.
    pub(crate) fn from_payload(payload: &[u8]) -> Option<(Self, Hash)> {
        let (&FORMAT, rest) = payload.split_first()? else {
            return None;
        };
        let (seed, trust_root) = rest.split_at_checked(SEED)?;
        let seed = Zeroizing::new(seed.try_into().ok()?);
        Some((Self::from_seed(seed)?, Hash::from_slice(trust_root)?))
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
    fn what_is_sealed_is_the_same_identity_again() {
        let identity = Identity::generate().unwrap();
        let payload = identity.to_payload(&Hash([7; 32]));
        let (again, trust_root) = Identity::from_payload(&payload).unwrap();
        assert_eq!(again.spki(), identity.spki());
        assert_eq!(trust_root, Hash([7; 32]));
        assert!(Identity::from_payload(&payload[1..]).is_none());
        assert!(Identity::from_payload(&payload[..64]).is_none());
        assert!(!format!("{identity:?}").contains("seed"));
    }
}
