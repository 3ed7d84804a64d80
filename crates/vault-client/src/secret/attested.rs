//! A vault's client holds shares.

use super::holder::ShareHolder;
use crate::calls::listing::{PAGE, Pages, shares};
use crate::client::Client;
use crate::error::Result;
use vault_policy::{KeyHandle, VaultId};
use zeroize::Zeroizing;

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
        let mut pages = Pages::of(Client::vault_id(self));
        let mut handles = Vec::new();
        loop {
            let (keys, next) = self.list_keys(PAGE, pages.token()).await?.value;
            let more = pages.turn(&keys, next)?;
            handles.extend(shares(&keys));
            if !more {
                return Ok(handles);
            }
        }
    }

    async fn destroy(&self, handle: KeyHandle) -> Result<()> {
        self.delete_key(handle.into()).await.map(drop)
    }
}
