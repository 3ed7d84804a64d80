//! What a vault seals about itself: its identity, and the trust configuration that it lives under.
//!
//! The payload of the store's root is a format byte, then the identity's seed (32) and the trust
//! root (32). Format 1 ends there: a vault without governance. Format 2 goes on with the
//! generation (8, big-endian), and, if it is governed: constellation id (32), threshold (1), number
//! of keys (1) and the keys (32 each, sorted). The log holds the same of every change.

use crate::boot::Locked;
use crate::identity::Identity;
use vault_core::InForce;
use vault_encoding::Hash;
use vault_governance::{Anchor, ConstellationId, GovernanceKey, Quorum};
use zeroize::Zeroizing;

const WITHOUT_GOVERNANCE: u8 = 1;
const FORMAT: u8 = 2;
const SEED: usize = 32;

/// The trust configuration that holds, and who may put another in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sealed {
    /// 0 for what the vault was made with; one more with every change.
    pub(crate) generation: u64,
    pub(crate) trust_root: Hash,
    pub(crate) governance: Option<Anchor>,
}

impl Sealed {
    /// Identity and trust configuration as the root's payload.
    pub(crate) fn to_payload(&self, identity: &Identity) -> Zeroizing<Vec<u8>> {
        let Self {
            generation,
            trust_root,
            governance,
        } = self;
        // Never grows, so that no copy of the seed is left behind.
        let mut payload = Zeroizing::new(Vec::with_capacity(1024));
        payload.push(FORMAT);
        payload.extend_from_slice(identity.seed());
        payload.extend_from_slice(trust_root.as_bytes());
        payload.extend_from_slice(&generation.to_be_bytes());
        payload.extend_from_slice(&anchor_bytes(governance.as_ref()));
        payload
    }

    /// What was sealed.
    pub(crate) fn from_payload(payload: &[u8]) -> Option<(Identity, Self)> {
        let (&format, rest) = payload.split_first()?;
        let (seed, rest) = rest.split_first_chunk::<SEED>()?;
        let (trust_root, rest) = rest.split_first_chunk::<32>()?;
        let (generation, rest) = match format {
            WITHOUT_GOVERNANCE => (&[0; 8], rest),
            FORMAT => rest.split_first_chunk::<8>()?,
            _ => return None,
        };
        if format == WITHOUT_GOVERNANCE && !rest.is_empty() {
            return None;
        }
        let sealed = Self {
            generation: u64::from_be_bytes(*generation),
            trust_root: Hash(*trust_root),
            governance: anchor(rest)?,
        };
        Some((Identity::from_seed(Zeroizing::new(*seed))?, sealed))
    }

    /// What the log is told.
    pub(crate) fn to_log(&self) -> InForce {
        InForce {
            generation: self.generation,
            trust_root: self.trust_root,
            governance: anchor_bytes(self.governance.as_ref()),
        }
    }

    /// What holds, by the last change in the log. The log comes first: it is ahead by a change
    /// that was not sealed before a crash, or by those that a host took back with an old root. A
    /// log that is behind was taken back itself.
    pub(crate) fn with_log(self, logged: Option<&InForce>) -> Result<Self, Locked> {
        let Some(logged) = logged else {
            return match self.generation {
                0 => Ok(self),
                _ => Err(Locked::OlderLog),
            };
        };
        let newest = Self {
            generation: logged.generation,
            trust_root: logged.trust_root,
            governance: anchor(&logged.governance).ok_or(Locked::OlderLog)?,
        };
        if newest.generation > self.generation || newest == self {
            Ok(newest)
        } else {
            Err(Locked::OlderLog)
        }
    }

