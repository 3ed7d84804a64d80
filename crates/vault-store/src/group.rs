//! One sealed group: a fixed-width header, which is the associated data, and the sealed payload.
//!
//! ```text
//! offset length
//!      0      8  "EVGROUP" and the format version, 1
//!      8     32  vault id
//!     40     16  store generation
//!     56      8  sequence
//!     64     16  boot id
//!     80     16  tag of the group before, zero for group 0
//!     96      8  size of the tree before the first record
//!    104     32  root of the tree before the first record
//!    136      4  length of the payload
//!    140         payload, AES-256-GCM; then the tag, 16
//! ```
//! Numbers are big-endian. Key: HKDF-SHA256(store root key, purpose ‖ 0x00 ‖ boot id). Nonce: the
//! sequence. A boot seals each sequence at most once: an append that fails ends it.

use crate::crypto::{Cipher, CryptoFault, Purpose, TAG};
use crate::fields::Fields;
use crate::root::StoreRoot;
use zeroize::Zeroizing;

const MAGIC: [u8; 8] = *b"EVGROUP\x01";
pub(crate) const HEADER: usize = 140;

/// The head of the log's tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: [u8; 32],
}

/// A group that has been authenticated, and stands where it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedGroup {
    /// Its number.
    pub sequence: u64,
    /// The boot that wrote it.
    pub boot_id: [u8; 16],
    /// The head of the tree before its first record. INVARIANT for the caller to check: the fold
    /// of everything before this group has this head.
    pub tree_before: TreeHead,
    /// What was given to `append`.
    pub payload: Zeroizing<Vec<u8>>,
}

/// What a group says of itself, besides the store that it is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) sequence: u64,
    pub(crate) boot_id: [u8; 16],
    pub(crate) previous: [u8; TAG],
    pub(crate) tree_before: TreeHead,
}

/// A group that authenticates, wherever it was found.
pub(crate) struct Authentic {
    pub(crate) header: Header,
    pub(crate) tag: [u8; TAG],
    pub(crate) payload: Zeroizing<Vec<u8>>,
}

impl Authentic {
    pub(crate) fn into_opened(self) -> OpenedGroup {
        let Header {
            sequence,
            boot_id,
            tree_before,
            previous: _,
        } = self.header;
        OpenedGroup {
            sequence,
            boot_id,
            tree_before,
            payload: self.payload,
        }
    }
}

/// Seals groups of this boot and opens those of every boot of one store.
pub(crate) struct GroupSealer {
    key: Zeroizing<[u8; 32]>,
    vault_id: [u8; 32],
    generation: [u8; 16],
    /// The boot whose key was used last; a log has few boots and many groups.
    cached: Option<([u8; 16], Cipher)>,
    /// Where payloads are decrypted, one after the other; see [`GroupSealer::wipe`].
    scratch: Zeroizing<Vec<u8>>,
}

impl GroupSealer {
    pub(crate) fn new(root: &StoreRoot) -> Self {
        let StoreRoot {
            key,
            vault_id,
            generation,
            payload: _,
        } = root;
        Self {
            key: key.clone(),
            vault_id: *vault_id,
            generation: *generation,
            cached: None,
            scratch: Zeroizing::default(),
        }
    }

    /// Forgets what was decrypted last; to be called when no more is read for now.
    pub(crate) fn wipe(&mut self) {
        self.scratch = Zeroizing::default();
    }

    /// The sealed group and its tag. `payload` is shorter than 2^32.
    pub(crate) fn seal(
        &mut self,
        header: &Header,
        payload: &[u8],
    ) -> Result<(Vec<u8>, [u8; TAG]), CryptoFault> {
        let length = u32::try_from(payload.len()).map_err(|_| CryptoFault)?;
        let mut sealed = self.header_bytes(header, length);
        sealed.reserve_exact(payload.len() + TAG);
        sealed.extend_from_slice(payload);
        let (aad, body) = sealed.split_at_mut(HEADER);
        let tag = self
            .cipher(header.boot_id)?
            .seal(header.sequence, aad, body)?;
        sealed.extend_from_slice(&tag);
        Ok((sealed, tag))
    }

    /// `None` unless this store sealed exactly these bytes. The payload comes along if it is wanted:
    /// most groups of a long log are only authenticated.
    pub(crate) fn open(
        &mut self,
        sealed: &[u8],
        keep: impl FnOnce(&Header) -> bool,
    ) -> Option<Authentic> {
        let (aad, body) = sealed.split_at_checked(HEADER)?;
        let (header, length) = self.parse_header(aad)?;
        if body.len() != length.checked_add(TAG)? {
            return None;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let opened = self.cipher(header.boot_id).ok().and_then(|cipher| {
            let payload = cipher.open_into(header.sequence, aad, body, &mut scratch)?;
            Some(if keep(&header) {
                payload.to_vec()
            } else {
                Vec::new()
            })
        });
        self.scratch = scratch;
        let payload = Zeroizing::new(opened?);
        let tag = *body.last_chunk::<TAG>()?;
        Some(Authentic {
            header,
            tag,
            payload,
        })
    }

    fn header_bytes(&self, header: &Header, length: u32) -> Vec<u8> {
        let Header {
            sequence,
            boot_id,
            previous,
            tree_before,
        } = header;
        [
            &MAGIC[..],
            &self.vault_id,
            &self.generation,
            &sequence.to_be_bytes(),
            boot_id,
            previous,
            &tree_before.size.to_be_bytes(),
            &tree_before.root,
            &length.to_be_bytes(),
        ]
        .concat()
    }

    fn parse_header(&self, bytes: &[u8]) -> Option<(Header, usize)> {
        let mut fields = Fields(bytes);
        if fields.array()? != MAGIC
            || fields.array()? != self.vault_id
            || fields.array()? != self.generation
        {
            return None;
        }
        let header = Header {
            sequence: fields.u64()?,
            boot_id: fields.array()?,
            previous: fields.array()?,
            tree_before: TreeHead {
                size: fields.u64()?,
                root: fields.array()?,
            },
        };
        Some((header, usize::try_from(fields.u32()?).ok()?))
    }

    fn cipher(&mut self, boot_id: [u8; 16]) -> Result<&Cipher, CryptoFault> {
        match &mut self.cached {
            Some((cached, _)) if *cached == boot_id => {}
            cached => {
                let cipher = Cipher::derived(&self.key, Purpose::Group, &boot_id)?;
                *cached = Some((boot_id, cipher));
            }
        }
        self.cached
            .as_ref()
            .map(|(_, cipher)| cipher)
            .ok_or(CryptoFault)
    }
}
