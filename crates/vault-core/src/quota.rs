//! What one owner may keep, so that there is room for others.

use crate::api::{Code, CreateKey, Refusal};
use crate::limits::Limits;
use crate::state::{LiveKey, Owned, State};
use crate::stop::Stop;
use vault_encoding::{Hash, sha256};
use vault_policy::{OidcSubject, PolicyHash};

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
