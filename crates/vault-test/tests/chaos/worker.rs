//! One client: its own constellation, memory, owner key and keys. It does what the seed says, and
//! holds each result to the model.

use crate::ledger::{Key, Known, Ledger};
use crate::model::{Begun, Model, Owes, Window};
use crate::secrets::Owned;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Barrier, watch};
use vault_client::constellation::{Effect, Goal, Holder, Outcomes};
use vault_client::secret::{OwnerKey, Secrets};
use vault_client::{Client, Constellation, CreateKey, Error, ErrorCode, Input};
use vault_core::Rng;
use vault_policy::{KeyHandle, KeyType, OidcSubject, TemplateArgs, VaultId, template};
use vault_test::sim::SimRng;
use zeroize::Zeroizing;

pub(crate) struct Worker {
    pub(crate) rng: SimRng,
    /// In the order of the model.
    pub(crate) vaults: Vec<VaultId>,
    pub(crate) ledger: Ledger,
    pub(crate) owned: Owned,
    constellation: Constellation,
    owner: OidcSubject,
    model: Arc<Model>,
}

impl Worker {
    pub(crate) fn new(
        number: usize,
        seed: u64,
        constellation: Constellation,
        vaults: Vec<VaultId>,
        folder: &Path,
        issuer: &str,
        model: Arc<Model>,
    ) -> Self {
        let mut rng = SimRng::new(
            seed.wrapping_add(1 + number as u64)
                .wrapping_mul(0x9e37_79b9),
        );
        let mut key = Zeroizing::new([0; 32]);
        rng.fill(&mut *key);
        let secrets = Secrets::new(folder, OwnerKey::from_bytes(key));
        let owner = OidcSubject {
            issuer: issuer.to_owned(),
            subject: crate::name(number),
        };
        let policy = policy(&owner, KeyType::RawShare);
        Self {
            rng,
            vaults,
            ledger: Ledger::default(),
            owned: Owned::new(constellation.secrets(secrets), policy),
            constellation,
            owner,
            model,
        }
    }

    /// Until it is told to stop; then, with every vault up, whatever is left in doubt is settled.
    pub(crate) async fn work(
        mut self,
        begun: Arc<Barrier>,
        stopped: watch::Receiver<bool>,
    ) -> Ledger {
        self.split().await;
        begun.wait().await;
        while !*stopped.borrow() {
            self.step().await;
        }
        self.settle().await;
        self.ledger
    }

    async fn step(&mut self) {
        match self.rng.below(20) {
            0 => self.split().await,
            1..=8 => self.reconstruct().await,
            9 => self.refresh().await,
            10 | 11 => self.create().await,
            12..=15 => self.sign().await,
            16 | 17 => self.delete().await,
            18 => self.ask_each().await,
            _ => self.ask_first().await,
        }
    }

    pub(crate) fn begin(&self) -> Begun {
        self.model.begin()
    }

    pub(crate) fn end(&self, begun: Begun) -> Window {
        self.model.end(begun)
    }

    /// Holds a result to what the model owes, and a failure to what a vault that cannot be
    /// reached is a reason for.
    pub(crate) fn judge(
        &mut self,
        what: &'static str,
        owes: Owes,
        window: &Window,
        failure: Option<&Error>,
    ) {
        match (owes, failure) {
            (Owes::Success, Some(error)) => panic!("{what} failed with {window:?}: {error}"),
            (Owes::Failure, None) => panic!("{what} succeeded with {window:?}"),
            _ => {}
        }
        if let Some(error) = failure {
            is_honest(what, error);
        }
        self.ledger.enter(what, owes, failure.is_none());
    }

    pub(crate) fn holders(&self) -> Vec<Holder> {
        self.constellation.holders()
    }

    pub(crate) fn at(&self, vault: &VaultId) -> usize {
        let mut vaults = self.vaults.iter();
        vaults.position(|known| known == vault).expect("a member")
    }

