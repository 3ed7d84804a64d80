//! Split secrets on the members of a constellation: any member may hold a share, and a member
//! that cannot be reached is told as that, whatever becomes of the others.

use super::Constellation;
use super::outcome::Outcomes;
use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{
    Activated, Failed, Reconstructed, Recovery, Secrets, SetRecord, ShareHolder, Wait,
};
use std::collections::BTreeMap;
use std::future::Future;
use vault_governance::Member;
use vault_policy::{KeyHandle, VaultId};
use zeroize::Zeroizing;

/// One member as a holder of shares. It is connected when its first call is made, and looked for
/// anew after its connection was lost.
#[derive(Clone, Debug)]
pub struct Holder {
    constellation: Constellation,
    vault: VaultId,
}

impl Holder {
    async fn ask<T, F, R>(&self, call: F) -> Result<T>
    where
        F: Fn(Client) -> R + Send + Sync,
        R: Future<Output = Result<T>> + Send,
    {
        self.constellation.answer(self.vault, &call).await
    }
}

impl ShareHolder for Holder {
    fn vault_id(&self) -> VaultId {
        self.vault
    }

    async fn put(
        &self,
        handle: KeyHandle,
        policy: Vec<u8>,
        share: Zeroizing<Vec<u8>>,
    ) -> Result<()> {
        let (policy, share) = (&policy, &share);
        self.ask(|client| async move {
            let share = Zeroizing::new(share.to_vec());
            ShareHolder::put(&client, handle, policy.clone(), share).await
        })
        .await
    }

    async fn get(&self, handle: KeyHandle) -> Result<Zeroizing<Vec<u8>>> {
        self.ask(|client| async move { ShareHolder::get(&client, handle).await })
            .await
    }

    async fn list(&self) -> Result<Vec<KeyHandle>> {
        self.ask(|client| async move { ShareHolder::list(&client).await })
            .await
    }

    async fn destroy(&self, handle: KeyHandle) -> Result<()> {
        self.ask(|client| async move { ShareHolder::destroy(&client, handle).await })
            .await
    }
}

/// An owner's split secrets and the vaults that hold the shares.
pub struct SplitSecrets {
    constellation: Constellation,
    secrets: Secrets,
    holders: Vec<Holder>,
}

impl Constellation {
    /// Every member as a holder of shares, in the order of the manifest.
    pub fn holders(&self) -> Vec<Holder> {
        let holder = |vault| Holder {
            constellation: self.clone(),
            vault,
        };
        self.vault_ids().into_iter().map(holder).collect()
    }

    /// The owner's split secrets on these vaults.
    pub fn secrets(&self, secrets: Secrets) -> SplitSecrets {
        SplitSecrets {
            constellation: self.clone(),
            holders: self.holders(),
            secrets,
        }
    }
}

impl SplitSecrets {
    /// The records.
    pub fn records(&self) -> &Secrets {
        &self.secrets
    }

    /// The members on which `shares` shares are best spread: those that can be reached, of as many
    /// operators and machines as there are.
    pub async fn spread(&self, shares: usize, besides: &[VaultId]) -> Result<Vec<VaultId>> {
        let all = self.constellation.vault_ids();
        let free: Vec<_> = all
            .into_iter()
            .filter(|vault| !besides.contains(vault))
            .collect();
        let reached: Outcomes<()> = self.constellation.each(&free, |_| async { Ok(()) }).await;
        if let Some(error) = reached
            .error(shares)
            .filter(|error| error.code != ErrorCode::Partial)
        {
            return Err(error);
        }
        let reachable: Vec<_> = reached.succeeded().map(|(vault, ())| vault).collect();
        let members = self.constellation.members();
        Ok(spread(members, &reachable, shares))
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
    pub async fn recover(&self) -> Result<Recovery> {
        self.secrets.recover(&self.holders).await
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
            let found = self.holders.iter().find(|holder| holder.vault == *vault);
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
