//! Which key a call is about, and whether its policy allows what is asked: policy, usage, type, version.

use crate::api::{Code, KeyRef};
use crate::authorize::Call;
use crate::state::{Body, Found, LiveKey};
use crate::stop::Stop;
use crate::vault::Vault;
use std::sync::Arc;
use vault_policy::{
    Action, Deny, KeyVersion, OidcSubject, Operation, Permit, evaluate, is_principal, type_allows,
    usage_allows,
};

/// A key that lives.
pub(crate) struct Living<'a> {
    pub(crate) live: &'a Arc<LiveKey>,
    /// Size of the log that made the key what it is.
    pub(crate) changed: u64,
}

/// A key whose policy allows the action.
pub(crate) struct Permitted {
    pub(crate) permit: Permit,
    pub(crate) key: Arc<LiveKey>,
    /// Size of the log that made the key what it is.
    pub(crate) changed: u64,
}

impl Vault {
    /// Looks the key up, asks its policy, then whether the type takes such a sender, and whether the key
    /// is in use.
    pub(crate) fn permit(
        &self,
        call: &Call<'_>,
        key: &KeyRef,
        action: Action,
    ) -> Result<Permitted, Stop> {
        let slot = self.living(call, key)?;
        let (live, subject) = (slot.live, slot.live.subject());
        let judged = evaluate(&live.policy, action, &subject, call.facts(), call.time);
        if judged.as_ref().is_err_and(Deny::is_stranger) {
            return Err(self.stranger(call.caller.subject(), key));
        }
        call.brought.sound(&subject)?;
        let stranger = || self.stranger(call.caller.subject(), key);
        let permit =
            judged.map_err(|deny| Stop::denied(&deny, &subject).unwrap_or_else(stranger))?;
        call.sender_gate(live.key_type(), &subject)?;
        live.allows(action)?;
        Ok(Permitted {
            permit,
            key: Arc::clone(live),
            changed: slot.changed,
        })
    }

    /// The key, if it lives and the caller is a principal of it, whose approval, if the call brings one,
    /// is of this very call.
    pub(crate) fn known(&self, call: &Call<'_>, key: &KeyRef) -> Result<Living<'_>, Stop> {
        let slot = self.living(call, key)?;
        if !is_principal(&slot.live.policy, call.facts(), call.time) {
            return Err(self.stranger(call.caller.subject(), key));
        }
        call.brought.sound(&slot.live.subject())?;
        Ok(slot)
    }

    /// The key, if it lives. Nothing is asked of its policy yet.
    fn living(&self, call: &Call<'_>, key: &KeyRef) -> Result<Living<'_>, Stop> {
        let caller = call.caller.subject();
        let slot = match self.state.find(caller, key) {
            Found::Slot(slot) => slot,
            Found::OtherLineage(own) => return Err(Stop::lineage_mismatch(own)),
            Found::Nothing => return Err(Stop::not_found()),
        };
        match &slot.body {
            Body::Live(live) => Ok(Living {
                live,
                changed: slot.changed,
            }),
            Body::Destroyed(gone) if caller == Some(&*slot.owner) => {
                call.sender_gate(gone.key_type, &slot.subject())?;
                let code = Code::NotFound;
                Err(Stop::principal(code, &slot.subject(), "destroyed"))
            }
            Body::Destroyed(_) => Err(self.stranger(caller, key)),
        }
    }

    /// The gate of the sender where an owner is answered before the policy is asked: tombstones,
    /// and repeats of calls. Says whether the key is the caller's own.
    pub(crate) fn gate_own(&self, call: &Call<'_>, key: &KeyRef) -> Result<bool, Stop> {
        let caller = call.caller.subject();
        match self.state.find(caller, key) {
            Found::Slot(slot) if caller == Some(&*slot.owner) => call
                .sender_gate(slot.key_type(), &slot.subject())
                .map(|()| true),
            _ => Ok(false),
        }
    }

    /// The answer to a stranger: that of a lineage that nobody has. Who owns a key of that handle
    /// is told so, as if the lineage that he named were of no key at all.
    fn stranger(&self, caller: Option<&OidcSubject>, key: &KeyRef) -> Stop {
        let without = KeyRef {
            lineage: None,
            ..*key
        };
        match self.state.find(caller, &without) {
            Found::Slot(own) | Found::OtherLineage(own) => Stop::lineage_mismatch(own),
            Found::Nothing => Stop::not_found(),
        }
    }

    /// The way of every operation on a key: policy, then usage, then type, then version.
    pub(crate) fn use_key(
        &self,
        call: &Call<'_>,
        key: &KeyRef,
        operation: Operation,
        version: Option<KeyVersion>,
    ) -> Result<Permitted, Stop> {
        let permitted = self.permit(call, key, Action::Operation(operation))?;
        let live = &permitted.key;
        if !usage_allows(live.policy.usage(), operation) {
            return Err(Stop::principal(Code::UsageDenied, &live.subject(), "usage"));
        }
        if !type_allows(live.key_type(), operation) {
            return Err(Stop::principal(Code::UsageDenied, &live.subject(), "type"));
        }
        if version.is_some_and(|version| version != live.version) {
            return Err(Stop::principal(
                Code::InvalidArgument,
                &live.subject(),
                "no_such_version",
            ));
        }
        Ok(permitted)
    }
}
