//! A sealed state of the vault at one size of the log.
//!
//! ```text
//! offset length
//!      0      8  "EVSNAPS" and the format version, 1
//!      8     32  vault id
//!     40     16  store generation
//!     56      8  number of the first group that is not in the state
//!     64     16  tag of the group before that one
//!     80      8  size of the tree
//!     88     32  root of the tree
//!    120     32  salt of the key
//!    152      8  length of the payload
//!    160         payload, AES-256-GCM; then the tag, 16
//! ```
//! Key: HKDF-SHA256(store root key, purpose ‖ 0x00 ‖ salt). Nonce: zero; the key is used once.

use crate::crypto::{Cipher, CryptoFault, Purpose, TAG, sha256};
use crate::fields::Fields;
use crate::group::TreeHead;
use crate::root::StoreRoot;
use zeroize::Zeroizing;

const MAGIC: [u8; 8] = *b"EVSNAPS\x01";
const HEADER: usize = 160;

/// A snapshot that is sealed but not stored yet: commit its hash to the log first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedSnapshot {
    pub(crate) bytes: Vec<u8>,
    pub(crate) hash: [u8; 32],
}

impl SealedSnapshot {
    /// Its length in bytes.
    #[allow(clippy::len_without_is_empty, reason = "none is")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// SHA-256 of the sealed bytes: what the log entry commits to.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }
}

/// What was found where the snapshot should be.
#[derive(Clone, PartialEq, Eq)]
pub enum SnapshotState {
    /// None.
    Absent,
    /// One that does not authenticate, or does not lie on this log: rebuild from the log.
    Damaged,
    /// One that this store sealed. Valid only if the log holds the entry that commits to `hash`; if it
    /// does not, rebuild from the groups, which `SealedLog::read` gives again.
    Present {
        /// The head of the tree that the state is of.
        tree: TreeHead,
        /// The number of the first group that is not in it.
        sequence: u64,
        /// SHA-256 of the sealed bytes.
        hash: [u8; 32],
        /// What was given to `seal_snapshot`.
        payload: Zeroizing<Vec<u8>>,
    },
}

/// Where on the log a snapshot stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) sequence: u64,
    pub(crate) previous: [u8; TAG],
    pub(crate) tree: TreeHead,
}

/// A snapshot that authenticates.
pub(crate) struct Authentic {
    pub(crate) place: Place,
    pub(crate) hash: [u8; 32],
    pub(crate) payload: Zeroizing<Vec<u8>>,
}

impl Authentic {
    pub(crate) fn into_state(self) -> SnapshotState {
        SnapshotState::Present {
            tree: self.place.tree,
            sequence: self.place.sequence,
            hash: self.hash,
            payload: self.payload,
        }
    }
}

pub(crate) fn seal(
    root: &StoreRoot,
    place: &Place,
    salt: [u8; 32],
    payload: &[u8],
) -> Result<SealedSnapshot, CryptoFault> {
    let Place {
        sequence,
        previous,
        tree,
    } = place;
    let mut bytes = [
        &MAGIC[..],
        &root.vault_id,
        &root.generation,
        &sequence.to_be_bytes(),
        previous,
        &tree.size.to_be_bytes(),
        &tree.root,
        &salt,
        &(payload.len() as u64).to_be_bytes(),
    ]
    .concat();
    bytes.reserve_exact(payload.len() + TAG);
    bytes.extend_from_slice(payload);
    let (aad, body) = bytes.split_at_mut(HEADER);
    let tag = Cipher::derived(&root.key, Purpose::Snapshot, &salt)?.seal(0, aad, body)?;
    bytes.extend_from_slice(&tag);
    let hash = sha256(&[&bytes]);
    Ok(SealedSnapshot { bytes, hash })
}

/// Where it says that it stands; nothing is authenticated.
pub(crate) fn claimed_sequence(bytes: &[u8]) -> Option<u64> {
    Fields(bytes.get(56..HEADER)?).u64()
}

/// `None` unless this store sealed exactly these bytes.
pub(crate) fn open(root: &StoreRoot, bytes: Vec<u8>) -> Option<Authentic> {
    let aad = *bytes.first_chunk::<HEADER>()?;
    let body = bytes.get(HEADER..)?;
    let mut fields = Fields(&aad);
    if fields.array()? != MAGIC
        || fields.array()? != root.vault_id
        || fields.array()? != root.generation
    {
        return None;
    }
    let place = Place {
        sequence: fields.u64()?,
        previous: fields.array()?,
        tree: TreeHead {
            size: fields.u64()?,
            root: fields.array()?,
        },
    };
    let salt: [u8; 32] = fields.array()?;
    if usize::try_from(fields.u64()?).ok()?.checked_add(TAG)? != body.len() {
        return None;
    }
    let cipher = Cipher::derived(&root.key, Purpose::Snapshot, &salt).ok()?;
    let hash = sha256(&[&bytes]);
    let payload = cipher.open_within(0, &aad, bytes, HEADER)?;
    Some(Authentic {
        place,
        hash,
        payload,
    })
}
