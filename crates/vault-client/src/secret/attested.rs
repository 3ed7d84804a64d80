//! A vault's client holds shares.

use super::holder::ShareHolder;
use crate::client::Client;
use crate::error::Result;
use crate::key::KeyState;
use vault_policy::{KeyHandle, KeyType, VaultId};
use zeroize::Zeroizing;

const PAGE: u32 = 1_000;

impl ShareHolder for Client {
    fn vault_id(&self) -> VaultId {
        Client::vault_id(self)
    }

    async fn put(
        &self,
        handle: KeyHandle,
        policy: Vec<u8>,
        share: Zeroizing<Vec<u8>>,
    ) -> Result<()> {
        self.create_share(handle, policy, share).await.map(drop)
    }

    async fn get(&self, handle: KeyHandle) -> Result<Zeroizing<Vec<u8>>> {
        Ok(Client::reconstruct(self, handle.into()).await?.value)
    }

    async fn list(&self) -> Result<Vec<KeyHandle>> {
        let (mut shares, mut token) = (Vec::new(), String::new());
        loop {
            let (keys, next) = self.list_keys(PAGE, &token).await?.value;
            let kept = keys
                .into_iter()
                .filter(|key| key.key_type == KeyType::RawShare && key.state == KeyState::Enabled);
            shares.extend(kept.map(|key| key.handle));
            if next.is_empty() {
                return Ok(shares);
            }
            token = next;
        }
    }

    async fn destroy(&self, handle: KeyHandle) -> Result<()> {
        self.delete_key(handle.into()).await.map(drop)
    }
}
