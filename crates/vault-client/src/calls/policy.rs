//! Reading, changing and trying policies.

use crate::client::Client;
use crate::error::Result;
use crate::key::{KeyName, hash};
use crate::receipt::Answer;
use vault_approval::ApprovalRequest;
use vault_policy::{PolicyHash, PolicyVersion};
use vault_proto::v1;

/// The policy that a key has now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewPolicy {
    /// Hash of its canonical form.
    pub hash: PolicyHash,
    /// Its version.
    pub version: PolicyVersion,
}

/// Whether a call would be allowed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Simulated {
    /// Whether it would.
    pub allowed: bool,
    /// The code of the refusal.
    pub code: Option<String>,
    /// The rule that would refuse.
    pub rule: Option<String>,
    /// Path of the condition inside the rule.
    pub condition: Option<String>,
    /// What would have to be there too, in words.
    pub missing: Vec<String>,
}

impl Client {
    /// A key's policy in canonical form, and its version.
    pub async fn policy(&self, key: KeyName) -> Result<Answer<(Vec<u8>, PolicyVersion)>> {
        let key = self.key_ref(key)?.into();
        let request = v1::GetPolicyRequest {
            key,
            ..Default::default()
        };
        let answer = self.call(request).await?;
        answer.try_map(|answer| Ok((answer.policy, PolicyVersion(answer.policy_version))))
    }

    /// Puts a policy, in canonical form, in the place of the one of this version. The one that stands
    /// judges the change.
    pub async fn update_policy(
        &self,
        key: KeyName,
        policy: Vec<u8>,
        expected_version: PolicyVersion,
    ) -> Result<Answer<NewPolicy>> {
        let request = v1::UpdatePolicyRequest {
            key: self.key_ref(key)?.into(),
            policy,
            expected_version: expected_version.0,
            ..Default::default()
        };
        let answer = self.call(request).await?;
        answer.try_map(|answer| new_policy(&answer.policy_hash, answer.policy_version))
    }

    /// Whether this caller would be allowed this request now, and what is missing if not. Nothing is
    /// done.
    pub async fn simulate(
        &self,
        key: KeyName,
        request: &ApprovalRequest,
    ) -> Result<Answer<Simulated>> {
        let request = v1::SimulateRequest {
            key: self.key_ref(key)?.into(),
            request: request.canonical_bytes(),
            ..Default::default()
        };
        let answer = self.call(request).await?;
        let given = |text: String| (!text.is_empty()).then_some(text);
        answer.try_map(|answer| {
            Ok(Simulated {
                allowed: answer.allowed,
                code: given(answer.code),
                rule: given(answer.rule),
                condition: given(answer.condition),
                missing: answer.missing,
            })
        })
    }
}

pub(super) fn new_policy(policy_hash: &[u8], version: u64) -> Result<NewPolicy> {
    Ok(NewPolicy {
        hash: PolicyHash(hash(policy_hash, "policy hash")?),
        version: PolicyVersion(version),
    })
}
