//! What a vault seals about itself: its identity, and the trust configuration that it lives under.
//!
//! The payload of the store's root is a format byte, then the identity's seed (32) and the trust
//! root (32). Format 1 ends there: a vault without constellation. Format 2 goes on with 0 for the
//! same, or with 1, constellation id (32), threshold (1), number of keys (1) and the keys (32
//! each, sorted).

use crate::identity::Identity;
use vault_encoding::Hash;
use vault_governance::{Anchor, ConstellationId, GovernanceKey, Quorum};
use zeroize::Zeroizing;

const WITHOUT_GOVERNANCE: u8 = 1;
const FORMAT: u8 = 2;
const SEED: usize = 32;

/// The trust configuration that was sealed, and who may put another in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sealed {
    pub(crate) trust_root: Hash,
    pub(crate) governance: Option<Anchor>,
}

impl Sealed {
    /// Identity and trust configuration as the root's payload.
    pub(crate) fn to_payload(&self, identity: &Identity) -> Zeroizing<Vec<u8>> {
        let Self {
            trust_root,
            governance,
        } = self;
        // Never grows, so that no copy of the seed is left behind.
        let mut payload = Zeroizing::new(Vec::with_capacity(1024));
        payload.push(FORMAT);
        payload.extend_from_slice(identity.seed());
        payload.extend_from_slice(trust_root.as_bytes());
        let Some(Anchor {
            constellation,
            governance,
        }) = governance
        else {
            payload.push(0);
            return payload;
        };
        payload.push(1);
        payload.extend_from_slice(constellation.0.as_bytes());
        payload.push(governance.threshold());
        // At most 16.
        payload.push(u8::try_from(governance.keys().len()).unwrap_or(u8::MAX));
        for key in governance.keys() {
            payload.extend_from_slice(&key.0);
        }
        payload
    }

    /// What was sealed.
    pub(crate) fn from_payload(payload: &[u8]) -> Option<(Identity, Self)> {
        let (&format, rest) = payload.split_first()?;
        let (seed, rest) = rest.split_first_chunk::<SEED>()?;
        let (trust_root, rest) = rest.split_first_chunk::<32>()?;
        let governance = match (format, rest.split_first()) {
            (WITHOUT_GOVERNANCE, None) => None,
            (FORMAT, Some((0, []))) => None,
            (FORMAT, Some((1, rest))) => Some(anchor(rest)?),
            _ => return None,
        };
        let identity = Identity::from_seed(Zeroizing::new(*seed))?;
        let trust_root = Hash(*trust_root);
        Some((
            identity,
            Self {
                trust_root,
                governance,
            },
        ))
    }
}

fn anchor(bytes: &[u8]) -> Option<Anchor> {
    let (constellation, rest) = bytes.split_first_chunk::<32>()?;
    let (&[threshold, count], keys) = rest.split_first_chunk::<2>()?;
    let (keys, []) = keys.as_chunks::<32>() else {
        return None;
    };
    if keys.len() != usize::from(count) {
        return None;
    }
    let keys = keys.iter().copied().map(GovernanceKey).collect();
    Some(Anchor {
        constellation: ConstellationId(Hash(*constellation)),
        governance: Quorum::new(keys, threshold).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn governed() -> Sealed {
        let keys = vec![GovernanceKey([3; 32]), GovernanceKey([4; 32])];
        Sealed {
            trust_root: Hash([7; 32]),
            governance: Some(Anchor {
                constellation: ConstellationId(Hash([9; 32])),
                governance: Quorum::new(keys, 2).unwrap(),
            }),
        }
    }

    fn alone() -> Sealed {
        Sealed {
            governance: None,
            ..governed()
        }
    }

    #[test]
    fn what_is_sealed_is_the_same_vault_again_and_no_cut_of_it_is_one() {
        let identity = Identity::generate().unwrap();
        for sealed in [governed(), alone()] {
            let payload = sealed.to_payload(&identity);
            let (again, read) = Sealed::from_payload(&payload).unwrap();
            assert_eq!(again.spki(), identity.spki());
            assert_eq!(read, sealed);
            for cut in 0..payload.len() {
                assert!(Sealed::from_payload(&payload[..cut]).is_none(), "{cut}");
            }
            let longer = [payload.as_slice(), &[0]].concat();
            assert!(Sealed::from_payload(&longer).is_none());
        }
    }

    #[test]
    fn the_payload_of_the_first_format_is_a_vault_without_constellation() {
        let identity = Identity::generate().unwrap();
        let first = [&[1][..], identity.seed(), &[7; 32]].concat();
        let (again, read) = Sealed::from_payload(&first).unwrap();
        assert_eq!(again.spki(), identity.spki());
        assert_eq!(read, alone());
    }

    #[test]
    fn a_full_quorum_fits() {
        let keys = (0..16).map(|byte| GovernanceKey([byte; 32])).collect();
        let mut sealed = governed();
        sealed.governance.as_mut().unwrap().governance = Quorum::new(keys, 16).unwrap();
        let payload = sealed.to_payload(&Identity::generate().unwrap());
        assert!(payload.len() <= 1024);
        assert_eq!(Sealed::from_payload(&payload).unwrap().1, sealed);
    }
}
