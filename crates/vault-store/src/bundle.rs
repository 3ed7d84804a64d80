//! A sealed run of leaf bodies of the log, for the archive.
//!
//! ```text
//! offset length
//!      0      8  "EVLEAFS" and the format version, 1
//!      8     32  vault id
//!     40     16  store generation
//!     56      8  index of the first leaf
//!     64      4  number of leaves
//!     68     32  RFC 6962 root over them
//!    100     32  salt of the key
//!    132      8  length of the payload
//!    140         payload, AES-256-GCM; then the tag, 16
//! ```
//! Numbers are big-endian. The header is the associated data. Key: HKDF-SHA256(store root key,
//! purpose ‖ 0x00 ‖ salt). Nonce: zero; the key is used once.

use crate::crypto::{Cipher, CryptoFault, Purpose, TAG};
use crate::root::StoreRoot;
use zeroize::Zeroizing;

const MAGIC: [u8; 8] = *b"EVLEAFS\x01";
const HEADER: usize = 140;
/// Where the salt is in the header.
const SALT: std::ops::Range<usize> = 100..132;

/// Names a run of leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BundlePlace {
    /// Index of the first leaf.
    pub first: u64,
    /// Number of leaves.
    pub count: u32,
    /// RFC 6962 root over them.
    pub root: [u8; 32],
}

/// A bundle as a storage keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedBundle {
    /// Index of the first leaf.
    pub first: u64,
    /// Number of leaves.
    pub count: u32,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

pub(crate) fn seal(
    root: &StoreRoot,
    place: &BundlePlace,
    salt: [u8; 32],
    payload: &[u8],
) -> Result<SealedBundle, CryptoFault> {
    let BundlePlace { first, count, .. } = *place;
    let mut bytes = header(root, place, &salt, payload.len() as u64);
    bytes.reserve_exact(payload.len() + TAG);
    bytes.extend_from_slice(payload);
    let (aad, body) = bytes.split_at_mut(HEADER);
    let tag = Cipher::derived(&root.key, Purpose::Bundle, &salt)?.seal(0, aad, body)?;
    bytes.extend_from_slice(&tag);
    Ok(SealedBundle {
        first,
        count,
        bytes,
    })
}

/// `None` unless this store sealed exactly these bytes for this place.
pub(crate) fn open(
    root: &StoreRoot,
    place: &BundlePlace,
    bytes: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (aad, body) = bytes.split_at_checked(HEADER)?;
    let salt: [u8; 32] = aad.get(SALT)?.try_into().ok()?;
    let length = body.len().checked_sub(TAG)?;
    if aad != header(root, place, &salt, length as u64) {
        return None;
    }
    let cipher = Cipher::derived(&root.key, Purpose::Bundle, &salt).ok()?;
    cipher.open(0, aad, body)
}

fn header(root: &StoreRoot, place: &BundlePlace, salt: &[u8; 32], length: u64) -> Vec<u8> {
    [
        &MAGIC[..],
        &root.vault_id,
        &root.generation,
        &place.first.to_be_bytes(),
        &place.count.to_be_bytes(),
        &place.root,
        salt,
        &length.to_be_bytes(),
    ]
    .concat()
}