    async fn on<T, F>(&self, vault: usize, call: impl Fn(Client) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let outcomes = self.constellation.each(&[self.vaults[vault]], call).await;
        outcomes.into_iter().next().expect("one outcome").result
    }

    /// A new key, or one whose creation was not answered.
    async fn create(&mut self) {
        let doubtful = self.ledger.keys.iter();
        let doubtful = doubtful
            .clone()
            .position(|key| key.created == Known::Perhaps);
        let index = doubtful.unwrap_or_else(|| {
            let mut handle = [0; 16];
            self.rng.fill(&mut handle);
            self.ledger.keys.push(Key {
                vault: self.rng.index(self.vaults.len()),
                handle: KeyHandle(handle),
                created: Known::No,
                deleted: Known::No,
                signatures_asked: 0,
                signatures_got: 0,
            });
            self.ledger.keys.len() - 1
        });
        self.create_again(index).await;
    }

    async fn create_again(&mut self, index: usize) {
        let (vault, handle) = (
            self.ledger.keys[index].vault,
            self.ledger.keys[index].handle,
        );
        let key = CreateKey {
            handle: Some(handle),
            key_type: KeyType::P256Signing,
            name: String::new(),
            policy: policy(&self.owner, KeyType::P256Signing),
            labels: Vec::new(),
        };
        let begun = self.begin();
        let created = self
            .on(vault, |client| {
                let key = key.clone();
                async move { client.create_key(key).await.map(drop) }
            })
            .await;
        let window = self.end(begun);
        let before = self.ledger.keys[index].created;
        let failure = created.err().filter(|error| {
            // An earlier creation whose answer was lost.
            !(error.code == ErrorCode::AlreadyExists && before == Known::Perhaps)
        });
        self.ledger.keys[index].created = match &failure {
            None => Known::Yes,
            Some(_) => Known::Perhaps,
        };
        self.judge("create", window.owes_on(vault), &window, failure.as_ref());
    }

    fn usable(&mut self) -> Option<usize> {
        let usable = |key: &Key| key.created == Known::Yes && key.deleted == Known::No;
        let keys = self.ledger.keys.iter().enumerate();
        let usable: Vec<_> = keys.filter(|(_, key)| usable(key)).collect();
        let indices: Vec<_> = usable.into_iter().map(|(index, _)| index).collect();
        self.rng.pick(&indices).copied()
    }

    async fn sign(&mut self) {
        let Some(index) = self.usable() else {
            return self.create().await;
        };
        let (vault, handle) = (
            self.ledger.keys[index].vault,
            self.ledger.keys[index].handle,
        );
        let message = self.rng.draw().to_be_bytes().to_vec();
        self.ledger.keys[index].signatures_asked += 1;
        let begun = self.begin();
        let signed = self
            .on(vault, |client| {
                let input = Input::Message(message.clone());
                async move { client.sign(handle.into(), input, true).await.map(drop) }
            })
            .await;
        let window = self.end(begun);
        self.ledger.keys[index].signatures_got += u64::from(signed.is_ok());
        let failure = signed.err();
        self.judge("sign", window.owes_on(vault), &window, failure.as_ref());
    }

    async fn delete(&mut self) {
        let mut keys = self.ledger.keys.iter();
        let doubtful = keys.position(|key| key.deleted == Known::Perhaps);
        let Some(index) = doubtful.or_else(|| self.usable()) else {
            return self.create().await;
        };
        self.delete_again(index).await;
    }

    async fn delete_again(&mut self, index: usize) {
        let (vault, handle) = (
            self.ledger.keys[index].vault,
            self.ledger.keys[index].handle,
        );
        let begun = self.begin();
        let deleted = self
            .on(vault, |client| async move {
                client.delete_key(handle.into()).await.map(drop)
            })
            .await;
        let window = self.end(begun);
        let before = self.ledger.keys[index].deleted;
        let failure = deleted.err().filter(|error| {
            // An earlier deletion whose answer was lost.
            !(error.code == ErrorCode::NotFound && before == Known::Perhaps)
        });
        self.ledger.keys[index].deleted = match &failure {
            None => Known::Yes,
            Some(_) => Known::Perhaps,
        };
        self.judge("delete", window.owes_on(vault), &window, failure.as_ref());
    }

