//! Pending profiles: the way of another measurement into a policy.

use super::policy::{NewPolicy, new_policy};
use crate::client::Client;
use crate::error::Result;
use crate::key::{KeyName, hash};
use crate::receipt::Answer;
use vault_encoding::Hash;
use vault_policy::PolicyVersion;
use vault_proto::v1;

/// A profile that somebody proposed. It authorises nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingProfile {
    /// Canonical form.
    pub profile: Vec<u8>,
    /// Of the entire profile.
    pub digest: Hash,
    /// Unix seconds, vault time, if the vault knew it.
    pub staged_at: Option<u64>,
    /// Who proposed it, as the audit log names principals.
    pub staged_by: String,
}

impl Client {
    /// Proposes a profile, in canonical form; gives its digest.
    pub async fn stage_profile(&self, key: KeyName, profile: Vec<u8>) -> Result<Answer<Hash>> {
        let request = v1::StagePendingProfileRequest {
            key: self.key_ref(key)?.into(),
            profile,
            ..Default::default()
        };
        let answer = self.call(request).await?;
        answer.try_map(|answer| hash(&answer.profile_digest, "profile digest"))
    }

    /// What is proposed for a key.
    pub async fn pending_profiles(&self, key: KeyName) -> Result<Answer<Vec<PendingProfile>>> {
        let request = v1::ListPendingProfilesRequest {
            key: self.key_ref(key)?.into(),
            ..Default::default()
        };
        let answer = self.call(request).await?;
        answer.try_map(|answer| {
            answer
                .profiles
                .into_iter()
                .map(PendingProfile::from_wire)
                .collect()
        })
    }

    /// Takes a proposed profile into the policy of this version.
    pub async fn promote_profile(
        &self,
        key: KeyName,
        digest: Hash,
        expected_version: PolicyVersion,
    ) -> Result<Answer<NewPolicy>> {
        let request = v1::PromotePendingProfileRequest {
            key: self.key_ref(key)?.into(),
            profile_digest: digest.0.to_vec(),
            expected_version: expected_version.0,
            ..Default::default()
        };
        let answer = self.call(request).await?;
        answer.try_map(|answer| new_policy(&answer.policy_hash, answer.policy_version))
    }

    /// Drops a proposed profile.
    pub async fn revoke_profile(&self, key: KeyName, digest: Hash) -> Result<Answer<()>> {
        let request = v1::RevokePendingProfileRequest {
            key: self.key_ref(key)?.into(),
            profile_digest: digest.0.to_vec(),
            ..Default::default()
        };
        self.call(request).await?.try_map(|_| Ok(()))
    }
}

impl PendingProfile {
    pub(crate) fn from_wire(from: v1::PendingProfile) -> Result<Self> {
        Ok(Self {
            profile: from.profile,
            digest: hash(&from.profile_digest, "profile digest")?,
            staged_at: (from.staged_at != 0).then_some(from.staged_at),
            staged_by: from.staged_by,
        })
    }
}
