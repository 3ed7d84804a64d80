//! The entry of a change of the trust configuration. Who may change it is decided elsewhere; here
//! it enters the log before it takes effect.

use crate::leaf::{self, Draft, Verdict};
use crate::time::TimeReading;
use crate::vault::Vault;
use vault_encoding::{Hash, text};
use vault_keys::Rng;
use zeroize::Zeroizing;

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

/// Where an entry is in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoggedEvent {
    /// Leaf index.
    pub index: u64,
    /// The group that must be durable before anything rests on the entry.
    pub group: u64,
}

impl Vault {
    /// Queues the entry `reconfigure`. `None` if no entry could be made of it.
    pub fn log_reconfiguration(
        &mut self,
        change: &GovernedChange,
        now: TimeReading,
        rng: &mut dyn Rng,
    ) -> Option<LoggedEvent> {
        let time = self.establish(now);
        let draft = Draft::of_vault("reconfigure", time);
        let outcome = outcome(change);
        let verdict = Verdict::Allowed(&outcome);
        let record = draft
            .record(leaf::salt(rng), verdict, Zeroizing::default())
            .ok()?;
        let index = self.append(record, false);
        // Queued a moment ago, so that it waits for the next group.
        let group = self.queue.next.sequence;
        Some(LoggedEvent { index, group })
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
