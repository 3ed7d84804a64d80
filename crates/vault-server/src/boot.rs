//! From a platform and a folder to a vault that may answer: or to the reason why it may not.

use crate::clock::{SystemRng, fill, reading};
use crate::config::{Material, ServerConfig};
use crate::due::Due;
use crate::identity::Identity;
pub(crate) use crate::locked::Locked;
use crate::log::StoreLog;
use crate::root::{OpenedRoot, open_root};
use crate::sealed::{Configured, Sealed};
use crate::shelf::Shelf;
use crate::workers::Threads;
use std::sync::Arc;
use vault_core::{
    BootError, BootInput, LoggedGroup, OpenedSnapshot, Position, RoleNames, TimeMode, Vault,
    VaultConfig, commit,
};
use vault_encoding::Hash;
use vault_store::{
    DirFiles, OpenError, Opened, OpenedGroup, ReadError, SealedLog, SegmentFiles, SegmentOptions,
    SnapshotState, StorageError, StoreRoot, TreeHead,
};
use vault_tee::Platform;

/// What a start ends in.
pub(crate) struct Booted {
    /// A new one, good for nothing but this connection's TLS, if the sealed one does not open.
    pub(crate) identity: Arc<Identity>,
    pub(crate) boot_id: [u8; 16],
    /// What is sealed, if it opened.
    pub(crate) sealed: Option<Sealed>,
    pub(crate) outcome: Result<Ready, Locked>,
}

/// A vault whose boot entry is durable.
pub(crate) struct Ready {
    pub(crate) vault: Vault,
    pub(crate) log: StoreLog,
    pub(crate) shelf: Arc<Shelf>,
}

/// The roots of the two configuration trees.
#[derive(Clone, Copy)]
pub(crate) struct Roots {
    pub(crate) trust: Hash,
    pub(crate) operational: Hash,
}

/// Opens the root and the store, and holds the configuration to them. `Err` is for what a restart
/// may heal (the disk, the random generator); what it cannot is [`Locked`].
pub(crate) fn boot(
    config: &ServerConfig,
    material: &Material,
    configured: &Configured,
    roots: Roots,
    platform: &dyn Platform,
) -> anyhow::Result<Booted> {
    let mut root = match open_root(&config.data_dir, configured, platform)? {
        Ok(root) => root,
        Err(locked) => return Booted::unknown(locked),
    };
    let start = Start {
        config,
        material,
        roots,
        identity: &root.identity.clone(),
        platform,
    };
    let (sealed, opened) = match start.fold(&root.store)? {
        Ok(folded) => start.open(&mut root, folded, configured)?,
        Err(locked) => (root.sealed.clone(), Err(locked)),
    };
    let (boot_id, outcome) = match opened {
        Ok((boot_id, ready)) => (boot_id, Ok(ready)),
        Err(locked) => (fresh_boot_id(), Err(locked)),
    };
    Ok(Booted {
        identity: root.identity,
        boot_id,
        sealed: Some(sealed),
        outcome,
    })
}

impl Booted {
    /// A vault that does not know who it is.
    fn unknown(locked: Locked) -> anyhow::Result<Self> {
        let identity =
            Identity::generate().ok_or_else(|| anyhow::anyhow!("no identity key could be made"))?;
        Ok(Self {
            identity: Arc::new(identity),
            boot_id: fresh_boot_id(),
            sealed: None,
            outcome: Err(locked),
        })
    }
}

fn fresh_boot_id() -> [u8; 16] {
    let mut boot_id = [0; 16];
    fill(&mut boot_id);
    boot_id
}

/// What a vault starts with, but for its store.
pub(crate) struct Start<'a> {
    pub(crate) config: &'a ServerConfig,
    pub(crate) material: &'a Material,
    /// As its boot entry says them.
    pub(crate) roots: Roots,
    pub(crate) identity: &'a Arc<Identity>,
    pub(crate) platform: &'a dyn Platform,
}

/// A log that was read back. No entry was written yet.
pub(crate) struct Folded {
    pub(crate) vault: Vault,
    pub(crate) log: StoreLog,
    shelf: Arc<Shelf>,
    boot_id: [u8; 16],
}

