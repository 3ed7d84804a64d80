//! Keeping and fetching shares.

use crate::client::Client;
use crate::error::Result;
use crate::key::{KeyInfo, KeyName};
use crate::receipt::Answer;
use vault_policy::{KeyHandle, KeyType};
use vault_proto::v1;
use zeroize::Zeroizing;

impl Client {
    /// Has the vault keep one share: bytes of one of [`vault_policy::SHARE_CLASSES`], the first of
    /// them not 0. `policy` is the canonical form. A repeat after a lost answer keeps no second
    /// one; a share has no name and no labels, which would stand on every vault alike.
    pub async fn create_share(
        &self,
        handle: KeyHandle,
        policy: Vec<u8>,
        mut share: Zeroizing<Vec<u8>>,
    ) -> Result<Answer<KeyInfo>> {
        let request = v1::CreateKeyRequest {
            handle: handle.to_string(),
            r#type: vault_proto::to_key_type(KeyType::RawShare).into(),
            policy,
            share: std::mem::take(&mut *share),
            ..Default::default()
        };
        self.created(request, handle).await
    }

    /// Fetches a share as it was stored. Logged by the vault; a plain bearer token is refused.
    pub async fn reconstruct(&self, key: KeyName) -> Result<Answer<Zeroizing<Vec<u8>>>> {
        let request = v1::ReconstructRequest {
            key: self.key_ref(key)?.into(),
            ..Default::default()
        };
        let answer = self.call(request).await?;
        answer.try_map(|answer| Ok(Zeroizing::new(answer.share)))
    }
}
