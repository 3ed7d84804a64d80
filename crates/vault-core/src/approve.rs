//! Approvals that calls bring. The nonce is taken out before anything else; then the statement is built anew
//! from the call as it was received, and what was signed is held to that.

mod form;

use crate::api::{CallContext, Code, KeyRef, Refusal, Request};
use crate::authorize::Call;
use crate::caller::{Caller, Principal};
use crate::state::{Body, Found, LiveKey};
use crate::stop::Stop;
use crate::vault::Vault;
use std::sync::{MutexGuard, PoisonError};
use vault_approval::{
    Approval, ApprovalFault, ApprovalRequest, Approvals, Held, Nonce, Nonces, Opened, Statement,
    verify_approval,
};
use vault_encoding::Hash;
use vault_policy::{
    Credential, Facts, Fido2Credential, KeyPolicy, KeySubject, KeyVersion, Lineage, OidcSubject,
    PolicyHash, PolicyVersion, UnixSeconds,
};

pub(crate) use form::{Asked, IN_THE_CIPHERTEXT};

/// What became of the approval that a call brings.
pub(crate) enum Brought {
    /// It brings none.
    Nothing,
    /// It is of this very call.
    Verified(Box<Verified>),
    /// It is worth nothing. Only a principal of the key is told.
    Fault(ApprovalFault),
}

/// An approval of this very call.
pub(crate) struct Verified {
    /// The caller's, and who approved.
    facts: Facts,
    approvals: Approvals,
    /// Digests of the credentials whose counter went back.
    went_back: Vec<Hash>,
}

impl Brought {
    /// The facts with those who approved, if an approval was verified.
    pub(crate) fn facts(&self) -> Option<&Facts> {
        match self {
            Self::Verified(verified) => Some(&verified.facts),
            Self::Nothing | Self::Fault(_) => None,
        }
    }

    /// What the leaf says of it.
    pub(crate) fn logged(&self) -> Vec<Hash> {
        match self {
            Self::Verified(verified) => verified.approvals.logged(),
            Self::Nothing | Self::Fault(_) => Vec::new(),
        }
    }

    /// What the leaf says beside the outcome: authenticators that may have a copy.
    pub(crate) fn note(&self) -> String {
        match self {
            Self::Verified(verified) => {
                let each = verified.went_back.iter();
                each.map(|credential| format!("; counter of {credential} went back"))
                    .collect()
            }
            Self::Nothing | Self::Fault(_) => String::new(),
        }
    }

    /// Refuses a principal of the key whose approval is worth nothing.
    pub(crate) fn sound(&self, subject: &KeySubject) -> Result<(), Stop> {
        match self {
            Self::Nothing | Self::Verified(_) => Ok(()),
            Self::Fault(fault) => Err(Stop::approval(*fault, subject)),
        }
    }
}

impl Stop {
    /// To a principal of the key: which check an approval did not pass.
    pub(crate) fn approval(fault: ApprovalFault, subject: &KeySubject) -> Self {
        let mut stop = Self::principal(Code::ApprovalRefused, subject, fault.code());
        if let Self::Principal { refusal, .. } = &mut stop {
            refusal.detail = Some(fault.to_string());
        }
        stop
    }
}

impl Vault {
    /// The open nonces. A panic elsewhere leaves the table whole: every change of it is one call.
    pub(crate) fn nonces(&self) -> MutexGuard<'_, Nonces<Principal>> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Spends the nonce that a call brings, if this caller began it.
    pub(crate) fn take_nonce(&self, caller: &Caller, context: &CallContext) -> Option<Opened> {
        let approval = context.approval.as_ref()?;
        self.nonces().take(&approval.nonce, &caller.beginner())
    }

    /// What becomes of the approval that a call brings. A call that is not about one key is refused for
    /// bringing one.
    pub(crate) fn consume(
        &self,
        call: &Call<'_>,
        request: &Request,
        opened: Option<Opened>,
    ) -> Result<Brought, Refusal> {
        let Some(approval) = &call.context.approval else {
            return Ok(Brought::Nothing);
        };
        if form::key_of(request).is_none() {
            let fault = ApprovalFault::NotApprovable;
            return Err(Refusal::new(Code::ApprovalRefused).because(fault.to_string()));
        }
        Ok(match self.verify(call, request, approval, opened) {
            Ok(verified) => Brought::Verified(Box::new(verified)),
            Err(fault) => Brought::Fault(fault),
        })
    }

