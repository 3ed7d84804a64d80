//! Split secrets on the members of a constellation: any member may hold a share, and a member
//! that cannot be reached is told as that, whatever becomes of the others.

use super::Constellation;
use super::holder::{Done, Holder, Receipts};
use super::outcome::Outcomes;
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{
    Activated, Failed, Reconstructed, Recovery, Secrets, SetRecord, ShareHolder, Wait,
};
use std::collections::BTreeMap;
use vault_governance::Member;
use vault_policy::VaultId;

/// An owner's split secrets and the vaults that hold the shares.
pub struct SplitSecrets {
    constellation: Constellation,
    secrets: Secrets,
    holders: Vec<Holder>,
    receipts: Receipts,
}

impl Constellation {
    /// Every member as a holder of shares, in the order of the manifest.
    pub fn holders(&self) -> Vec<Holder> {
        self.holders_with(&Receipts::default())
    }

    fn holders_with(&self, receipts: &Receipts) -> Vec<Holder> {
        let vaults = self.vault_ids().into_iter();
        vaults
            .map(|vault| Holder::new(self.clone(), vault, receipts.clone()))
            .collect()
    }

    /// The owner's split secrets on these vaults.
    pub fn secrets(&self, secrets: Secrets) -> SplitSecrets {
        let receipts = Receipts::default();
        SplitSecrets {
            constellation: self.clone(),
            holders: self.holders_with(&receipts),
            secrets,
            receipts,
        }
    }
}

impl SplitSecrets {
    /// The vaults.
    pub fn constellation(&self) -> &Constellation {
        &self.constellation
    }

    /// The records.
    pub fn records(&self) -> &Secrets {
        &self.secrets
    }

    /// The last thing that each vault confirmed since this was made.
    pub fn receipts(&self) -> BTreeMap<VaultId, Done> {
        self.receipts.all()
    }

    /// Up to `shares` members other than `besides` on which shares are best spread: those that can
    /// be reached now, of as many operators and machines as there are.
    pub async fn spread(&self, shares: usize, besides: &[VaultId]) -> (Vec<VaultId>, Outcomes<()>) {
        let mut free = self.constellation.vault_ids();
        free.retain(|vault| !besides.contains(vault));
        let constellation = &self.constellation;
        let reached = constellation
            .gather(&free, shares, |_| async { Ok(()) })
            .await;
        let reachable: Vec<_> = reached.succeeded().map(|(vault, ())| vault).collect();
        let picked = spread(self.constellation.members(), &reachable, shares);
        (picked, reached)
    }

    /// Splits a secret over these vaults, so that any `threshold` of them give it back.
    pub async fn split(
        &self,
        vaults: &[VaultId],
        name: &str,
        secret: &[u8],
        threshold: u8,
        policy: Vec<u8>,
    ) -> Result<Activated, Failed> {
        let holders = self.of(vaults)?;
        self.secrets
            .split(&holders, name, secret, threshold, policy)
            .await
    }

    /// Gets a secret back from the vaults of its record, all asked at once.
    pub async fn reconstruct(&self, name: &str, wait: Wait) -> Result<Reconstructed, Failed> {
        self.secrets.reconstruct(&self.holders, name, wait).await
    }

    /// Shares the secret anew over the same vaults; the old shares are worth nothing after it.
    pub async fn refresh(&self, name: &str, policy: Option<Vec<u8>>) -> Result<Activated, Failed> {
        self.secrets.refresh(&self.holders, name, policy).await
    }

    /// Shares the secret anew without some vaults and with others.
    pub async fn repair(
        &self,
        name: &str,
        without: &[VaultId],
        with: &[VaultId],
        policy: Option<Vec<u8>>,
    ) -> Result<Activated, Failed> {
        self.secrets
            .repair(&self.holders, name, without, with, policy)
            .await
    }

    /// Destroys every share of a secret.
    pub async fn destroy(&self, name: &str) -> Result<(), Failed> {
        self.secrets.destroy(&self.holders, name).await
    }

    /// Finds the owner's secrets on all members without their records.
    pub async fn recover(&self) -> Recovery {
        self.secrets.recover(&self.holders).await
    }

    /// Finds secrets on all members without records and without the owner key, by trying.
    pub async fn recover_without_owner(&self) -> Recovery {
        Secrets::recover_without_owner(&self.holders).await
    }

    /// Vaults of a record that are not in the manifest any more.
    pub fn strangers(&self, record: &SetRecord) -> Vec<VaultId> {
        let manifest = self.constellation.manifest();
        let vaults = record.members.iter().map(|place| place.vault_id);
        vaults
            .filter(|vault| manifest.member(vault).is_none())
            .collect()
    }

    fn of(&self, vaults: &[VaultId]) -> Result<Vec<Holder>> {
        let find = |vault: &VaultId| {
            let mut holders = self.holders.iter();
            let found = holders.find(|holder| ShareHolder::vault_id(*holder) == *vault);
            found.cloned().ok_or_else(|| {
                Error::new(ErrorCode::InvalidArgument)
                    .vault(*vault)
                    .detail(format_args!("the manifest has no vault {vault}"))
            })
        };
        vaults.iter().map(find).collect()
    }
}

/// Picks `count` of `reachable`, each time one whose operator, and then whose machine, holds the
/// fewest so far; among equals the first of the manifest. In the order of the manifest.
fn spread(members: &[Member], reachable: &[VaultId], count: usize) -> Vec<VaultId> {
    let mut free: Vec<_> = members
        .iter()
        .filter(|member| reachable.contains(&member.vault_id))
        .collect();
    let mut operators: BTreeMap<&str, usize> = BTreeMap::new();
    let mut machines: BTreeMap<_, usize> = BTreeMap::new();
    let mut picked = Vec::new();
    while picked.len() < count {
        let load = |member: &&Member| {
            let operator = operators.get(member.operator.as_str()).copied();
            let machine = machines.get(&member.platform_id).copied();
            (operator.unwrap_or(0), machine.unwrap_or(0))
        };
        let Some(at) = (0..free.len()).min_by_key(|at| free.get(*at).map(load)) else {
            break;
        };
        let member = free.remove(at);
        *operators.entry(&member.operator).or_default() += 1;
        *machines.entry(member.platform_id).or_default() += 1;
        picked.push(member.vault_id);
    }
    picked.sort_unstable();
    picked
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::Hash;
    use vault_policy::{Measurement, PlatformId};

    fn member(number: u8, operator: &str, machine: u8) -> Member {
        Member {
            vault_id: VaultId(Hash([number; 32])),
            platform_id: PlatformId(Hash([machine; 32])),
            measurement: Measurement(Hash([9; 32])),
            trust_root: Hash([8; 32]),
            operator: operator.to_owned(),
        }
    }

    #[test]
    fn shares_go_to_as_many_operators_and_machines_as_there_are() {
        let members = [
            member(1, "ann", 1),
            member(2, "ann", 1),
            member(3, "ann", 2),
            member(4, "bob", 3),
            member(5, "cyn", 4),
        ];
        let all: Vec<_> = members.iter().map(|member| member.vault_id).collect();
        let picked = |reachable: &[VaultId], count| -> Vec<u8> {
            let picked = spread(&members, reachable, count);
            picked.iter().map(|vault| vault.0.0[0]).collect()
        };
        assert_eq!(picked(&all, 3), [1, 4, 5]);
        assert_eq!(picked(&all, 4), [1, 3, 4, 5]);
        assert_eq!(picked(&all[..4], 3), [1, 3, 4]);
        assert_eq!(picked(&all, 9), [1, 2, 3, 4, 5]);
    }
}
