//! Start: the state is the fold of the log. Every group must extend the tree that the groups
//! before it gave, and carry this vault's checkpoint over its own.

use crate::change::{Change, CreatedKey};
use crate::config::VaultConfig;
use crate::group::{self, CheckpointSigner, Position};
use crate::idempotency::{Kept, Remembered, Told};
use crate::keyring::KeyRing;
use crate::leaf::Record;
use crate::leaves::Leaves;
use crate::limits::Limits;
use crate::parts::{OneByOne, Workers};
use crate::snapshot;
use crate::state::{LiveKey, State};
use crate::strangers::Strangers;
use crate::time::TimeReading;
use crate::vault::{Queue, Vault};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use vault_audit::{Checkpoint, Entry, LogKey, LogTree, change_hash, change_salt};
use vault_encoding::{Hash, merkle, text};
use vault_keys::Rng;
use vault_policy::{KeyPolicy, Lineage, PolicyHash, VaultId};
use zeroize::Zeroizing;

/// What a vault starts from.
pub struct BootInput {
    /// SubjectPublicKeyInfo of the identity key, DER; the vault id follows from it.
    pub identity_spki: Vec<u8>,
    /// Signs checkpoints with the identity key.
    pub signer: Arc<dyn CheckpointSigner>,
    /// Configuration.
    pub config: VaultConfig,
    /// Fresh at every start.
    pub boot_id: [u8; 16],
    /// The snapshot, opened, if there is one that its store authenticated.
    pub snapshot: Option<OpenedSnapshot>,
    /// Opened groups in order: those behind the snapshot, or all of them.
    pub groups: Vec<LoggedGroup>,
    /// The clock at boot.
    pub now: TimeReading,
}

/// One group that the store opened.
pub struct LoggedGroup {
    /// What its authenticated header says.
    pub at: Position,
    /// What [`DurableLog::append`](crate::DurableLog::append) was given.
    pub payload: Zeroizing<Vec<u8>>,
}

/// A snapshot that the store opened.
pub struct OpenedSnapshot {
    /// What its authenticated header says.
    pub at: Position,
    /// SHA-256 of the sealed bytes, which the log must commit to.
    pub hash: Hash,
    /// As [`Vault::snapshot`] gave it.
    pub payload: Zeroizing<Vec<u8>>,
}

