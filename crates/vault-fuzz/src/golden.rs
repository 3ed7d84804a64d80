//! The stores of the tree, opened as their machine would.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vault_audit::LogKey;
use vault_core::{
    BootError, BootInput, CheckpointSigner, CommitFault, DurableLog, Limits, LoggedGroup,
    OpenedSnapshot, Position, Rng, RoleNames, TimeMode, TimeReading, Vault, VaultConfig, commit,
};
use vault_encoding::Hash;
use vault_policy::UnixSeconds;
use vault_store::faulty::SimulatedDisk;
use vault_store::{
    OpenedGroup, PlatformSeal, RootState, SealedLog, SegmentFiles, SegmentOptions, SnapshotState,
    StoreRoot, TreeHead, read_root,
};
use zeroize::Zeroizing;

pub(crate) const NOW: TimeReading = TimeReading::Host(UnixSeconds(1_800_000_000));
pub(crate) const ISSUER: &str = "https://issuer.test";
/// Of the machine that wrote them.
const SEALING_KEY: [u8; 32] = [0x60; 32];

/// Name and bytes of each file.
pub(crate) type Files = &'static [(&'static str, &'static [u8])];

macro_rules! store {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_bytes!(concat!("../../vault-test/golden/", $folder, "/", $name)).as_slice(),
        )),*]
    };
}

/// Snapshots of formats 1, 2, 3 and 4.
pub(crate) const STORES: [Files; 4] = [
    store!("1-alone":
        "log-00000000.seg", "log-00000001.seg", "log-00000002.seg", "log-00000003.seg",
        "log-00000004.seg", "root.sealed", "snapshot.sealed"),
    store!("2-governed":
        "log-00000000.seg", "log-00000001.seg", "log-00000002.seg", "log-00000003.seg",
        "log-00000004.seg", "log-00000005.seg", "root.sealed", "snapshot.sealed"),
    store!("3-archived":
        "leaves-0000000000000000.arc", "log-00000003.seg", "log-00000004.seg",
        "log-00000005.seg", "root.sealed", "snapshot.previous", "snapshot.sealed"),
    store!("4-changed":
        "leaves-0000000000000000.arc", "log-00000000.seg", "log-00000001.seg", "log-00000002.seg",
        "log-00000003.seg", "log-00000004.seg", "log-00000005.seg", "log-00000006.seg",
        "root.sealed", "snapshot.sealed"),
];

pub(crate) fn disk(files: Files) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    for (name, bytes) in files {
        disk.overwrite(name, bytes);
    }
    disk
}

pub(crate) fn seal() -> PlatformSeal {
    PlatformSeal::new(Zeroizing::new(SEALING_KEY))
}

pub(crate) fn root(disk: &SimulatedDisk) -> StoreRoot {
    match read_root(&mut disk.clone(), &seal()) {
        Ok(RootState::Present(root)) => root,
        _ => panic!("no root"),
    }
}

/// Always the same bytes, so that two ways to one state are one.
pub(crate) struct Sevens;

impl Rng for Sevens {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(7);
    }
}

/// Signs checkpoints.
pub(crate) struct Identity(Ed25519KeyPair);

impl CheckpointSigner for Identity {
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], CommitFault> {
        Ok(self.0.sign(text).as_ref().try_into().unwrap())
    }
}

/// Whose log it is.
pub(crate) struct Owned {
    pub(crate) signer: Arc<Identity>,
    pub(crate) key: LogKey,
}

impl Owned {
    pub(crate) fn of(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
        let key = LogKey::from_public(pair.public_key().as_ref().try_into().unwrap());
        Self {
            signer: Arc::new(Identity(pair)),
            key,
        }
    }

    pub(crate) fn boot(
        &self,
        snapshot: Option<OpenedSnapshot>,
        groups: &[(Position, Vec<u8>)],
    ) -> Result<Vault, BootError> {
        let groups = groups.iter().map(|(at, payload)| LoggedGroup {
            at: *at,
            payload: Zeroizing::new(payload.clone()),
        });
        let input = BootInput {
            identity_spki: self.key.to_spki(),
            signer: self.signer.clone(),
            config: config(),
            boot_id: [9; 16],
            snapshot,
            groups: groups.collect(),
            now: NOW,
        };
        Vault::boot(input, &mut Sevens)
    }
}

pub(crate) fn config() -> VaultConfig {
    let roles = RoleNames::default();
    let granted = BTreeSet::from([roles.owner.clone(), roles.auditor.clone()]);
    VaultConfig {
        constellation: None,
        issuers: BTreeMap::from([(ISSUER.to_owned(), granted)]),
        roles,
        time_mode: TimeMode::Host,
        clock_skew: 5,
        limits: Limits {
            leaves_per_bundle: 4,
            ..Limits::default()
        },
        trust_root: Hash([1; 32]),
        operational_root: Hash([2; 32]),
    }
}

/// Keeps groups as a store would hand them back.
#[derive(Clone, Default)]
pub(crate) struct MemoryLog(pub(crate) Vec<(Position, Vec<u8>)>);

impl DurableLog for MemoryLog {
    fn append(&mut self, at: &Position, payload: &[u8]) -> Result<(), CommitFault> {
        self.0.push((*at, payload.to_vec()));
        Ok(())
    }
}

/// Everything that is queued becomes durable.
pub(crate) fn flush(vault: &mut Vault, log: &mut MemoryLog) {
    while let Some(group) = vault.take_group() {
        let committed = commit(group, log).expect("the log is memory");
        vault.settle(&committed);
    }
}

/// A store, opened: what a vault starts from.
pub(crate) struct Base {
    pub(crate) owned: Owned,
    pub(crate) at: Position,
    pub(crate) hash: Hash,
    pub(crate) snapshot: Vec<u8>,
    /// Behind the snapshot.
    pub(crate) groups: Vec<(Position, Vec<u8>)>,
}

impl Base {
    pub(crate) fn open(files: Files) -> Self {
        let disk = disk(files);
        let root = root(&disk);
        let options = SegmentOptions {
            segment: 8 << 10,
            block: 512,
        };
        let storage = SegmentFiles::open(disk, options).expect("a store");
        let opened = SealedLog::open(storage, &root, &mut |out| out.fill(9)).expect("a log");
        let SnapshotState::Present {
            tree,
            sequence,
            hash,
            payload,
        } = opened.snapshot
        else {
            panic!("no snapshot")
        };
        Self {
            owned: Owned::of(root.payload[1..33].try_into().unwrap()),
            at: position(sequence, tree),
            hash: Hash(hash),
            snapshot: payload.to_vec(),
            groups: opened.groups.iter().map(group).collect(),
        }
    }

    pub(crate) fn boot(
        &self,
        payload: Vec<u8>,
        groups: &[(Position, Vec<u8>)],
    ) -> Result<Vault, BootError> {
        let snapshot = OpenedSnapshot {
            at: self.at,
            hash: self.hash,
            payload: Zeroizing::new(payload),
        };
        self.owned.boot(Some(snapshot), groups)
    }
}

fn position(sequence: u64, tree: TreeHead) -> Position {
    Position {
        sequence,
        size: tree.size,
        root: Hash(tree.root),
    }
}

fn group(group: &OpenedGroup) -> (Position, Vec<u8>) {
    let at = position(group.sequence, group.tree_before);
    (at, group.payload.to_vec())
}

/// Every three bytes are a place and what is put there.
pub(crate) fn change(bytes: &mut [u8], edits: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[at] ^= edit[2];
    }
}