    fn verify(
        &self,
        call: &Call<'_>,
        request: &Request,
        approval: &Approval,
        opened: Option<Opened>,
    ) -> Result<Verified, ApprovalFault> {
        let opened = opened.ok_or(ApprovalFault::Nonce)?;
        let asked = Asked::of(request).ok_or(ApprovalFault::NotApprovable)?;
        let key = self.live(call, &asked.key);
        // The work is the same where there is no such key: payloads take long to be hashed.
        let subject = key.map_or_else(|| nothing(&asked.key), LiveKey::subject);
        let request = asked.request(&subject);
        let request = request.ok_or(ApprovalFault::NotApprovable)?;
        let (nonce, until) = (opened.nonce(), opened.not_after());
        let statement = self.statement(call.caller, &subject, request, nonce, until);
        let key = key.ok_or(ApprovalFault::OtherRequest)?;
        let approvals = verify_approval(
            approval,
            opened,
            &Held {
                statement: &statement,
                credentials: &credentials(&key.policy),
                subjects: &subjects(&key.policy),
                vault_key: self.key.public(),
                now: call.time,
            },
        )?;
        let facts = Facts {
            approvals: approvals.approved().to_vec(),
            ..call.caller.facts().clone()
        };
        let went_back = self.gone_back(&approvals);
        Ok(Verified {
            facts,
            approvals,
            went_back,
        })
    }

    fn gone_back(&self, approvals: &Approvals) -> Vec<Hash> {
        let counters = self.counters.lock();
        let mut counters = counters.unwrap_or_else(PoisonError::into_inner);
        let each = approvals.counters().iter();
        each.filter(|(credential, counter)| counters.went_back(*credential, *counter))
            .map(|(credential, _)| *credential)
            .collect()
    }

    /// The key that a call names, if there is one that lives; whether the caller may know of it is for
    /// the policy to say.
    pub(crate) fn live(&self, call: &Call<'_>, key: &KeyRef) -> Option<&LiveKey> {
        match self.state.find(call.caller.subject(), key) {
            Found::Slot(slot) => match &slot.body {
                Body::Live(live) => Some(live),
                Body::Destroyed(_) => None,
            },
            Found::OtherLineage(_) | Found::Nothing => None,
        }
    }

    /// The statement of this vault over a request of this caller.
    pub(crate) fn statement(
        &self,
        caller: &Caller,
        subject: &KeySubject,
        request: ApprovalRequest,
        nonce: Nonce,
        not_after: UnixSeconds,
    ) -> Statement {
        let KeySubject {
            handle,
            lineage,
            version: _,
            policy_hash,
            policy_version,
        } = *subject;
        Statement {
            constellation: self.config.constellation,
            handle,
            lineage,
            nonce,
            not_after,
            policy_hash,
            policy_version,
            request,
            requester: caller.requester(),
            vault_id: self.vault_id,
        }
    }
}

/// A key that is not there.
fn nothing(key: &KeyRef) -> KeySubject {
    let none = Hash([0; 32]);
    KeySubject {
        handle: key.handle,
        lineage: Lineage(key.lineage.map_or(none, |lineage| lineage.0)),
        version: KeyVersion(1),
        policy_hash: PolicyHash(none),
        policy_version: PolicyVersion(1),
    }
}

/// Every FIDO2 credential that the policy names: the managers', and the owner's second factor.
fn credentials(policy: &KeyPolicy) -> Vec<&Fido2Credential> {
    let principals = &policy.fields().principals;
    let managers = principals.managers.iter();
    let of_managers = managers.flat_map(|person| &person.credentials);
    let of_managers = of_managers.filter_map(|credential| match credential {
        Credential::Fido2(credential) => Some(credential),
        Credential::Oidc(_) => None,
    });
    of_managers.chain(&principals.owner.second_factor).collect()
}

/// Every manager with a subject that the policy names.
pub(crate) fn subjects(policy: &KeyPolicy) -> Vec<(&str, &OidcSubject)> {
    let managers = policy.fields().principals.managers.iter();
    let each = managers.flat_map(|person| {
        let credentials = person.credentials.iter();
        credentials.map(|credential| (person.id.as_str(), credential))
    });
    each.filter_map(|(id, credential)| match credential {
        Credential::Oidc(subject) => Some((id, subject)),
        Credential::Fido2(_) => None,
    })
    .collect()
}
