//! One member as a holder of shares, connected when its first call is made, and looked for anew
//! after its connection was lost.

use super::Constellation;
use crate::calls::listing::{PAGE, Pages, shares};
use crate::client::Client;
use crate::error::Result;
use crate::receipt::{Answer, Receipt};
use crate::secret::ShareHolder;
use crate::session::Peer;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use vault_policy::{KeyHandle, VaultId};
use zeroize::Zeroizing;

/// What a vault confirmed, and who it is.
#[derive(Clone, Debug)]
pub struct Done {
    /// The vault, as appraised.
    pub peer: Peer,
    /// Of its last answer.
    pub receipt: Receipt,
}

/// The last receipt of each vault.
#[derive(Clone, Default)]
pub(super) struct Receipts(Arc<Mutex<BTreeMap<VaultId, Done>>>);

impl Receipts {
    pub(super) fn all(&self) -> BTreeMap<VaultId, Done> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keep(&self, done: Done) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(done.peer.vault_id, done);
    }
}

/// One member as a holder of shares.
#[derive(Clone)]
pub struct Holder {
    constellation: Constellation,
    vault: VaultId,
    receipts: Receipts,
}

impl Holder {
    pub(super) fn new(constellation: Constellation, vault: VaultId, receipts: Receipts) -> Self {
        Self {
            constellation,
            vault,
            receipts,
        }
    }

    /// Makes one call and keeps its receipt.
    async fn ask<T, F, R>(&self, call: F) -> Result<T>
    where
        T: Send,
        F: Fn(Client) -> R + Send + Sync,
        R: Future<Output = Result<Answer<T>>> + Send,
    {
        let call = &call;
        let asked = |client: Client| async move {
            // First, because nothing may fail once the vault has confirmed.
            let peer = client.peer().await?;
            Ok((call(client).await?, peer))
        };
        let (answer, peer) = self.constellation.answer(self.vault, &asked).await?;
        self.receipts.keep(Done {
            peer,
            receipt: answer.receipt,
        });
        Ok(answer.value)
    }
}

impl ShareHolder for Holder {
    fn vault_id(&self) -> VaultId {
        self.vault
    }

    async fn put(
        &self,
        handle: KeyHandle,
        policy: Vec<u8>,
        share: Zeroizing<Vec<u8>>,
    ) -> Result<()> {
        let (policy, share) = (&policy, &share);
        self.ask(|client| async move {
            let share = Zeroizing::new(share.to_vec());
            client.create_share(handle, policy.clone(), share).await
        })
        .await
        .map(drop)
    }

    async fn get(&self, handle: KeyHandle) -> Result<Zeroizing<Vec<u8>>> {
        self.ask(|client| async move { client.reconstruct(handle.into()).await })
            .await
    }

    async fn list(&self) -> Result<Vec<KeyHandle>> {
        let mut handles = Vec::new();
        let mut pages = Pages::of(self.vault);
        loop {
            let page = pages.token();
            let (keys, next) = self
                .ask(|client| async move { client.list_keys(PAGE, page).await })
                .await?;
            let more = pages.turn(&keys, next)?;
            handles.extend(shares(&keys));
            if !more {
                return Ok(handles);
            }
        }
    }

    async fn destroy(&self, handle: KeyHandle) -> Result<()> {
        self.ask(|client| async move { client.delete_key(handle.into()).await })
            .await
            .map(drop)
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holder({})", self.vault)
    }
}
