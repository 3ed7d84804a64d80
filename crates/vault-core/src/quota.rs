//! What one owner may keep, so that there is room for others, and what all may keep together, so that there is
//! memory for it.

use crate::api::{Blame, Code, CreateKey, Refusal, Retry};
use crate::change::Alteration;
use crate::limits::{Limits, Quota};
use crate::state::{LiveKey, State};
use crate::stop::Stop;
use vault_encoding::{Hash, sha256};
use vault_policy::{KeyPolicy, OidcSubject, PolicyHash};

/// What is kept, by one owner or by all.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Held {
    pub(crate) keys: usize,
    pub(crate) share_bytes: usize,
    pub(crate) text_bytes: usize,
}

impl Held {
    /// What one handle more takes for ever: a tombstone keeps the name.
    pub(crate) fn for_ever(name: &str) -> Self {
        Self {
            keys: 1,
            share_bytes: 0,
            text_bytes: name.len(),
        }
    }

    /// What an owner takes for ever, of what all may keep together.
    pub(crate) fn by_owner(owner: &OidcSubject) -> Self {
        let OidcSubject { issuer, subject } = owner;
        Self {
            text_bytes: OWNER + issuer.len() + subject.len(),
            ..Self::default()
        }
    }

    /// What goes with a live key.
    pub(crate) fn by(key: &LiveKey, with_policy: bool) -> Self {
        Self {
            keys: 0,
            share_bytes: key.share_bytes(),
            text_bytes: texts(key, with_policy),
        }
    }

    pub(crate) fn plus(self, more: Self) -> Self {
        Self {
            keys: self.keys.saturating_add(more.keys),
            share_bytes: self.share_bytes.saturating_add(more.share_bytes),
            text_bytes: self.text_bytes.saturating_add(more.text_bytes),
        }
    }

    pub(crate) fn minus(self, less: Self) -> Self {
        Self {
            keys: self.keys.saturating_sub(less.keys),
            share_bytes: self.share_bytes.saturating_sub(less.share_bytes),
            text_bytes: self.text_bytes.saturating_sub(less.text_bytes),
        }
    }

    /// Of what there is no room for more, if there is none. Who wants none of a thing is not asked how much of it there
    /// is: an operator may have allowed more before.
    fn lacks(self, more: Self, quota: &Quota) -> Option<Lack> {
        let all = self.plus(more);
        let lacks = |more, all, bound| more > 0 && all > bound;
        if lacks(more.keys, all.keys, quota.keys) {
            return Some(Lack::ForEver);
        }
        let passes = lacks(more.share_bytes, all.share_bytes, quota.share_bytes)
            || lacks(more.text_bytes, all.text_bytes, quota.text_bytes);
        passes.then_some(Lack::ForNow)
    }
}

/// Whether there may be room again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lack {
    /// Handles are never given back.
    ForEver,
    /// What live keys keep goes with them.
    ForNow,
}

/// Bytes of a live key's texts that go with it, proposed profiles among them; those of its policy only if no other key
/// is under it.
fn texts(key: &LiveKey, with_policy: bool) -> usize {
    let labels = key.labels().iter();
    let labels: usize = labels
        .map(|label| LABEL + label.name.len() + label.value.len())
        .sum();
    let policy = match with_policy {
        true => key.policy.canonical_bytes().len(),
        false => 0,
    };
    labels + policy + key.staged_bytes()
}

const VAULT_IS_FULL: &str = "all owners together keep as much as this vault's operator allows";

/// Not the caller's doing: others may make room again, or nobody can.
fn vault_is_full(lack: Lack) -> Refusal {
    let retry = match lack {
        Lack::ForEver => Retry::Never,
        Lack::ForNow => Retry::Later,
    };
    let refusal = Refusal::new(Code::QuotaExceeded).because(VAULT_IS_FULL);
    Refusal {
        blame: Blame::Vault,
        retry,
        ..refusal
    }
}

