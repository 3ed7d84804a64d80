//! The trust configuration in the log. Who may change it is decided elsewhere; here a change enters
//! the log before it takes effect, so that what is sealed beside the log cannot go back alone.

use crate::api::{LoggedLeaf, Receipt};
use crate::change::Change;
use crate::codec::{Malformed, Reader, Writer};
use crate::commit::Committed;
use crate::leaf::{self, Draft, Verdict};
use crate::time::TimeReading;
use crate::vault::Vault;
use vault_encoding::{Hash, text};
use vault_keys::Rng;

/// A change that the governance quorum has signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GovernedChange {
    /// SHA-256 of the signed statement.
    pub statement: Hash,
    /// From this trust root.
    pub old_trust_root: Hash,
    /// To this one.
    pub new_trust_root: Hash,
    /// Ed25519 public keys of those who signed.
    pub signers: Vec<[u8; 32]>,
}

/// The trust configuration that is in force, and who may put another in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InForce {
    /// Grows by one with every change; a vault is made with 0, which no record says.
    pub generation: u64,
    /// Root of the trust configuration.
    pub trust_root: Hash,
    /// Constellation and quorum, in whichever form the caller keeps them.
    pub governance: Vec<u8>,
}

impl InForce {
    pub(crate) fn write(&self, out: &mut Writer) {
        let Self {
            generation,
            trust_root,
            governance,
        } = self;
        out.u64(*generation);
        out.fixed(trust_root.as_bytes());
        out.bytes(governance);
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            generation: from.u64()?,
            trust_root: Hash(from.array()?),
            governance: from.bytes()?.to_vec(),
        })
    }
}

/// An entry of the vault's own that is queued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedEvent {
    /// Leaf index.
    pub index: u64,
    /// The group that must be durable before anything rests on the entry.
    pub group: u64,
    request_salt: Hash,
    leaf: Vec<u8>,
}

impl LoggedEvent {
    /// What proves that the entry is in the log; `None` if `committed` is not the entry's own group.
    pub fn receipt(self, committed: &Committed) -> Option<Receipt> {
        let proof = committed.proof(self.index)?.clone();
        let leaf = LoggedLeaf {
            index: self.index,
            request_salt: self.request_salt,
            leaf: Some(self.leaf),
            proof: Some(proof),
        };
        Some(Receipt {
            head: committed.head().clone(),
            leaf: Some(leaf),
        })
    }
}

impl Vault {
    /// The last change that the log holds; `None` if there was none since the vault was made.
    pub fn in_force(&self) -> Option<&InForce> {
        self.state.in_force.as_ref()
    }

    /// Queues the entry `reconfigure`, after which `next` is in force. `None` if no entry could be
    /// made of it, or `next` is not the next generation.
    pub fn log_reconfiguration(
        &mut self,
        change: &GovernedChange,
        next: InForce,
        now: TimeReading,
        rng: &mut dyn Rng,
    ) -> Option<LoggedEvent> {
        self.log_in_force("reconfigure", &outcome(change), next, now, rng)
    }

    /// Queues the entry `adopt_quorum`: the quorum that the trust root names, which a change that
    /// was made ahead of its configuration could not know, is in force from here.
    pub fn log_adoption(
        &mut self,
        next: InForce,
        now: TimeReading,
        rng: &mut dyn Rng,
    ) -> Option<LoggedEvent> {
        let outcome = format!("quorum of trust {}", next.trust_root);
        self.log_in_force("adopt_quorum", &outcome, next, now, rng)
    }

    fn log_in_force(
        &mut self,
        operation: &'static str,
        outcome: &str,
        next: InForce,
        now: TimeReading,
        rng: &mut dyn Rng,
    ) -> Option<LoggedEvent> {
        let draft = Draft::of_vault(operation, self.establish(now));
        let change = Change::Govern(next.clone()).encode();
        let record = draft
            .record(leaf::salt(rng), Verdict::Allowed(outcome), change)
            .ok()?;
        self.state.put_in_force(next)?;
        let request_salt = vault_audit::request_salt(&record.salt);
        let leaf = record.leaf.clone();
        let index = self.append(record, true);
        Some(LoggedEvent {
            index,
            // Queued a moment ago, so that it waits for the next group.
            group: self.queue.next.sequence,
            request_salt,
            leaf,
        })
    }
}

/// `statement H from H to H signed by K K …`.
fn outcome(change: &GovernedChange) -> String {
    let GovernedChange {
        statement,
        old_trust_root,
        new_trust_root,
        signers,
    } = change;
    let signers: Vec<String> = signers.iter().map(|key| text::hex(key)).collect();
    format!(
        "statement {statement} from {old_trust_root} to {new_trust_root} signed by {}",
        signers.join(" ")
    )
}