    /// What holds once the vault opens under this configuration; `Err` if it may not. A quorum
    /// that the trust root names, and that a change ahead of its configuration could not know,
    /// is the next generation.
    pub(crate) fn admit(&self, configured: &Configured) -> Result<Self, Locked> {
        if self.trust_root != configured.trust_root {
            return Err(Locked::TrustConfiguration);
        }
        if self.governance == configured.governance {
            return Ok(self.clone());
        }
        let id = |anchor: &Option<Anchor>| anchor.as_ref().map(|anchor| anchor.constellation);
        if id(&self.governance) != id(&configured.governance) {
            return Err(Locked::Constellation);
        }
        self.followed_by(configured.trust_root, configured.governance.clone())
            .ok_or(Locked::OlderLog)
    }

    /// The next generation; `None` after the last number.
    pub(crate) fn followed_by(&self, trust_root: Hash, governance: Option<Anchor>) -> Option<Self> {
        Some(Self {
            generation: self.generation.checked_add(1)?,
            trust_root,
            governance,
        })
    }
}

/// Payload of a root, written again, for the fuzzer; `None` if it is none.
#[cfg(feature = "fuzzing")]
pub fn reread(payload: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (identity, sealed) = Sealed::from_payload(payload)?;
    Some(sealed.to_payload(&identity))
}

/// What the configuration file says.
#[derive(Clone, Debug)]
pub(crate) struct Configured {
    pub(crate) trust_root: Hash,
    pub(crate) governance: Option<Anchor>,
}

impl Configured {
    /// What a new vault seals.
    pub(crate) fn first(&self) -> Sealed {
        Sealed {
            generation: 0,
            trust_root: self.trust_root,
            governance: self.governance.clone(),
        }
    }
}

/// Empty without governance.
fn anchor_bytes(anchor: Option<&Anchor>) -> Vec<u8> {
    let Some(Anchor {
        constellation,
        governance,
    }) = anchor
    else {
        return Vec::new();
    };
    let mut bytes = constellation.0.as_bytes().to_vec();
    bytes.push(governance.threshold());
    // At most 16.
    bytes.push(u8::try_from(governance.keys().len()).unwrap_or(u8::MAX));
    for key in governance.keys() {
        bytes.extend_from_slice(&key.0);
    }
    bytes
}

