//! Creating, reading, listing and deleting keys.

use super::listing::{PAGE, Pages};
use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::heads::KeyPin;
use crate::key::{KeyInfo, KeyName, KeyState, malformed};
use crate::receipt::Answer;
use vault_policy::{KeyHandle, KeyType};
use vault_proto::v1;

/// A key to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateKey {
    /// Chosen by the creator; `None` for random bits of this client.
    pub handle: Option<KeyHandle>,
    /// Its type.
    pub key_type: KeyType,
    /// Unique among the owner's keys; may be empty.
    pub name: String,
    /// The policy in canonical form.
    pub policy: Vec<u8>,
    /// Names and values.
    pub labels: Vec<(String, String)>,
}

/// What became of a deleted key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deleted {
    /// Destroyed, or pending deletion.
    pub state: KeyState,
    /// Leaf index of the tombstone; 0 while the deletion is pending.
    pub tombstone_index: u64,
    /// Unix seconds, vault time, while the deletion is pending.
    pub due_at: Option<u64>,
}

impl Client {
    /// Makes a key. A repeat after a lost answer makes no second one.
    pub async fn create_key(&self, key: CreateKey) -> Result<Answer<KeyInfo>> {
        let handle = match key.handle {
            Some(handle) => handle,
            None => KeyHandle(crate::client::random()?),
        };
        let labels = key.labels.into_iter();
        let request = v1::CreateKeyRequest {
            handle: handle.to_string(),
            r#type: vault_proto::to_key_type(key.key_type).into(),
            name: key.name,
            policy: key.policy,
            labels: labels
                .map(|(name, value)| v1::Label {
                    name,
                    value,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        };
        self.created(request, handle).await
    }

    /// The answer to a creation is about the key that was asked for.
    pub(crate) async fn created(
        &self,
        request: v1::CreateKeyRequest,
        handle: KeyHandle,
    ) -> Result<Answer<KeyInfo>> {
        let answer = self
            .call(request)
            .await?
            .try_map(|answer| self.seen_key(answer.key))?;
        if answer.value.handle != handle {
            return Err(malformed("handle"));
        }
        Ok(answer)
    }

    /// Reads a key's metadata.
    pub async fn get_key(&self, key: KeyName) -> Result<Answer<KeyInfo>> {
        let request = v1::GetKeyRequest {
            key: self.key_ref(key)?.into(),
            ..Default::default()
        };
        let answer = self
            .call(request)
            .await?
            .try_map(|answer| self.seen_key(answer.key))?;
        if answer.value.handle != key.handle {
            return Err(malformed("handle"));
        }
        Ok(answer)
    }

    /// One page of the caller's own keys, and the token of the next page; empty on the last.
    pub async fn list_keys(
        &self,
        page_size: u32,
        page_token: &str,
    ) -> Result<Answer<(Vec<KeyInfo>, String)>> {
        let page_token = page_token.to_owned();
        let request = v1::ListKeysRequest {
            page_size,
            page_token,
            ..Default::default()
        };
        self.call(request).await?.try_map(|answer| {
            let keys: Vec<_> = answer
                .keys
                .into_iter()
                .map(KeyInfo::from_wire)
                .collect::<Result<_>>()?;
            self.pin(&keys)?;
            Ok((keys, answer.next_page_token))
        })
    }

    /// The caller's own key of this name.
    pub async fn find_key(&self, name: &str) -> Result<KeyInfo> {
        let mut pages = Pages::of(self.vault_id());
        loop {
            let (keys, next) = self.list_keys(PAGE, pages.token()).await?.value;
            let more = pages.turn(&keys, next)?;
            if let Some(found) = keys.into_iter().find(|key| key.name == name) {
                return Ok(found);
            }
            if !more {
                return Err(Error::new(ErrorCode::NotFound)
                    .vault(self.vault_id())
                    .detail(name));
            }
        }
    }

    /// Destroys a key at once.
    pub async fn delete_key(&self, key: KeyName) -> Result<Answer<Deleted>> {
        self.schedule_deletion(key, 0).await
    }

    /// Destroys a key in so many seconds, at least as many as its policy says. Until then it refuses
    /// every use, and its owner or a manager may cancel that.
    pub async fn schedule_deletion(&self, key: KeyName, window: u64) -> Result<Answer<Deleted>> {
        let key = self.key_ref(key)?.into();
        let request = v1::ScheduleDeletionRequest {
            key,
            window,
            ..Default::default()
        };
        self.call(request).await?.try_map(|answer| {
            let state = KeyState::from_wire(answer.state)?;
            Ok(Deleted {
                state,
                tombstone_index: answer.tombstone_index,
                due_at: (answer.due_at != 0).then_some(answer.due_at),
            })
        })
    }

    /// Takes back a deletion that is pending; gives the state that the key has then.
    pub async fn cancel_deletion(&self, key: KeyName) -> Result<Answer<KeyState>> {
        let request = v1::CancelDeletionRequest {
            key: self.key_ref(key)?.into(),
            ..Default::default()
        };
        let answer = self.call(request).await?;
        answer.try_map(|answer| KeyState::from_wire(answer.state))
    }

    /// The reference that goes out: with the lineage given, or else the one that is pinned.
    pub(crate) fn key_ref(&self, key: KeyName) -> Result<v1::KeyRef> {
        let pinned = self.heads().lineage(&self.vault_id(), &key.handle)?;
        let lineage = key.lineage.or(pinned);
        Ok(KeyName { lineage, ..key }.to_wire())
    }

    fn seen_key(
        &self,
        key: buffa::MessageField<v1::KeyInfo, buffa::Inline<v1::KeyInfo>>,
    ) -> Result<KeyInfo> {
        let key = KeyInfo::from_wire(key.into_option().ok_or_else(|| malformed("key"))?)?;
        self.pin(std::slice::from_ref(&key))?;
        Ok(key)
    }

    fn pin(&self, keys: &[KeyInfo]) -> Result<()> {
        let pins: Vec<_> = keys
            .iter()
            .map(|key| KeyPin {
                handle: key.handle,
                lineage: key.lineage,
            })
            .collect();
        self.heads().pin(&self.vault_id(), &pins)
    }
}
