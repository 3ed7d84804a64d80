//! `ExchangeHeads`: what callers carry between vaults that never talk to each other.

use super::{Service, caller, wire};
use connectrpc::RequestContext;
use std::sync::PoisonError;
use vault_core::{Caller, CarriedHead, Code, HEADS_PER_CALL, Refusal};
use vault_policy::VaultId;
use vault_proto::v1;

impl Service {
    /// Gives what was carried here before, then takes what this call carries. A note that no vault
    /// signed refuses the call, and nothing of it is kept.
    pub(super) fn exchange(
        &self,
        rpc: &RequestContext,
        message: &v1::ExchangeHeadsRequest,
    ) -> Result<Vec<v1::CarriedHead>, Refusal> {
        let known = caller(rpc)?.0?;
        let caller = &*known.caller;
        if message.heads.len().max(message.about.len()) > HEADS_PER_CALL {
            let why = "more than 16 heads, or more than 16 vaults asked about";
            return Err(Refusal::new(Code::InvalidArgument).because(why));
        }
        let about = message
            .about
            .iter()
            .map(|vault| vault_proto::hash("about", vault).map(VaultId))
            .collect::<Result<Vec<_>, _>>()
            .map_err(wire::invalid)?;
        let taken = self.verified(caller, &message.heads)?;
        let mut carried = self
            .0
            .carried
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let told = about.iter().flat_map(|vault| carried.about(vault));
        let told = told.map(|head| to_wire(&head)).collect();
        carried.take(caller, taken);
        Ok(told)
    }

    /// Heads that this caller has not carried before, verified without holding the others up.
    fn verified(
        &self,
        caller: &Caller,
        heads: &[v1::CarriedHead],
    ) -> Result<Vec<CarriedHead>, Refusal> {
        let new: Vec<_> = {
            let carried = self
                .0
                .carried
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let is_new = |head: &&v1::CarriedHead| !carried.holds(caller, &head.checkpoint);
            heads.iter().filter(is_new).collect()
        };
        let verify =
            |head: &v1::CarriedHead| CarriedHead::verify(&head.identity_key, &head.checkpoint);
        let mut verified = new.into_iter().map(verify).collect::<Result<Vec<_>, _>>()?;
        // Of itself a vault knows more than any caller.
        verified.retain(|head| head.vault_id() != self.0.vault_id);
        Ok(verified)
    }
}

fn to_wire(head: &CarriedHead) -> v1::CarriedHead {
    v1::CarriedHead {
        identity_key: head.identity_key(),
        checkpoint: head.note().to_vec(),
        ..Default::default()
    }
}
