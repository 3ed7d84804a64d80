//! What is done with the folder away from the log: old leaves into the archive and back, and the
//! making of snapshots.

use crate::clock::fill;
use crate::log::fault;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vault_core::{ArchivedLeaves, BundlePlace, CommitFault, LostLeaves, Position, SnapshotView};
use vault_store::{
    Archive, ArchiveFiles, DirFiles, SealedSnapshot, SnapshotSealer, StorageError, StoreRoot,
    stage_snapshot,
};

/// The folder, and the root under which it is sealed.
pub(crate) struct Shelf {
    /// Under the claim of the log.
    folder: DirFiles,
    root: StoreRoot,
    /// Who may read the archive at once: each opens files.
    readers: Arc<Semaphore>,
}

/// Readers of the archive at once.
const READERS: usize = 2;

/// A snapshot that is sealed, and durable under another name than its own.
pub(crate) struct Made {
    pub(crate) sealed: SealedSnapshot,
    pub(crate) at: Position,
    /// Bodies before this are in the archive.
    pub(crate) archived: u64,
}

impl Shelf {
    pub(crate) fn new(folder: DirFiles, root: &StoreRoot) -> Self {
        Self {
            folder,
            root: root.without_payload(),
            readers: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// Waits until the archive may be read; for as long as this is held.
    pub(crate) async fn reader(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.readers).acquire_owned().await.ok()
    }

    /// Another handle of the folder, which changes nothing once the log was shut out.
    pub(crate) fn folder(&self) -> DirFiles {
        self.folder.beside()
    }

    /// A handle of its own, so that no file stays open.
    fn archive(&self) -> Archive<ArchiveFiles<DirFiles>> {
        Archive::new(ArchiveFiles::new(self.folder()), &self.root)
    }

    /// Reads leaves that are not in memory.
    pub(crate) fn open(&self, leaves: &ArchivedLeaves) -> Result<Vec<Arc<[u8]>>, LostLeaves> {
        let place = leaves.place();
        let payload = self.archive().get(&stored(&place));
        if let Err(error) = &payload {
            tracing::error!(first = place.first, count = place.count, %error, "archived entries are lost");
        }
        leaves.open(payload.ok().as_ref().map(|payload| payload.as_slice()))
    }

    /// Archives what the snapshot leaves out, and seals and stages the snapshot. `None` without space:
    /// then everything is as it was.
    pub(crate) fn make(
        &self,
        view: &SnapshotView,
        sealer: &SnapshotSealer,
    ) -> Result<Option<Made>, CommitFault> {
        let bundles = view
            .bundles()
            .map(|bundle| (stored(&bundle.place), bundle.payload));
        let archived = self.archive().put(bundles, &mut fill);
        if !there_is_space(archived)? {
            return Ok(None);
        }
        let snapshot = view.encode(view.whole()).map_err(|_| FAULT)?;
        let sealed = sealer
            .seal(&snapshot.payload, &mut fill)
            .map_err(|_| FAULT)?;
        let staged = there_is_space(stage_snapshot(&mut self.folder(), &sealed))?;
        Ok(staged.then(|| Made {
            sealed,
            at: snapshot.at,
            archived: view.whole(),
        }))
    }
}

const COULD_NOT: &str = "a snapshot could not be made";
const FAULT: CommitFault = CommitFault(COULD_NOT);

fn there_is_space(stored: Result<(), StorageError>) -> Result<bool, CommitFault> {
    match stored {
        Ok(()) => Ok(true),
        Err(StorageError::NoSpace) => {
            tracing::warn!("no space for a snapshot; the old one stays");
            Ok(false)
        }
        Err(error) => Err(fault(error, COULD_NOT)),
    }
}

fn stored(place: &BundlePlace) -> vault_store::BundlePlace {
    vault_store::BundlePlace {
        first: place.first,
        // At most 2^16.
        count: u32::try_from(place.count).unwrap_or(u32::MAX),
        root: place.root.0,
    }
}