/// Bytes that a label takes beside its texts.
const LABEL: usize = 48;

/// Bytes that an owner's tables take beside its texts.
const OWNER: usize = 512;

/// Under which name an owner's entries of a shared table are counted; as long for everybody.
pub(crate) fn account(owner: Option<&OidcSubject>) -> Hash {
    let Some(OidcSubject { issuer, subject }) = owner else {
        return Hash([0; 32]);
    };
    let both = [issuer, subject].map(|text| sha256(text.as_bytes()).0);
    sha256(both.as_flattened())
}

impl State {
    /// Whether a key still fits when it is changed so. What makes less of it always does.
    pub(crate) fn alteration_fits(
        &self,
        key: &LiveKey,
        how: &Alteration,
        limits: &Limits,
    ) -> Result<(), Stop> {
        let (more, less) = match how {
            Alteration::Stage(staged) => {
                let is_new = key.staged().iter().all(|held| held.digest != staged.digest);
                (if is_new { staged.profile.len() } else { 0 }, 0)
            }
            Alteration::Policy { policy, .. } => (self.bytes_of(policy), self.bytes_alone(key)),
            Alteration::Promote { digest, policy, .. } => {
                let staged = key.staged().iter().find(|held| held.digest == *digest);
                let staged = staged.map_or(0, |held| held.profile.len());
                (
                    self.bytes_of(policy),
                    self.bytes_alone(key).saturating_add(staged),
                )
            }
            Alteration::Revoke(_) | Alteration::Schedule(_) | Alteration::Cancel => (0, 0),
        };
        let owned = self.owned(key.policy.owner());
        let owned = owned.map_or_else(Held::default, |owned| owned.held);
        let [less, more] = [less, more].map(|text_bytes| Held {
            text_bytes,
            ..Held::default()
        });
        match more.text_bytes > less.text_bytes {
            true => Self::fits(owned.minus(less), self.held().minus(less), more, limits),
            false => Ok(()),
        }
    }

    /// Whether there is room for more, beside what its owner and all together have.
    fn fits(owned: Held, all: Held, more: Held, limits: &Limits) -> Result<(), Stop> {
        if owned.lacks(more, &limits.owner).is_some() {
            return Err(Stop::Plain(Refusal::new(Code::QuotaExceeded)));
        }
        match all.lacks(more, &limits.vault) {
            None => Ok(()),
            Some(lack) => Err(Stop::Plain(vault_is_full(lack))),
        }
    }

    /// Of a policy that no key is under yet.
    fn bytes_of(&self, policy: &KeyPolicy) -> usize {
        match self.known_policy(&policy.hash()) {
            Some(_) => 0,
            None => policy.canonical_bytes().len(),
        }
    }

    /// Of the policy of a key, if no other key is under it.
    fn bytes_alone(&self, key: &LiveKey) -> usize {
        match self.keys_under(&key.policy.hash()) {
            0 | 1 => key.policy.canonical_bytes().len(),
            _ => 0,
        }
    }

    /// Whether one more key fits.
    pub(crate) fn within_quota(
        &self,
        owner: &OidcSubject,
        create: &CreateKey,
        policy: &PolicyHash,
        limits: &Limits,
    ) -> Result<(), Stop> {
        let labels = create.labels.iter();
        let labels: usize = labels
            .map(|label| LABEL + label.name.len() + label.value.len())
            .sum();
        let policy = match self.known_policy(policy) {
            Some(_) => 0,
            None => create.policy.len(),
        };
        let more = Held {
            keys: 1,
            share_bytes: create.share.as_ref().map_or(0, |share| share.len()),
            text_bytes: create.name.len() + labels + policy,
        };
        let (owned, all) = match self.owned(owner) {
            Some(owned) => (owned.held, self.held()),
            None => (Held::default(), self.held().plus(Held::by_owner(owner))),
        };
        Self::fits(owned, all, more, limits)
    }
}
