//! An honest worker: one call after the other, each answer checked.

use super::Counts;
use super::ledger::{Ledger, MESSAGE, State};
use crate::sim::SimRng;
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vault_client::{Client, CreateKey, Error, ErrorCode, Input, KeyName};
use vault_policy::{KeyHandle, KeyType};

/// Between two calls: the log of a soak grows slowly.
const PAUSE: Duration = Duration::from_millis(10);

pub(super) struct Worker {
    pub(super) client: Client,
    pub(super) ledger: Ledger,
    pub(super) rng: SimRng,
    pub(super) end: Arc<AtomicBool>,
    pub(super) counts: Arc<Counts>,
}

/// What a worker leaves behind.
pub(super) struct Worked {
    pub(super) ledger: Ledger,
    pub(super) wrong: Vec<String>,
}

/// How a call failed.
enum Failed {
    /// The vault answered, and not as it should.
    Wrong(String),
    Error(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn expect(holds: bool, what: &str) -> Result<(), Failed> {
    match holds {
        true => Ok(()),
        false => Err(Failed::Wrong(what.to_owned())),
    }
}

impl Worker {
    pub(super) async fn work(mut self) -> Worked {
        let mut wrong = Vec::new();
        while !self.end.load(Ordering::SeqCst) {
            match self.step().await {
                Ok(()) => {
                    self.counts.right.fetch_add(1, Ordering::Relaxed);
                }
                Err(Failed::Wrong(what)) => wrong.push(what),
                Err(Failed::Error(error)) => match error.code {
                    ErrorCode::Unavailable | ErrorCode::Timeout => {
                        self.counts.unanswered.fetch_add(1, Ordering::Relaxed);
                    }
                    ErrorCode::RateLimited => {
                        self.counts.limited.fetch_add(1, Ordering::Relaxed);
                    }
                    _ => wrong.push(format!("{error}")),
                },
            }
            tokio::time::sleep(PAUSE).await;
        }
        Worked {
            ledger: self.ledger,
            wrong,
        }
    }

    async fn step(&mut self) -> Result<(), Failed> {
        if self.rng.one_in(25) {
            return self.create().await;
        }
        let Some((handle, entry)) = self.ledger.choose(&mut self.rng) else {
            return self.create().await;
        };
        if self.rng.one_in(50) {
            return self.delete(handle).await;
        }
        let (client, name) = (&self.client, KeyName::from(handle));
        let noise = self.rng.draw().to_be_bytes().to_vec();
        match entry.key_type {
            KeyType::HmacSha256 => {
                let tag = client.mac(name, MESSAGE.to_vec()).await?.value.bytes;
                let first = entry.tag.get_or_insert_with(|| tag.clone());
                expect(*first == tag, "another tag of the same message")
            }
            KeyType::Aes256Gcm => {
                let wrapped = client.wrap(name, noise.clone(), Vec::new()).await?;
                let opened = client.unwrap(name, wrapped.value.bytes, Vec::new()).await?;
                expect(opened.value.bytes == noise, "another plaintext")
            }
            _ => {
                let input = |bytes: &[u8]| Input::Message(bytes.to_vec());
                let signed = client
                    .sign(name, input(&noise), false)
                    .await?
                    .value
                    .signature;
                let verify = client.verify(name, input(&noise), signed.clone(), false, None);
                expect(verify.await?.value, "a signature that does not verify")?;
                let other = client.verify(name, input(MESSAGE), signed, false, None);
                expect(!other.await?.value, "a signature of anything")
            }
        }
    }

    async fn create(&mut self) -> Result<(), Failed> {
        let types = [
            KeyType::HmacSha256,
            KeyType::Aes256Gcm,
            KeyType::P256Signing,
        ];
        let [a, b, c] = types;
        let key_type = match self.rng.below(3) {
            0 => a,
            1 => b,
            _ => c,
        };
        let mut handle = [0; 16];
        for half in handle.chunks_mut(8) {
            half.copy_from_slice(&self.rng.draw().to_be_bytes());
        }
        let policy = self.ledger.policy(key_type);
        let asked = CreateKey {
            handle: Some(KeyHandle(handle)),
            key_type,
            name: String::new(),
            policy: policy.map_err(|error| Failed::Wrong(error.to_string()))?,
            labels: Vec::new(),
        };
        let made = self.client.create_key(asked).await?.value;
        expect(made.handle == KeyHandle(handle), "another handle")?;
        self.ledger.add(made.handle, key_type, made.lineage);
        Ok(())
    }

    async fn delete(&mut self, handle: KeyHandle) -> Result<(), Failed> {
        self.ledger.set(handle, State::Unsure);
        self.client.delete_key(KeyName::from(handle)).await?;
        self.ledger.set(handle, State::Deleted);
        Ok(())
    }
}
