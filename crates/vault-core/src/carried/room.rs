//! Who makes room for another one.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use vault_audit::Principal;
use vault_encoding::Hash;

/// What a principal is made by. Whoever has one makes as many principals as they like.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Issuer(String),
    Machine(Hash),
    /// Anybody.
    Certificates,
}

impl Origin {
    pub(super) fn of(who: &Principal) -> Self {
        match who {
            Principal::Oidc { issuer, .. } => Self::Issuer(issuer.clone()),
            Principal::Enclave { platform, .. } | Principal::Td { platform, .. } => {
                Self::Machine(*platform)
            }
            Principal::Certificate { .. } => Self::Certificates,
        }
    }
}

/// Of all that is held, with those whose it is and its age: the oldest of the origin that has the most, once one of
/// `comes` is there as well. What several have counts for the one of them that has the fewest.
pub(super) fn oldest_of_most<K>(held: Vec<(K, &[Origin], u64)>, comes: &Origin) -> Option<K> {
    let mut counts: BTreeMap<&Origin, usize> = BTreeMap::new();
    let all = held.iter().flat_map(|(_, origins, _)| *origins);
    for origin in all.chain([comes]) {
        *counts.entry(origin).or_default() += 1;
    }
    let fewest = |origins: &[Origin]| {
        origins
            .iter()
            .filter_map(|of| counts.get(of))
            .min()
            .copied()
    };
    let rank = |(origins, at): (&[Origin], u64)| (fewest(origins), Reverse(at));
    let ranks: Vec<_> = held.iter().map(|(_, of, at)| rank((of, *at))).collect();
    let goes = held.into_iter().zip(ranks).max_by_key(|(_, rank)| *rank);
    goes.map(|((key, _, _), _)| key)
}