/// Why opened groups are no state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BootError {
    /// The identity key is not an Ed25519 key.
    #[error("the identity key is not an Ed25519 public key")]
    Identity,
    /// A group does not decode, or its records contradict each other.
    #[error("group {sequence} is malformed")]
    Malformed {
        /// Which.
        sequence: u64,
    },
    /// A group is missing.
    #[error("group {sequence} is missing")]
    Missing {
        /// Which.
        sequence: u64,
    },
    /// The group does not extend the tree that is there.
    #[error("group {sequence} does not extend the log before it")]
    RootMismatch {
        /// Which.
        sequence: u64,
    },
    /// The checkpoint in the group is not this vault's over this tree.
    #[error("the checkpoint of group {sequence} does not verify")]
    Checkpoint {
        /// Which.
        sequence: u64,
    },
    /// The snapshot does not decode, or the log does not commit to it. Boot from all groups.
    #[error("the snapshot is not one that the log commits to")]
    Snapshot,
    /// The cryptographic library refused.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl Vault {
    /// Folds snapshot and groups into a state and appends the boot entry. The vault answers
    /// nothing before that entry is durable.
    pub fn boot(input: BootInput, rng: &mut dyn Rng) -> Result<Self, BootError> {
        Self::boot_with(input, rng, &OneByOne)
    }

    /// The same, with the work of many hands.
    pub fn boot_with(
        input: BootInput,
        rng: &mut dyn Rng,
        workers: &dyn Workers,
    ) -> Result<Self, BootError> {
        let BootInput {
            identity_spki,
            signer,
            config,
            boot_id,
            snapshot,
            groups,
            now,
        } = input;
        let key = LogKey::from_spki(&identity_spki).map_err(|_| BootError::Identity)?;
        let ring = KeyRing::new(config.limits.cached_keys, rng).map_err(|_| BootError::Crypto)?;
        // The default is a power of two.
        let leaves = Leaves::from(0, config.limits.leaves_per_bundle)
            .or_else(|| Leaves::from(0, Limits::default().leaves_per_bundle))
            .ok_or(BootError::Crypto)?;
        let mut vault = Self::empty(key, signer, config, boot_id, ring, leaves);
        let promised = match snapshot {
            Some(snapshot) => Some(vault.restore(&snapshot, rng, workers)?),
            None => None,
        };
        let mut committed_to = promised.is_none();
        for group in &groups {
            let hashes = vault.fold(group, rng)?;
            committed_to |= promised.is_some_and(|promised| hashes.contains(&promised));
        }
        if !committed_to {
            return Err(BootError::Snapshot);
        }
        vault.queue.folded = vault.tree.size();
        vault.log_boot(now, rng);
        Ok(vault)
    }

    pub(crate) fn empty(
        key: LogKey,
        signer: Arc<dyn CheckpointSigner>,
        config: VaultConfig,
        boot_id: [u8; 16],
        ring: KeyRing,
        leaves: Leaves,
    ) -> Self {
        let next = Position {
            sequence: 0,
            size: 0,
            root: merkle::empty_root(),
        };
        Self {
            vault_id: VaultId(key.vault_id()),
            key,
            signer,
            config,
            boot_id,
            state: State::default(),
            ring: Arc::new(ring),
            tree: LogTree::new(),
            leaves,
            queue: Queue {
                records: Vec::new(),
                next,
                wanted: Vec::new(),
                in_flight: VecDeque::new(),
                durable: None,
                folded: 0,
            },
            strangers: Strangers::default(),
            limited: Strangers::default(),
            nonces: Mutex::default(),
            counters: Mutex::default(),
        }
    }

    fn restore(
        &mut self,
        opened: &OpenedSnapshot,
        rng: &mut dyn Rng,
        workers: &dyn Workers,
    ) -> Result<Commitment, BootError> {
        snapshot::read(self, opened, rng, workers).map_err(|_| BootError::Snapshot)?;
        let (size, root) = (self.tree.size(), self.tree.root());
        if (size, root) != (opened.at.size, opened.at.root) {
            return Err(BootError::Snapshot);
        }
        self.queue.next = opened.at;
        Ok((opened.hash, opened.at.sequence))
    }

    /// Applies one group; gives the snapshots that it commits to.
    fn fold(
        &mut self,
        group: &LoggedGroup,
        rng: &mut dyn Rng,
    ) -> Result<Vec<Commitment>, BootError> {
        let next = self.queue.next;
        let sequence = next.sequence;
        if group.at.sequence != sequence {
            return Err(BootError::Missing { sequence });
        }
        if group.at != next {
            return Err(BootError::RootMismatch { sequence });
        }
        let malformed = BootError::Malformed { sequence };
        let decoded = group::decode(&group.payload).map_err(|_| malformed)?;
        let mut commitments = Vec::new();
        for record in &decoded.records {
            commitments.extend(self.replay(record, rng).ok_or(malformed)?);
        }
        let checkpoint = self.tree.checkpoint(self.vault_id.0);
        if Checkpoint::verify(&decoded.note, &self.key) != Ok(checkpoint) {
            return Err(BootError::Checkpoint { sequence });
        }
        let sequence = sequence.saturating_add(1);
        self.queue.next = Position {
            sequence,
            size: checkpoint.size,
            root: checkpoint.root,
        };
        Ok(commitments)
    }

    /// Appends one leaf and applies its change. `None` if they contradict each other.
    fn replay(&mut self, record: &Record, rng: &mut dyn Rng) -> Option<Option<Commitment>> {
        let (index, leaf_hash) = self.tree.append(&record.leaf);
        self.leaves.push(&record.leaf);
        let Some(change) = Change::decode(&record.change).ok()? else {
            return Some(None);
        };
        let entry = Entry::from_leaf(&record.leaf).ok()?;
        let hash = change_hash(&change_salt(&record.salt), &record.change);
        if entry.change_hash != Some(hash) {
            return None;
        }
        match change {
            Change::Create(created) => {
                let lineage = Lineage::derive(&self.vault_id, &leaf_hash);
                let policy = PolicyHash(entry.policy_hash?);
                self.replay_creation(*created, lineage, policy, index, rng)?;
            }
            Change::Destroy {
                lineage,
                remembered,
            } => {
                self.state.destroy(&lineage, index)?;
                self.state
                    .remember(kept(remembered, lineage, index, Told::Nothing));
            }
            Change::Alter(altered) => {
                let told = altered.how.told();
                let old = self.state.alter(&altered.lineage, &altered.how, index)?;
                self.ring.forget(&old);
                let (remembered, lineage) = (altered.remembered, altered.lineage);
                self.state.remember(kept(remembered, lineage, index, told));
            }
            Change::RaiseFloor(floor) => self.state.floor = self.state.floor.max(floor),
            Change::Govern(in_force) => self.state.put_in_force(in_force)?,
            Change::Snapshot {
                hash,
                next_sequence,
            } => return Some(Some((hash, next_sequence))),
        }
        Some(None)
    }

    fn replay_creation(
        &mut self,
        created: CreatedKey,
        lineage: Lineage,
        policy_hash: PolicyHash,
        index: u64,
        rng: &mut dyn Rng,
    ) -> Option<()> {
        let policy = match self.state.known_policy(&policy_hash) {
            Some(known) => Arc::clone(known),
            None => Arc::new(KeyPolicy::from_canonical(&created.policy).ok()?),
        };
        if policy.canonical_bytes() != created.policy {
            return None;
        }
        let owner = policy.owner().clone();
        let remembered = created.remembered;
        let key = LiveKey::from_created(created, lineage, policy, &self.ring, rng).ok()?;
        self.state
            .add(owner, Arc::new(key), index.saturating_add(1));
        self.state
            .remember(kept(remembered, lineage, index, Told::Nothing));
        Some(())
    }

    fn log_boot(&mut self, now: TimeReading, rng: &mut dyn Rng) {
        let outcome = format!(
            "boot {} trust {} operational {}",
            text::hex(&self.boot_id),
            self.config.trust_root,
            self.config.operational_root
        );
        let time = self.establish(now);
        self.log_event("boot", time, &outcome, Zeroizing::default(), rng);
    }
}

/// A snapshot that an entry of the log commits to: hash of the sealed bytes, and first group
/// that is not in it.
type Commitment = (Hash, u64);

fn kept(remembered: Option<Remembered>, lineage: Lineage, index: u64, told: Told) -> Option<Kept> {
    remembered.map(|remembered| Kept {
        remembered,
        lineage,
        index,
        told,
    })
}