    /// Every vault has its own outcome, and no failure is hidden by a goal that was met.
    async fn ask_each(&mut self) {
        let begun = self.begin();
        let outcomes = self
            .constellation
            .each(&self.vaults, |client| async move { client.whoami().await })
            .await;
        let window = self.end(begun);
        let done: Vec<_> = outcomes.succeeded().map(|(id, _)| self.at(&id)).collect();
        let failed: Vec<_> = outcomes.failed().map(|(id, _)| self.at(&id)).collect();
        assert_eq!(done.len() + failed.len(), self.vaults.len());
        contains(&done, &window.up());
        contains(&failed, &window.down());
        self.check_goal(&outcomes, &failed);
        let error = outcomes.error(crate::THRESHOLD);
        let missed = error.filter(|error| error.code != ErrorCode::Partial);
        let owes = window.owes(crate::THRESHOLD);
        self.judge("ask each", owes, &window, missed.as_ref());
    }

    fn check_goal<T>(&self, outcomes: &Outcomes<T>, failed: &[usize]) {
        let all_but = self.vaults.len() - failed.len();
        let expected = match (failed.len(), all_but >= crate::THRESHOLD) {
            (0, _) => Goal::Met,
            (_, true) => Goal::Partial,
            (_, false) => Goal::TooFewVaults,
        };
        assert_eq!(outcomes.goal(crate::THRESHOLD), expected);
        if let Some(error) = outcomes.error(crate::THRESHOLD) {
            let text = error.message();
            let named = |vault: &usize| text.contains(&self.vaults[*vault].to_string());
            assert!(failed.iter().all(named), "{text}");
        }
    }

    /// The first of all vaults that answers, however many are silent.
    async fn ask_first(&mut self) {
        let mut order = self.vaults.clone();
        let turn = self.rng.index(order.len());
        order.rotate_left(turn);
        let begun = self.begin();
        let first = self
            .constellation
            .first(&order, Effect::None, |client| async move {
                client.whoami().await
            })
            .await;
        let window = self.end(begun);
        let failure = match first {
            Ok(first) => {
                assert!(!window.down().contains(&self.at(&first.vault_id)));
                let failed: Vec<_> = first.failed.iter().map(|(id, _)| self.at(id)).collect();
                let up = window.up();
                assert!(failed.iter().all(|vault| !up.contains(vault)), "{failed:?}");
                None
            }
            Err(error) => Some(error),
        };
        self.judge("ask first", window.owes(1), &window, failure.as_ref());
    }

    /// Every vault is up: each doubt has an answer, each secret is there.
    async fn settle(&mut self) {
        for index in 0..self.ledger.keys.len() {
            if self.ledger.keys[index].created == Known::Perhaps {
                self.create_again(index).await;
            }
            if self.ledger.keys[index].deleted == Known::Perhaps {
                self.delete_again(index).await;
            }
        }
        self.settle_secrets().await;
    }
}

/// What a vault that does not answer may be a reason for. Evidence of a rollback, a damaged
/// share or another vault would be another matter.
pub(crate) fn is_honest(what: &str, error: &Error) {
    let codes = [
        ErrorCode::Unavailable,
        ErrorCode::Timeout,
        ErrorCode::TooFewVaults,
    ];
    assert!(codes.contains(&error.code), "{what}: {error}");
}

pub(crate) fn contains(all: &[usize], some: &[usize]) {
    let missing = some.iter().find(|vault| !all.contains(vault));
    assert_eq!(missing, None, "{all:?} should have {some:?}");
}

fn policy(owner: &OidcSubject, key_type: KeyType) -> Vec<u8> {
    let policy = template("owner", &TemplateArgs::new(owner.clone(), key_type)).unwrap();
    policy.canonical_bytes().to_vec()
}
