//! Finding secrets again with nothing but the shares: combinations of one share of each of some
//! vaults are tried, few vaults first, until one makes a payload. The payload's magic bytes
//! discard a wrong combination after eight bytes of arithmetic.

use super::blob::Parts;
use super::deal;
use super::holder::ShareHolder;
use super::payload::MAGIC;
use super::record::{Member, count};
use super::recover::{Found, search};
use super::report::{RecoveredSet, Recovery};
use std::collections::BTreeMap;
use vault_policy::VaultId;
use vault_shamir::MIN_THRESHOLD;

/// Combinations that are tried for all secrets together. About a microsecond each.
pub(super) const MAX_TRIALS: u64 = 20_000_000;

pub(super) async fn recover<H: ShareHolder>(holders: &[H]) -> Recovery {
    let (found, failures) = search(holders).await;
    let mut recovery = Recovery {
        failures,
        ..Recovery::default()
    };
    let mut trials = MAX_TRIALS;
    for shares in by_class(&found) {
        decode(shares, &mut trials, &mut recovery);
    }
    recovery.gave_up = trials == 0;
    recovery
}

type Share<'a> = (&'a Found, Parts<'a>);

/// Shares of one secret are all of one length.
fn by_class(found: &[Found]) -> Vec<Vec<Share<'_>>> {
    let mut classes: BTreeMap<usize, Vec<Share<'_>>> = BTreeMap::new();
    for share in found {
        if let Some(parts) = Parts::parse(&share.blob) {
            let class = classes.entry(share.blob.len()).or_default();
            class.push((share, parts));
        }
    }
    classes.into_values().collect()
}

fn decode(mut shares: Vec<Share<'_>>, trials: &mut u64, recovery: &mut Recovery) {
    let mut size = usize::from(MIN_THRESHOLD);
    loop {
        let columns = columns(&shares);
        if size > columns.len() {
            break;
        }
        let mut search = Search {
            columns: &columns,
            size,
            trials,
            chosen: Vec::new(),
        };
        match search.run(0) {
            Some(set) => {
                let members = set.members.clone();
                shares.retain(|(share, _)| !members.contains(&share.place));
                recovery.sets.push(set);
            }
            None if *trials == 0 => break,
            None => size += 1,
        }
    }
    for (share, _) in shares {
        recovery.leave(share);
    }
}

fn columns<'a>(shares: &[Share<'a>]) -> Vec<Vec<Share<'a>>> {
    let mut columns: BTreeMap<VaultId, Vec<Share<'a>>> = BTreeMap::new();
    for (share, parts) in shares {
        let column = columns.entry(share.place.vault_id).or_default();
        column.push((share, *parts));
    }
    columns.into_values().collect()
}

struct Search<'s, 'a> {
    /// The shares of each vault.
    columns: &'s [Vec<Share<'a>>],
    size: usize,
    trials: &'s mut u64,
    chosen: Vec<Share<'a>>,
}

impl Search<'_, '_> {
    /// Chooses from the columns from `from` on until `size` are chosen and fit.
    fn run(&mut self, from: usize) -> Option<RecoveredSet> {
        if self.chosen.len() == self.size {
            return self.fits();
        }
        let missing = self.size - self.chosen.len();
        for index in from..=self.columns.len().checked_sub(missing)? {
            for share in self.columns.get(index)? {
                self.chosen.push(*share);
                let found = self.run(index + 1);
                self.chosen.pop();
                if found.is_some() || *self.trials == 0 {
                    return found;
                }
            }
        }
        None
    }

    fn fits(&mut self) -> Option<RecoveredSet> {
        *self.trials = self.trials.checked_sub(1)?;
        let mut starts = Vec::with_capacity(self.size);
        for (_, parts) in &self.chosen {
            starts.push((parts.x, parts.y.get(..MAGIC.len())?));
        }
        let start = vault_shamir::interpolate(&starts, 0).ok()?;
        if start.as_slice() != MAGIC {
            return None;
        }
        let parts: Vec<_> = self.chosen.iter().map(|(_, parts)| *parts).collect();
        let secret = deal::gather(&parts)?;
        let points: Vec<_> = parts.iter().map(|part| (part.x, part.y)).collect();
        let members = self.members(&points);
        Some(RecoveredSet {
            secret,
            set_id: None,
            generation: None,
            newest_generation: 0,
            threshold: u8::try_from(self.size).unwrap_or(u8::MAX),
            shares: count(&members),
            complete: false,
            members,
            retired: Vec::new(),
            others: Vec::new(),
        })
    }

    /// The places of all shares on these polynomials.
    fn members(&self, points: &[(u8, &[u8])]) -> Vec<Member> {
        let all = self.columns.iter().flatten();
        let on_it = all.filter(|(_, parts)| {
            vault_shamir::interpolate(points, parts.x).is_ok_and(|y| y.as_slice() == parts.y)
        });
        on_it.map(|(share, _)| share.place).collect()
    }
}
