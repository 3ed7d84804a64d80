//! The vault: state, log in memory, and what is on its way to the disk.

use crate::api::Head;
use crate::caller::Principal;
use crate::change::Change;
use crate::commit::Committed;
use crate::config::VaultConfig;
use crate::group::{CheckpointSigner, Group, Position};
use crate::keyring::KeyRing;
use crate::leaf::{self, Draft, Record, Verdict};
use crate::leaves::Leaves;
use crate::state::State;
use crate::strangers::Strangers;
use crate::time::TimeReading;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vault_approval::{Counters, Nonces};
use vault_audit::{LogKey, LogTree};
use vault_encoding::Hash;
use vault_keys::Rng;
use vault_policy::{UnixSeconds, VaultId, VaultTime, VerifiedEvidence};
use zeroize::Zeroizing;

/// The state machine. `&self` methods may run side by side under a read lock, `&mut self` ones
/// are short.
pub struct Vault {
    pub(crate) vault_id: VaultId,
    pub(crate) key: LogKey,
    pub(crate) signer: Arc<dyn CheckpointSigner>,
    pub(crate) config: VaultConfig,
    pub(crate) boot_id: [u8; 16],
    pub(crate) state: State,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) tree: LogTree,
    pub(crate) leaves: Leaves,
    pub(crate) queue: Queue,
    pub(crate) strangers: Strangers,
    pub(crate) limited: Strangers,
    /// Requests that wait for approval; taken out while calls are judged side by side.
    pub(crate) nonces: Mutex<Nonces<Principal>>,
    /// Of the authenticators that approved.
    pub(crate) counters: Mutex<Counters>,
}

/// What is not durable yet.
pub(crate) struct Queue {
    pub(crate) records: Vec<Record>,
    /// Where the next group stands.
    pub(crate) next: Position,
    /// Indices of queued leaves whose inclusion proof is wanted.
    pub(crate) wanted: Vec<u64>,
    /// Taken and not settled: sequence and size of the tree with it.
    pub(crate) in_flight: VecDeque<(u64, u64)>,
    pub(crate) durable: Option<Committed>,
    /// Leaves that were read back at boot.
    pub(crate) folded: u64,
}

/// What anybody may know.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "named as in vault.proto")]
pub struct VaultInfo {
    pub vault_id: VaultId,
    pub boot_id: [u8; 16],
    pub trust_root: Hash,
    pub operational_root: Hash,
    /// `None` until the boot entry is durable.
    pub head: Option<Head>,
    pub identity_spki: Vec<u8>,
    pub time_mode: &'static str,
}

impl Vault {
    /// The records since the last group, if there are any. Groups must be committed in the order
    /// in which they are taken.
    pub fn take_group(&mut self) -> Option<Group> {
        if self.queue.records.is_empty() {
            return None;
        }
        let checkpoint = self.tree.checkpoint(self.vault_id.0);
        let at = self.queue.next;
        let proofs = self.proofs(checkpoint.size);
        self.queue
            .in_flight
            .push_back((at.sequence, checkpoint.size));
        let sequence = at.sequence.saturating_add(1);
        self.queue.next = Position {
            sequence,
            size: checkpoint.size,
            root: checkpoint.root,
        };
        Some(Group {
            at,
            records: std::mem::take(&mut self.queue.records),
            checkpoint,
            key: self.key,
            signer: Arc::clone(&self.signer),
            proofs,
        })
    }

    fn proofs(&mut self, size: u64) -> BTreeMap<u64, Vec<Hash>> {
        std::mem::take(&mut self.queue.wanted)
            .into_iter()
            .filter_map(|index| Some((index, self.tree.inclusion(index, size)?)))
            .collect()
    }

    /// Records waiting for a group.
    pub fn queued(&self) -> usize {
        self.queue.records.len()
    }

    /// Tells the vault what is durable; heads of answers that are not logged come from here.
    pub fn settle(&mut self, committed: &Committed) {
        while let Some(&(sequence, _)) = self.queue.in_flight.front()
            && sequence <= committed.sequence()
        {
            self.queue.in_flight.pop_front();
        }
        let known = self.durable().map_or(0, |durable| durable.head().size);
        if committed.head().size > known {
            self.queue.durable = Some(committed.clone());
        }
    }

