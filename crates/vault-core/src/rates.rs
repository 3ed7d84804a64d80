//! How often one principal may call: a token bucket for each kind of work, in a bounded table.
//!
//! A bucket is one number, the moment at which it is full again. Who is refused here is refused before
//! any key is looked up, so that the refusal says nothing about keys.

#[cfg(test)]
mod tests;

use crate::api::{Code, CreateKey, Payload, Refusal, Request};
use crate::caller::Principal;
use crate::limits::{POLICY_BYTES, RateLimits};
use std::collections::BTreeMap;
use std::time::Duration;
use vault_approval::Approval;

/// A bucket holds what so much time fills.
const FULL: u64 = 2 * SECOND;
const SECOND: u64 = 1_000_000_000;

/// Principals with buckets of their own, at most: those of tokens,
const SUBJECTS: usize = 16_384;
/// and enclaves without one. Whoever has a machine makes as many of these as they like.
const ENCLAVES: usize = 1_024;

/// Bytes of a payload for which a use counts once more.
const PAYLOAD_STEP: usize = 16 << 10;
/// Bytes of a share for which a creation counts once more.
const SHARE_STEP: usize = 4 << 10;

/// Kinds of work.
const KINDS: usize = 5;

/// What a call takes of each bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    calls: u64,
    uses: u64,
    creations: u64,
    pages: u64,
    policy_bytes: u64,
}

impl Cost {
    /// Of any call; all there is to say of one that does not parse.
    pub fn call() -> Self {
        Self {
            calls: 1,
            ..Self::default()
        }
    }

    /// Of heads that a call brings with it, besides the call: each has a signature to be verified.
    pub fn heads(count: usize) -> Self {
        Self {
            uses: count as u64,
            ..Self::default()
        }
    }

    /// Of a request.
    pub fn of(request: &Request) -> Self {
        let mut cost = Self::call();
        match request {
            Request::CreateKey(create) => cost.create(create),
            Request::ListKeys(_) | Request::ReadLog { .. } => cost.pages = 1,
            Request::Sign(sign) => cost.uses = steps(payload(&sign.input), PAYLOAD_STEP),
            Request::Verify(verify) => cost.uses = steps(payload(&verify.input), PAYLOAD_STEP),
            Request::Wrap(wrap) => {
                cost.uses = steps(wrap.plaintext.len() + wrap.aad.len(), PAYLOAD_STEP);
            }
            Request::Unwrap(unwrap) => {
                cost.uses = steps(unwrap.ciphertext.len() + unwrap.aad.len(), PAYLOAD_STEP);
            }
            Request::Mac(mac) => cost.uses = steps(mac.message.len(), PAYLOAD_STEP),
            Request::MacVerify(check) => cost.uses = steps(check.message.len(), PAYLOAD_STEP),
            Request::Reconstruct { .. }
            | Request::BeginApproval { .. }
            | Request::IssueApproval { .. }
            | Request::Simulate { .. }
            | Request::ScheduleDeletion(_)
            | Request::CancelDeletion { .. }
            | Request::RevokeProfile(_) => cost.uses = 1,
            Request::UpdatePolicy(update) => cost.change(update.policy.len()),
            Request::StageProfile(stage) => cost.change(stage.profile.len()),
            // A whole policy is judged, however short the call is.
            Request::PromoteProfile(_) => cost.change(POLICY_BYTES),
            Request::GetKey { .. }
            | Request::GetPublicKey { .. }
            | Request::GetPolicy { .. }
            | Request::ListProfiles { .. }
            | Request::GetCheckpoint
            | Request::ProveInclusion { .. }
            | Request::ProveConsistency { .. }
            | Request::WhoAmI => {}
        }
        cost
    }

    /// And of the approval that comes with it: each proof is a signature to be verified.
    pub fn approved_by(mut self, approval: Option<&Approval>) -> Self {
        let proofs = approval.map_or(0, |approval| approval.proofs.len());
        self.uses = self.uses.saturating_add(proofs as u64);
        self
    }

    fn create(&mut self, create: &CreateKey) {
        let share = create.share.as_ref().map_or(0, |share| share.len());
        self.creations = steps(share, SHARE_STEP);
        self.policy_bytes = create.policy.len() as u64;
    }

    /// Of what a key is under, with so many bytes to be judged.
    fn change(&mut self, bytes: usize) {
        self.uses = 1;
        self.policy_bytes = bytes as u64;
    }