impl Folded {
    /// Makes durable what was queued since, the boot entry first.
    pub(crate) fn commit(mut self) -> anyhow::Result<Ready> {
        let group = self.vault.take_group();
        let group = group.ok_or_else(|| anyhow::anyhow!("the boot entry is missing"))?;
        self.vault.settle(&commit(group, &mut self.log)?);
        Ok(Ready {
            vault: self.vault,
            log: self.log,
            shelf: self.shelf,
        })
    }
}

type Opening = (Sealed, Result<([u8; 16], Ready), Locked>);

impl Start<'_> {
    /// Reads the log.
    pub(crate) fn fold(&self, root: &StoreRoot) -> anyhow::Result<Result<Folded, Locked>> {
        let files = DirFiles::open(&self.config.data_dir)?;
        let beside = files.beside();
        let opened = match open(files, self.config.limits.segment_mib, root)? {
            Ok(opened) => opened,
            Err(locked) => return Ok(Err(locked)),
        };
        let boot_id = opened.log.boot_id();
        let input = |snapshot, groups| BootInput {
            identity_spki: self.identity.spki().to_vec(),
            signer: self.identity.clone(),
            config: vault_config(self.config, self.material, self.roots),
            boot_id,
            snapshot,
            groups,
            now: reading(self.platform),
        };
        let folded = fold(opened, input)?;
        Ok(folded.map(|(vault, log)| Folded {
            vault,
            log,
            shelf: Arc::new(Shelf::new(beside, root)),
            boot_id,
        }))
    }

    /// What holds, and the vault if its configuration is that. The log is written first, and then
    /// the root, if it is behind.
    fn open(
        &self,
        root: &mut OpenedRoot,
        mut folded: Folded,
        configured: &Configured,
    ) -> anyhow::Result<Opening> {
        let sealed = root.sealed.clone();
        let held = match sealed.clone().with_log(folded.vault.in_force()) {
            Ok(held) => held,
            Err(locked) => return Ok((sealed, Err(locked))),
        };
        let next = match held.admit(configured) {
            Ok(next) => next,
            Err(locked) => return Ok((held, Err(locked))),
        };
        if !folded.log.make_room()? {
            return Ok((held, Err(Locked::NoSpace)));
        }
        if next != held {
            let now = reading(self.platform);
            let adopted = folded
                .vault
                .log_adoption(next.to_log(), now, &mut SystemRng);
            adopted.ok_or_else(|| anyhow::anyhow!("the quorum could not be logged"))?;
        }
        let boot_id = folded.boot_id;
        let ready = folded.commit()?;
        if next != sealed {
            // The log says it at every start until it is sealed.
            match root.reseal(&mut ready.shelf.folder(), next.clone()) {
                Ok(()) => tracing::info!("sealed what the log says of the trust configuration"),
                Err(error) => tracing::warn!(%error, "the trust configuration is not sealed"),
            }
        }
        Ok((next, Ok((boot_id, ready))))
    }
}

type OpenedStore = Opened<SegmentFiles<DirFiles>>;

fn open(
    files: DirFiles,
    segment_mib: u32,
    root: &StoreRoot,
) -> anyhow::Result<Result<OpenedStore, Locked>> {
    let options = SegmentOptions {
        segment: segment_mib << 20,
        ..SegmentOptions::default()
    };
    let opened = SegmentFiles::open(files, options)
        .map_err(OpenError::from)
        .and_then(|storage| SealedLog::open(storage, root, &mut fill));
    match opened {
        Ok(opened) => Ok(Ok(opened)),
        Err(OpenError::Storage(error)) if !is_of_the_bytes(&error) => Err(error.into()),
        Err(error) => Ok(Err(Locked::Store(error))),
    }
}

/// Whether the bytes of the disk are at fault, which no restart heals, and not the disk.
fn is_of_the_bytes(error: &StorageError) -> bool {
    match error {
        StorageError::DamagedSegment { .. } | StorageError::UnknownFormat { .. } => true,
        StorageError::NoSpace
        | StorageError::OutOfOrder { .. }
        | StorageError::TooLarge
        | StorageError::Io { .. }
        | StorageError::ShutOut
        | StorageError::NotStaged
        | StorageError::Closed => false,
    }
}

