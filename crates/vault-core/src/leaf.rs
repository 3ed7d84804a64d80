//! What is written of a call into its leaf. Nothing in a leaf depends on the order of the log, so
//! leaves are made before a call comes to the vault's lock.

use crate::caller::Caller;
use vault_audit::{Entry, LeafError, Principal};
use vault_encoding::Hash;
use vault_keys::Rng;
use vault_policy::{KeyHandle, KeySubject, Tee, VaultTime, VerifiedEvidence};
use zeroize::Zeroizing;

/// Everything of an entry that is known before the operation.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) time: VaultTime,
    pub(crate) principals: Vec<Principal>,
    pub(crate) operation: &'static str,
    pub(crate) handle: Option<KeyHandle>,
    /// Absent for creations and events of the vault.
    pub(crate) subject: Option<KeySubject>,
    /// For creations, whose key has no subject yet.
    pub(crate) policy_hash: Option<Hash>,
    /// The statement that was approved, and who approved it.
    pub(crate) approvals: Vec<Hash>,
    /// Behind the outcome; words of the vault.
    pub(crate) note: String,
    /// Canonical text.
    pub(crate) request: Vec<u8>,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict<'a> {
    /// Allowed, with what came of it.
    Allowed(&'a str),
    /// Refused, with the reason.
    Refused(&'a str),
}

/// One record of the log before it has a place.
pub(crate) struct Record {
    pub(crate) leaf: Vec<u8>,
    pub(crate) salt: [u8; 32],
    pub(crate) change: Zeroizing<Vec<u8>>,
}

impl Draft {
    /// An event of the vault itself.
    pub(crate) fn of_vault(operation: &'static str, time: VaultTime) -> Self {
        Self {
            time,
            principals: Vec::new(),
            operation,
            handle: None,
            subject: None,
            policy_hash: None,
            approvals: Vec::new(),
            note: String::new(),
            request: Vec::new(),
        }
    }

    /// The record with this verdict and change; no change is an empty one.
    pub(crate) fn record(
        &self,
        salt: [u8; 32],
        verdict: Verdict<'_>,
        change: Zeroizing<Vec<u8>>,
    ) -> Result<Record, LeafError> {
        let leaf = self.entry(&salt, verdict, &change).to_leaf()?;
        Ok(Record { leaf, salt, change })
    }

    fn entry(&self, salt: &[u8; 32], verdict: Verdict<'_>, change: &[u8]) -> Entry {
        let (time_lo, time_hi) = match self.time {
            VaultTime::Unknown => (None, None),
            VaultTime::Known { lo, hi } => (Some(lo.0), Some(hi.0)),
        };
        let (allowed, reason, outcome) = match verdict {
            Verdict::Allowed(outcome) => (true, "", outcome),
            Verdict::Refused(reason) => (false, reason, "refused"),
        };
        let request_salt = vault_audit::request_salt(salt);
        let change_salt = vault_audit::change_salt(salt);
        Entry {
            time_lo,
            time_hi,
            principals: self.principals.clone(),
            operation: self.operation.to_owned(),
            handle: self
                .handle
                .map(|handle| handle.to_string())
                .unwrap_or_default(),
            version: self.subject.map(|subject| subject.version.0),
            lineage: self.subject.map(|subject| subject.lineage.0),
            policy_hash: self
                .subject
                .map(|subject| subject.policy_hash.0)
                .or(self.policy_hash),
            request_hash: (!self.request.is_empty())
                .then(|| vault_audit::request_hash(&request_salt, &self.request)),
            change_hash: (!change.is_empty())
                .then(|| vault_audit::change_hash(&change_salt, change)),
            approvals: self.approvals.clone(),
            allowed,
            reason: reason.to_owned(),
            outcome: format!("{outcome}{}", self.note),
        }
    }
}

/// A new salt of a record.
pub(crate) fn salt(rng: &mut dyn Rng) -> [u8; 32] {
    let mut salt = [0; 32];
    rng.fill(&mut salt);
    salt
}

/// Every principal that is proven. A certificate is named where there is nothing else: beside a token or
/// evidence it is a fact about these.
pub(crate) fn principals(caller: &Caller) -> Vec<Principal> {
    let facts = caller.facts();
    let token = facts.token.as_ref().map(|token| Principal::Oidc {
        issuer: token.issuer.clone(),
        subject: token.subject.clone(),
    });
    let attested = facts.evidence.as_ref().map(attested);
    let mut all: Vec<_> = token.into_iter().chain(attested).collect();
    if let (true, Some(certificate)) = (all.is_empty(), &facts.certificate) {
        let spki = certificate.spki;
        all.push(Principal::Certificate { spki });
    }
    all
}

fn attested(evidence: &VerifiedEvidence) -> Principal {
    let claims = evidence.claims();
    let platform = claims.platform_id.0;
    match &claims.tee {
        Tee::Sgx(sgx) => Principal::Enclave {
            measurement: sgx.mrenclave.0,
            platform,
        },
        Tee::Tdx(tdx) => Principal::Td {
            mrtd: tdx.mrtd.0,
            platform,
            rtmrs: Box::new(tdx.rtmrs.map(|rtmr| rtmr.0)),
        },
    }
}
