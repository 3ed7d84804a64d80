//! The record of one set: which vault holds a share of it, under which handle.

use super::blob::ShareMetadata;
use super::owner::OwnerKey;
use std::fmt;
use vault_encoding::{Domain, Hash};
use vault_policy::{KeyHandle, VaultId};

/// Tells one split secret from all others; random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetId(pub [u8; 16]);

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&vault_encoding::text::hex(&self.0))
    }
}

impl fmt::Debug for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One share's place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Member {
    /// The vault.
    pub vault_id: VaultId,
    /// The share's handle there.
    pub handle: KeyHandle,
}

/// A generation that is being stored and is not in force yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preparing {
    /// Its number.
    pub generation: u32,
    /// Where its shares go.
    pub members: Vec<Member>,
}

/// Where this copy of the record began to store a share that is not in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Begun {
    /// The place.
    pub place: Member,
    /// SHA-256 of the share. Another copy of the record may have stored one of its own there,
    /// which only that copy may destroy.
    pub digest: Hash,
}

/// How many shares these are. INVARIANT: a set has at most 255 members.
pub(super) fn count(members: &[Member]) -> u8 {
    u8::try_from(members.len()).unwrap_or(u8::MAX)
}

/// What an owner knows of a split secret. Not secret, but it links what the vaults cannot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetRecord {
    /// The owner's name for it; no vault sees it.
    pub name: String,
    /// The set.
    pub set_id: SetId,
    /// How many shares give the secret.
    pub threshold: u8,
    /// The generation in force; 0 while the first one is not complete.
    pub generation: u32,
    /// The highest number that was given to a generation; none is given twice.
    pub last_generation: u32,
    /// How many shares this generation has; more than members only if some were not found again.
    pub shares: u8,
    /// Where the shares of this generation are.
    pub members: Vec<Member>,
    /// The policy of every share, in canonical form.
    pub policy: Vec<u8>,
    /// A generation that was begun.
    pub preparing: Option<Preparing>,
    /// Old shares that may still be there.
    pub retired: Vec<Member>,
    /// Places that may hold a share of a generation that never came into force.
    pub begun: Vec<Begun>,
}

impl SetRecord {
    /// What is sealed in every share of the generation in force.
    pub(super) fn metadata(&self) -> ShareMetadata {
        self.metadata_of(self.generation, self.shares)
    }

    /// What is sealed in every share of this generation.
    pub(super) fn metadata_of(&self, generation: u32, shares: u8) -> ShareMetadata {
        ShareMetadata {
            set_id: self.set_id,
            generation,
            threshold: self.threshold,
            shares,
        }
    }

    /// Where this vault keeps its share of a generation.
    pub(super) fn place(&self, owner: &OwnerKey, vault_id: VaultId, generation: u32) -> Member {
        self.set_id.place(owner, vault_id, generation)
    }
}

impl SetId {
    /// Where this vault keeps its share of a generation of this set.
    pub(super) fn place(&self, owner: &OwnerKey, vault_id: VaultId, generation: u32) -> Member {
        let number = generation.to_be_bytes();
        let fields: [&[u8]; 3] = [vault_id.0.as_bytes(), &self.0, &number];
        let derived = owner.derive(Domain::ShareHandle, &fields);
        let mut handle = KeyHandle([0; 16]);
        for (out, byte) in handle.0.iter_mut().zip(derived.iter()) {
            *out = *byte;
        }
        Member { vault_id, handle }
    }
}
