//! Split secrets under chaos: two of four.

use crate::THRESHOLD;
use crate::worker::{Worker, contains};
use std::collections::{BTreeMap, BTreeSet};
use vault_client::constellation::SplitSecrets;
use vault_client::secret::{Collected, Failed, SetRecord, Share, ShareHolder, Wait};
use vault_client::{Error, ErrorCode};
use vault_core::Rng;
use vault_policy::VaultId;

/// Most secrets of one client.
const MOST: usize = 12;

/// A client's secrets: those that it was told are split.
pub(crate) struct Owned {
    split: SplitSecrets,
    policy: Vec<u8>,
    known: BTreeMap<String, Vec<u8>>,
    /// The name and the secret of a split that failed, to be tried again.
    unfinished: Option<(String, Vec<u8>)>,
}

impl Owned {
    pub(crate) fn new(split: SplitSecrets, policy: Vec<u8>) -> Self {
        Self {
            split,
            policy,
            known: BTreeMap::new(),
            unfinished: None,
        }
    }
}

impl Worker {
    /// Needs every vault: each must take its share, or there is no secret.
    pub(crate) async fn split(&mut self) {
        if self.owned.known.len() >= MOST && self.owned.unfinished.is_none() {
            return self.reconstruct().await;
        }
        let (name, secret) = self.owned.unfinished.take().unwrap_or_else(|| {
            let mut secret = vec![0; 1 + self.rng.index(100)];
            self.rng.fill(&mut secret);
            (format!("secret-{}", self.owned.known.len()), secret)
        });
        let begun = self.begin();
        let split = self
            .owned
            .split
            .split(
                &self.vaults,
                &name,
                &secret,
                THRESHOLD as u8,
                self.owned.policy.clone(),
            )
            .await;
        let window = self.end(begun);
        let failure = match split {
            Ok(done) => {
                assert_eq!(done.record.members.len(), self.vaults.len());
                self.owned.known.insert(name, secret);
                None
            }
            Err(failed) => {
                contains(&self.named(&failed), &window.down());
                self.owned.unfinished = Some((name, secret));
                Some(failed.error)
            }
        };
        let owes = window.owes(self.vaults.len());
        self.judge("split", owes, &window, failure.as_ref());
    }

    fn any_secret(&mut self) -> Option<(String, Vec<u8>)> {
        let names: Vec<_> = self.owned.known.keys().cloned().collect();
        let name = self.rng.pick(&names)?.clone();
        let secret = self.owned.known.get(&name)?.clone();
        Some((name, secret))
    }

    /// Needs two vaults of four, and gives exactly the secret or nothing.
    pub(crate) async fn reconstruct(&mut self) {
        let Some((name, secret)) = self.any_secret() else {
            return self.create_instead().await;
        };
        let begun = self.begin();
        let got = self.owned.split.reconstruct(&name, Wait::Enough).await;
        let window = self.end(begun);
        let failure = match got {
            Ok(found) => {
                assert_eq!(*found.secret, secret, "{name}");
                self.check_collected(&found.collected);
                let used: Vec<_> = found
                    .collected
                    .used()
                    .iter()
                    .map(|id| self.at(id))
                    .collect();
                assert_eq!(used.len(), THRESHOLD);
                let down = window.down();
                assert!(used.iter().all(|vault| !down.contains(vault)), "{used:?}");
                None
            }
            Err(failed) => {
                self.check_collected(&failed.collected);
                contains(&self.named(&failed), &window.down());
                Some(failed.error)
            }
        };
        self.judge(
            "reconstruct",
            window.owes(THRESHOLD),
            &window,
            failure.as_ref(),
        );
    }

    async fn create_instead(&mut self) {
        Box::pin(self.split()).await;
    }

    /// Each vault is told of, and no share is wrong.
    fn check_collected(&self, collected: &Collected) {
        let told: BTreeSet<_> = collected.shares.iter().map(|(id, _)| self.at(id)).collect();
        assert_eq!(told.len(), self.vaults.len(), "{collected:?}");
        assert_eq!(collected.wrong(), [], "{collected:?}");
        for (_, share) in &collected.shares {
            if let Share::Missing(error) = share {
                crate::worker::is_honest("a share", error);
            }
        }
    }