/// `Some(None)` without governance; `None` if the bytes are neither.
fn anchor(bytes: &[u8]) -> Option<Option<Anchor>> {
    if bytes.is_empty() {
        return Some(None);
    }
    let (constellation, rest) = bytes.split_first_chunk::<32>()?;
    let (&[threshold, count], keys) = rest.split_first_chunk::<2>()?;
    let (keys, []) = keys.as_chunks::<32>() else {
        return None;
    };
    if keys.len() != usize::from(count) {
        return None;
    }
    let keys = keys.iter().copied().map(GovernanceKey).collect();
    let anchor = Some(Anchor {
        constellation: ConstellationId(Hash(*constellation)),
        governance: Quorum::new(keys, threshold).ok()?,
    });
    // In another order they are another spelling.
    (anchor_bytes(anchor.as_ref()) == bytes).then_some(anchor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn governed() -> Sealed {
        let keys = vec![GovernanceKey([3; 32]), GovernanceKey([4; 32])];
        Sealed {
            generation: 7,
            trust_root: Hash([7; 32]),
            governance: Some(Anchor {
                constellation: ConstellationId(Hash([9; 32])),
                governance: Quorum::new(keys, 2).unwrap(),
            }),
        }
    }

    fn alone() -> Sealed {
        Sealed {
            generation: 0,
            governance: None,
            ..governed()
        }
    }

    fn configured(sealed: &Sealed) -> Configured {
        Configured {
            trust_root: sealed.trust_root,
            governance: sealed.governance.clone(),
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
                let read = Sealed::from_payload(&payload[..cut]);
                // Without its governance it is a vault that nobody can change.
                assert!(read.is_none() || cut == 73, "{cut}");
            }
            let longer = [payload.as_slice(), &[0]].concat();
            assert!(Sealed::from_payload(&longer).is_none());
        }
    }

    #[test]
    fn the_payload_of_the_first_format_is_a_vault_without_governance() {
        let identity = Identity::generate().unwrap();
        let first = [&[1][..], identity.seed(), &[7; 32]].concat();
        let (again, read) = Sealed::from_payload(&first).unwrap();
        assert_eq!(again.spki(), identity.spki());
        assert_eq!(read, alone());
        assert!(Sealed::from_payload(&[&first[..], &[0]].concat()).is_none());
    }

    /// Payloads of the stores in the tree, sealed under 32 bytes 0x60.
    #[test]
    fn the_roots_of_every_format_that_was_written_open_for_ever() {
        for (name, seed) in [("1-log-only", 1), ("1-alone", 2), ("2-governed", 3)] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../vault-test/golden");
            let bytes = std::fs::read(format!("{folder}/{name}/root.sealed")).unwrap();
            let mut disk = vault_store::faulty::SimulatedDisk::new();
            disk.overwrite("root.sealed", &bytes);
            let seal = vault_store::PlatformSeal::new(Zeroizing::new([0x60; 32]));
            let root = match vault_store::read_root(&mut disk, &seal).unwrap() {
                vault_store::RootState::Present(root) => root,
                vault_store::RootState::FirstBoot => panic!(),
            };
            let (identity, read) = Sealed::from_payload(&root.payload).unwrap();
            assert_eq!(identity.seed(), &[seed; 32]);
            assert_eq!(root.vault_id, *identity.vault_id().0.as_bytes());
            assert_eq!((read.generation, read.trust_root), (0, Hash([0x77; 32])));
            assert_eq!(read.governance, None);
        }
    }

    #[test]
    fn a_quorum_has_one_spelling() {
        let mut bytes = anchor_bytes(governed().governance.as_ref());
        assert_eq!(anchor(&bytes), Some(governed().governance));
        let (first, second) = bytes[34..].split_at_mut(32);
        first.swap_with_slice(second);
        assert_eq!(anchor(&bytes), None);
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

    #[test]
    fn the_log_is_believed_where_it_is_ahead_and_nothing_opens_where_it_is_behind() {
        let old = governed();
        let new = old
            .followed_by(Hash([8; 32]), old.governance.clone())
            .unwrap();
        let (behind, ahead) = (old.to_log(), new.to_log());
        assert_eq!(old.clone().with_log(Some(&behind)), Ok(old.clone()));
        assert_eq!(old.clone().with_log(Some(&ahead)), Ok(new.clone()));
        assert_eq!(new.clone().with_log(Some(&behind)), Err(Locked::OlderLog));
        assert_eq!(new.clone().with_log(None), Err(Locked::OlderLog));
        assert_eq!(alone().with_log(None), Ok(alone()));
        let mut other = ahead;
        other.trust_root = Hash([9; 32]);
        assert_eq!(new.with_log(Some(&other)), Err(Locked::OlderLog));
    }

    #[test]
    fn only_the_configuration_that_holds_opens_with_the_quorum_that_it_names() {
        let held = governed();
        assert_eq!(held.admit(&configured(&held)), Ok(held.clone()));
        let mut other = configured(&held);
        other.trust_root = Hash([8; 32]);
        assert_eq!(held.admit(&other), Err(Locked::TrustConfiguration));
        let mut rotated = configured(&held);
        let next = Quorum::new(vec![GovernanceKey([5; 32])], 1).unwrap();
        rotated.governance.as_mut().unwrap().governance = next;
        let adopted = held.admit(&rotated).unwrap();
        assert_eq!(adopted.generation, held.generation + 1);
        assert_eq!(adopted.governance, rotated.governance);
        rotated.governance.as_mut().unwrap().constellation.0.0[0] ^= 1;
        assert_eq!(held.admit(&rotated), Err(Locked::Constellation));
        rotated.governance = None;
        assert_eq!(held.admit(&rotated), Err(Locked::Constellation));
    }
}
