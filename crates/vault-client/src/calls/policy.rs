//! Reading policies.

use crate::client::Client;
use crate::error::Result;
use crate::key::KeyName;
use crate::receipt::Answer;
use vault_policy::PolicyVersion;
use vault_proto::v1;

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
}
