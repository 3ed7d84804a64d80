//! From a platform and a folder to a vault that may answer: or to the reason why it may not.

use crate::clock::{SystemRng, fill, reading};
use crate::config::{Material, ServerConfig};
use crate::identity::Identity;
use crate::log::StoreLog;
use std::sync::Arc;
use vault_core::{
    BootError, BootInput, Limits, LoggedGroup, OpenedSnapshot, Position, RoleNames, TimeMode,
    Vault, VaultConfig, commit,
};
use vault_encoding::Hash;
use vault_store::{
    DirFiles, LockedReason, OpenError, Opened, OpenedGroup, PlatformSeal, ReadError, RootError,
    RootState, SealedLog, SegmentFiles, SegmentOptions, SnapshotState, StorageError, StoreRoot,
    TreeHead,
};
use vault_tee::Platform;

/// Why a vault answers nothing but who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Locked {
    #[error("the platform gave no sealing key")]
    NoSealingKey,
    #[error(transparent)]
    Root(LockedReason),
    #[error("root.sealed holds no identity that this build knows")]
    Identity,
    #[error("the trust configuration is not the one that this vault was made with")]
    TrustConfiguration,
    #[error(transparent)]
    Store(OpenError),
    #[error(transparent)]
    Log(BootError),
    #[error(transparent)]
    Read(ReadError),
}

/// What a start ends in.
pub(crate) struct Booted {
    /// A new one, good for nothing but this connection's TLS, if the sealed one does not open.
    pub(crate) identity: Arc<Identity>,
    pub(crate) boot_id: [u8; 16],
    pub(crate) outcome: Result<Ready, Locked>,
}

/// A vault whose boot entry is durable.
pub(crate) struct Ready {
    pub(crate) vault: Vault,
    pub(crate) log: StoreLog,
}

/// The roots of the two configuration trees.
#[derive(Clone, Copy)]
pub(crate) struct Roots {
    pub(crate) trust: Hash,
    pub(crate) operational: Hash,
}

/// Opens the store. `Err` is for what a restart may heal (the disk, the random generator); what it
/// cannot is [`Locked`].
pub(crate) fn boot(
    config: &ServerConfig,
    material: &Material,
    roots: Roots,
    platform: &dyn Platform,
) -> anyhow::Result<Booted> {
    let mut boot_id = [0; 16];
    fill(&mut boot_id);
    let locked = |identity: Identity, locked: Locked| Booted {
        identity: Arc::new(identity),
        boot_id,
        outcome: Err(locked),
    };
    let Ok(seal_root) = platform.seal_root() else {
        return Ok(locked(new_identity()?, Locked::NoSealingKey));
    };
    let seal = PlatformSeal::new(seal_root);
    let mut files = DirFiles::open(&config.data_dir)?;
    let root = match vault_store::read_root(&mut files, &seal) {
        Ok(RootState::Present(root)) => root,
        Ok(RootState::FirstBoot) => first_boot(&mut files, &seal, &roots.trust)?,
        Err(RootError::Locked { reason }) => {
            return Ok(locked(new_identity()?, Locked::Root(reason)));
        }
        Err(error) => return Err(error.into()),
    };
    let Some((identity, trust_root)) = Identity::from_payload(&root.payload) else {
        return Ok(locked(new_identity()?, Locked::Identity));
    };
    if trust_root != roots.trust {
        return Ok(locked(identity, Locked::TrustConfiguration));
    }
    let identity = Arc::new(identity);
    let opened = open(files, &root)?;
    let boot_id = opened
        .as_ref()
        .map_or(boot_id, |opened| opened.log.boot_id());
    let outcome = match opened {
        Ok(opened) => {
            let input = |snapshot, groups| BootInput {
                identity_spki: identity.spki().to_vec(),
                signer: identity.clone(),
                config: vault_config(config, material, roots),
                boot_id,
                snapshot,
                groups,
                now: reading(platform),
            };
            start(opened, input)?
        }
        Err(locked) => Err(locked),
    };
    Ok(Booted {
        identity,
        boot_id,
        outcome,
    })
}

fn new_identity() -> anyhow::Result<Identity> {
    Identity::generate().ok_or_else(|| anyhow::anyhow!("no identity key could be made"))
}

fn first_boot(
    files: &mut DirFiles,
    seal: &PlatformSeal,
    trust_root: &Hash,
) -> anyhow::Result<StoreRoot> {
    let identity = new_identity()?;
    let vault_id = *identity.vault_id().0.as_bytes();
    let root = StoreRoot::generate(vault_id, identity.to_payload(trust_root), &mut fill);
    vault_store::write_root(files, seal, &root, &mut fill)?;
    tracing::info!("first boot: a new vault");
    Ok(root)
}

type OpenedStore = Opened<SegmentFiles<DirFiles>>;

fn open(files: DirFiles, root: &StoreRoot) -> anyhow::Result<Result<OpenedStore, Locked>> {
    let opened = SegmentFiles::open(files, SegmentOptions::default())
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
        | StorageError::Closed => false,
    }
}

/// Folds the log, and makes the boot entry durable.
fn start(
    opened: OpenedStore,
    input: impl Fn(Option<OpenedSnapshot>, Vec<LoggedGroup>) -> BootInput,
) -> anyhow::Result<Result<Ready, Locked>> {
    let Opened {
        mut log,
        snapshot,
        groups,
    } = opened;
    let snapshot = opened_snapshot(snapshot);
    let had_snapshot = snapshot.is_some();
    let groups = groups.into_iter().map(logged).collect();
    let mut booted = Vault::boot(input(snapshot, groups), &mut SystemRng);
    if had_snapshot && matches!(booted, Err(BootError::Snapshot)) && log.first_sequence() == 0 {
        tracing::warn!("the snapshot is not one that the log commits to; rebuilding from the log");
        let all = match read_all(&mut log) {
            Ok(all) => all,
            Err(error) => return Ok(Err(Locked::Read(error))),
        };
        booted = Vault::boot(input(None, all), &mut SystemRng);
    }
    let mut vault = match booted {
        Ok(vault) => vault,
        Err(error) => return Ok(Err(Locked::Log(error))),
    };
    let mut log = StoreLog::new(log);
    let group = vault
        .take_group()
        .ok_or_else(|| anyhow::anyhow!("the boot entry is missing"))?;
    vault.settle(&commit(group, &mut log)?);
    Ok(Ok(Ready { vault, log }))
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
    VaultConfig {
        issuers: issuers.collect(),
        roles: RoleNames {
            owner: config.roles.owner.clone(),
            manager: config.roles.manager.clone(),
            auditor: config.roles.auditor.clone(),
        },
        time_mode: TimeMode::Host,
        clock_skew: config.time.skew,
        limits: Limits::default(),
        trust_root: roots.trust,
        operational_root: roots.operational,
    }
}
