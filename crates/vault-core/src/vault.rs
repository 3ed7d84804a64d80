//! Skeleton; bodies follow.
use crate::api::{CallContext, Head, Refusal, Reply, Request};
use crate::caller::Caller;
use crate::commit::{CommitFault, Committed};
use crate::config::VaultConfig;
use crate::group::Group;
use crate::time::TimeReading;
use std::sync::Arc;
use vault_encoding::Hash;
use vault_keys::Rng;
use vault_policy::{UnixSeconds, VaultId, VerifiedEvidence};

/// Signs checkpoints with the vault's identity key.
pub trait CheckpointSigner: Send + Sync {
    /// Ed25519 over the message.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CommitFault>;
}

/// What a vault starts from.
pub struct BootInput {
    /// SubjectPublicKeyInfo of the identity key, DER; the vault id follows from it.
    pub identity_spki: Vec<u8>,
    /// Signs checkpoints.
    pub signer: Arc<dyn CheckpointSigner>,
    /// Configuration.
    pub config: VaultConfig,
    /// Fresh at every start.
    pub boot_id: [u8; 16],
    /// The newest sealed snapshot, opened, if there is a usable one.
    pub snapshot: Option<Snapshot>,
    /// Opened groups after the snapshot, or all of them: (sequence, payload).
    pub groups: Vec<(u64, Vec<u8>)>,
    /// The clock at boot.
    pub now: TimeReading,
}

/// The state at one size of the log, encoded. Secret: store it sealed only.
pub struct Snapshot {
    /// The first sequence that is not in it.
    pub next_sequence: u64,
    /// Its encoding.
    pub bytes: zeroize::Zeroizing<Vec<u8>>,
}

/// Why opened groups are no state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BootError {
    /// A group does not decode, or not to itself.
    #[error("group {sequence} is malformed")]
    Malformed {
        /// Which.
        sequence: u64,
    },
    /// The group does not extend the tree that is there.
    #[error("group {sequence} does not extend the log before it")]
    RootMismatch {
        /// Which.
        sequence: u64,
    },
    /// A group is missing.
    #[error("group {sequence} is missing")]
    Missing {
        /// Which.
        sequence: u64,
    },
    /// The checkpoint in the group is not this vault's over this tree.
    #[error("the checkpoint of group {sequence} does not verify")]
    Checkpoint {
        /// Which.
        sequence: u64,
    },
    /// The snapshot does not decode or the log does not commit to it; boot from all groups.
    #[error("the snapshot is not the one that the log commits to")]
    Snapshot,
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

/// The state machine. `&self` methods may run side by side under a read lock, `&mut self` ones
/// are short.
pub struct Vault;

/// A judged call: a permit with its key, an answer that needs no key, or a refusal. All three
/// take the same way through `operate`, `record` and `release`.
pub struct Authorized;

/// A call whose work is done and whose effect is not yet recorded.
pub struct Operated;

/// An outcome that waits for the log.
///
/// ```compile_fail
/// fn early(pending: vault_core::Pending) -> vault_core::Answer { pending.answer }
/// ```
pub struct Pending;

impl Vault {
    /// Folds the groups into a state and appends the boot entry (commit it before serving).
    pub fn boot(input: BootInput, rng: &mut dyn Rng) -> Result<Self, BootError> {
        let _ = (input, rng);
        unimplemented!()
    }

    /// Step 1: finds the key, evaluates the policy, applies the usage and type gates.
    pub fn authorize(
        &self,
        caller: &Caller,
        request: Request,
        context: &CallContext,
        now: TimeReading,
    ) -> Authorized {
        let _ = (caller, request, context, now);
        unimplemented!()
    }

    /// Step 3: checks again what the permit names, applies the effect, appends the leaf.
    pub fn record(&mut self, operated: Operated) -> Pending {
        let _ = operated;
        unimplemented!()
    }

    /// The records since the last group, if there are any.
    pub fn take_group(&mut self) -> Option<Group> {
        unimplemented!()
    }

    /// Records waiting for a group.
    pub fn queued(&self) -> usize {
        unimplemented!()
    }

    /// Tells the vault what is durable; heads of answers that are not logged come from here.
    pub fn settle(&mut self, committed: &Committed) {
        let _ = committed;
    }

    /// The newest durable head; `None` until the boot entry is durable.
    pub fn durable(&self) -> Option<&Committed> {
        unimplemented!()
    }

    /// Raises the time floor to the issue date of appraised collateral; logged if it rises.
    pub fn observe_evidence(&mut self, evidence: &VerifiedEvidence, rng: &mut dyn Rng) {
        let _ = (evidence, rng);
    }

    /// Writes the aggregate entry of strangers' refusals if a minute of vault time has passed;
    /// to be called from time to time. Also when the vault is idle.
    pub fn tick(&mut self, now: TimeReading, rng: &mut dyn Rng) {
        let _ = (now, rng);
    }

    /// What anybody may know.
    pub fn info(&self) -> VaultInfo {
        unimplemented!()
    }

    /// The time floor.
    pub fn floor(&self) -> UnixSeconds {
        unimplemented!()
    }
}

impl Authorized {
    /// Whether this is a refusal (it goes on through `operate`, `record` and `release`).
    pub fn is_refused(&self) -> bool {
        unimplemented!()
    }

    /// Step 2: does the work. Touches no vault; hold no lock.
    pub fn operate(self, rng: &mut dyn Rng) -> Operated {
        let _ = rng;
        unimplemented!()
    }
}

impl Pending {
    /// Whether this head suffices.
    pub fn is_covered_by(&self, committed: &Committed) -> bool {
        let _ = committed;
        unimplemented!()
    }

    /// The group that must be durable; `None` if nothing is waited for (use
    /// [`Vault::durable`]). A receipt with proof needs this very group's `Committed`.
    pub fn awaits(&self) -> Option<u64> {
        unimplemented!()
    }

    /// The outcome, or the pending outcome back if `committed` does not cover it.
    pub fn release(self, committed: &Committed) -> Result<Result<Reply, Refusal>, Self> {
        let _ = committed;
        unimplemented!()
    }
}
