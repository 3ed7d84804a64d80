//! What a vault stores: `x ‖ y ‖ body ‖ nonce ‖ sealed metadata ‖ tag`. The metadata are sealed,
//! and everything before them authenticated with vault and handle, under a key of this one
//! place: a share that was altered, or that was made for any other place, does not open.

use super::layout::{Layout, METADATA, NONCE, TAG, X};
use super::owner::OwnerKey;
use super::record::{Member, SetId};
use super::seal;
use crate::error::Result;
use vault_encoding::Domain;
use zeroize::Zeroizing;

const VERSION: u8 = 1;

/// What is sealed in a share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ShareMetadata {
    /// The set.
    pub set_id: SetId,
    /// Which sharing of its secret.
    pub generation: u32,
    /// How many shares give the secret.
    pub threshold: u8,
    /// How many shares there are.
    pub shares: u8,
}

/// The parts of a blob. Nothing is verified.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) x: u8,
    pub(super) y: &'a [u8],
    pub(super) body: &'a [u8],
    /// All three.
    front: &'a [u8],
    nonce: &'a [u8; NONCE],
    /// Metadata and tag.
    sealed: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Of a blob of one of the size classes whose x is not zero.
    pub(super) fn parse(blob: &'a [u8]) -> Option<Self> {
        let layout = Layout::of_blob(blob.len())?;
        let (front, rest) = blob.split_at_checked(X + layout.y + layout.body)?;
        let (&x, inner) = front.split_first()?;
        let (y, body) = inner.split_at_checked(layout.y)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        (x != 0).then_some(Self {
            x,
            y,
            body,
            front,
            nonce,
            sealed,
        })
    }

    /// The metadata, if this is the share that was made for this place.
    pub(super) fn open(&self, owner: &OwnerKey, place: &Member) -> Option<ShareMetadata> {
        let key = seal_key(owner, place);
        let text = seal::open(&key, *self.nonce, &aad(place, self.front), self.sealed)?;
        ShareMetadata::decode(&text)
    }
}

/// The metadata of this blob, if it is the share that was made for this place.
pub fn open_share(owner: &OwnerKey, place: &Member, blob: &[u8]) -> Option<ShareMetadata> {
    Parts::parse(blob)?.open(owner, place)
}

/// The blob for one place.
pub(super) fn seal_share(
    owner: &OwnerKey,
    place: &Member,
    metadata: &ShareMetadata,
    (x, y, body): (u8, &[u8], &[u8]),
) -> Result<Zeroizing<Vec<u8>>> {
    let len = X + y.len() + body.len() + NONCE + METADATA + TAG;
    let mut blob = Zeroizing::new(Vec::with_capacity(len));
    blob.push(x);
    blob.extend_from_slice(y);
    blob.extend_from_slice(body);
    let nonce = crate::client::random::<NONCE>()?;
    let mut text = metadata.encode();
    let tag = seal::seal(
        &seal_key(owner, place),
        nonce,
        &aad(place, &blob),
        &mut text,
    )?;
    blob.extend_from_slice(&nonce);
    blob.extend_from_slice(&text);
    blob.extend_from_slice(&tag);
    Ok(blob)
}

fn seal_key(owner: &OwnerKey, place: &Member) -> Zeroizing<[u8; 32]> {
    let fields: [&[u8]; 2] = [place.vault_id.0.as_bytes(), &place.handle.0];
    owner.derive(Domain::ShareSeal, &fields)
}

fn aad(place: &Member, front: &[u8]) -> Zeroizing<Vec<u8>> {
    let fields: [&[u8]; 3] = [place.vault_id.0.as_bytes(), &place.handle.0, front];
    Zeroizing::new(fields.concat())
}

impl ShareMetadata {
    fn encode(&self) -> Vec<u8> {
        let generation = self.generation.to_be_bytes();
        let fields: [&[u8]; 4] = [
            &[VERSION],
            &self.set_id.0,
            &generation,
            &[self.threshold, self.shares],
        ];
        fields.concat()
    }

    fn decode(text: &[u8]) -> Option<Self> {
        let (&[version], rest) = text.split_first_chunk()?;
        let (set_id, rest) = rest.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let &[threshold, shares] = rest else {
            return None;
        };
        (version == VERSION).then_some(Self {
            set_id: SetId(*set_id),
            generation: u32::from_be_bytes(*generation),
            threshold,
            shares,
        })
    }
}
