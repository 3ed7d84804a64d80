//! What clients were told, and hold the vault to.

use crate::sim::changes::Told;
use crate::sim::people::Person;
use std::collections::{BTreeMap, BTreeSet};
use vault_encoding::Hash;
use vault_policy::{KeyHandle, KeyType, Lineage, PolicyVersion, UnixSeconds};

/// A key whose creation was acknowledged.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// Its owner.
    pub owner: Person,
    /// Its handle.
    pub handle: KeyHandle,
    /// Its lineage.
    pub lineage: Lineage,
    /// Its type.
    pub key_type: KeyType,
    /// SubjectPublicKeyInfo, or empty.
    pub public_key: Vec<u8>,
    /// The newest version of its policy that anybody was told.
    pub version: PolicyVersion,
}

/// Everything that was acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Leaf hashes of logged calls, by index.
    pub leaves: BTreeMap<u64, Hash>,
    /// Created keys.
    pub keys: Vec<KnownKey>,
    /// Destroyed keys.
    pub destroyed: BTreeSet<Lineage>,
    /// The longest head that anybody has seen.
    pub head: Option<(u64, Hash)>,
    /// The time floor behind that head.
    pub floor: UnixSeconds,
    /// Ciphertexts with their plaintexts.
    pub wrapped: Vec<(Lineage, Vec<u8>, Vec<u8>)>,
    /// Number of shares that were fetched.
    pub fetched: u64,
    /// Versions of policies that were told.
    pub versions: Vec<Told>,
    /// Number of changes that were acknowledged: of policies, profiles and deletions that wait.
    pub changed: u64,
    /// Tags with their messages.
    pub tagged: Vec<(Lineage, Vec<u8>, Vec<u8>)>,
}

impl Memory {
    /// Notes a head, if it is the longest so far.
    pub fn saw(&mut self, size: u64, root: Hash) {
        if self.head.is_none_or(|(known, _)| known < size) {
            self.head = Some((size, root));
        }
    }
}
