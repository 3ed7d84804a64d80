//! Skeleton; bodies follow.
use crate::api::Head;
use crate::commit::CommitFault;
use std::collections::BTreeMap;
use vault_encoding::Hash;

/// Records that become durable together.
pub struct Group {
    sequence: u64,
}

impl Group {
    /// Follows the sequence of the group before.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Number of records.
    pub fn records(&self) -> usize {
        unimplemented!()
    }

    pub(crate) fn seal(self) -> Result<Sealed, CommitFault> {
        unimplemented!()
    }
}

pub(crate) struct Sealed {
    pub(crate) sequence: u64,
    pub(crate) root_before: Hash,
    pub(crate) payload: Vec<u8>,
    pub(crate) head: Head,
    pub(crate) proofs: BTreeMap<u64, Vec<Hash>>,
}
