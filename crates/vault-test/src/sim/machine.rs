//! One boot of the vault over a simulated disk.

use crate::sim::people::config;
use crate::sim::rng::SimRng;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use vault_audit::LogKey;
use vault_core::{
    ArchivedLeaves, BootError, BootInput, BundlePlace, CheckpointSigner, CommitFault, Committed,
    DurableLog, Group, LoggedGroup, LostLeaves, OpenedSnapshot, Position, Rng, TimeReading, Vault,
    commit,
};
use vault_encoding::Hash;
use vault_store::faulty::SimulatedDisk;
use vault_store::{
    Archive, ArchiveFiles, OpenError, OpenedGroup, ReadError, SealedLog, SegmentFiles,
    SegmentOptions, SnapshotState, StorageError, StoreRoot, TreeHead,
};
use zeroize::Zeroizing;

/// What survives every crash: the identity and the sealed root.
pub struct Owned {
    signer: Arc<Identity>,
    root: StoreRoot,
    log_key: LogKey,
}

struct Identity(Ed25519KeyPair);

impl CheckpointSigner for Identity {
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], CommitFault> {
        self.0
            .sign(text)
            .as_ref()
            .try_into()
            .map_err(|_| CommitFault("signing failed"))
    }
}

/// Why a machine does not start.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BootFault {
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A group cannot be read again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The vault refuses.
    #[error(transparent)]
    Vault(#[from] BootError),
}

/// A running vault and its log.
pub struct Machine {
    /// The state machine.
    pub vault: Vault,
    log: StoreLog,
    archive: RefCell<Archive<ArchiveFiles<SimulatedDisk>>>,
    /// The first group that is not in the newest snapshot.
    snapshot_at: Option<u64>,
    /// Leaves that were read from the archive.
    read: RefCell<BTreeMap<u64, Arc<[u8]>>>,
}

struct StoreLog(SealedLog<SegmentFiles<SimulatedDisk>>);

impl DurableLog for StoreLog {
    fn append(&mut self, at: &Position, payload: &[u8]) -> Result<(), CommitFault> {
        if self.0.next_sequence() != at.sequence {
            return Err(CommitFault("out of sequence"));
        }
        let before = TreeHead {
            size: at.size,
            root: at.root.0,
        };
        self.0
            .append(before, payload)
            .map(drop)
            .map_err(|_| CommitFault("the store failed"))
    }
}

impl Owned {
    /// The identity and store root of this seed.
    pub fn new(rng: &mut SimRng) -> Option<Self> {
        let mut seed = [0; 32];
        rng.fill(&mut seed);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        let log_key = LogKey::from_public(pair.public_key().as_ref().try_into().ok()?);
        let root = StoreRoot::generate(log_key.vault_id().0, Zeroizing::default(), &mut |out| {
            rng.fill(out);
        });
        Some(Self {
            signer: Arc::new(Identity(pair)),
            root,
            log_key,
        })
    }

    /// The identity of this seed over a root that was read.
    pub fn of(seed: &[u8; 32], root: StoreRoot) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let log_key = LogKey::from_public(pair.public_key().as_ref().try_into().ok()?);
        Some(Self {
            signer: Arc::new(Identity(pair)),
            root,
            log_key,
        })
    }

    fn input(
        &self,
        boot_id: [u8; 16],
        snapshot: Option<OpenedSnapshot>,
        groups: Vec<LoggedGroup>,
        now: TimeReading,
    ) -> BootInput {
        BootInput {
            identity_spki: self.log_key.to_spki(),
            signer: self.signer.clone(),
            config: config(),
            boot_id,
            snapshot,
            groups,
            now,
        }
    }

    /// The key that checkpoints verify under.
    pub fn log_key(&self) -> &LogKey {
        &self.log_key
    }
}

impl Machine {
    /// Opens the store and folds it. The boot entry is queued.
    pub fn boot(
        owned: &Owned,
        disk: &SimulatedDisk,
        now: TimeReading,
        rng: &mut SimRng,
    ) -> Result<Self, BootFault> {
        Self::boot_with(owned, disk, now, rng, true)
    }

    /// The same, without looking at the snapshot.
    pub fn boot_from_log(
        owned: &Owned,
        disk: &SimulatedDisk,
        now: TimeReading,
        rng: &mut SimRng,
    ) -> Result<Self, BootFault> {
        Self::boot_with(owned, disk, now, rng, false)
    }

    fn boot_with(
        owned: &Owned,
        disk: &SimulatedDisk,
        now: TimeReading,
        rng: &mut SimRng,
        with_snapshot: bool,
    ) -> Result<Self, BootFault> {
        let options = SegmentOptions {
            segment: 8 << 10,
            block: 512,
        };
        let storage = SegmentFiles::open(disk.clone(), options)?;
        let opened = SealedLog::open(storage, &owned.root, &mut |out| rng.fill(out))?;
        let mut log = opened.log;
        let groups: Vec<_> = opened.groups.into_iter().map(logged).collect();
        let snapshot = opened_snapshot(opened.snapshot).filter(|_| with_snapshot);
        let mut snapshot_at = snapshot.as_ref().map(|snapshot| snapshot.at.sequence);
        let boot_id = log.boot_id();
        let mut booted = match snapshot {
            Some(snapshot) => Vault::boot(owned.input(boot_id, Some(snapshot), groups, now), rng),
            None => Err(BootError::Snapshot),
        };
        if matches!(booted, Err(BootError::Snapshot)) && with_snapshot {
            let (older, groups) = log.previous_snapshot()?;
            if let Some(older) = opened_snapshot(older) {
                snapshot_at = Some(older.at.sequence);
                let groups = groups.into_iter().map(logged).collect();
                booted = Vault::boot(owned.input(boot_id, Some(older), groups, now), rng);
            }
        }
        let vault = match booted {
            Err(BootError::Snapshot) if log.first_sequence() == 0 => {
                snapshot_at = None;
                let all = all_groups(&mut log)?;
                Vault::boot(owned.input(boot_id, None, all, now), rng)?
            }
            booted => booted?,
        };
        Ok(Self {
            vault,
            log: StoreLog(log),
            archive: RefCell::new(Archive::new(ArchiveFiles::new(disk.clone()), &owned.root)),
            snapshot_at,
            read: RefCell::default(),
        })
    }

