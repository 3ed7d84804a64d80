//! Reads the keys and tombstones of a snapshot, in parts that need not wait for each other.

use super::{DESTROYED, LIVE, MARKED};
use crate::change::{CreatedKey, type_of_code};
use crate::codec::{Malformed, Reader};
use crate::keyring::KeyRing;
use crate::parts::Part;
use crate::restore::Given;
use crate::state::{Body, LiveKey, Marks, Slot, State, Tombstone};
use std::sync::Arc;
use vault_encoding::Hash;
use vault_keys::{Rng, SealedMaterial};
use vault_policy::{
    KeyHandle, KeySubject, KeyVersion, Lineage, OidcSubject, PolicyHash, PolicyVersion, UnixSeconds,
};

/// Slots of one part.
const PART: usize = if cfg!(test) { 3 } else { 2_048 };

/// Some slots, encoded one behind the other.
pub(super) struct Encoded<'a> {
    bytes: &'a [u8],
    slots: usize,
    /// For each of them, to seal it in memory.
    nonces: Vec<u8>,
}

/// What became of them.
pub(super) type Decoded = Result<Vec<Slot>, Malformed>;

/// So many slots, in parts; only their lengths are looked at.
pub(super) fn cut<'a>(
    from: &mut Reader<'a>,
    mut slots: usize,
    rng: &mut dyn Rng,
) -> Result<Vec<Encoded<'a>>, Malformed> {
    let mut parts = Vec::new();
    while slots > 0 {
        let here = slots.min(PART);
        let begin = from.rest();
        for _ in 0..here {
            skip(from)?;
        }
        let length = begin.len().saturating_sub(from.rest().len());
        let mut nonces = vec![0; here.saturating_mul(SealedMaterial::NONCE_LEN)];
        rng.fill(&mut nonces);
        parts.push(Encoded {
            bytes: begin.get(..length).ok_or(Malformed)?,
            slots: here,
            nonces,
        });
        slots = slots.saturating_sub(here);
    }
    Ok(parts)
}

fn skip(from: &mut Reader<'_>) -> Result<(), Malformed> {
    from.bytes()?;
    from.bytes()?;
    from.fixed(32 + 32 + 8)?;
    match from.u8()? {
        LIVE => CreatedKey::skip(from),
        MARKED => {
            CreatedKey::skip(from)?;
            Marks::read(from).map(drop)
        }
        DESTROYED => {
            from.fixed(16 + 4 + 8 + 1 + 8)?;
            from.bytes()?;
            from.fixed(8).map(drop)
        }
        _ => Err(Malformed),
    }
}

/// What decodes the parts, and where each leaves what it made.
pub(super) fn decode<'a>(
    encoded: Vec<Encoded<'a>>,
    decoded: &'a mut Vec<Decoded>,
    state: &'a State,
    ring: &'a KeyRing,
) -> impl Iterator<Item = Part<'a>> {
    decoded.resize_with(encoded.len(), || Err(Malformed));
    let pairs = encoded.into_iter().zip(decoded);
    pairs.map(move |(encoded, decoded)| -> Part<'a> {
        Box::new(move || *decoded = encoded.decode(state, ring))
    })
}

impl Encoded<'_> {
    fn decode(&self, state: &State, ring: &KeyRing) -> Decoded {
        let mut from = Reader::new(self.bytes);
        let mut reading = Reading {
            state,
            ring,
            nonces: Given::new(&self.nonces),
            owner: None,
        };
        let slots = (0..self.slots).map(|_| reading.slot(&mut from));
        let slots = slots.collect::<Decoded>()?;
        from.end().map(|()| slots)
    }
}

struct Reading<'a> {
    state: &'a State,
    ring: &'a KeyRing,
    nonces: Given<'a>,
    /// Of the slot before.
    owner: Option<Arc<OidcSubject>>,
}

impl Reading<'_> {
    fn slot(&mut self, from: &mut Reader<'_>) -> Result<Slot, Malformed> {
        let owner = self.owner(from)?;
        let lineage = Lineage(Hash(from.array()?));
        let policy_hash = PolicyHash(Hash(from.array()?));
        let changed = from.u64()?;
        let (changed, body) = match from.u8()? {
            kind @ (LIVE | MARKED) => {
                let key = self.key(from, lineage, &policy_hash)?;
                let key = match kind {
                    LIVE => key,
                    _ => key.marked(Marks::read(from)?),
                };
                (changed, Body::Live(Arc::new(key)))
            }
            DESTROYED => {
                let tombstone = read_tombstone(from, lineage, policy_hash)?;
                let changed = tombstone.index.saturating_add(1);
                (changed, Body::Destroyed(Arc::new(tombstone)))
            }
            _ => return Err(Malformed),
        };
        Ok(Slot {
            owner,
            changed,
            body,
        })
    }

    /// The owner of the slot before, if it is the same one, else another.
    fn owner(&mut self, from: &mut Reader<'_>) -> Result<Arc<OidcSubject>, Malformed> {
        let (issuer, subject) = (from.str()?, from.str()?);
        if let Some(owner) = &self.owner
            && (owner.issuer.as_str(), owner.subject.as_str()) == (issuer, subject)
        {
            return Ok(Arc::clone(owner));
        }
        let owner = Arc::new(OidcSubject {
            issuer: issuer.into(),
            subject: subject.into(),
        });
        Ok(Arc::clone(self.owner.insert(owner)))
    }

    fn key(
        &mut self,
        from: &mut Reader<'_>,
        lineage: Lineage,
        policy: &PolicyHash,
    ) -> Result<LiveKey, Malformed> {
        let created = CreatedKey::read(from)?;
        let policy = self.state.known_policy(policy).ok_or(Malformed)?;
        let policy = Arc::clone(policy);
        let key = LiveKey::from_created(created, lineage, policy, self.ring, &mut self.nonces);
        match key {
            Ok(key) if !self.nonces.ran_out() => Ok(key),
            _ => Err(Malformed),
        }
    }
}

fn read_tombstone(
    from: &mut Reader<'_>,
    lineage: Lineage,
    policy_hash: PolicyHash,
) -> Result<Tombstone, Malformed> {
    let subject = KeySubject {
        handle: KeyHandle(from.array()?),
        lineage,
        version: KeyVersion(from.u32()?),
        policy_hash,
        policy_version: PolicyVersion(from.u64()?),
    };
    Ok(Tombstone {
        subject,
        key_type: type_of_code(from.u8()?)?,
        created_at: UnixSeconds(from.u64()?),
        name: from.text()?,
        index: from.u64()?,
    })
}
