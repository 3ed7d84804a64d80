//! Sealed groups of log records on an untrusted disk.
//!
//! The store moves bytes and cannot see a key or an entry: a *group* is what one commit wrote, a
//! *snapshot* is a state that the log commits to. Layers, outer to inner:
//!
//! - [`SealedLog`]: encryption, order, what belongs to this vault and this store;
//! - [`Storage`]: a few methods that keep sealed bytes ([`SegmentFiles`] is the embedded one);
//! - [`Files`]: one directory ([`DirFiles`] is the real one, [`faulty::SimulatedDisk`] the one that fails).
//!
//! Beside the log stands the [`Archive`]: sealed bundles of leaf bodies that neither memory nor
//! snapshots hold any more, kept by an [`ArchiveStorage`] ([`ArchiveFiles`] is the embedded one).
//!
//! A caller opens in this order: [`read_root`] (on a first boot [`begin_first_boot`], [`StoreRoot::generate`] and
//! [`write_root`]), [`SegmentFiles::open`], [`SealedLog::open`], then folds the groups and checks each
//! group's `tree_before` against its own tree. Any error of [`SealedLog::append`] means that the
//! process must end: what is durable is unknown, and nothing is ever retried.

mod archive;
mod beside;
mod bundle;
mod crypto;
pub mod faulty;
mod fields;
mod files;
mod frame;
mod group;
mod opening;
mod root;
mod sealed_log;
mod segment;
mod snapshot;
mod storage;
mod volume;

pub use archive::{Archive, ArchiveStorage, BundleError};
pub use bundle::{BundlePlace, SealedBundle};
pub use files::{DirFiles, Files};
pub use group::{OpenedGroup, TreeHead};
pub use root::{
    LockedReason, PlatformSeal, RootError, RootState, SealError, SealProvider, StoreRoot,
    begin_first_boot, read_root, write_root,
};
pub use sealed_log::{
    AppendError, OpenError, Opened, ReadError, SealedLog, SnapshotSealer, stage_snapshot,
};
pub use segment::{SegmentFiles, SegmentOptions};
pub use snapshot::{SealedSnapshot, SnapshotState};
pub use storage::{Held, Operation, SnapshotAge, Storage, StorageError, StoredGroup};
pub use volume::ArchiveFiles;