    fn each(self) -> [u64; KINDS] {
        [
            self.calls,
            self.uses,
            self.creations,
            self.pages,
            self.policy_bytes,
        ]
    }
}

fn payload(input: &Payload) -> usize {
    match input {
        Payload::Message(bytes) | Payload::Digest(bytes) => bytes.len(),
    }
}

fn steps(bytes: usize, step: usize) -> u64 {
    1 + (bytes / step) as u64
}

/// The buckets of all principals.
pub struct Rates {
    /// Nanoseconds that one token takes to come back are `SECOND` by these.
    per_second: [u64; KINDS],
    subjects: Table,
    enclaves: Table,
    /// Of all who have nothing but a certificate.
    certificates: Buckets,
}

/// Buckets by principal; `others` is for those who find no place.
struct Table {
    own: BTreeMap<Principal, Buckets>,
    others: Buckets,
    most: usize,
    /// Second of the last look for buckets that are full.
    swept: Option<u64>,
}

/// When each is full again.
#[derive(Clone, Copy, Default)]
struct Buckets([u64; KINDS]);

impl Rates {
    /// Every bucket full.
    pub fn new(limits: &RateLimits) -> Self {
        let RateLimits {
            calls,
            uses,
            creations,
            pages,
            policy_bytes,
        } = *limits;
        let per_second = [calls, uses, creations, pages, policy_bytes];
        Self {
            per_second: per_second.map(|rate| u64::from(rate).max(1)),
            subjects: Table::new(SUBJECTS),
            enclaves: Table::new(ENCLAVES),
            certificates: Buckets::default(),
        }
    }

    /// Takes what a call costs, or refuses it and says when to come back. `now` is the time since
    /// some moment, and never goes back.
    pub fn admit(&mut self, who: &Principal, cost: Cost, now: Duration) -> Result<(), Refusal> {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let buckets = match who {
            Principal::Subject(_) => self.subjects.of(who, now),
            Principal::Enclave(_) => self.enclaves.of(who, now),
            Principal::Certificates => &mut self.certificates,
        };
        let cost = cost.each();
        buckets.take(&cost, &self.per_second, now).map_err(|wait| {
            let mut refusal = Refusal::new(Code::RateLimited);
            refusal.retry_after = Some(wait.div_ceil(SECOND).max(1));
            refusal
        })
    }

    /// Principals with buckets of their own.
    pub fn principals(&self) -> usize {
        self.subjects.own.len() + self.enclaves.own.len()
    }
}

impl Table {
    fn new(most: usize) -> Self {
        Self {
            own: BTreeMap::new(),
            others: Buckets::default(),
            most,
            swept: None,
        }
    }

    /// The buckets of a principal. One whose buckets are full again has lost nothing when its place is given
    /// away; while nobody's are, newcomers share buckets, and those who have some keep them.
    fn of(&mut self, who: &Principal, now: u64) -> &mut Buckets {
        if self.own.len() >= self.most && !self.own.contains_key(who) {
            self.sweep(now);
            if self.own.len() >= self.most {
                return &mut self.others;
            }
        }
        self.own.entry(*who).or_default()
    }

    /// Goes through all, so not more than once a second.
    fn sweep(&mut self, now: u64) {
        let second = now / SECOND;
        if self.swept != Some(second) {
            self.swept = Some(second);
            self.own.retain(|_, buckets| !buckets.are_full(now));
        }
    }
}

impl Buckets {
    fn are_full(&self, now: u64) -> bool {
        self.0.iter().all(|full_at| *full_at <= now)
    }

    /// Takes from every bucket or from none. What costs more than a bucket holds is admitted when
    /// the bucket is full. Otherwise tells how long it takes until there is enough.
    fn take(
        &mut self,
        cost: &[u64; KINDS],
        per_second: &[u64; KINDS],
        now: u64,
    ) -> Result<(), u64> {
        let mut next = self.0;
        let mut wait = 0;
        for ((full_at, cost), rate) in next.iter_mut().zip(cost).zip(per_second) {
            if *cost == 0 {
                continue;
            }
            let needs = cost.saturating_mul(SECOND) / rate;
            let missing = full_at.saturating_sub(now);
            wait = wait.max((missing + needs.min(FULL)).saturating_sub(FULL));
            *full_at = now.saturating_add(missing).saturating_add(needs);
        }
        if wait > 0 {
            return Err(wait);
        }
        self.0 = next;
        Ok(())
    }
}
