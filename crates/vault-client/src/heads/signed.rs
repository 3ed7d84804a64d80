//! Heads that a vault signed, for tests.

use super::{CarriedNote, SeenHead, Showing};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use vault_audit::{Checkpoint, LogKey};
use vault_encoding::sha256;
use vault_policy::VaultId;

/// One vault's identity.
pub(crate) struct Signer {
    pair: Ed25519KeyPair,
    pub(crate) key: LogKey,
}

impl Signer {
    pub(crate) fn new(seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        let key = LogKey::from_public(public);
        Self { pair, key }
    }

    pub(crate) fn vault(&self) -> VaultId {
        VaultId(self.key.vault_id())
    }

    pub(crate) fn showing(&self, boot: u8) -> Showing {
        Showing {
            key: self.key,
            boot_id: [boot; 16],
        }
    }

    /// A head of the log of this name.
    pub(crate) fn head(&self, log: &str, size: u64) -> SeenHead {
        let at = Checkpoint {
            vault_id: self.key.vault_id(),
            size,
            root: sha256(format!("{log}{size}").as_bytes()),
        };
        let sign = |text: &[u8]| self.pair.sign(text).as_ref().try_into().unwrap();
        SeenHead {
            size,
            root: at.root,
            checkpoint: at.sign(&self.key, sign),
        }
    }

    pub(crate) fn note(&self, head: &SeenHead) -> CarriedNote {
        CarriedNote {
            identity_key: self.key.to_spki(),
            checkpoint: head.checkpoint.clone(),
        }
    }
}
