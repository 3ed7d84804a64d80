//! What one owner may keep, so that there is room for others.

use crate::api::{Code, CreateKey, Refusal};
use crate::change::Alteration;
use crate::limits::Limits;
use crate::state::{LiveKey, Owned, State};
use crate::stop::Stop;
use vault_encoding::{Hash, sha256};
use vault_policy::{KeyPolicy, OidcSubject, PolicyHash};

/// Bytes of a live key's texts, proposed profiles among them; those of its policy only if no other key is under it.
pub(crate) fn texts(key: &LiveKey, with_policy: bool) -> usize {
    let labels = key.labels().iter();
    let labels: usize = labels
        .map(|label| LABEL + label.name.len() + label.value.len())
        .sum();
    let policy = match with_policy {
        true => key.policy.canonical_bytes().len(),
        false => 0,
    };
    key.name().len() + labels + policy + key.staged_bytes()
}

/// Bytes that a label takes beside its texts.
const LABEL: usize = 48;

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
        let held = self.owned(key.policy.owner());
        let held = held.map_or(0, |owned| owned.text_bytes);
        let texts = held.saturating_sub(less).saturating_add(more);
        match more > less && texts > limits.text_bytes_per_owner {
            true => Err(Stop::Plain(Refusal::new(Code::QuotaExceeded))),
            false => Ok(()),
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
        owned: &Owned,
        create: &CreateKey,
        policy: &PolicyHash,
        limits: &Limits,
    ) -> Result<(), Stop> {
        let share = create.share.as_ref().map_or(0, |share| share.len());
        let labels = create.labels.iter();
        let labels: usize = labels
            .map(|label| LABEL + label.name.len() + label.value.len())
            .sum();
        let policy = match self.known_policy(policy) {
            Some(_) => 0,
            None => create.policy.len(),
        };
        let texts = owned
            .text_bytes
            .saturating_add(create.name.len() + labels + policy);
        let keys = owned.handles.len() >= limits.keys_per_owner;
        let shares = owned.share_bytes.saturating_add(share) > limits.share_bytes_per_owner;
        if keys || shares || texts > limits.text_bytes_per_owner {
            return Err(Stop::Plain(Refusal::new(Code::QuotaExceeded)));
        }
        Ok(())
    }
}