    /// Makes one group durable. After an error the machine must be dropped.
    pub fn commit(&mut self, group: Group) -> Result<Committed, CommitFault> {
        let committed = commit(group, &mut self.log)?;
        self.vault.settle(&committed);
        Ok(committed)
    }

    /// Takes and commits everything that is queued.
    pub fn flush(&mut self) -> Result<(), CommitFault> {
        match self.vault.take_group() {
            Some(group) => self.commit(group).map(drop),
            None => Ok(()),
        }
    }

    /// Old leaves into the archive, snapshot, the entry that commits to it, the snapshot onto the disk; then
    /// memory and log let go of what is older than the snapshot before. Nothing may be queued or on its way.
    pub fn snapshot(&mut self, rng: &mut SimRng) -> Result<bool, CommitFault> {
        let Some(view) = self.vault.view() else {
            return Ok(false);
        };
        if view.at().sequence != self.log.0.next_sequence() {
            return Ok(false);
        }
        let fault = CommitFault("the store failed");
        let bundles = view.bundles().map(|bundle| {
            let BundlePlace { first, count, root } = bundle.place;
            (place(first, count, root), bundle.payload)
        });
        self.archive
            .borrow_mut()
            .put(bundles, &mut |out| rng.fill(out))
            .map_err(|_| fault)?;
        let snapshot = view.encode(view.whole()).map_err(|_| fault)?;
        let tree = TreeHead {
            size: snapshot.at.size,
            root: snapshot.at.root.0,
        };
        let sealed = self
            .log
            .0
            .seal_snapshot(tree, &snapshot.payload, &mut |out| rng.fill(out))
            .map_err(|_| fault)?;
        self.vault
            .commit_to_snapshot(Hash(sealed.hash()), &snapshot.at, rng);
        self.flush()?;
        self.log.0.put_snapshot(&sealed).map_err(|_| fault)?;
        self.vault.forget_leaves(view.whole());
        let previous = self.snapshot_at.replace(snapshot.at.sequence);
        if let Some(previous) = previous {
            self.log.0.remove_before(previous).map_err(|_| fault)?;
        }
        Ok(true)
    }

    /// A leaf, from memory or from the archive.
    pub fn leaf(&self, index: u64) -> Option<Arc<[u8]>> {
        let Some(archived) = self.vault.archived(index) else {
            return self.vault.leaf(index);
        };
        if let Some(leaf) = self.read.borrow().get(&index) {
            return Some(leaf.clone());
        }
        let leaf = self.open(&archived).ok()?.into_iter().next()?;
        self.read.borrow_mut().insert(index, leaf.clone());
        Some(leaf)
    }

    /// Leaves that a call asked for and that are not in memory.
    pub fn open(&self, archived: &ArchivedLeaves) -> Result<Vec<Arc<[u8]>>, LostLeaves> {
        let BundlePlace { first, count, root } = archived.place();
        let payload = self
            .archive
            .borrow_mut()
            .get(&place(first, count, root))
            .ok();
        archived.open(payload.as_ref().map(|payload| payload.as_slice()))
    }

    /// The first group that is on the disk.
    pub fn first_group(&self) -> u64 {
        self.log.0.first_sequence()
    }

    /// Groups on the disk.
    pub fn groups(&self) -> u64 {
        self.log.0.next_sequence()
    }
}

fn place(first: u64, count: u64, root: Hash) -> vault_store::BundlePlace {
    vault_store::BundlePlace {
        first,
        count: u32::try_from(count).unwrap_or(u32::MAX),
        root: root.0,
    }
}

fn all_groups(
    log: &mut SealedLog<SegmentFiles<SimulatedDisk>>,
) -> Result<Vec<LoggedGroup>, ReadError> {
    (log.first_sequence()..log.next_sequence())
        .map(|n| log.read(n).map(logged))
        .collect()
}

fn logged(group: OpenedGroup) -> LoggedGroup {
    let OpenedGroup {
        sequence,
        tree_before,
        payload,
        ..
    } = group;
    let at = Position {
        sequence,
        size: tree_before.size,
        root: Hash(tree_before.root),
    };
    LoggedGroup { at, payload }
}

fn opened_snapshot(state: SnapshotState) -> Option<OpenedSnapshot> {
    match state {
        SnapshotState::Absent | SnapshotState::Damaged => None,
        SnapshotState::Present {
            tree,
            sequence,
            hash,
            payload,
        } => {
            let at = Position {
                sequence,
                size: tree.size,
                root: Hash(tree.root),
            };
            Some(OpenedSnapshot {
                at,
                hash: Hash(hash),
                payload,
            })
        }
    }
}