    /// Vaults that a failure names.
    fn named(&self, failed: &Failed) -> Vec<usize> {
        let told = failed.not_prepared.iter().chain(&failed.not_retired);
        let told = told.map(|(vault, _)| *vault);
        let missing = failed.collected.missing();
        let named: BTreeSet<_> = told.chain(missing).collect();
        named.iter().map(|vault| self.at(vault)).collect()
    }

    /// Needs every vault. The secret stays what it is, whatever becomes of it.
    pub(crate) async fn refresh(&mut self) {
        let Some((name, _)) = self.any_secret() else {
            return self.create_instead().await;
        };
        let before = self.owned.split.records().record(&name).unwrap();
        let begun = self.begin();
        let refreshed = self.owned.split.refresh(&name, None).await;
        let window = self.end(begun);
        let owes = window.owes(self.vaults.len());
        let failure = match refreshed {
            Ok(done) => {
                assert!(done.record.generation > before.generation);
                if owes == crate::model::Owes::Success {
                    assert_eq!(done.not_retired, []);
                }
                None
            }
            Err(failed) => {
                contains(&self.named(&failed), &window.down());
                let now = self.owned.split.records().record(&name).unwrap();
                assert_eq!(now.generation, before.generation, "{name}");
                Some(failed.error)
            }
        };
        self.judge("refresh", owes, &window, failure.as_ref());
    }

    /// Every vault is up: every secret comes back from four good shares, old shares can be
    /// destroyed, and no vault holds one that no record knows.
    pub(crate) async fn settle_secrets(&mut self) {
        for (name, secret) in self.owned.known.clone() {
            let found = self.owned.split.reconstruct(&name, Wait::All).await;
            let found = found.unwrap_or_else(|failed| panic!("{name}: {failed:?}"));
            assert_eq!(*found.secret, secret);
            assert_eq!(found.collected.missing(), []);
            self.check_collected(&found.collected);
            let done = self.owned.split.refresh(&name, None).await;
            let done = done.unwrap_or_else(|failed| panic!("{name}: {failed:?}"));
            assert_eq!(done.not_retired, [], "{name}");
        }
        let mut known = BTreeSet::new();
        for name in self.owned.split.records().names().unwrap() {
            let record = self.owned.split.records().record(&name).unwrap();
            for (vault, handle) in places(&record) {
                known.insert((self.at(&vault), handle));
            }
            let members = record.members.iter();
            let shares = members.map(|place| (self.at(&place.vault_id), place.handle));
            let shares: Vec<_> = shares.collect();
            self.ledger.shares.extend(shares);
        }
        for holder in self.holders() {
            let vault = self.at(&holder.vault_id());
            let listed: Result<Vec<_>, Error> = holder.list().await;
            for handle in listed.unwrap() {
                assert!(
                    known.contains(&(vault, handle)),
                    "vault {vault} holds {handle}, which no record knows"
                );
            }
        }
        // A name that was never taken may be taken now.
        if let Some((name, _)) = &self.owned.unfinished {
            let record = self.owned.split.records().record(name);
            let code = record.as_ref().map_err(|error| error.code);
            assert!(
                code.is_err_and(|code| code == ErrorCode::NotFound)
                    || record.is_ok_and(|record| record.generation == 0)
            );
        }
    }
}

/// Wherever a record says that a share is or may be.
fn places(record: &SetRecord) -> Vec<(VaultId, vault_policy::KeyHandle)> {
    let preparing = record.preparing.iter().flat_map(|next| &next.members);
    let begun = record.begun.iter().map(|begun| &begun.place);
    let all = record
        .members
        .iter()
        .chain(&record.retired)
        .chain(preparing)
        .chain(begun);
    all.map(|place| (place.vault_id, place.handle)).collect()
}