/// Folds the log, and queues the boot entry.
fn fold(
    opened: OpenedStore,
    input: impl Fn(Option<OpenedSnapshot>, Vec<LoggedGroup>) -> BootInput,
) -> anyhow::Result<Result<(Vault, StoreLog), Locked>> {
    let Opened {
        mut log,
        snapshot,
        groups,
    } = opened;
    let snapshot = opened_snapshot(snapshot);
    let mut snapshot_at = snapshot.as_ref().map(|snapshot| snapshot.at.sequence);
    let groups: Vec<_> = groups.into_iter().map(logged).collect();
    let due = due_after(snapshot.as_ref(), &groups);
    let mut booted = Vault::boot_with(input(snapshot, groups), &mut SystemRng, &Threads);
    if snapshot_at.is_some() && matches!(booted, Err(BootError::Snapshot)) {
        tracing::warn!("the snapshot is not one that the log commits to");
        let (older, groups) = match log.previous_snapshot() {
            Ok(found) => found,
            Err(error) => return Ok(Err(Locked::Store(error))),
        };
        let older = opened_snapshot(older);
        snapshot_at = older.as_ref().map(|snapshot| snapshot.at.sequence);
        if older.is_some() {
            let groups = groups.into_iter().map(logged).collect();
            booted = Vault::boot_with(input(older, groups), &mut SystemRng, &Threads);
        }
    }
    if matches!(booted, Err(BootError::Snapshot)) && log.first_sequence() == 0 {
        tracing::warn!("rebuilding from the log");
        let all = match read_all(&mut log) {
            Ok(all) => all,
            Err(error) => return Ok(Err(Locked::Read(error))),
        };
        booted = Vault::boot_with(input(None, all), &mut SystemRng, &Threads);
        snapshot_at = None;
    }
    if snapshot_at.is_some() && !log.newest_is_good() {
        tracing::warn!("the newest snapshot does not open; another will be made of the one before");
    }
    match booted {
        Ok(vault) => {
            // Without a good one the log stands for all of it.
            let due = if log.newest_is_good() {
                due
            } else {
                Due::default()
            };
            Ok(Ok((vault, StoreLog::new(log, snapshot_at, due))))
        }
        Err(error) => Ok(Err(Locked::Log(error))),
    }
}

fn due_after(snapshot: Option<&OpenedSnapshot>, groups: &[LoggedGroup]) -> Due {
    let behind = groups.iter().map(|group| group.payload.len() as u64).sum();
    match snapshot {
        None => Due::after(0, 0, behind),
        Some(snapshot) => Due::after(snapshot.at.size, snapshot.payload.len() as u64, behind),
    }
}

fn read_all(log: &mut SealedLog<SegmentFiles<DirFiles>>) -> Result<Vec<LoggedGroup>, ReadError> {
    (0..log.next_sequence())
        .map(|sequence| log.read(sequence).map(logged))
        .collect()
}

fn logged(group: OpenedGroup) -> LoggedGroup {
    LoggedGroup {
        at: position(group.sequence, &group.tree_before),
        payload: group.payload,
    }
}

fn opened_snapshot(state: SnapshotState) -> Option<OpenedSnapshot> {
    match state {
        SnapshotState::Absent => None,
        SnapshotState::Damaged => {
            tracing::warn!("the snapshot is damaged; rebuilding from the log");
            None
        }
        SnapshotState::Present {
            tree,
            sequence,
            hash,
            payload,
        } => Some(OpenedSnapshot {
            at: position(sequence, &tree),
            hash: Hash(hash),
            payload,
        }),
    }
}

fn position(sequence: u64, tree: &TreeHead) -> Position {
    Position {
        sequence,
        size: tree.size,
        root: Hash(tree.root),
    }
}

fn vault_config(config: &ServerConfig, material: &Material, roots: Roots) -> VaultConfig {
    let issuers = material.issuers.iter().map(|issuer| {
        let grants = issuer.config.grants.iter().cloned().collect();
        (issuer.config.url.clone(), grants)
    });
    let constellation = config.constellation.as_ref();
    let constellation = constellation.and_then(|named| Hash::from_hex(&named.id));
    VaultConfig {
        constellation,
        issuers: issuers.collect(),
        roles: RoleNames {
            owner: config.roles.owner.clone(),
            manager: config.roles.manager.clone(),
            auditor: config.roles.auditor.clone(),
        },
        time_mode: TimeMode::Host,
        clock_skew: config.time.skew,
        limits: config.quotas.limits(),
        trust_root: roots.trust,
        operational_root: roots.operational,
    }
}
