//! Asking all vaults of a set at once, and judging each by itself.

use super::blob::Parts;
use super::deal;
use super::holder::{self, ShareHolder};
use super::owner::OwnerKey;
use super::record::{Member, SetRecord};
use super::report::{Collected, Failed, Reconstructed, Share, Wait};
use crate::error::{Error, ErrorCode, Result};
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use vault_policy::VaultId;
use zeroize::Zeroizing;

type Answer = Result<Zeroizing<Vec<u8>>>;

/// The secret of the generation in force.
pub(super) async fn reconstruct<H: ShareHolder>(
    owner: &OwnerKey,
    record: &SetRecord,
    holders: &[H],
    wait: Wait,
) -> Result<Reconstructed, Failed> {
    let mut asked: FuturesUnordered<_> = record
        .members
        .iter()
        .enumerate()
        .map(|(index, place)| async move { (index, fetch(holders, place).await) })
        .collect();
    let mut judged = Judged::new(owner, record);
    while wait == Wait::All || !judged.enough() {
        match asked.next().await {
            Some((index, answer)) => judged.judge(index, answer),
            None => break,
        }
    }
    if let Wait::Patience(patience) = wait {
        let rest = async {
            while let Some((index, answer)) = asked.next().await {
                judged.judge(index, answer);
            }
        };
        let _ = tokio::time::timeout(patience, rest).await;
    }
    // Those that have answered meanwhile.
    while let Some(Some((index, answer))) = asked.next().now_or_never() {
        judged.judge(index, answer);
    }
    judged.combine()
}

async fn fetch<H: ShareHolder>(holders: &[H], place: &Member) -> Answer {
    holder::of(holders, place.vault_id)?.get(place.handle).await
}

struct Judged<'a> {
    owner: &'a OwnerKey,
    record: &'a SetRecord,
    states: Vec<Share>,
    good: Vec<(usize, Zeroizing<Vec<u8>>)>,
}

impl<'a> Judged<'a> {
    fn new(owner: &'a OwnerKey, record: &'a SetRecord) -> Self {
        Self {
            owner,
            record,
            states: vec![Share::Unasked; record.members.len()],
            good: Vec::new(),
        }
    }

    fn enough(&self) -> bool {
        self.good.len() >= usize::from(self.record.threshold)
    }

    fn judge(&mut self, index: usize, answer: Answer) {
        let state = match answer {
            Err(error) => Share::Missing(error),
            Ok(blob) if !self.is_authentic(index, &blob) => Share::Wrong,
            Ok(_) if self.enough() => Share::Spare,
            Ok(blob) => {
                self.good.push((index, blob));
                Share::Used
            }
        };
        if let Some(slot) = self.states.get_mut(index) {
            *slot = state;
        }
    }

    /// Made by this owner for this vault and handle, in this generation of this set.
    fn is_authentic(&self, index: usize, blob: &[u8]) -> bool {
        let place = self.record.members.get(index);
        let opened = place.and_then(|place| Parts::parse(blob)?.open(self.owner, place));
        opened == Some(self.record.metadata())
    }

    fn combine(self) -> Result<Reconstructed, Failed> {
        let secret = if self.enough() {
            let parts = self.good.iter().map(|(_, blob)| Parts::parse(blob));
            let parts: Option<Vec<_>> = parts.collect();
            parts.and_then(|parts| deal::gather(&parts))
        } else {
            None
        };
        let enough = self.enough();
        let generation = self.record.generation;
        let collected = self.collected();
        match secret {
            Some(secret) => Ok(Reconstructed {
                secret,
                generation,
                collected,
            }),
            None => Err(Failed {
                collected: collected.clone(),
                ..Failed::from(self.failure(enough, &collected))
            }),
        }
    }

    fn collected(&self) -> Collected {
        let vaults = self.record.members.iter().map(|place| place.vault_id);
        Collected {
            shares: vaults.zip(self.states.iter().cloned()).collect(),
        }
    }

    fn failure(&self, enough: bool, collected: &Collected) -> Error {
        let (good, need) = (self.good.len(), self.record.threshold);
        let wrong = collected.wrong();
        if enough {
            return Error::new(ErrorCode::SharesDamaged)
                .detail("the shares are authentic and do not fit together");
        }
        let name = &self.record.name;
        let found = format!("{name} needs {need} shares, and {good} came");
        match wrong.is_empty() {
            true => Error::new(ErrorCode::TooFewVaults).detail(found),
            false => Error::new(ErrorCode::SharesDamaged)
                .detail(format_args!("{found}; wrong ones from {}", list(&wrong))),
        }
    }
}

fn list(vaults: &[VaultId]) -> String {
    let vaults: Vec<_> = vaults.iter().map(VaultId::to_string).collect();
    vaults.join(", ")
}
