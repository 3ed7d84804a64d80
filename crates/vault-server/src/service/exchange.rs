//! `ExchangeHeads`: what callers carry between vaults that never talk to each other.

use super::{Known, Service, wire};
use crate::clock::fill;
use connectrpc::RequestContext;
use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};
use vault_core::{CarriedHead, CarriedHeads, Code, Cost, HEADS_PER_CALL, Refusal};
use vault_policy::VaultId;
use vault_proto::v1;

impl Service {
    /// Gives what was carried here before, then takes what this call carries. A note that no vault
    /// signed refuses the call, and nothing of it is kept.
    pub(super) async fn exchange(
        &self,
        rpc: &RequestContext,
        message: &v1::ExchangeHeadsRequest,
    ) -> Result<Vec<v1::CarriedHead>, Refusal> {
        let known = self.known(rpc)?;
        let about = asked_about(message)?;
        let open = self.0.open()?;
        open.admit(&known.caller, Cost::heads(message.heads.len()))?;
        let taken = self.verified(&known, &message.heads).await?;
        let mut pick = [0; 8];
        fill(&mut pick);
        let _turn = known.tenant.turn().await;
        let mut carried = self.carried();
        let told = about
            .iter()
            .flat_map(|vault| carried.about(vault, u64::from_be_bytes(pick)));
        let told = told.map(|head| to_wire(&head)).collect();
        carried.take(&known.caller, taken);
        Ok(told)
    }

    /// Heads that this caller has not carried before, verified without holding the others up: each is work for
    /// a turn.
    async fn verified(
        &self,
        known: &Known,
        heads: &[v1::CarriedHead],
    ) -> Result<Vec<CarriedHead>, Refusal> {
        let new: Vec<_> = {
            let carried = self.carried();
            let is_new = |head: &&v1::CarriedHead| !carried.holds(&known.caller, &head.checkpoint);
            heads.iter().filter(is_new).collect()
        };
        let mut verified = Vec::with_capacity(new.len());
        for head in new {
            let _turn = known.tenant.turn().await;
            verified.push(CarriedHead::verify(&head.identity_key, &head.checkpoint)?);
        }
        // Of itself a vault knows more than any caller.
        verified.retain(|head| head.vault_id() != self.0.vault_id);
        Ok(verified)
    }

    fn carried(&self) -> MutexGuard<'_, CarriedHeads> {
        let carried = self.0.carried.lock();
        carried.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which vaults are asked about, where the message is within its bounds.
pub(super) fn asked_about(
    message: &v1::ExchangeHeadsRequest,
) -> Result<BTreeSet<VaultId>, Refusal> {
    if message.heads.len().max(message.about.len()) > HEADS_PER_CALL {
        let why = "more than 16 heads, or more than 16 vaults asked about";
        return Err(Refusal::new(Code::InvalidArgument).because(why));
    }
    let about = message.about.iter();
    about
        .map(|vault| vault_proto::hash("about", vault).map(VaultId))
        .collect::<Result<_, _>>()
        .map_err(wire::invalid)
}

fn to_wire(head: &CarriedHead) -> v1::CarriedHead {
    v1::CarriedHead {
        identity_key: head.identity_key(),
        checkpoint: head.note().to_vec(),
        ..Default::default()
    }
}