    /// The newest durable head; `None` until the boot entry is durable.
    pub fn durable(&self) -> Option<&Committed> {
        self.queue.durable.as_ref()
    }

    /// Lets go of the bodies of leaves before `archived`, once the snapshot that leaves them out is
    /// durable; the newest stay.
    pub fn forget_leaves(&mut self, archived: u64) {
        self.leaves.forget(archived);
    }

    /// Raises the time floor to the issue date of appraised collateral; logged if it rises.
    pub fn observe_evidence(&mut self, evidence: &VerifiedEvidence, rng: &mut dyn Rng) {
        let issued = evidence.claims().collateral_issued_at;
        if issued > self.state.floor {
            let change = Change::RaiseFloor(issued).encode();
            self.state.floor = issued;
            self.log_event("raise_time_floor", VaultTime::Unknown, "ok", change, rng);
        }
    }

    /// One more call that [`Rates`](crate::Rates) has refused.
    pub fn count_limited(&self) {
        self.limited.count();
    }

    /// Writes the aggregate entries of refusals (of strangers, and of callers over their rate) once a
    /// minute, and destroys the keys whose deletion is due; to be called now and then, also while nothing
    /// else happens. `running` is the time since some moment, and never goes back.
    pub fn tick(&mut self, now: TimeReading, running: Duration, rng: &mut dyn Rng) {
        let time = self.establish(now);
        let due = [
            ("refuse_strangers", self.strangers.due(time, running)),
            ("refuse_over_rate", self.limited.due(time, running)),
        ];
        for (operation, refused) in due {
            let Some(refused) = refused else { continue };
            let outcome = format!("refused {refused}");
            self.log_event(operation, time, &outcome, Zeroizing::default(), rng);
        }
        self.destroy_due(time, rng);
    }

    /// What anybody may know.
    pub fn info(&self) -> VaultInfo {
        VaultInfo {
            vault_id: self.vault_id,
            boot_id: self.boot_id,
            trust_root: self.config.trust_root,
            operational_root: self.config.operational_root,
            head: self.durable().map(|committed| committed.head().clone()),
            identity_spki: self.key.to_spki(),
            time_mode: self.config.time_mode.name(),
        }
    }

    /// The time floor.
    pub fn floor(&self) -> UnixSeconds {
        self.state.floor
    }

    /// Vault time at this reading.
    pub fn establish(&self, now: TimeReading) -> VaultTime {
        self.config
            .time_mode
            .establish(now, self.state.floor, self.config.clock_skew)
    }

    /// Appends an event of the vault itself.
    pub(crate) fn log_event(
        &mut self,
        operation: &'static str,
        time: VaultTime,
        outcome: &str,
        change: Zeroizing<Vec<u8>>,
        rng: &mut dyn Rng,
    ) {
        let draft = Draft::of_vault(operation, time);
        let verdict = Verdict::Allowed(outcome);
        // An entry without principals and texts of callers always fits into a leaf.
        if let Ok(record) = draft.record(leaf::salt(rng), verdict, change) {
            self.append(record, false);
        }
    }

    /// Appends a leaf and queues its record; gives the leaf's index.
    pub(crate) fn append(&mut self, record: Record, want_proof: bool) -> u64 {
        let (index, _) = self.tree.append(&record.leaf);
        self.leaves.push(&record.leaf);
        if want_proof {
            self.queue.wanted.push(index);
        }
        self.queue.records.push(record);
        index
    }

    /// The group that must be durable for the log to have `size` durable leaves; `None` if it has.
    pub(crate) fn group_of(&self, size: u64) -> Option<u64> {
        if self
            .durable()
            .is_some_and(|durable| size <= durable.head().size)
        {
            return None;
        }
        let taken = self.queue.in_flight.iter().find(|(_, end)| size <= *end);
        Some(taken.map_or(self.queue.next.sequence, |(sequence, _)| *sequence))
    }
}
