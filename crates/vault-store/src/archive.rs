//! Bodies of old leaves, outside memory and snapshots. They are read back for auditors alone; the
//! vault signs on whatever becomes of them, because it keeps their hashes.

use crate::bundle::{self, BundlePlace, SealedBundle};
use crate::crypto::CryptoFault;
use crate::root::StoreRoot;
use crate::storage::StorageError;
use std::ops::ControlFlow;
use zeroize::Zeroizing;

/// Most bundles of one volume,
const VOLUME: usize = 256;
/// and about the bytes after which another one is begun.
const VOLUME_BYTES: usize = 32 << 20;

/// Keeps sealed bundles in volumes. It is trusted with nothing: what it loses or changes is an error
/// of exactly those entries.
///
/// Obligations of an implementation, so that an honest host loses nothing:
/// 1. `put` returns `Ok` only when every bundle of the volume will survive a crash of the machine, unchanged.
/// 2. A volume that begins with the leaf with which another one begins takes its place:
///    afterwards, and after a crash, it is the old one or the new one, whole.
/// 3. `get` hands out what was put and not replaced. It may hand out more, and in any order.
/// 4. `NoSpace` changes nothing of what is there.
pub trait ArchiveStorage: Send {
    /// Stores one volume: bundles without a gap between them.
    fn put(&mut self, volume: &[SealedBundle]) -> Result<(), StorageError>;

    /// Hands out every bundle that begins with the leaf `first`, until `each` breaks. What cannot be read is an
    /// error only behind everything that can.
    fn get(
        &mut self,
        first: u64,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), StorageError>;
}

/// Why a bundle cannot be read: all of them the host's doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BundleError {
    /// There is none.
    #[error("the bundle of leaf {first} is missing")]
    Absent {
        /// Its first leaf.
        first: u64,
    },
    /// What is there is not what was put there.
    #[error("the bundle of leaf {first} is damaged")]
    Damaged {
        /// Its first leaf.
        first: u64,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Seals and opens bundles of one store.
pub struct Archive<S> {
    storage: S,
    root: StoreRoot,
}

impl<S: ArchiveStorage> Archive<S> {
    /// The archive of the store with this root.
    pub fn new(storage: S, root: &StoreRoot) -> Self {
        let root = root.without_payload();
        Self { storage, root }
    }

    /// Seals and stores bundles that follow each other; durable when it returns. After an error those
    /// of some volumes are stored, and nothing relies on them.
    pub fn put<'a>(
        &mut self,
        bundles: impl IntoIterator<Item = (BundlePlace, &'a [u8])>,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), StorageError> {
        let (mut volume, mut length) = (Vec::new(), 0);
        for (place, payload) in bundles {
            let mut salt = [0; 32];
            fill(&mut salt);
            let sealed = bundle::seal(&self.root, &place, salt, payload)
                .map_err(|CryptoFault| StorageError::TooLarge)?;
            length += sealed.bytes.len();
            volume.push(sealed);
            if volume.len() == VOLUME || length >= VOLUME_BYTES {
                self.storage.put(&volume)?;
                (volume, length) = (Vec::new(), 0);
            }
        }
        match volume.is_empty() {
            true => Ok(()),
            false => self.storage.put(&volume),
        }
    }

    /// The payload of one bundle, which is what was put for this very place.
    pub fn get(&mut self, place: &BundlePlace) -> Result<Zeroizing<Vec<u8>>, BundleError> {
        let (mut opened, mut found) = (None, false);
        self.storage.get(place.first, &mut |bytes| {
            found = true;
            opened = bundle::open(&self.root, place, bytes);
            match opened {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        })?;
        let first = place.first;
        opened.ok_or(match found {
            true => BundleError::Damaged { first },
            false => BundleError::Absent { first },
        })
    }
}
